"""An objective of one formalism as an objective of a more expressive one, with the same order.

One translator per edge of the diagram (`COVERS`), and those between formalisms that express the
same orders. Each takes the objective and the problem, and uses only what the target may use.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.formalisms import downward
from pellucid.tabular.objectives.lassos import (
    Lasso,
    Transition,
    discounted_sum,
    limit_mean,
    satisfies,
)
from pellucid.tabular.objectives.laws import canonical
from pellucid.tabular.objectives.limit_average import LimitAverage
from pellucid.tabular.objectives.markov_reward import MarkovReward
from pellucid.tabular.objectives.objective import Objective, Policies, signs
from pellucid.tabular.objectives.orderings import (
    LotteryOrdering,
    MultiObjectiveOrdering,
    OccupancyOrdering,
)
from pellucid.tabular.objectives.outer_functions import (
    LotteryFunction,
    OccupancyFunction,
    OuterMultiObjective,
    OuterNonlinear,
)
from pellucid.tabular.objectives.policy_functions import PolicyFunction, PolicyOrdering
from pellucid.tabular.objectives.regularised import RegularisedReward
from pellucid.tabular.objectives.reward_machine import RewardMachine
from pellucid.tabular.objectives.temporal_logic import TemporalLogic
from pellucid.tabular.objectives.trajectory_functions import (
    InnerMultiObjective,
    InnerNonlinear,
    TrajectoryFunction,
    exact_return,
)

Translator: TypeAlias = Callable[[Any, FiniteMDP], Objective]


def translated(objective: Objective, mdp: FiniteMDP, *, source: str, target: str) -> Objective:
    """Return an objective of the target class that orders the policies of a problem alike.

    Args:
        objective: Of the class `source`.
        mdp: The problem.
        source: A class of `GROUPS`.
        target: A class that can express it.

    Raises:
        InputError: It cannot; `pellucid.tabular.objectives.hierarchy` names the witness.
    """
    way = downward(target, source)
    if way is None:
        raise InputError(f"{target} cannot express every order that {source} can")
    for upper, lower in zip(way[-2::-1], way[:0:-1], strict=True):
        objective = TRANSLATORS[upper, lower](objective, mdp)
    return objective


# --- the edges of the diagram ---


def machine_of_markov(objective: MarkovReward, mdp: FiniteMDP) -> RewardMachine:
    """MR as RM: a machine with one state."""
    return RewardMachine(
        np.zeros((1, *objective.rewards.shape), dtype=np.int64),
        objective.rewards[None],
        objective.discount,
    )


def outer_of_markov(objective: MarkovReward, mdp: FiniteMDP) -> OuterNonlinear:
    """MR as ONMR: the identity."""
    return OuterNonlinear(objective, lambda returns: returns)


def regularised_of_markov(objective: MarkovReward, mdp: FiniteMDP) -> RegularisedReward:
    """MR as RRL: a charge of weight zero."""
    return RegularisedReward(
        objective.rewards, objective.discount, 0.0, lambda choices: np.zeros(choices.shape[:-1])
    )


def trajectory_of_machine(objective: RewardMachine, mdp: FiniteMDP) -> TrajectoryFunction:
    """RM as FTR: what the machine pays for the trajectory."""
    return TrajectoryFunction(lambda lasso: discounted_sum(lasso, objective))


def trajectory_of_logic(objective: TemporalLogic, mdp: FiniteMDP) -> TrajectoryFunction:
    """LTL as FTR: 1 if the trajectory satisfies the formula, else 0."""
    formula = objective.formula
    return TrajectoryFunction(lambda lasso: float(satisfies(lasso, formula, objective.labels)))


def trajectory_of_average(objective: LimitAverage, mdp: FiniteMDP) -> TrajectoryFunction:
    """LAR as FTR: the limit of the trajectory's averages; it exists with probability one."""
    return TrajectoryFunction(lambda lasso: limit_mean(lasso, objective.rewards))


def lottery_of_trajectory(objective: TrajectoryFunction, mdp: FiniteMDP) -> LotteryFunction:
    """FTR as FTLR: the expectation is a function of the law."""
    return LotteryFunction(objective.values)


def lottery_of_outer(objective: OuterNonlinear, mdp: FiniteMDP) -> LotteryFunction:
    """ONMR as FTLR: the return is a function of the law."""
    return LotteryFunction(objective.values)


def lottery_of_regularised(objective: RegularisedReward, mdp: FiniteMDP) -> LotteryFunction:
    """RRL as FTLR: where a policy comes, the law tells how it draws its actions."""
    return LotteryFunction(objective.values)


def policy_of_lottery(objective: LotteryFunction, mdp: FiniteMDP) -> PolicyFunction:
    """FTLR as FPR: the law is a function of the policy."""
    return PolicyFunction(
        lambda problem, policies: objective.function(problem, canonical(problem, policies))
    )


def lottery_order_of_lottery(objective: LotteryFunction, mdp: FiniteMDP) -> LotteryOrdering:
    """FTLR as TLO: the order of the numbers."""

    def order(problem: FiniteMDP, one: Policies, other: Policies) -> Int[np.ndarray, " policies"]:
        return signs(objective.function(problem, one), objective.function(problem, other))

    return LotteryOrdering(order)


def policy_order_of_policy(objective: PolicyFunction, mdp: FiniteMDP) -> PolicyOrdering:
    """FPR as PO: the order of the numbers."""

    def order(problem: FiniteMDP, one: Policies, other: Policies) -> Int[np.ndarray, " policies"]:
        return signs(objective.function(problem, one), objective.function(problem, other))

    return PolicyOrdering(order)


def policy_order_of_lottery_order(objective: LotteryOrdering, mdp: FiniteMDP) -> PolicyOrdering:
    """TLO as PO: the order of the laws."""

    def order(problem: FiniteMDP, one: Policies, other: Policies) -> Int[np.ndarray, " policies"]:
        return objective.order(problem, canonical(problem, one), canonical(problem, other))

    return PolicyOrdering(order)


TRANSLATORS: Mapping[tuple[str, str], Translator] = {
    ("RM", "MR"): machine_of_markov,
    ("ONMR", "MR"): outer_of_markov,
    ("RRL", "MR"): regularised_of_markov,
    ("FTR", "RM"): trajectory_of_machine,
    ("FTR", "LTL"): trajectory_of_logic,
    ("FTR", "LAR"): trajectory_of_average,
    ("FTLR", "FTR"): lottery_of_trajectory,
    ("FTLR", "ONMR"): lottery_of_outer,
    ("FTLR", "RRL"): lottery_of_regularised,
    ("FPR", "FTLR"): policy_of_lottery,
    ("TLO", "FTLR"): lottery_order_of_lottery,
    ("PO", "FPR"): policy_order_of_policy,
    ("PO", "TLO"): policy_order_of_lottery_order,
}
"""By upper and lower class of each edge."""


# --- formalisms that express the same orders ---


def inner_of_trajectory(objective: TrajectoryFunction, mdp: FiniteMDP) -> InnerNonlinear:
    """FTR as INMR: code the transitions by 0..n-1, so that the return spells the trajectory.

    With discount 1 / (n + 1) the return is a number in base n + 1 whose digits are the codes; the
    digit n never occurs, so that no number can be spelled in two ways.
    """
    steps = _possible_transitions(mdp)
    codes = np.zeros(mdp.dense.shape, dtype=np.int64)
    for code, step in enumerate(steps):
        codes[step] = code
    base = len(steps) + 1
    return InnerNonlinear(
        codes, Fraction(1, base), lambda total: objective.function(decoded(total, base, steps))
    )


def multi_of_inner(objective: InnerNonlinear, mdp: FiniteMDP) -> InnerMultiObjective:
    """INMR as IMORL: one objective."""
    return InnerMultiObjective(
        objective.rewards[None], objective.discount, lambda returns: objective.function(returns[0])
    )


def trajectory_of_multi(objective: InnerMultiObjective, mdp: FiniteMDP) -> TrajectoryFunction:
    """IMORL as FTR: returns are functions of the trajectory."""
    return TrajectoryFunction(
        lambda lasso: objective.function(
            tuple(exact_return(lasso, one, objective.discount) for one in objective.rewards)
        )
    )


def multi_of_lottery(objective: LotteryFunction, mdp: FiniteMDP) -> OuterMultiObjective:
    """FTLR as OMORL: one reward per transition, 1 on it and 0 elsewhere, and back to the law."""
    rewards = _indicators(mdp)
    steps = _possible_transitions(mdp)

    def function(returns: Float[np.ndarray, "policies k"]) -> Float[np.ndarray, " policies"]:
        visits = np.zeros((len(returns), *mdp.dense.shape))
        for column, step in enumerate(steps):
            visits[:, *step] = returns[:, column]
        return objective.function(mdp, policies_of_visits(mdp, visits))

    return OuterMultiObjective(rewards, function)


def occupancy_of_lottery(objective: LotteryFunction, mdp: FiniteMDP) -> OccupancyFunction:
    """FTLR as FOMR: visits tell the policy wherever it comes, and so the law."""
    return OccupancyFunction(
        0.5, lambda visits: objective.function(mdp, policies_of_visits(mdp, visits))
    )


def occupancy_order_of_lottery_order(
    objective: LotteryOrdering, mdp: FiniteMDP
) -> OccupancyOrdering:
    """TLO as OMO: visits tell the law."""

    def order(
        one: Float[np.ndarray, "policies *axes"], other: Float[np.ndarray, "policies *axes"]
    ) -> Int[np.ndarray, " policies"]:
        return objective.order(mdp, policies_of_visits(mdp, one), policies_of_visits(mdp, other))

    return OccupancyOrdering(0.5, order)


def multi_order_of_occupancy_order(
    objective: OccupancyOrdering, mdp: FiniteMDP
) -> MultiObjectiveOrdering:
    """OMO as GOMORL: one reward per transition makes the vector of returns the visits."""
    steps = _possible_transitions(mdp)
    rewards = tuple(MarkovReward(reward.rewards, objective.discount) for reward in _indicators(mdp))

    def visits(vector: Float[np.ndarray, "policies k"]) -> Float[np.ndarray, "policies s a t"]:
        spread = np.zeros((len(vector), *mdp.dense.shape))
        for column, step in enumerate(steps):
            spread[:, *step] = vector[:, column]
        return spread

    return MultiObjectiveOrdering(
        rewards, lambda one, other: objective.order(visits(one), visits(other))
    )


def decoded(total: Fraction, base: int, steps: tuple[Transition, ...]) -> Lasso:
    """Return the trajectory whose transition codes are the digits of a number.

    Args:
        total: `sum_t code_t / base^t`, with codes below base - 1.
        base: Number of transitions plus one.
        steps: The transitions in the order of their codes.
    """
    seen: dict[Fraction, int] = {}
    found: list[Transition] = []
    while total not in seen:  # the digits of a rational number repeat
        seen[total] = len(found)
        code = int(total)
        found.append(steps[code])
        total = (total - code) * base
    start = seen[total]
    return Lasso(tuple(found[:start]), tuple(found[start:]))


def policies_of_visits(
    mdp: FiniteMDP, visits: Float[np.ndarray, "policies states actions next_states"]
) -> Policies:
    """Return the canonical policies that make these visits: `pi(a | s) = m(s, a) / m(s)`."""
    pairs = visits.sum(axis=3)
    states = pairs.sum(axis=2, keepdims=True)
    seen = states > 1e-12
    return np.where(seen, pairs / np.where(seen, states, 1.0), 1 / mdp.n_actions)


def _possible_transitions(mdp: FiniteMDP) -> tuple[Transition, ...]:
    return tuple((int(s), int(a), int(t)) for s, a, t in np.argwhere(mdp.dense > 0))


def _indicators(mdp: FiniteMDP) -> tuple[MarkovReward, ...]:
    rewards = []
    for step in _possible_transitions(mdp):
        one = np.zeros(mdp.dense.shape)
        one[step] = 1.0
        rewards.append(MarkovReward(one, 0.5))
    return tuple(rewards)
