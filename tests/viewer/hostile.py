"""A folder of runs in which every name, text, value and file tries to do something."""

import os
import shutil
from pathlib import Path

from pellucid.io import strict_json
from tests.report import hostile, lunar
from tests.report.language import hostile as language_hostile
from tests.viewer.folders import agent_run, training_run

ODD = (None, True, -1, 10**400, "../../x", hostile.HOSTILE, [], [[]], {}, {"..": [1, 2]})
NAMES = (
    "<script>alert(1)</script>",
    "a\"b' onmouseover=alert(5)",
    "new\nline",
    "\u202eevil",
    "%2e%2e",
    "..hidden",
    "{{7*7}}",
    "CON",
)


def hostile_folder(root: Path) -> Path:
    """Write it; some of it is well-formed and hostile, the rest is neither."""
    root.mkdir()
    agent_run(root / "agent", hostile.hostile_record())
    training_run(
        root / "training",
        language_hostile.hostile_run(),
        report=language_hostile.hostile_record(),
    )
    plain = agent_run(root / "plain", lunar.lunar_record(with_frames=False))
    for i, name in enumerate(NAMES):
        shutil.copytree(plain, root / name)
        _odd_values(root / name, i)
    no_text = root / os.fsdecode(b"bytes\xff\xfe")
    no_text.mkdir()
    (no_text / "run.json").write_text("{}")
    evil = agent_run(root / "evil", lunar.lunar_record(with_frames=False))
    (evil / "report.html").write_text(
        '<meta http-equiv="refresh" content="0;url=https://evil.invalid"><script>alert(9)</script>'
    )
    for name, text in {
        "deep": "[" * 100_000,
        "twice": '{"a": 1, "a": 2}',
        "nan": '{"return": {"mean": NaN}}',
        "empty": "",
        "array": "[]",
    }.items():
        (root / name).mkdir()
        for file in ("run.json", "report.json"):
            (root / name / file).write_text(text)
    return root


def _odd_values(folder: Path, turn: int) -> None:
    """Give every value of the two documents another type, another one in each folder."""
    for name in ("run.json", "report.json"):
        document = strict_json.read(folder / name)
        changed = {
            key: _changed(value, ODD[(turn + i) % len(ODD)])
            for i, (key, value) in enumerate(document.items())
        }
        text = strict_json.dumps(changed)
        (folder / name).write_text(text)


def _changed(value: object, odd: object) -> object:
    if isinstance(value, dict) and odd not in ({}, []):
        return dict.fromkeys(value, odd)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [dict.fromkeys(value[0], odd) | {"badge": "weak"}, odd]
    return odd
