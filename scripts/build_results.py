"""Write the page of results from the records of claims.

python scripts/build_results.py            # write docs/results.md
python scripts/build_results.py --check    # fail if it is not what would be written
"""

import argparse
import sys
from pathlib import Path

from pellucid import registry
from pellucid.claims.claim import Claim, ExactClaim, StatisticalClaim
from pellucid.claims.harness import is_stale
from pellucid.claims.judging import worst
from pellucid.claims.records import Record, read_folder
from pellucid.explanation.wording import show

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "results.md"
RECORDS = ROOT / "results" / "claims"
NOTICE = (
    "<!-- Written by scripts/build_results.py from results/claims; `make docs` writes it again. -->"
)
INTRODUCTION = """\
Each row is a stored record, made by `pellucid reproduce`. The effect is the mean paired difference
between two arms, with its 95 % interval.

- **reproduced**: the interval lies above 0, the effect reaches the minimum, every control holds
- **not reproduced**: the interval lies below the minimum, or a case of an exact claim fails
- **inconclusive**: neither
- **stale**: the code has changed since the record was made, so that it no longer speaks for it

A system's verdict is the worst of its primary parts."""


def main() -> int:
    """Write or check the page; return 1 if it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    arguments = parser.parse_args()
    text = page(RECORDS)
    if not arguments.check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        print(f"{PAGE.relative_to(ROOT)} is out of date: run `make docs`", file=sys.stderr)
        return 1
    return 0


def page(folder: Path) -> str:
    """Return the page of all claims of pellucid and their records.

    Args:
        folder: Where the records are.

    Raises:
        DataError: A record cannot be read.
    """
    records = [r for r in read_folder(folder) if r.start.scale != "smoke"]
    known = registry.items("claims")
    claims = [registry.load("claims", name) for name in sorted(known)]
    systems = sorted({claim.system for claim in claims})
    parts = [NOTICE, "# Results", INTRODUCTION]
    if any(is_stale(record) for record in records):
        parts.append("**Some records are stale.** Run their claims again.")
    parts += [section(s, [c for c in claims if c.system == s], records) for s in systems]
    orphans = [record for record in records if record.start.claim not in known]
    parts += [f"`{r.path.name}` is stale: its claim `{r.start.claim}` is gone." for r in orphans]
    return "\n\n".join(parts) + "\n"


def section(system: str, claims: list[Claim], records: list[Record]) -> str:
    """Return what is known of one system: its verdict, its statements and its records."""
    primary = {claim.id for claim in claims if claim.primary}
    found = [r for r in records if r.start.claim in {claim.id for claim in claims}]
    decisive = [r for r in found if r.start.claim in primary and r.start.seed_offset == 0]
    verdict = worst(r.judgement.verdict for r in decisive)
    missing = primary - {r.start.claim for r in decisive}
    stale = ", stale" if any(map(is_stale, decisive)) else ""
    words = f"{verdict.replace('_', ' ')}{stale}" if verdict and not missing else "not run in full"
    statements = [f"- `{c.id}`: {c.statement} Source: {c.source}. {declared(c)}" for c in claims]
    return "\n\n".join([f"## {system}: {words}", "\n".join(statements), *rows(found)])


def declared(claim: Claim) -> str:
    """Return what a claim fixed before its run."""
    count = "" if claim.primary else " Does not count for the verdict."
    if isinstance(claim, StatisticalClaim):
        minimum = f"Minimum effect {show(claim.minimum_effect)}"
        return f"{minimum}, `{claim.treatment}` over `{claim.control}` per {claim.unit}.{count}"
    return f"All cases must hold.{count}" if isinstance(claim, ExactClaim) else count.strip()


def rows(records: list[Record]) -> list[str]:
    """Return the table of a system's records, nothing if there are none."""
    if not records:
        return []
    head = "| claim | verdict | effect (95 % interval) | n | checks | scale | seconds | record |"
    return ["\n".join([head, "|---|---|---|---|---|---|---|---|", *map(row, records)])]


def row(record: Record) -> str:
    """Return one record as a row of the table."""
    judged, start = record.judgement, record.start
    measured = judged.effect == judged.effect
    effect = f"{show(judged.effect)} ({show(judged.low)} to {show(judged.high)})"
    held = [name for name, holds in judged.checks.items() if holds]
    verdict = str(judged.verdict).replace("_", " ") + (" (stale)" if is_stale(record) else "")
    scale = f"{start.scale}, seeds +{start.seed_offset}" if start.seed_offset else start.scale
    link = f"[`{record.sha256[:8]}`](../results/claims/{record.path.name})"
    cells = (
        f"`{start.claim}`",
        verdict,
        effect if measured else "exact",
        str(judged.n),
        f"{len(held)} of {len(judged.checks)} hold",
        scale,
        f"{record.seconds:.2g}",
        link,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
