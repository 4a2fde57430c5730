"""F63: the help of every command is quick and loads nothing heavy."""

import resource
import subprocess
import sys

import pytest

HEAVY = ("torch", "gymnasium", "matplotlib", "numba", "pandas", "scipy", "stable_baselines3")
MOST_SECONDS = 0.7
COMMANDS = (
    "",
    "explain",
    "query",
    "evaluate",
    "bench",
    "reproduce",
    "list",
    "doctor",
    "objective",
    "horizon",
    "train",
    "view",
)


def run(command: str, ending: str = "") -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; from pellucid.cli.main import main;"
        f"code = main({[*command.split(), '--help']!r}); {ending} sys.exit(code)"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_f63_help_loads_nothing_heavy(command: str) -> None:
    done = run(command, f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr);")
    assert done.stderr.strip() == "[]"
    assert "Usage: pellucid" in done.stdout


def test_f63_every_command_is_in_the_list_above() -> None:
    listed = run("").stdout.partition("Commands:")[2].splitlines()
    names = {line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "}
    assert names == set(COMMANDS) - {""}


def test_f63_help_is_quick() -> None:
    # processor time, because wall time depends on what else the machine does
    assert min(seconds_of("explain") for _ in range(3)) < MOST_SECONDS


def seconds_of(command: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
