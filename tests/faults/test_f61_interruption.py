"""F61: Ctrl-C, SIGTERM, a reader that goes away, and terminals of every kind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAIN = [sys.executable, "-c", "import sys; from pellucid.cli.main import main; sys.exit(main())"]
TINY = [
    "explain",
    "tests.cli.toy:stored",
    "--env",
    "tests.cli.toy:line",
    *("--methods", "shapley", "--budget", "3000", "--env-steps", "800", "--episodes", "5"),
]


def environment(**changes):
    inherited = {**os.environ, "PYTHONPATH": str(ROOT), **changes}
    return {name: value for name, value in inherited.items() if value is not None}


def start(folder, arguments, *, slow=False, **changes):
    """Start the command in a folder; `slow` makes each method wait until it is stopped."""
    main = list(MAIN)
    if slow:
        main[2] = (
            "import sys, time; from pellucid.api import stages;"
            "stages.explain = lambda *a, **k: print('waiting', file=sys.stderr, flush=True)"
            " or time.sleep(60);" + main[2]
        )
    return subprocess.Popen(
        [*main, *arguments],
        cwd=folder,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_it_explains(process):
    for line in process.stderr:
        if line.startswith("waiting"):
            return
    raise AssertionError("it ended before it explained anything")


def state(folder):
    return json.loads((folder / "run.json").read_text())["state"]


@pytest.mark.slow
def test_f61_ctrl_c_saves_a_partial_result_and_exits_with_130(tmp_path):
    process = start(tmp_path, [*TINY, "--out", "run"], slow=True)
    wait_until_it_explains(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out.startswith("Stopped after 0 of 1 explanations")
    assert "--out run" in err
    assert "Traceback" not in err
    assert state(tmp_path / "run") == "interrupted"
    assert (tmp_path / "run" / "report.html").is_file()
    assert (tmp_path / "run" / "episodes" / "episodes.safetensors").is_file()
    assert not (tmp_path / "run" / "run.lock").exists()


@pytest.mark.slow
def test_f61_sigterm_is_the_state_of_the_run(tmp_path):
    process = start(tmp_path, [*TINY, "--out", "run"], slow=True)
    wait_until_it_explains(process)
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "Traceback" not in err
    assert state(tmp_path / "run") == "failed: terminated"


@pytest.mark.slow
def test_f61_a_killed_run_goes_on_where_it_was(tmp_path):
    process = start(tmp_path, [*TINY, "--out", "run"], slow=True)
    wait_until_it_explains(process)
    process.kill()
    process.communicate(timeout=30)
    assert state(tmp_path / "run") == "started"
    collected = (tmp_path / "run" / "episodes" / "episodes.json").stat().st_mtime_ns
    again = start(tmp_path, [*TINY, "--out", "run"])
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert "took over run from process" in err
    assert "Return " in out
    assert (tmp_path / "run" / "episodes" / "episodes.json").stat().st_mtime_ns == collected


@pytest.mark.slow
def test_f61_a_reader_that_goes_away_is_no_error(tmp_path):
    process = start(tmp_path, [*TINY, "--out", "run"])
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=60) == 0
    assert err == ""
    process.stderr.close()


@pytest.mark.slow
def test_f61_a_closed_stdout_is_no_error(tmp_path):
    code = "import os; os.close(1); " + MAIN[2]
    run = subprocess.run(
        [sys.executable, "-c", code, *TINY, "--out", "run"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in run.stderr
    assert state(tmp_path / "run") == "finished"


@pytest.mark.slow
def test_f61_a_c_locale_a_narrow_terminal_and_no_colour(tmp_path):
    process = start(
        tmp_path,
        [*TINY, "--out", "run"],
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
        PYTHONIOENCODING="ascii",
        COLUMNS="20",
        NO_COLOR="1",
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err == ""
    assert out.isascii()
    assert "\x1b" not in out
    path = next(line for line in out.splitlines() if line.endswith("report.html"))
    assert all(len(line) <= 20 for line in out.splitlines() if line != path)


def test_f61_help_piped_into_a_reader_that_stops(tmp_path):
    started = time.perf_counter()
    process = start(tmp_path, ["explain", "--help"])
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=30) in (0, 1)
    process.stderr.close()
    assert "Traceback" not in err
    assert time.perf_counter() - started < 30
