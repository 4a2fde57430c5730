"""What each component brought in fresh futures, and components permuted at random."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Components
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.replays import check_noise
from pellucid.kernels.reward_parts import span_returns, stacked_terms, term_returns
from pellucid.rollouts import Branch, Future, run_branches
from pellucid.rollouts.failures import check_enough
from pellucid.seeds import derived_seed, stream


@dataclass(frozen=True)
class Measured:
    """What futures brought.

    Args:
        parts: Shape (states, arms, components), means over replicates; NaN for a state that could
            not be measured.
        complete: Whether every state was measured.
    """

    parts: Float[np.ndarray, "states arms components"]
    complete: bool


def measured_parts(
    check: Check, metric: str, arms: Sequence[Sequence[Shaped[np.ndarray, "k *action"]]]
) -> Measured:
    """Run fresh futures of every arm of every state, and return what each component brought.

    Replicate r has the same noise in all arms of a state, from another stream than the explainer's.

    Args:
        check: Its content is `Components` with the steps and the discount of its states.
        metric: Name of the metric, which names the stream.
        arms: Per state, the forced actions of each arm; the same number for each state.

    Raises:
        CapabilityError: There is no environment, it cannot be branched or re-seeded, or the
            components cannot be permuted.
        BudgetError: Less than five states can be measured.
        AgentError: The agent's failures have left fewer, or less than half.
        EnvError: The environment's failures have.
    """
    content = _content(check)
    check_noise(check)
    n_states, n_replicates = _affordable(check, content, len(arms[0]))
    branches = [
        Branch(int(e), int(t), forced, replicate)
        for (e, t), forced_arms in zip(content.steps[:n_states], arms[:n_states], strict=True)
        for replicate in range(n_replicates)
        for forced in forced_arms
    ]
    futures = run_branches(
        check.agent,
        check.episodes,
        branches,
        meter=check.meter,
        policy=check.policy,
        jobs=check.jobs,
        seed=derived_seed(check.seed, "tests", metric),
    )
    per_state = n_replicates * len(arms[0])
    n_done = len(futures) // per_state
    found = np.array([_parts(future, content) for future in futures[: n_done * per_state]])
    shape = (n_done, n_replicates, len(arms[0]), len(content.component_names))
    parts: Float[np.ndarray, "states arms components"] = np.full((len(arms), *shape[2:]), np.nan)
    if n_done:
        parts[:n_done] = _mean(found.reshape(shape))
    n_usable = int(np.isfinite(parts).all(axis=(1, 2)).sum())
    # where most fail, what is left is not like the others
    check_enough(futures, n_usable, max(thresholds.UNITS_FOR_WEAK, math.ceil(n_done / 2)))
    return Measured(parts, complete=n_done == len(arms))


def permuted_errors(
    check: Check,
    metric: str,
    told: Float[np.ndarray, "states components"],
    measured: Float[np.ndarray, "states components"],
) -> Float[np.ndarray, " states"]:
    """Return by how much components miss what was measured once they are told of one another.

    The mean over random orders of the components, each of which moves at least one.
    """
    rng = stream(check.seed, "tests", metric, "control")
    n_states, n_components = told.shape
    errors: Float[np.ndarray, " states"] = np.zeros(n_states)
    for _ in range(thresholds.PART_PERMUTATIONS):
        order = _moved(n_components, rng)
        errors += missed(told[:, order], measured)
    return errors / thresholds.PART_PERMUTATIONS


def missed(
    told: Float[np.ndarray, "states components"], measured: Float[np.ndarray, "states components"]
) -> Float[np.ndarray, " states"]:
    """Return the mean over components of how far they are from what was measured."""
    return np.asarray(np.abs(told - measured).mean(axis=1))


def _moved(n: int, rng: np.random.Generator) -> Int[np.ndarray, " components"]:
    while True:
        order = rng.permutation(n)
        if (order != np.arange(n)).any():
            return order


def _content(check: Check) -> Components:
    content = check.finding.content
    assert isinstance(content, Components)
    if check.episodes.spec is None:
        raise CapabilityError(
            "measuring what each part brings needs the environment, and these are logs without one",
            hint="give the environment",
        )
    if not len(content.steps) or math.isnan(content.discount):
        raise CapabilityError(
            "it is not told of which states the components are", hint="another method"
        )
    if len(content.component_names) < 2:
        raise CapabilityError(
            "a single component has no other one to be told of", hint="two components or more"
        )
    return content


def _affordable(check: Check, content: Components, n_arms: int) -> tuple[int, int]:
    """Return how many states and replicates are paid for if futures are as long as recorded.

    Raises:
        BudgetError: Less than five states with one replicate.
    """
    each = np.array([len(check.episodes[int(e)]) for e, _ in content.steps]) * n_arms
    left = min(check.meter.left.queries, check.meter.left.env_steps)
    for n_replicates in range(thresholds.PART_REPLICATES, 0, -1):
        if n_replicates * int(each.sum()) <= left:
            return len(each), n_replicates
    n_states = int((np.cumsum(each) <= left).sum())
    if n_states < min(thresholds.UNITS_FOR_WEAK, len(each)):
        need = int(each[: thresholds.UNITS_FOR_WEAK].sum())
        raise BudgetError(
            f"the budget pays for futures of {n_states} states, and "
            f"{thresholds.UNITS_FOR_WEAK} are needed",
            hint=f"a larger budget: more than {need} environment steps and agent queries for this "
            "test",
        )
    return n_states, 1


def _parts(future: Future, content: Components) -> Float[np.ndarray, " components"]:
    if future.failure is not None:
        return np.full(len(content.component_names), np.nan)
    if len(content.since):
        return np.asarray(span_returns(future.rewards, content.since, content.discount)[0])
    terms = stacked_terms(future.terms, content.component_names, len(future))
    return np.asarray(term_returns(terms, content.discount)[0])


def _mean(
    found: Float[np.ndarray, "states replicates arms components"],
) -> Float[np.ndarray, "states arms components"]:
    """Return means over the replicates in which no arm failed; NaN where there is none."""
    usable = np.isfinite(found).all(axis=(2, 3))
    counted = usable.sum(axis=1)[:, None, None]
    total = np.where(usable[:, :, None, None], found, 0.0).sum(axis=1)
    return np.asarray(np.where(counted > 0, total / np.maximum(counted, 1), np.nan))
