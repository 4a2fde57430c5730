"""F63: the help of every command is quick and loads nothing heavy."""

import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "gymnasium", "matplotlib", "numba", "pandas", "scipy", "stable_baselines3")
MOST_SECONDS = 0.7
COMMANDS = ("", "explain", "evaluate", "list", "doctor")


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
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        run("explain")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < MOST_SECONDS
