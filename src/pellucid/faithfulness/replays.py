"""Fresh replays from one step of an episode, in rounds that share their noise."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check
from pellucid.faithfulness import thresholds
from pellucid.rollouts import Branch, Future, run_branches, snapshot_way
from pellucid.rollouts.failures import check_enough, usable_returns
from pellucid.seeds import derived_seed


def replayed_returns(
    check: Check, metric: str, branches_of_round: Callable[[int], Sequence[Branch]]
) -> Float[np.ndarray, "rounds branches"]:
    """Return the reward from its step on of every branch, one round after the other.

    Args:
        check: Agent, episodes and budget.
        metric: Name of the metric, which names the stream.
        branches_of_round: Returns the branches of replicate r; the same number for each r.

    Raises:
        CapabilityError: As for `fresh_rounds`.
        BudgetError: Less than five rounds.
        AgentError: The agent's failures have left fewer.
        EnvError: The environment's failures have.
    """
    rounds = fresh_rounds(check, metric, branches_of_round)
    return np.array([usable_returns(futures) for futures in rounds])


def fresh_rounds(
    check: Check,
    metric: str,
    branches_of_round: Callable[[int], Sequence[Branch]],
    *,
    keep_observations: bool = False,
) -> list[tuple[Future, ...]]:
    """Return the futures of every branch, one round after the other.

    A round is complete or left out, so that every arm has the same replicates; fewer rounds than
    `thresholds.REPLAYS` are a test that stopped early. The noise comes
    from another stream than the explainer's: what was selected there is tested on new futures.

    Args:
        check: Agent, episodes and budget.
        metric: Name of the metric, which names the stream.
        branches_of_round: Returns the branches of replicate r; the same number for each r.
        keep_observations: Whether futures hold their observations.

    Raises:
        CapabilityError: There is no environment, or it cannot be branched or re-seeded.
        BudgetError: Less than five rounds.
        AgentError: The agent's failures have left fewer.
        EnvError: The environment's failures have.
    """
    if check.episodes.spec is None:
        raise CapabilityError(
            "replaying needs the environment, and these are logs without one",
            hint="give the environment",
        )
    check_noise(check)
    rounds = [list(branches_of_round(r)) for r in range(thresholds.REPLAYS)]
    width = len(rounds[0])
    _check_budget(check, rounds)
    futures = run_branches(
        check.agent,
        check.episodes,
        [branch for branches in rounds for branch in branches],
        meter=check.meter,
        policy=check.policy,
        jobs=check.jobs,
        seed=derived_seed(check.seed, "tests", metric),
        keep_observations=keep_observations,
    )
    n_rounds = len(futures) // width
    if n_rounds < thresholds.UNITS_FOR_WEAK:
        raise _too_small(n_rounds, _expected(check, rounds))
    futures = futures[: n_rounds * width]
    found = [futures[i * width : (i + 1) * width] for i in range(n_rounds)]
    n_usable = sum(all(future.failure is None for future in one) for one in found)
    check_enough(futures, n_usable, thresholds.UNITS_FOR_WEAK)
    return found


def check_noise(check: Check) -> None:
    """Refuse replays that would all show the same noise, as if there were many."""
    seed = derived_seed(check.seed, "tests", "probes")
    if snapshot_way(check.episodes, meter=check.meter, seed=seed).noise_reseedable is False:
        raise CapabilityError(
            "the environment has noise that cannot be re-seeded: its futures are one sample",
            hint="an environment whose noise comes from np_random",
        )


def _check_budget(check: Check, rounds: Sequence[Sequence[Branch]]) -> None:
    """Refuse before any work if five rounds of the recorded length are not paid for."""
    need = _expected(check, rounds)
    if need > min(check.meter.left.env_steps, check.meter.left.queries):
        raise _too_small(0, need)


def _expected(check: Check, rounds: Sequence[Sequence[Branch]]) -> int:
    used = check.episodes.used
    steps: int = sum(len(used[b.episode]) - b.step for b in rounds[0])
    return thresholds.UNITS_FOR_WEAK * steps


def _too_small(n_rounds: int, need: int) -> BudgetError:
    least = thresholds.UNITS_FOR_WEAK
    return BudgetError(
        f"the budget pays for {n_rounds} rounds of replays, and {least} are needed",
        hint=f"a larger budget: more than {need} environment steps and agent queries for this test",
    )
