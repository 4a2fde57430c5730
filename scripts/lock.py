"""Write constraints.txt: one exact version of everything that any extra of pellucid installs.

Asks pip what it would install, without installing it, for all extras together. The result is a
plain constraints file without hashes: a hash would fix one build of torch, and which build fits
(CPU or one of the CUDA versions) depends on the machine.

    python scripts/lock.py                # keep the versions that still fit
    python scripts/lock.py --upgrade      # take the newest that fit together
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "constraints.txt"
# fixed by hand: without it pip takes the newest torch, on Linux several GB of CUDA libraries
TORCH = "torch==2.13.0"
HEADER = f"""\
# The lock: one version of everything that pellucid and its extras install (pip -c).
# Written by scripts/lock.py (`make lock`). No hashes: {TORCH} has one build per kind of processor.
"""


def main() -> None:
    """Resolve and write the lock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="ignore the versions locked now")
    arguments = parser.parse_args()
    keep = [] if arguments.upgrade or not LOCK.exists() else LOCK.read_text().splitlines()
    pins = resolve(
        all_extras(), [TORCH, *(line for line in keep if not line.startswith("torch=="))]
    )
    LOCK.write_text(HEADER + "".join(f"{pin}\n" for pin in pins))


def all_extras() -> list[str]:
    """Return the names of every extra in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return sorted(project["optional-dependencies"])


def resolve(extras: list[str], constraints: list[str]) -> list[str]:
    """Return `name==version` of everything pip would install for these extras, sorted."""
    with tempfile.TemporaryDirectory() as folder:
        report, limits = Path(folder, "report.json"), Path(folder, "limits.txt")
        limits.write_text("\n".join(constraints) + "\n")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"]
        command += ["--ignore-installed", "--report", str(report), "-c", str(limits)]
        subprocess.run([*command, f"{ROOT}[{','.join(extras)}]"], check=True)
        rows = json.loads(report.read_text())["install"]
    return sorted(pin for row in rows if (pin := pin_of(row["metadata"])) is not None)


def pin_of(metadata: dict[str, str]) -> str | None:
    """Return `name==version` with the name in its normal form; None for pellucid itself.

    A local label such as `+cpu` is dropped, so that every build of that version fits.
    """
    name = re.sub(r"[-_.]+", "-", metadata["name"]).lower()
    return None if name == "pellucid" else f"{name}=={metadata['version'].partition('+')[0]}"


if __name__ == "__main__":
    main()
