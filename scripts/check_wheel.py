"""Build sdist and wheel, install the wheel without extras in a fresh environment, and use it.

python scripts/check_wheel.py
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

SMOKE = '''
import json
import sys
from pathlib import Path

import numpy as np

import pellucid as pl

assert "site-packages" in pl.__file__, pl.__file__
assert "stable_baselines3" not in sys.modules


def push_to_the_falling_side(observations):
    """Use the pole's angle and its rate; ignore the cart."""
    return (observations[:, 2] + observations[:, 3] > 0).astype(np.int64)


if __name__ == "__main__":
    agent = pl.load_agent(push_to_the_falling_side, env="CartPole-v1")
    run = pl.explain_all(agent, "CartPole-v1", out="run", methods="shapley", n_episodes=10)
    (shapley,) = run.record.explanations
    assert set(shapley.content.ranking[:2]) == {2, 3}, shapley.content.importance
    page = Path("run/report.html").read_text()
    assert "<html" in page and shapley.text.partition(" drives")[0] in page
    assert json.loads(Path("run/report.json").read_text())["explanations"][0]["method"] == "shapley"
    print(shapley.badge, Path("run/report.html").stat().st_size, "bytes of report")
'''


def main() -> None:
    """Build, install and use; any failure ends the script with its output."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        # the wheel is built from the sdist, so that a file that the sdist lacks is missed here
        run(
            sys.executable,
            "-m",
            "build",
            "--no-isolation",
            "--outdir",
            str(work / "dist"),
            str(ROOT),
        )
        (wheel,) = (work / "dist").glob("*.whl")
        venv.create(work / "venv", with_pip=True)
        binaries = work / "venv" / "bin"
        pip = [str(binaries / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
        # not compiled ahead: most of what is installed is never imported here
        quick = ("--quiet", "--no-compile", "--constraint", str(ROOT / "constraints.txt"))
        run(*pip, *quick, str(wheel))
        (work / "smoke.py").write_text(SMOKE)
        for command in (
            "--version",
            "--help",
            "explain --help",
            "list explainers",
            "doctor",
            "horizon bridge:freeway_10_fs30",
        ):
            run(str(binaries / "pellucid"), *command.split(), cwd=work)
        run(str(binaries / "python"), "smoke.py", cwd=work)


def run(*command: str, cwd: Path = ROOT) -> None:
    """Run a command without the checkout on its path; end the script if it fails."""
    print("$", " ".join(command), flush=True)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n{done.stderr}\nexit code {done.returncode}")
    print("\n".join(done.stdout.splitlines()[-3:]), flush=True)


if __name__ == "__main__":
    main()
