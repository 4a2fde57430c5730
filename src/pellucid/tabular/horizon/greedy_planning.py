"""Greedy planning over random exploration: how many environment steps it takes to be optimal."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.kernels.planning import plan_greedily, plan_many_times
from pellucid.seeds import stream
from pellucid.stats import Estimate, proportion_interval
from pellucid.tabular.horizon.staging import Stages

N_RUNS = 101
"""Plans whose median is taken: odd, so that it is one of them."""
BUDGET = 100_000_000
"""Environment steps of a plan from which on a problem counts as unsolved, as in Laidlaw 2023."""


@dataclass(frozen=True, eq=False)
class Plan:
    """One plan.

    Args:
        actions: Shape (horizon,).
        value: Its return.
        optimal: Whether no policy gets more, up to the tolerance of the stages.
        env_steps: Steps if every episode starts in the first state, as in the paper.
        restored_steps: Steps if episodes start from the state that the plan has reached.
    """

    actions: Int[np.ndarray, " steps"]
    value: float
    optimal: bool
    env_steps: int
    restored_steps: int


@dataclass(frozen=True)
class PlanningCost:
    """The least number of episodes with which half of all plans are optimal.

    Args:
        k: Lookahead steps.
        m: Episodes per sequence of k actions; None if none within the budget was enough.
        env_steps: Median environment steps of a plan with that many; infinite without m.
        restored_steps: Likewise with episodes that start from the reached state.
        success: Share of plans that are optimal, with its interval; measured without m too.
        n_runs: Plans that were made with m episodes.
    """

    k: int
    m: int | None
    env_steps: float
    restored_steps: float
    success: Estimate
    n_runs: int

    @property
    def solved(self) -> bool:
        """Whether a number of episodes was found."""
        return self.m is not None


def plan(staged: Stages, k: int, m: int, *, seed: int) -> Plan:
    """Return a plan whose every action starts the sequence of k with the best sample mean.

    Args:
        staged: A deterministic problem with one first state, and its exploration policy.
        k: Actions of a sequence.
        m: Episodes per sequence; after it they explore.
        seed: Of the exploration.

    Raises:
        InputError: k or m is not positive, or the problem has chance in it.

    Source: Laidlaw 2023, algorithm 1 (GORP).
    """
    if k < 1 or m < 1:
        raise InputError(f"expected at least one lookahead step and one episode, got {k} and {m}")
    actions = np.empty(staged.horizon, dtype=np.int64)
    value, steps, prefix = plan_greedily(
        *_table(staged), staged.horizon, k, m, _counters(seed, 1)[0], actions
    )
    optimal = value >= _enough(staged)
    return Plan(actions, value, bool(optimal), steps + prefix, steps)


def planning_cost(
    staged: Stages,
    k: int,
    *,
    seed: int,
    n_runs: int = N_RUNS,
    budget: int = BUDGET,
) -> PlanningCost:
    """Return how many environment steps planning needs for half of its plans to be optimal.

    The number of episodes is doubled until it is enough, and then bisected.

    Args:
        staged: A deterministic problem with one first state, and its exploration policy.
        k: Lookahead steps.
        seed: Of the exploration.
        n_runs: Plans per number of episodes.
        budget: Most environment steps of one plan.

    Raises:
        InputError: The problem has chance in it.
    """
    runs = _Runs(staged, k, seed, n_runs)
    too_few, enough = 0, 1
    while not runs.succeed(enough):
        too_few, enough = enough, 2 * enough
        # the steps of a plan grow in proportion to its episodes
        if runs.steps_of_last * 2 > budget:
            _, _, success = runs.measure(too_few)
            return PlanningCost(k, None, math.inf, math.inf, success, n_runs)
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if runs.succeed(middle):
            enough = middle
        else:
            too_few = middle
    env_steps, restored, success = runs.measure(enough)
    return PlanningCost(k, enough, env_steps, restored, success, n_runs)


class _Runs:
    """Plans of one problem and lookahead, from the same random numbers for every m."""

    def __init__(self, staged: Stages, k: int, seed: int, n_runs: int) -> None:
        if k < 1 or n_runs < 1:
            raise InputError(f"expected at least one lookahead step and run, got {k} and {n_runs}")
        self._fixed = (*_table(staged), staged.horizon, k)
        self._counters = _counters(seed, n_runs)
        self._enough = _enough(staged)
        self.steps_of_last = 0.0

    def succeed(self, m: int) -> bool:
        """Return whether at least half of the plans are optimal."""
        returns, _ = self._run(m, decide=True)
        return 2 * int((returns >= self._enough).sum()) >= len(self._counters)

    def measure(self, m: int) -> tuple[float, float, Estimate]:
        """Return the median steps, those from restored states, and the share of optimal plans."""
        returns, steps = self._run(m, decide=False)
        success = proportion_interval(int((returns >= self._enough).sum()), len(returns))
        return float(np.median(steps.sum(axis=1))), float(np.median(steps[:, 0])), success

    def _run(
        self, m: int, *, decide: bool
    ) -> tuple[Float[np.ndarray, " runs"], Int[np.ndarray, "runs two"]]:
        n_runs = len(self._counters)
        returns, steps = np.empty(n_runs), np.empty((n_runs, 2), dtype=np.int64)
        done = plan_many_times(
            *self._fixed, m, self._counters, self._enough, decide, returns, steps
        )
        self.steps_of_last = float(np.median(steps[:done].sum(axis=1)))
        return returns[:done], steps[:done]


def _table(staged: Stages) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    mdp = staged.mdp
    starts = np.flatnonzero(staged.initial_states())
    if len(starts) != 1:
        raise InputError(f"expected one first state, got {len(starts)}")
    uniform = np.allclose(staged.exploration, 1 / mdp.n_actions, rtol=0, atol=1e-12)
    cumulative = np.empty(0) if uniform else staged.exploration.cumsum(axis=1).reshape(-1)
    next_states = np.ascontiguousarray(mdp.next_states, dtype=np.int32).reshape(-1)
    return next_states, mdp.rewards.reshape(-1), mdp.terminal, cumulative, int(starts[0])


def _enough(staged: Stages) -> float:
    return float(staged.mdp.initial @ staged.best[0]) - staged.tolerance


def _counters(seed: int, n: int) -> np.ndarray:
    return stream(seed, "greedy-planning").integers(0, 2**64, size=n, dtype=np.uint64)
