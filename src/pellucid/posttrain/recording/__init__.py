"""The record of a training run: its format, its writer and reader, and importers of others' logs.

`RunWriter` writes a run folder while an engine trains; `read_run` reads one, finished or not.
`open_record` also takes an output folder of TRL and JSONL of prompts, completions and rewards. All
give a `RunRecord`; what a source lacks is absent there, with the reason, and never invented.
"""

from pellucid.posttrain.recording.importing import is_record, open_record
from pellucid.posttrain.recording.keeping import Keeper, KeepLimits, Kept
from pellucid.posttrain.recording.prompt_files import import_jsonl
from pellucid.posttrain.recording.reader import is_training_run, read_head, read_run
from pellucid.posttrain.recording.rows import (
    EvaluationRow,
    RunHead,
    RunRecord,
    SampleRow,
    TokenRow,
    UpdateRow,
)
from pellucid.posttrain.recording.trl_folder import import_trl_folder, is_trl_folder
from pellucid.posttrain.recording.writer import RunWriter

__all__ = [
    "EvaluationRow",
    "KeepLimits",
    "Keeper",
    "Kept",
    "RunHead",
    "RunRecord",
    "RunWriter",
    "SampleRow",
    "TokenRow",
    "UpdateRow",
    "import_jsonl",
    "import_trl_folder",
    "is_record",
    "is_training_run",
    "is_trl_folder",
    "open_record",
    "read_head",
    "read_run",
]
