"""Event skill: how far announced probabilities are from what happens in fresh futures."""

import math

import numpy as np
from jaxtyping import Float

from pellucid.agents.flatten import flat
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Prediction, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.announced_events import announcement_scores, events_of
from pellucid.faithfulness.replays import check_noise
from pellucid.kernels.events import Events, times_until
from pellucid.rollouts import Branch, Future, branching_cost, run_branches
from pellucid.rollouts.failures import check_enough
from pellucid.seeds import derived_seed

USABLE = 0.9
"""Least share of states whose futures must all be usable; failures may take the others."""


@metric(
    "event_skill",
    kind=Prediction,
    label="error of announced probabilities in fresh futures",
    direction="lower",
    unit="state",
    closed_loop=True,
    source="Brier 1950, on futures by branching; controls ours",
)
def event_skill(check: Check) -> tuple[Score, ...]:
    """Score announcements by whether the events happen when the agent goes on.

    Up to five fresh futures of each told state, under other noise than any that was announced from.
    Value of a state: the mean over events and futures of the squared distance between the announced
    probability and 1 or 0. Controls on the same futures: the usual rate of each event, and the mean
    over what is announced in the other states. States are units, taken as independent.

    Raises:
        CapabilityError: No environment or no branching, or events are no changes of the state.
        BudgetError: Less than five states.
        AgentError: The agent's failures have left fewer.
        EnvError: The environment's failures have.
    """
    content = check.finding.content
    assert isinstance(content, Prediction)
    events = events_of(content)
    if check.episodes.spec is None:
        raise CapabilityError(
            "futures need the environment, and these are logs without one",
            hint="give the environment",
        )
    check_noise(check)
    n_states, n_futures = _affordable(check, content)
    futures = run_branches(
        check.agent,
        check.episodes,
        _branches(check, content, n_states, n_futures),
        meter=check.meter,
        policy=check.policy,
        jobs=check.jobs,
        seed=derived_seed(check.seed, "tests", "event_skill"),
        keep_observations=True,
    )
    n_done = len(futures) // n_futures
    found = np.full((len(content.steps), n_futures, len(events)), np.nan)
    for row, future in enumerate(futures[: n_done * n_futures]):
        found[row // n_futures, row % n_futures] = _happened(future, events, content.horizon)
    n_usable = int(np.isfinite(found).all(axis=(1, 2)).sum())
    check_enough(futures, n_usable, max(thresholds.UNITS_FOR_WEAK, math.ceil(USABLE * n_done)))
    return announcement_scores(
        event_skill.info,  # type: ignore[attr-defined]
        content,
        found,
        complete=n_done == len(content.steps),
    )


def _branches(check: Check, content: Prediction, n_states: int, n_futures: int) -> list[Branch]:
    nothing = check.episodes[0].actions[:0]
    return [
        Branch(int(e), int(t), nothing, replicate, content.horizon)
        for e, t in content.steps[:n_states]
        for replicate in range(n_futures)
    ]


def _affordable(check: Check, content: Prediction) -> tuple[int, int]:
    """Return how many states and futures of each are paid for.

    Raises:
        BudgetError: Less than five states with one future.
    """
    most = len(content.steps)
    least = min(thresholds.UNITS_FOR_WEAK, most)
    sizes = [(most, n) for n in range(thresholds.PART_REPLICATES, 0, -1)]
    sizes += [(n, 1) for n in range(most - 1, least - 1, -1)]
    for n_states, n_futures in sizes:
        need = branching_cost(check.episodes, _branches(check, content, n_states, n_futures))
        if need.fits(check.meter.left):
            return n_states, n_futures
    raise BudgetError(
        f"the budget does not pay for futures of {least} states",
        hint=f"a larger budget: {need.env_steps} environment steps are enough for this test",
    )


def _happened(future: Future, events: Events, horizon: int) -> Float[np.ndarray, " events"]:
    if future.failure is not None or future.observations is None or not len(future):
        return np.full(len(events), np.nan)
    times = times_until(flat(future.observations), future.terminated, events)[0]
    return np.asarray((times <= horizon).astype(np.float64))
