"""How the run was made, as data: model, data, settings, cost."""

from collections.abc import Mapping
from typing import Any

from pellucid.io import strict_json
from pellucid.report.language.record import LanguageRecord
from pellucid.report.said import Document

MOST_SETTINGS = 80
LONGEST_VALUE = 200
NAMES = {
    "n_parameters": "parameters",
    "n_train": "training prompts",
    "n_test": "held-out prompts",
    "n_train_groups": "groups of training prompts",
    "n_test_groups": "groups of held-out prompts",
    "gold": "says what is right",
}
"""What facts of a run are called."""


def made(record: LanguageRecord) -> Document:
    """Return who ran what, when, with what."""
    run, head = record.run, record.run.head
    seconds = [u.seconds for u in run.updates if u.seconds == u.seconds]
    return {
        "command": head.command,
        "engine": head.engine,
        "method": head.method,
        "purpose": head.purpose,
        "run_seed": head.seed,
        "n_updates": len(run.updates),
        "n_planned": head.n_updates,
        "n_samples": sum(u.n_samples for u in run.updates),
        "n_kept": len(run.samples),
        "train_seconds": sum(seconds) if seconds else None,
        "facts": [
            {**row, "name": NAMES.get(row["name"], row["name"].replace("_", " "))}
            for row in _flat(head.facts)
        ],
        "settings": _flat(head.config)[:MOST_SETTINGS],
        "n_settings": len(_flat(head.config)),
        "versions": dict(head.versions),
    }


def _flat(settings: Mapping[str, Any], before: str = "") -> list[Document]:
    """Return settings as names with values in words; those inside others get dotted names."""
    rows: list[Document] = []
    for name, value in settings.items():
        path = f"{before}{name}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{path}.")
        else:
            rows.append({"name": path, "value": _words(value)})
    return rows


def _words(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif value is None:
        text = "not given"
    else:
        text = strict_json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
