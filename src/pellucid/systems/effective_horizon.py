"""What the claims about the effective horizon measure: bounds against planning, and learning.

Source: Laidlaw, Russell & Dragan 2023; Laidlaw, Zhu, Russell & Dragan 2024.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from pellucid.kernels.ranks import spearman
from pellucid.seeds import stream
from pellucid.tabular.bridge import bridge_mdp
from pellucid.tabular.generators import combination_lock, grid_world, random_graph
from pellucid.tabular.horizon import (
    learn_by_lookahead,
    planning_cost,
    simple_bound,
    stages,
    tight_bound,
    tight_level,
    with_sticky_actions,
)
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.q_learning import q_learning_steps

STICKY = 0.25
"""Chance that the last action is repeated in the problems with chance."""
LOOKAHEADS = (1, 2, 3)
"""Lookahead steps of which planning takes the best."""


# --- bounds against planning ---


@dataclass(frozen=True)
class Margins:
    """How far bounds on environment steps lie above what planning took, in powers of ten.

    Args:
        bound: The least margin over all problems.
        published: Likewise of the bound as the authors' code computes it.
        other_problem: Likewise of the bound that another of the problems has.
    """

    bound: float
    published: float
    other_problem: float


@lru_cache(maxsize=64)
def margins(n_runs: tuple[tuple[str, int], ...], seed: int) -> Margins:
    """Return the margins over shipped problems, with one step of lookahead.

    Args:
        n_runs: Problems of the BRIDGE data set, and the plans whose median is the truth.
        seed: Of planning.
    """
    measured, bounds, published = [], [], []
    for name, n_plans in n_runs:
        took, bound, as_published = _steps_and_bounds(name, n_plans, seed)
        measured.append(took)
        bounds.append(bound)
        published.append(as_published)
    truth = np.log10(measured)
    return Margins(
        bound=float((np.log10(bounds) - truth).min()),
        published=float((np.log10(published) - truth).min()),
        other_problem=float((np.log10(np.roll(bounds, -1)) - truth).min()),
    )


def _steps_and_bounds(name: str, n_runs: int, seed: int) -> tuple[float, float, float]:
    staged = stages(bridge_mdp(name))
    took = planning_cost(staged, 1, seed=seed, n_runs=n_runs).env_steps
    return took, *_bounds(name)


@lru_cache(maxsize=8)
def _bounds(name: str) -> tuple[float, float]:
    staged = stages(bridge_mdp(name))
    published = tight_level(staged, 1, as_published=True).env_steps
    return tight_level(staged, 1).env_steps, published


# --- what predicts the steps of Q-learning ---


def generated_problems(seed: int, *, n_rounds: int = 1) -> list[FiniteMDP]:
    """Return grids, sparse and shaped, combination locks and random graphs: 54 a round.

    Args:
        seed: Draws goals, locks and graphs.
        n_rounds: How many of each kind and size.
    """
    rng = stream(seed, "generated-problems")
    problems: list[FiniteMDP] = []
    for _ in range(n_rounds):
        problems += [
            grid_world(size, rng, horizon=horizon, shaped=shaped)
            for size in (3, 4, 5)
            for horizon in (8, 12, 16)
            for shaped in (False, True)
        ]
        problems += [
            combination_lock(length, n_actions, rng)
            for length in range(2, 8)
            for n_actions in (2, 3, 4)
        ]
        problems += [
            random_graph(n_states, n_actions, rng, horizon=horizon)
            for n_states in (6, 12, 24)
            for n_actions in (2, 3, 4)
            for horizon in (6, 10)
        ]
    return problems


@dataclass(frozen=True)
class PredictionSize:
    """How much is measured of each problem.

    Args:
        every: Take every n-th problem of a round.
        n_runs: Runs of Q-learning, whose median counts.
        n_plans: Plans whose median counts.
        budget: Environment steps above which a problem counts as unsolved, last among all.
        n_rounds: Rounds of generated problems.
    """

    every: int = 1
    n_runs: int = 11
    n_plans: int = 21
    budget: int = 1_000_000
    n_rounds: int = 1


@lru_cache(maxsize=64)
def rank_correlations(size: PredictionSize, seed: int) -> Mapping[str, float]:
    """Return Spearman's correlation of each prediction with the steps that Q-learning takes.

    The predictions, in environment steps: both bounds, planning itself, trying every sequence, and
    planning with its numbers given to other problems.

    Args:
        size: How much is measured.
        seed: Draws the problems, and everything that is run on them.
    """
    problems = generated_problems(seed, n_rounds=size.n_rounds)[:: size.every]
    learned = [
        float(np.median(q_learning_steps(mdp, n_runs=size.n_runs, budget=size.budget, seed=seed)))
        for mdp in problems
    ]
    predicted = np.array([_predictions(mdp, size, seed) for mdp in problems]).T
    shuffled = stream(seed, "shuffled").permutation(predicted[2])
    rows = np.vstack([predicted, shuffled])
    truth = np.broadcast_to(np.array(learned), rows.shape)
    names = ("simple bound", "tight bound", "planning", "every sequence", "shuffled")
    return dict(zip(names, spearman(rows, truth).tolist(), strict=True))


def _predictions(
    mdp: FiniteMDP, size: PredictionSize, seed: int
) -> Float[np.ndarray, " predictions"]:
    staged = stages(mdp)
    squared = math.log(staged.horizon**2)
    simple = squared + simple_bound(staged).horizon * math.log(mdp.n_actions)
    tight = min(level.env_steps for level in tight_bound(staged).levels)
    planned = min(
        planning_cost(staged, k, seed=seed, n_runs=size.n_plans, budget=size.budget).env_steps
        for k in LOOKAHEADS
    )
    every = math.log(staged.horizon) + staged.horizon * math.log(mdp.n_actions)
    # only ranks matter: logarithms do not overflow; 0 steps if nothing can be done at all
    return np.array([simple, np.log(tight), np.log(max(planned, 1.0)), every])


# --- learning with chance ---


@lru_cache(maxsize=64)
def learned_share(name: str, *, k: int, m: int, seed: int, shuffle_returns: bool = False) -> float:
    """Return where a learned policy lies between random play, 0, and the best policy, 1.

    Args:
        name: A shipped problem of the BRIDGE data set, here with sticky actions.
        k: Steps of lookahead.
        m: Episodes per step of the policy.
        seed: Of learning.
        shuffle_returns: Learn from returns of other episodes.
    """
    mdp, explored, best = _sticky(name)
    learned = learn_by_lookahead(mdp, k=k, m=m, seed=seed, shuffle_returns=shuffle_returns)
    return (learned.value - explored) / (best - explored)


@lru_cache(maxsize=8)
def _sticky(name: str) -> tuple[FiniteMDP, float, float]:
    mdp = with_sticky_actions(bridge_mdp(name), STICKY)
    staged = stages(mdp)
    return mdp, float(mdp.initial @ staged.explored[0]), float(mdp.initial @ staged.best[0])
