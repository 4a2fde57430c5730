"""Check the changelog fragments: each valid, and at least one if the package changed.

A fragment is `changelog.d/<name>.<kind>.md`: one sentence that tells a user what they can now do
or no longer suffer from.

    python scripts/check_changelog.py
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("added", "changed", "fixed", "removed", "security")
MOST_WORDS = 40


def main() -> int:
    """Print what is wrong, one line each; return the number of problems, capped for the shell."""
    fragments = sorted(p for p in (ROOT / "changelog.d").iterdir() if p.name != "README.md")
    problems = [problem for path in fragments for problem in problems_of(path)]
    if not fragments and package_changed(ROOT):
        problems.append("src changed since the last tag: add a fragment to changelog.d")
    for problem in problems:
        print(problem, file=sys.stderr)
    return min(len(problems), 100)


def problems_of(path: Path) -> list[str]:
    """Return what is wrong with one fragment."""
    named = re.fullmatch(r"[a-z0-9][a-z0-9-]*\.(\w+)\.md", path.name)
    if named is None or named[1] not in KINDS:
        return [f"{path.name}: expected <name>.<kind>.md with a kind of {', '.join(KINDS)}"]
    text = path.read_text().strip()
    problems = []
    if not text or "\n\n" in text or not text.endswith("."):
        problems.append(f"{path.name}: expected one paragraph that ends with a full stop")
    if len(text.split()) > MOST_WORDS:
        problems.append(
            f"{path.name}: expected at most {MOST_WORDS} words, got {len(text.split())}"
        )
    return problems


def package_changed(root: Path) -> bool:
    """Return whether `src` differs from the last tag; without a tag everything is a change."""
    if git(root, "rev-parse", "--git-dir") is None:
        return False  # an unpacked sdist has no history to compare with
    tag = git(root, "describe", "--tags", "--abbrev=0")
    if tag is None:
        return any((root / "src").rglob("*.py"))
    return bool(git(root, "diff", "--name-only", tag, "--", "src"))


def git(root: Path, *arguments: str) -> str | None:
    """Return what git prints, None if it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
