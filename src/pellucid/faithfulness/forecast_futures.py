"""Forecast futures: whether fresh futures stay inside the bands that were announced."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.agents.flatten import flat
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Bands, Check, MetricInfo, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.outcome_amounts import per_episode
from pellucid.faithfulness.replays import check_noise
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.forecasts import interval_score
from pellucid.rollouts import Branch, Future, branching_cost, run_branches
from pellucid.rollouts.failures import check_enough
from pellucid.seeds import derived_seed


@metric(
    "forecast_futures",
    kind=Bands,
    label="penalty of the announced bands: their width, and what they miss, in spreads of an input",
    direction="lower",
    unit="episode",
    closed_loop=True,
    source="Gneiting 2007 (interval score, equation 43), on fresh futures",
    targets=("return",),
)
def forecast_futures(check: Check) -> tuple[Score, ...]:
    """Score announced bands by where fresh futures go.

    Up to five fresh futures from each state, as long as the announcement says. Value of a state:
    the mean over futures, steps ahead and inputs of the interval score, in standard deviations of
    the input; of an episode: the mean over its states. Control on the same futures: bands of the
    same coverage around what is seen now, calibrated on the same episodes.

    `forecast_futures.coverage` is a sanity check: the share of all inputs and steps at which a
    future is inside its band must not be lower than announced by more than a tenth. Bands that are
    too wide cover well, and are found out by the penalty.

    Raises:
        CapabilityError: No environment, or no branching.
        BudgetError: Less than five states.
    """
    content = check.finding.content
    assert isinstance(content, Bands)
    if check.episodes.spec is None:
        raise CapabilityError(
            "running what was announced needs the environment, and these are logs without one",
            hint="give the environment",
        )
    happened, complete = _happened(check, content)
    info = forecast_futures.info  # type: ignore[attr-defined]
    return band_scores(info, content, happened, complete=complete)


class _Penalties(NamedTuple):
    told: Float[np.ndarray, " states"]
    still: Float[np.ndarray, " states"]
    covered: Float[np.ndarray, " states"]


def band_scores(
    info: MetricInfo,
    content: Bands,
    happened: Float[np.ndarray, "states futures ahead inputs"],
    *,
    complete: bool = True,
) -> tuple[Score, ...]:
    """Return the scores of announced bands by what happened.

    Args:
        info: Of the metric.
        content: The announcements.
        happened: Shape (states, futures, ahead, inputs), of the first states; NaN where a future
            had ended or failed.
        complete: Whether all that was planned was run.
    """
    found = _penalties(content, happened)
    steps = content.steps[: len(happened)]
    covered = per_episode(found.covered, steps)
    least = content.coverage - thresholds.UNDER_COVERAGE
    return (
        paired_score(
            info,
            per_episode(found.told, steps),
            per_episode(found.still, steps),
            "bands around what is seen now",
            value_unit="spreads",
            complete=complete,
        ),
        paired_score(
            replace(info, direction="higher"),
            covered,
            np.full(len(covered), least),
            "the least that is allowed",
            name="coverage",
            label="share of what followed that is inside the announced bands",
            role="sanity",
            bounds=(0.0, 1.0),
        ),
    )


def _penalties(
    content: Bands, happened: Float[np.ndarray, "states futures ahead inputs"]
) -> _Penalties:
    """Return mean penalties and coverage of each state, over what is known."""
    varies: Bool[np.ndarray, " inputs"] = content.spreads > 0
    spreads = content.spreads[varies]
    bands = content.bands[: len(happened)][:, :, varies][:, None]
    seen = happened[..., varies]
    now = content.observations[: len(happened)][:, None, None, varies]
    half = content.standing_still[: len(happened)][:, :, varies][:, None]
    told = interval_score(bands[..., 0], bands[..., 2], seen, content.coverage) / spreads
    still = interval_score(now - half, now + half, seen, content.coverage) / spreads
    inside = np.where(
        np.isfinite(seen), (seen >= bands[..., 0]) & (seen <= bands[..., 2]), np.nan
    ).astype(np.float64)
    return _Penalties(*(_mean(values) for values in (told, still, inside)))


def _mean(values: Float[np.ndarray, "states futures ahead inputs"]) -> Float[np.ndarray, " states"]:
    known = np.isfinite(values)
    counts = known.sum(axis=(1, 2, 3))
    total = np.where(known, values, 0.0).sum(axis=(1, 2, 3))
    return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), np.nan))


def _happened(
    check: Check, content: Bands
) -> tuple[Float[np.ndarray, "states futures ahead inputs"], bool]:
    """Return where fresh futures went, and whether all that was planned was run."""
    check_noise(check)
    n_states, n_replicates = _affordable(check, content)
    futures = run_branches(
        check.agent,
        check.episodes,
        _branches(check, content, n_states, n_replicates),
        meter=check.meter,
        policy=check.policy,
        jobs=check.jobs,
        seed=derived_seed(check.seed, "tests", "forecast_futures"),
        keep_observations=True,
    )
    n_done = len(futures) // n_replicates
    ahead, width = content.bands.shape[1:3]
    found = np.array(
        [_reached(future, ahead, width) for future in futures[: n_done * n_replicates]]
    ).reshape(n_done, n_replicates, ahead, width)
    n_usable = int(np.isfinite(found).any(axis=(1, 2, 3)).sum())
    check_enough(futures, n_usable, min(thresholds.UNITS_FOR_WEAK, len(content.steps)))
    return found, n_done == len(content.steps)


def _affordable(check: Check, content: Bands) -> tuple[int, int]:
    n_states = len(content.steps)
    fewest = min(thresholds.UNITS_FOR_WEAK, n_states)
    sizes = [(n_states, r) for r in range(thresholds.PART_REPLICATES, 0, -1)]
    sizes += [(n, 1) for n in range(n_states - 1, fewest - 1, -1)]
    for size in sizes:
        if branching_cost(check.episodes, _branches(check, content, *size)).fits(check.meter.left):
            return size
    need = branching_cost(check.episodes, _branches(check, content, fewest, 1))
    raise BudgetError(
        f"what was announced of {fewest} states cannot be run with what is left",
        hint=f"a larger budget: more than {need.env_steps} environment steps and "
        f"{need.queries} agent queries for this test",
    )


def _branches(check: Check, content: Bands, n_states: int, n_replicates: int) -> list[Branch]:
    steps: Int[np.ndarray, "states 2"] = content.steps[:n_states]
    nothing = check.episodes[0].actions[:0]
    ahead = content.bands.shape[1]
    return [
        Branch(episode, step, nothing, replicate, horizon=ahead)
        for episode, step in steps.tolist()
        for replicate in range(n_replicates)
    ]


def _reached(future: Future, ahead: int, width: int) -> Float[np.ndarray, "ahead inputs"]:
    found = np.full((ahead, width), np.nan)
    if future.failure is None and future.observations is not None:
        later = flat(future.observations[1 : ahead + 1])
        found[: len(later)] = later
    return found
