"""F16: an audit hook watches while every loader opens hostile files.

To add the report, the viewer or a command: put a row in `OPENERS` of `open_everything.py` beside
this file, and its hostile inputs in `tests/io/hostile.py`.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.agents.models import make_model, save_model

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]


def watch(folder: Path, *options: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.open_everything", str(folder), *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.slow
def test_f16_no_loader_runs_code_of_a_file(tmp_path: Path) -> None:
    save_model(make_model("PPO"), tmp_path, "good.zip")
    result = watch(tmp_path)
    assert result["events"] == []
    assert result["markers"] == []
    opened = result["opened"]
    assert isinstance(opened, int)
    assert opened >= 60
    assert result["untyped"] == []


@pytest.mark.slow
def test_f16_the_watch_would_notice(tmp_path: Path) -> None:
    """Each kind of breach, done on purpose, is seen."""
    save_model(make_model("PPO"), tmp_path, "good.zip")
    events = str(watch(tmp_path, "--breach")["events"])
    for event in ("pickle.find_class", "exec", "compile", "os.system", "subprocess.Popen"):
        assert event in events
    assert "socket.connect" in events
