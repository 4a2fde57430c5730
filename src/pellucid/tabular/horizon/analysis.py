"""Everything that is said of a task: lookahead, effective horizon, bounds and where it is hard."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from pellucid.tabular.horizon.chance_bounds import ChanceLevel, chance_bound
from pellucid.tabular.horizon.covering import covering_length
from pellucid.tabular.horizon.greedy_planning import PlanningCost, planning_cost
from pellucid.tabular.horizon.lookahead import (
    effective_planning_window,
    greedy_returns,
    minimum_k,
)
from pellucid.tabular.horizon.simple_bounds import SimpleBound, simple_bound
from pellucid.tabular.horizon.staging import Stages, stages
from pellucid.tabular.horizon.tight_bounds import TightBound, tight_bound
from pellucid.tabular.mdp import FiniteMDP

Progress: TypeAlias = Callable[[str, float], None]


@dataclass(frozen=True)
class HardState:
    """A state on the way to the best return, in which the best action is hard to tell.

    Args:
        step: Counted from 0.
        state: Its number.
        name: What it is called.
        values: What each action gets if exploration follows, or best actions after k - 1 steps.
        best_values: What each action gets if the best ones follow.
        gap: How far the best suboptimal action is behind, in `values`.
        variance: Bound on the variance of the returns that are compared.
        episodes: Samples of each sequence that the simple bound asks for here.
        chance: That exploration is in this state at this step.
    """

    step: int
    state: int
    name: str
    values: tuple[float, ...]
    best_values: tuple[float, ...]
    gap: float
    variance: float
    episodes: int
    chance: float


@dataclass(frozen=True)
class HorizonAnalysis:
    """What a task looks like to an agent that explores.

    Args:
        n_states: States that some policy reaches.
        n_unreached: States that none reaches; they are left out.
        n_actions: Number of actions.
        horizon: Steps of an episode.
        bounded: Whether every action has one outcome and there is one first state; without it
            there are no bounds on environment steps.
        best: Expected return of the best policy.
        explored: Likewise of exploration.
        worst: Likewise of the worst policy.
        k: Steps of lookahead that make the greedy policy optimal.
        planning_window: Rewards ahead that a planner without exploration must see.
        greedy_returns: What greedy policies get after 0, 1, … backups, up to k and at least one.
        simple: Bounds from gaps and ranges; None with chance.
        tight: Bounds from the chance of failure; None with chance.
        with_chance: The effective horizon in the form for tasks with chance, by lookahead.
        measured: What planning took when it was run; None if it was not.
        cover_steps: Environment steps after which exploration has tried everything.
        worst_case_steps: `T A^T`: trying every sequence of actions.
        hard_states: The hardest first.
        gap_profile: The least gap of each step; infinite where no action is worse.
    """

    n_states: int
    n_unreached: int
    n_actions: int
    horizon: int
    bounded: bool
    best: float
    explored: float
    worst: float
    k: int
    planning_window: int
    greedy_returns: tuple[float, ...]
    simple: SimpleBound | None
    tight: TightBound | None
    with_chance: tuple[ChanceLevel, ...]
    measured: PlanningCost | None
    cover_steps: float
    worst_case_steps: float
    hard_states: tuple[HardState, ...]
    gap_profile: tuple[float, ...]

    @property
    def predicted_steps(self) -> float:
        """Environment steps that random exploration needs at most, by the best bound.

        NaN with chance in the task, for which only the order of growth is known.
        """
        if not self.bounded:
            return math.nan
        found = [self.worst_case_steps]
        if self.simple is not None:
            exponent = 2 * math.log(self.horizon) + self.simple.horizon * math.log(self.n_actions)
            found.append(math.exp(exponent) if exponent < 700 else math.inf)
        if self.tight is not None:
            found.append(min(level.env_steps for level in self.tight.levels))
        return min(found)

    @property
    def effective_horizon(self) -> float:
        """The least bound on the effective horizon; with chance, in the form for it."""
        if self.simple is None or self.tight is None:
            return min((level.horizon for level in self.with_chance), default=math.inf)
        return min(self.simple.horizon, self.tight.tightest.horizon)


def analyse(
    mdp: FiniteMDP,
    *,
    exploration: Float[np.ndarray, "states actions"] | None = None,
    n_hard_states: int = 3,
    measure_budget: int = 0,
    seed: int = 0,
    progress: Progress = lambda part, share: None,
) -> HorizonAnalysis:
    """Return how far ahead a task makes an agent look, what that costs, and where it is hard.

    Args:
        mdp: With a horizon and a discount of 1.
        exploration: Policy of shape (states, actions) before states are left out; every action
            alike if None.
        n_hard_states: How many of the hardest states are told.
        measure_budget: Environment steps of one plan up to which planning is run; 0 for not.
        seed: Of planning.
        progress: Told the part that is worked on and the share done.

    Raises:
        InputError: The problem has no horizon.
        CapabilityError: It is discounted or too large.
    """
    kept = mdp.reachable
    small = mdp.restricted()
    progress("values", 0.0)
    staged = stages(small, exploration=None if exploration is None else exploration[kept])
    progress("lookahead", 0.1)
    k = minimum_k(staged)
    bounded = small.deterministic and int((small.initial > 0).sum()) == 1
    progress("simple bound", 0.2)
    simple = simple_bound(staged) if bounded else None
    progress("tight bound", 0.3)
    tight = tight_bound(staged) if bounded else None
    progress("planning", 0.8)
    measured = None
    if bounded and measure_budget:
        level = tight.tightest.k if tight and tight.tightest.m else k
        measured = planning_cost(staged, level, seed=seed, budget=measure_budget)
    hard, profile = _hard_states(staged, k, n_hard_states)
    log_worst = math.log(staged.horizon) + staged.horizon * math.log(small.n_actions)
    return HorizonAnalysis(
        n_states=small.n_states,
        n_unreached=mdp.n_states - small.n_states,
        n_actions=small.n_actions,
        horizon=staged.horizon,
        bounded=bounded,
        best=float(small.initial @ staged.best[0]),
        explored=float(small.initial @ staged.explored[0]),
        worst=float(small.initial @ staged.worst[0]),
        k=k,
        planning_window=effective_planning_window(staged),
        greedy_returns=tuple(greedy_returns(staged, max(1, min(k, 10))).tolist()),
        simple=simple,
        tight=tight,
        with_chance=chance_bound(staged),
        measured=measured,
        cover_steps=covering_length(staged) * staged.horizon,
        worst_case_steps=math.exp(log_worst) if log_worst < 700 else math.inf,
        hard_states=hard,
        gap_profile=profile,
    )


def _hard_states(staged: Stages, k: int, n: int) -> tuple[tuple[HardState, ...], tuple[float, ...]]:
    """Return the states in which telling the best action takes most, and each step's least gap."""
    values = staged.explored
    for _ in range(k - 1):
        values = staged.next_iterate(values)
    log_term = math.log(2 * staged.horizon * float(staged.mdp.n_actions) ** k)
    states, here = staged.initial_states(), staged.mdp.initial
    found: list[HardState] = []
    profile: list[float] = []
    for step in range(staged.horizon):
        q_values, suboptimal = staged.q_values(values, step), staged.suboptimal(step)
        gaps = q_values.max(axis=1) - np.where(suboptimal, q_values, -np.inf).max(axis=1)
        profile.append(float(gaps[states].min()) if states.any() else math.inf)
        spread = _spread(staged, step)
        with np.errstate(divide="ignore", invalid="ignore"):
            asked = np.where(states & np.isfinite(gaps), spread / gaps**2, -np.inf)
        found += [
            _hard_state(staged, step, int(state), q_values, gaps, spread, log_term, here)
            for state in np.argsort(-asked, kind="stable")[:n]
            if np.isfinite(asked[state])
        ]
        here = staged.mdp.next_distribution(here[:, None] * staged.exploration)
        states = staged.reached_by(states, ~suboptimal)
    found.sort(key=lambda one: (-one.episodes, one.gap))
    distinct: dict[int, HardState] = {}
    for one in found:  # a state counts once, at the step where it is hardest
        distinct.setdefault(one.state, one)
    return tuple(distinct.values())[:n], tuple(profile)


def _hard_state(
    staged: Stages,
    step: int,
    state: int,
    q_values: Float[np.ndarray, "states actions"],
    gaps: Float[np.ndarray, " states"],
    spread: Float[np.ndarray, " states"],
    log_term: float,
    here: Float[np.ndarray, " states"],
) -> HardState:
    gap, variance = float(gaps[state]), float(spread[state])
    return HardState(
        step=step,
        state=state,
        name=staged.mdp.state_name(state),
        values=tuple(q_values[state].tolist()),
        best_values=tuple(staged.q_values(staged.best, step)[state].tolist()),
        gap=gap,
        variance=variance,
        episodes=max(1, math.ceil(16 * variance / gap**2 * log_term)),
        chance=float(here[state]),
    )


def _spread(staged: Stages, step: int) -> Float[np.ndarray, " states"]:
    worst = staged.q_values(staged.worst, step)
    explored = staged.q_values(staged.explored, step) - worst
    return np.asarray((explored * (staged.q_values(staged.best, step) - worst)).max(axis=1))
