"""Random problems, policies and objectives, to test that translations keep the order."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.lassos import Lasso
from pellucid.tabular.objectives.limit_average import LimitAverage
from pellucid.tabular.objectives.markov_reward import MarkovReward
from pellucid.tabular.objectives.objective import (
    Objective,
    OrderingObjective,
    Policies,
    signs,
)
from pellucid.tabular.objectives.orderings import LotteryOrdering, lexicographic
from pellucid.tabular.objectives.outer_functions import LotteryFunction, OuterNonlinear
from pellucid.tabular.objectives.policy_functions import PolicyFunction, PolicyOrdering
from pellucid.tabular.objectives.regularised import RegularisedReward
from pellucid.tabular.objectives.reward_machine import RewardMachine
from pellucid.tabular.objectives.temporal_logic import TemporalLogic
from pellucid.tabular.objectives.trajectory_functions import TrajectoryFunction

DISCOUNT = 0.8
FORMULAS = (
    "a U b",
    "F (a & X b)",
    "G F a",
    "F G b | X a",
    "(a | X b) U (b & X a)",
    "G (a -> F b)",
    "a W (b R X a)",
)
"""Random formulas are drawn from these; their propositions are random labels."""


def ending_problem(rng: np.random.Generator, *, n_decisions: int = 3) -> FiniteMDP:
    """Return a random problem with finitely many trajectories, some states of which none reaches.

    States 0..n-1 lead on to later ones by chance, or into one of two rings (of one and two states)
    that no action leaves; the state after the rings leads into one and is never reached.

    Args:
        rng: Draws the probabilities.
        n_decisions: n.
    """
    n_states = n_decisions + 4
    transitions = np.zeros((n_states, 2, n_states))
    for state in range(n_decisions):
        onward = np.arange(state + 1, n_decisions + 2)
        for action in range(2):
            two = rng.choice(onward, size=min(2, len(onward)), replace=False)
            transitions[state, action, two] = rng.dirichlet(np.ones(len(two)))
    ring = n_decisions
    transitions[ring, :, ring] = 1.0
    transitions[ring + 1, :, ring + 2] = transitions[ring + 2, :, ring + 1] = 1.0
    transitions[ring + 3, :, ring] = 1.0
    initial = np.zeros(n_states)
    initial[:2] = rng.dirichlet(np.ones(2))
    return FiniteMDP(
        transitions=transitions, rewards=np.zeros((n_states, 2)), initial=initial, discount=DISCOUNT
    )


def policies_for(mdp: FiniteMDP, n_policies: int, rng: np.random.Generator) -> Policies:
    """Return random policies of an `ending_problem`; in its rings they take the first action.

    They follow four patterns, each of which fixes a quarter of the actions, so that some states
    are not reached; four and not more because chains of one pattern are solved together.
    """
    policies = rng.dirichlet(np.ones(2), size=(n_policies, mdp.n_states))
    fixed = rng.random((4, mdp.n_states)) < 0.25
    actions = np.eye(2)[rng.integers(2, size=fixed.shape)]
    pattern = rng.integers(4, size=n_policies)
    policies = np.where(fixed[pattern][..., None], actions[pattern], policies)
    policies[:, -4:-1] = (1.0, 0.0)
    return policies


def random_objective(group: str, mdp: FiniteMDP, rng: np.random.Generator) -> Objective:
    """Return a random objective of a class, for a problem.

    Args:
        group: A class of `GROUPS`.
        mdp: The problem.
        rng: Draws rewards, labels, machines and functions.
    """
    return _MAKERS[group](mdp, rng)


def _markov(mdp: FiniteMDP, rng: np.random.Generator) -> MarkovReward:
    return MarkovReward(rng.normal(size=mdp.dense.shape), DISCOUNT)


def _machine(mdp: FiniteMDP, rng: np.random.Generator) -> RewardMachine:
    shape = (3, *mdp.dense.shape)
    return RewardMachine(rng.integers(3, size=shape), rng.normal(size=shape), DISCOUNT)


def _logic(mdp: FiniteMDP, rng: np.random.Generator) -> TemporalLogic:
    labels = {name: rng.random(mdp.dense.shape) < 0.5 for name in "ab"}
    return TemporalLogic(str(rng.choice(FORMULAS)), labels)


def _trajectory(mdp: FiniteMDP, rng: np.random.Generator) -> TrajectoryFunction:
    one, other = rng.normal(size=(2, *mdp.dense.shape))

    def function(lasso: Lasso) -> float:
        first, last = lasso.transitions[0], lasso.cycle[0]
        longest = np.cos(len(lasso.transitions))
        return float(np.sin(one[first] + 3 * other[last]) + longest)

    return TrajectoryFunction(function)


def _outer(mdp: FiniteMDP, rng: np.random.Generator) -> OuterNonlinear:
    return OuterNonlinear(_markov(mdp, rng), lambda returns: np.sin(3 * returns))


def _regularised(mdp: FiniteMDP, rng: np.random.Generator) -> RegularisedReward:
    def charge(choices: Float[np.ndarray, "*axes actions"]) -> Float[np.ndarray, "*axes"]:
        return np.asarray((choices**2).sum(axis=-1) + np.sin(5 * choices[..., 0]))

    return RegularisedReward(rng.normal(size=mdp.dense.shape), DISCOUNT, 1.0, charge)


def _lottery(mdp: FiniteMDP, rng: np.random.Generator) -> LotteryFunction:
    weights = rng.normal(size=mdp.rewards.shape)

    def function(problem: FiniteMDP, laws: Policies) -> Float[np.ndarray, " policies"]:
        return np.asarray(np.sin(3 * np.einsum("nsa,sa->n", laws, weights)))

    return LotteryFunction(function)


def _policy(mdp: FiniteMDP, rng: np.random.Generator) -> PolicyFunction:
    weights = rng.normal(size=mdp.rewards.shape)

    def function(problem: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        return np.asarray(np.sin(3 * np.einsum("nsa,sa->n", policies, weights)))

    return PolicyFunction(function)


def _lottery_order(mdp: FiniteMDP, rng: np.random.Generator) -> LotteryOrdering:
    weights = rng.normal(size=mdp.rewards.shape)
    return LotteryOrdering(lambda problem, one, other: _tiers(one, other, weights))


def _policy_order(mdp: FiniteMDP, rng: np.random.Generator) -> PolicyOrdering:
    weights = rng.normal(size=mdp.rewards.shape)
    return PolicyOrdering(lambda problem, one, other: _tiers(one, other, weights))


def _tiers(
    one: Policies, other: Policies, weights: Float[np.ndarray, "states actions"]
) -> np.ndarray:
    # first a coarse tier, then a number: lexicographic
    def key(policies: Policies) -> Float[np.ndarray, "policies two"]:
        score = np.einsum("nsa,sa->n", policies, weights)
        return np.stack([np.round(score), -policies[:, 0, 0]], axis=1)

    return lexicographic(key(one), key(other))


_MAKERS: Mapping[str, Callable[[FiniteMDP, np.random.Generator], Objective]] = {
    "MR": _markov,
    "RM": _machine,
    "LTL": _logic,
    "LAR": lambda mdp, rng: LimitAverage(rng.normal(size=mdp.dense.shape)),
    "FTR": _trajectory,
    "ONMR": _outer,
    "RRL": _regularised,
    "FTLR": _lottery,
    "FPR": _policy,
    "TLO": _lottery_order,
    "PO": _policy_order,
}


def inversions(one: Objective, other: Objective, mdp: FiniteMDP, policies: Policies) -> int:
    """Return how many policies two objectives compare differently with the next one, ties included.

    Args:
        one: An objective.
        other: Another one.
        mdp: The problem.
        policies: Each is compared with the one after it, the last with the first.
    """
    first, second = (comparisons_with_next(value, mdp, policies) for value in (one, other))
    return int((first != second).sum())


def comparisons_with_next(
    objective: Objective, mdp: FiniteMDP, policies: Policies
) -> Int[np.ndarray, " policies"]:
    """Return how each policy compares with the one after it, the last with the first."""
    if isinstance(objective, OrderingObjective):
        return objective.compare(mdp, policies, np.roll(policies, -1, axis=0))
    values = objective.values(mdp, policies)
    return signs(values, np.roll(values, -1))
