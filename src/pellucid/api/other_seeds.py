"""Makes the explanations of a run again under other seeds, to tell how much of them is chance."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from pellucid.api.explaining import EXPLAIN_SHARE, explain, plan_method
from pellucid.api.request import Request, options_of
from pellucid.budget import Cost, Meter
from pellucid.errors import DataError, InputError, PellucidError
from pellucid.explanation import Explanation
from pellucid.faithfulness.seed_stability import likeness_of
from pellucid.io.strict_json import finite_or_text
from pellucid.report.record import SeedStability
from pellucid.rollouts import Episodes
from pellucid.types import Agent


def kept_for_other_seeds(request: Request) -> Cost:
    """Return what of the budget is not for the explanations themselves and their tests.

    Each repetition needs as much as an explanation without its tests.
    """
    again = request.other_seeds * EXPLAIN_SHARE
    return request.allowed.share(again / (1 + again))


def stability(
    explanation: Explanation, agent: Agent, episodes: Episodes, request: Request, meter: Meter
) -> SeedStability | None:
    """Return how alike an explanation is to those under the other seeds that were asked for.

    Each is made with the budget that the explanation itself had, its tests aside. None if the
    explanation holds nothing that could change.

    Args:
        explanation: As the report shows it.
        agent: The agent.
        episodes: Those that were explained.
        request: What was asked for.
        meter: What is left; all of it may be used.

    Raises:
        TimeLimitError: The time is over.
    """
    if explanation.content is None:
        return None
    method = explanation.method
    likeness = likeness_of(type(explanation.content))
    if likeness is None:
        reason = "two answers of this kind cannot be put on a scale of likeness"
        return SeedStability(method, "", 0.0, (), reason)
    reason = _too_dear(explanation, agent, episodes, request, meter)
    if reason:
        return SeedStability(method, likeness.words, likeness.lowest, (), reason)
    values = []
    for seed in range(request.seed + 1, request.seed + 1 + request.other_seeds):
        meter.check_time()
        again = _again(explanation, agent, episodes, request, seed, meter)
        if again.content is None or again.complete != explanation.complete:
            reason = again.reason if again.content is None else "it was cut short under one seed"
            return SeedStability(method, likeness.words, likeness.lowest, (), reason)
        values.append(likeness.measure(explanation.content, again.content, agent, episodes))
    return SeedStability(
        method, likeness.words, likeness.lowest, tuple(values), _why_missing(values)
    )


def stabilities(
    explanations: Sequence[Explanation],
    agent: Agent,
    episodes: Episodes,
    request: Request,
    meter: Meter,
    progress: Callable[[float], None],
) -> tuple[SeedStability, ...]:
    """Return the stability of each explanation that can change, in the order in which they are.

    Those that used least are made again first, so that a budget goes as far as it can.

    Raises:
        TimeLimitError: The time is over.
    """
    order = sorted(explanations, key=lambda e: (e.used.env_steps, e.used.queries, e.method))
    found: dict[str, SeedStability | None] = {}
    for done, explanation in enumerate(order):
        progress(done / len(order))
        found[explanation.method] = stability(explanation, agent, episodes, request, meter)
    rows = (found[explanation.method] for explanation in explanations)
    return tuple(row for row in rows if row is not None)


def _again(
    explanation: Explanation,
    agent: Agent,
    episodes: Episodes,
    request: Request,
    seed: int,
    meter: Meter,
) -> Explanation:
    return explain(
        agent,
        episodes,
        method=explanation.method,
        target=explanation.target,
        policy=explanation.policy,
        seed=seed,
        meter=meter,
        budget=explanation.allowed.share(EXPLAIN_SHARE),
        score=False,
        options=options_of(explanation.method, request.options),
    )


def _too_dear(
    explanation: Explanation, agent: Agent, episodes: Episodes, request: Request, meter: Meter
) -> str:
    """Return why the budget does not pay for it; empty if it does."""
    try:
        one = plan_method(
            agent,
            episodes,
            method=explanation.method,
            target=explanation.target,
            policy=explanation.policy,
            seed=request.seed + 1,
            budget=explanation.allowed,
            options=options_of(explanation.method, request.options),
        )
    except InputError:
        raise
    except PellucidError as error:
        return str(error)
    n, left = request.other_seeds, meter.left
    if Cost(n * one.queries, n * one.env_steps).fits(left):
        return ""
    return (
        f"{n} more explanations need about {n * one.queries} agent queries and "
        f"{n * one.env_steps} environment steps, and {left.queries} and {left.env_steps} are left"
    )


def _why_missing(values: Sequence[float]) -> str:
    known = [value for value in values if math.isfinite(value)]
    if len(known) >= 2:
        return ""
    if len(values) < 2:
        return "one other seed gives no interval"
    return "the answers under the other seeds could not be compared"


def stored_rows(rows: Sequence[SeedStability]) -> list[dict[str, Any]]:
    """Return rows as a run folder stores them."""
    return [
        {
            "method": row.method,
            "words": row.words,
            "lowest": row.lowest,
            "values": list(row.values),
            "reason": row.reason,
        }
        for row in rows
    ]


def read_rows(stored: Any) -> tuple[SeedStability, ...]:
    """Return rows as they were stored.

    Raises:
        DataError: They are damaged.
    """
    try:
        return tuple(
            SeedStability(
                str(row["method"]),
                str(row["words"]),
                float(row["lowest"]),
                tuple(finite_or_text(value) for value in row["values"]),
                str(row["reason"]),
            )
            for row in stored
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"run.json is damaged where it tells of other seeds: {type(error).__name__} {error}",
            hint="start again with --fresh",
        ) from error
