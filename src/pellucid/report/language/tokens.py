"""Answers with the push on each token, as the page shows them."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from pellucid.report.language.credit import Credit, expected_pushes, flags, one_advantage
from pellucid.report.language.record import Group, LanguageRecord
from pellucid.report.language.texts import short
from pellucid.report.said import Document, said

SHOWN_GROUPS = 2
"""Groups whose answers are shown: one early, one late."""
ANSWERS_OF_GROUP = 2
"""Answers of each: the one that was pushed up most, and the one that was pushed down most."""
LONGEST = 80
"""Tokens of an answer that are shown."""
LEVELS = 4
TABLE_ROWS = 6
"""Tokens of an answer in the table of the largest pushes."""
"""Steps of tint and underline."""


def token_screen(record: LanguageRecord) -> Document:
    """Return the answers that the screen shows, token by token, and what it says of them."""
    groups = [g for g in record.groups if any(map(_largest, _credits(record, g)))]
    groups = groups or [g for g in record.groups if _credits(record, g)]
    chosen = [groups[0], groups[-1]][: min(SHOWN_GROUPS, len(groups))] if groups else []
    found = [c for g in chosen for c in _extremes(_credits(record, g))]
    largest = max((_largest(c) for c in found), default=0.0)
    most_uncertain = max((_most(c.row.entropies) for c in found), default=0.0)
    every = [row for row in record.run.tokens if row.pushes is not None]
    uniform = sum(map(one_advantage, every))
    return {
        "uniform": bool(every) and uniform == len(every),
        "told": _told(uniform, len(every)),
        "largest": largest,
        "most_uncertain": most_uncertain,
        "answers": [_answer(c, largest, most_uncertain) for c in found],
    }


def _told(uniform: int, n: int) -> Document:
    if n and uniform == n:
        return said(
            "All tokens of an answer have one advantage here. Differences between words come only "
            "from ratio, clip and mask."
        )
    return said("In {k} of {n} answers tokens have advantages of their own.", k=n - uniform, n=n)


def _credits(record: LanguageRecord, group: Group) -> list[Credit]:
    found = []
    for sample in group.samples:
        row = record.tokens.get((sample.step, sample.index))
        if row is not None and row.pushes is not None:
            found.append(Credit(sample, row))
    return found


def _extremes(found: Sequence[Credit]) -> list[Credit]:
    ordered = sorted(found, key=lambda c: (-_net(c), c.sample.index))
    return [ordered[0], ordered[-1]][: min(ANSWERS_OF_GROUP, len(ordered))]


def _net(credit: Credit) -> float:
    advantage = credit.sample.advantage
    return 0.0 if math.isnan(advantage) else advantage


def _largest(credit: Credit) -> float:
    return _most(credit.row.pushes)


def _most(values: Sequence[float] | None) -> float:
    finite = [abs(v) for v in values or () if math.isfinite(v)]
    return max(finite, default=0.0)


def _answer(credit: Credit, largest: float, most_uncertain: float) -> Document:
    row, sample = credit.row, credit.sample
    n = len(row.tokens)
    kept = min(n, LONGEST)
    texts = spaced(row.tokens[:kept], sample.completion)
    pushes = np.array(row.pushes)[:kept]
    # clipping stops the gradient: such a token is marked, not tinted
    stopped = flags(row.clipped, n, unknown=False)[:kept]
    ups, levels = pushes > 0, _levels(np.where(stopped, 0.0, np.abs(pushes)), largest)
    entropies = None if row.entropies is None else np.array(row.entropies)[:kept]
    clipped = flags(row.clipped, n, unknown=False)[:kept]
    masked = ~flags(row.counted, n, unknown=True)[:kept]
    expected = expected_pushes(row, sample.advantage)[:kept]
    return {
        "step": sample.step,
        "index": sample.index,
        "prompt_id": short(sample.prompt_id),
        "advantage": sample.advantage,
        "correct": sample.correct,
        "one_advantage": one_advantage(row),
        "n_tokens": n,
        "shown": kept,
        "n_clipped": int(clipped.sum()),
        "n_masked": int(masked.sum()),
        "sum": float(np.nansum(pushes)),
        "error": float(np.nanmax(np.abs(pushes - expected), initial=0.0)),
        "top": _top(pushes),
        "runs": _runs(texts, ups, levels, clipped, masked),
        "uncertain": []
        if entropies is None
        else _runs(texts, np.zeros(kept, bool), _levels(entropies, most_uncertain)),
        "tokens": [
            {
                "text": row.tokens[i],
                "push": float(pushes[i]),
                "ratio": math.nan if row.ratios is None else row.ratios[i],
                "entropy": math.nan if entropies is None else float(entropies[i]),
                "mark": _mark(bool(clipped[i]), bool(masked[i])),
            }
            for i in range(kept)
        ],
    }


def spaced(tokens: Sequence[str], completion: str) -> list[str]:
    """Return tokens as they stand in their text: those of word tokenizers hold no spaces.

    Example:
        >>> spaced(["so", "4"], "so 4"), spaced(["so", " 4"], "so 4")
        (['so ', '4 '], ['so', ' 4'])
    """
    bare = not any(sign.isspace() for token in tokens for sign in token)
    words = bare and any(sign.isspace() for sign in completion.strip())
    return [f"{token} " for token in tokens] if words else list(tokens)


def _top(pushes: Float[ndarray, " tokens"]) -> list[int]:
    """Return the places of the largest pushes, in the order of the text."""
    order = np.argsort(-np.abs(np.nan_to_num(pushes)), kind="stable")[:TABLE_ROWS]
    return sorted(int(i) for i in order)


def _levels(sizes: Float[ndarray, " tokens"], largest: float) -> list[int]:
    if largest <= 0:
        return [0] * len(sizes)
    share = np.where(np.isfinite(sizes), sizes, 0.0) / largest
    return [int(level) for level in np.ceil(np.round(share * LEVELS, 9))]


def _mark(clipped: bool, masked: bool) -> str:
    return "masked" if masked else "clipped" if clipped else ""


def _runs(
    tokens: Sequence[str],
    ups: Sequence[bool] | ndarray,
    levels: Sequence[int],
    clipped: Sequence[bool] | ndarray | None = None,
    masked: Sequence[bool] | ndarray | None = None,
) -> list[Document]:
    """Return neighbouring tokens that look alike as one piece each."""
    runs: list[Document] = []
    for i, token in enumerate(tokens):
        mark = _mark(
            bool(clipped is not None and clipped[i]), bool(masked is not None and masked[i])
        )
        look = {"up": bool(ups[i]), "level": levels[i], "mark": mark}
        if runs and {key: runs[-1][key] for key in look} == look:
            runs[-1]["text"] += token
        else:
            runs.append({"text": token, **look})
    return runs
