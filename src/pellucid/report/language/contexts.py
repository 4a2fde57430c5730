"""Which prompt an answer was sampled under, and which it was scored under."""

import difflib
import math
import re
from collections import defaultdict
from collections.abc import Sequence

from pellucid.posttrain.recording import SampleRow
from pellucid.report.language.answers import Limits
from pellucid.report.language.gain import percent
from pellucid.report.language.overview import estimate
from pellucid.report.language.progress import right, unscored
from pellucid.report.language.record import LanguageRecord
from pellucid.report.language.texts import short
from pellucid.report.said import Document, said
from pellucid.stats import mean_interval, mean_share_interval

WORDS = {
    "plain": "the plain prompt",
    "hinted": "the prompt with a hint",
    "answered": "the prompt with the right answer",
}
LONGEST_COMPARED = 3000
"""Signs of two prompts that are compared word by word, which takes the square of their number."""
_PIECES = re.compile(r"\s+|[^\s]+")


def contexts(record: LanguageRecord, limits: Limits) -> Document:
    """Return counts and success per context, and one example of each difference."""
    rows = record.run.samples
    differing = [s for s in rows if s.scored_prompt not in (None, s.prompt)]
    names = [name for name in WORDS if any(s.context == name for s in rows)]
    return {
        "told": _told(rows, differing),
        "rows": [_row(name, [s for s in rows if s.context == name]) for name in names],
        "examples": [
            _example(next(s for s in differing if s.context == name), limits)
            for name in dict.fromkeys(s.context for s in differing)
        ],
    }


def _told(rows: Sequence[SampleRow], differing: Sequence[SampleRow]) -> Document:
    if not rows:
        return said("Not measured: no completions were recorded.")
    if not differing:
        return said(
            "All {n} kept answers were scored under the prompt that they were sampled under.",
            n=len(rows),
        )
    return said(
        "{k} of {n} kept answers were sampled under another prompt than the one they were scored "
        "under.",
        k=len(differing),
        n=len(rows),
    )


def _row(name: str, rows: Sequence[SampleRow]) -> Document:
    """Means over prompts: answers to one prompt are not independent."""
    return {
        "context": name,
        "words": WORDS[name],
        "n": len(rows),
        "n_unscored": sum(map(unscored, rows)),
        "success": estimate(
            percent(mean_share_interval(_by_prompt(rows, [right(s) for s in rows])))
        ),
        "total": estimate(mean_interval(_by_prompt(rows, [s.total for s in rows]))),
    }


def _by_prompt(rows: Sequence[SampleRow], values: Sequence[float]) -> list[float]:
    found: dict[str, list[float]] = defaultdict(list)
    for row, value in zip(rows, values, strict=True):
        if not math.isnan(value):
            found[row.prompt_id].append(value)
    return [math.fsum(v) / len(v) for v in found.values()]


def _example(sample: SampleRow, limits: Limits) -> Document:
    scored = sample.scored_prompt or ""
    longest = min(limits.longest // 2, LONGEST_COMPARED)
    return {
        "context": sample.context,
        "words": WORDS[sample.context],
        "step": sample.step,
        "prompt_id": short(sample.prompt_id),
        "pieces": difference(scored[:longest], sample.prompt[:longest]),
    }


def difference(scored: str, sampled: str) -> list[Document]:
    """Return the two prompts as pieces: in both, only in the sampled one, only in the scored one.

    Example:
        >>> [(p["where"], p["text"]) for p in difference("add 2", "add 2 now")]
        [('both', 'add 2'), ('sampled', ' now')]
    """
    one, two = _PIECES.findall(scored), _PIECES.findall(sampled)
    matcher = difflib.SequenceMatcher(a=one, b=two, autojunk=False)
    pieces: list[Document] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            pieces.append({"where": "both", "text": "".join(one[i:j])})
            continue
        if j > i:
            pieces.append({"where": "scored", "text": "".join(one[i:j])})
        if m > k:
            pieces.append({"where": "sampled", "text": "".join(two[k:m])})
    return pieces
