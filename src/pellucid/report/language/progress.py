"""How training went: reward terms and right answers early and late, and what to watch for."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from pellucid.explanation import Interval
from pellucid.posttrain.recording import SampleRow, UpdateRow
from pellucid.report.language.record import Group, LanguageRecord
from pellucid.stats import mean_difference, mean_interval, mean_share_interval

WINDOW_SHARE = 0.2
"""Share of the updates that counts as early, and as late."""
LEAST_WINDOW, LARGEST_WINDOW = 10, 50
"""Units of a window at least, if there are twice as many, and at most."""
FEWEST_UPDATES = 10
"""Updates below which the kept prompts are compared instead: there are more of them."""
GOLD = "right answers"
TOTAL = "total reward"


class Trend(NamedTuple):
    """One quantity early and late in training.

    Args:
        name: What it is.
        weight: Of a reward term in the total; NaN for what is no term.
        early: Mean over the first units.
        late: Mean over the last ones.
        change: Late minus early.
        unit: What is independent: `update` or `prompt`.
        steps: Update of each value.
        values: Shape (updates,), its course.
    """

    name: str
    weight: float
    early: Interval
    late: Interval
    change: Interval
    unit: str
    steps: tuple[int, ...]
    values: Float[ndarray, " updates"]


class Watched(NamedTuple):
    """Something that goes wrong in training, with its count.

    Args:
        name: What it is.
        n: How often it occurred; None if it was not recorded.
        of: Out of how many.
        what: What was counted: `groups`, `answers`.
        share: Mean share per unit, with its interval.
        unit: What is independent: `update` or `prompt`.
        means: What it means, in words.
    """

    name: str
    n: int | None
    of: int
    what: str
    share: Interval
    unit: str
    means: str


# --- trends ---


def trends(record: LanguageRecord) -> list[Trend]:
    """Return every reward term, the total and right answers, early and late.

    By update, from the training log; where that is short or missing, by the kept prompts.
    """
    weights = record.run.head.reward_weights
    names = [*record.run.reward_names]
    quantities: list[tuple[str, float, Callable[[UpdateRow], float], Callable[[SampleRow], float]]]
    quantities = [
        (
            name,
            weights.get(name, 1.0),
            lambda u, name=name: u.rewards.get(name, math.nan),  # type: ignore[misc]
            lambda s, name=name: s.rewards.get(name, math.nan),  # type: ignore[misc]
        )
        for name in names
    ]
    quantities.append((TOTAL, math.nan, lambda u: u.total, lambda s: s.total))
    quantities.append((GOLD, math.nan, lambda u: u.gold_success, right))
    return [_trend(record, *quantity) for quantity in quantities]


def course(record: LanguageRecord, read: Callable[[UpdateRow], float], name: str) -> Trend:
    """Return one quantity of the training log, early and late."""
    return _trend(record, name, math.nan, read, lambda sample: math.nan)


def of_term(found: Sequence[Trend], name: str) -> Trend:
    """Return the trend of a name."""
    return next(trend for trend in found if trend.name == name)


def rose_alone(found: Sequence[Trend]) -> list[Trend]:
    """Return the reward terms that clearly rose while right answers did not clearly rise.

    Nothing is returned where right answers were not recorded: that is said elsewhere.
    """
    gold = of_term(found, GOLD)
    if not gold.change.measured or gold.change.low > 0:
        return []
    return [t for t in found if t.name not in (GOLD, TOTAL) and t.change.low > 0]


def _trend(
    record: LanguageRecord,
    name: str,
    weight: float,
    of_update: Callable[[UpdateRow], float],
    of_sample: Callable[[SampleRow], float],
) -> Trend:
    updates = record.run.updates
    values = np.array([of_update(row) for row in updates], dtype=np.float64)
    steps, unit = tuple(row.step for row in updates), "update"
    if np.isfinite(values).sum() < FEWEST_UPDATES:
        by_group = np.array([_group_mean(g, of_sample) for g in record.groups], dtype=np.float64)
        if np.isfinite(by_group).any():
            values, steps, unit = by_group, tuple(g.step for g in record.groups), "prompt"
    early, late = windows(values, steps)
    mean = mean_share_interval if name == GOLD else mean_interval
    return Trend(
        name,
        weight,
        mean(early),
        mean(late),
        mean_difference(late, early),
        unit,
        *_by_step(steps, values),
    )


def windows(
    values: Float[ndarray, " units"], steps: Sequence[int]
) -> tuple[Float[ndarray, " early"], Float[ndarray, " late"]]:
    """Return the values of the first and of the last steps; both empty if there are too few.

    A fifth of the units each, at least ten and at most fifty, and never the same unit twice.

    Example:
        >>> first, last = windows(np.arange(5.0), [1, 2, 3, 4, 5])
        >>> first.tolist(), last.tolist()
        ([0.0, 1.0], [3.0, 4.0])
    """
    n = len(values)
    size = min(max(LEAST_WINDOW, int(WINDOW_SHARE * n)), LARGEST_WINDOW, n // 2)
    # units of one step are no change over time, whatever their order
    if size < 1 or steps[size - 1] >= steps[n - size]:
        return values[:0], values[:0]
    return values[:size], values[n - size :]


def _by_step(
    steps: Sequence[int], values: Float[ndarray, " units"]
) -> tuple[tuple[int, ...], Float[ndarray, " updates"]]:
    distinct = sorted(set(steps))
    where = np.searchsorted(distinct, steps) if distinct else np.array([], dtype=np.int64)
    means = []
    for position in range(len(distinct)):
        here = values[where == position]
        here = here[np.isfinite(here)]
        means.append(float(here.mean()) if len(here) else math.nan)
    return tuple(distinct), np.array(means, dtype=np.float64)


def _group_mean(group: Group, read: Callable[[SampleRow], float]) -> float:
    found = [value for value in map(read, group.samples) if not math.isnan(value)]
    return math.fsum(found) / len(found) if found else math.nan


def right(sample: SampleRow) -> float:
    """Return 1 for a right answer, 0 for a wrong one, NaN for one that could not be scored."""
    return math.nan if sample.correct is None else float(sample.correct)


# --- what to watch for ---


def watched(record: LanguageRecord) -> list[Watched]:
    """Return what wastes or distorts training, with counts over the whole log."""
    updates, groups = record.run.updates, record.groups
    flat = [_of_update(u.n_groups_without_signal, u.n_groups) for u in updates]
    cut = [_of_update(u.n_cut, u.n_samples) for u in updates]
    lost = [_of_update(u.n_unscored, u.n_samples) for u in updates]
    return [
        _watched("Groups without signal", flat, [_flat(g) for g in groups], "groups",
                 "all answers earned the same, so nothing was learned from them"),
        _watched("Cut answers", cut, [_cut(g) for g in groups], "answers",
                 "they reached the limit of tokens and may be judged unfinished"),
        _watched("Unscorable answers", lost, [_lost(g) for g in groups], "answers",
                 "no reward could score them; they are left out and count as nothing"),
    ]  # fmt: skip


Counted = tuple[int, int] | None
"""How often something occurred, and out of how many; None if it was not recorded."""


def _of_update(n: int | None, of: int) -> Counted:
    return None if n is None or not of else (n, of)


def _flat(group: Group) -> Counted:
    signal = has_signal(group)
    return None if signal is None else (int(not signal), 1)


def _cut(group: Group) -> Counted:
    known = [s.cut for s in group.samples if s.cut is not None]
    return (sum(known), len(known)) if known else None


def _lost(group: Group) -> Counted:
    return sum(map(unscored, group.samples)), len(group.samples)


def _watched(
    name: str, updates: Sequence[Counted], groups: Sequence[Counted], what: str, means: str
) -> Watched:
    """Count over the updates, over the kept groups where those did not count it.

    The interval is that of the mean share per update, or per group: answers to one prompt are not
    independent.
    """
    known, unit = [pair for pair in updates if pair is not None], "update"
    if not known:
        known, unit = [pair for pair in groups if pair is not None], "prompt"
    if not known:
        return Watched(name, None, 0, what, mean_interval([]), unit, means)
    share = mean_share_interval([n / of for n, of in known])
    return Watched(
        name, sum(n for n, _ in known), sum(of for _, of in known), what, share, unit, means
    )


def has_signal(group: Group) -> bool | None:
    """Whether the answers of a group earned different totals; None if that is not known.

    Where the totals were not recorded, advantages that are all zero say the same.
    """
    totals = [s.total for s in group.samples if not math.isnan(s.total)]
    if len(totals) >= 2:
        return max(totals) - min(totals) > 1e-9 * max(1.0, abs(max(totals)))
    advantages = [s.advantage for s in group.samples if not math.isnan(s.advantage)]
    return any(advantages) if len(advantages) >= 2 else None


def unscored(sample: SampleRow) -> bool:
    """Whether no reward could score an answer; one that some of them scored counts as scored."""
    if not sample.rewards:
        return math.isnan(sample.total) and sample.unscored_reason is not None
    return all(map(math.isnan, sample.rewards.values()))
