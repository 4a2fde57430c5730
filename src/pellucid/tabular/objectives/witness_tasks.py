"""Eight tasks that some formalisms can express and others cannot, with a proof of both.

All decisions are between `a` (and `b`, `c`); p_i is the chance of `a` in state i. A policy of a
family is given by parameters; everything else about it is fixed. What is proved for some policies
of a problem holds for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.certificates import (
    Balance,
    Certificate,
    Linear,
    SameLaw,
    ThreeLevels,
    features_of,
)
from pellucid.tabular.objectives.continuum_certificates import (
    Family,
    InteriorMaximum,
    Jump,
    Level,
    Lexicographic,
    NoLevelLines,
    Point,
    TouchingLevels,
)
from pellucid.tabular.objectives.exact_laws import ExactLaw, law_of_policy
from pellucid.tabular.objectives.fitting import (
    Wanted,
    contradiction,
    contradiction_for_all_discounts,
)
from pellucid.tabular.objectives.limit_average import LimitAverage
from pellucid.tabular.objectives.markov_reward import MarkovReward
from pellucid.tabular.objectives.objective import Objective, Policies
from pellucid.tabular.objectives.orderings import LotteryOrdering, lexicographic
from pellucid.tabular.objectives.outer_functions import OuterNonlinear
from pellucid.tabular.objectives.policy_functions import PolicyFunction
from pellucid.tabular.objectives.regularised import RegularisedReward
from pellucid.tabular.objectives.reward_machine import RewardMachine
from pellucid.tabular.objectives.temporal_logic import TemporalLogic

SAMPLED_DISCOUNTS = tuple(Fraction(k, 11) for k in range(1, 11))
"""Where a contradiction for all discounts is looked for; it is decided elsewhere."""


@dataclass(frozen=True, eq=False)
class Witness:
    """A task and which formalisms can express it.

    Args:
        name: W1 to W8.
        title: A few words.
        mdp: The problem.
        n_parameters: How many a policy of the family has.
        policy: The policy at a point of the family.
        level: How good it is: exact for rational points but for the entropy.
        group: The least class that can express it.
        objective: In that class.
        certificates: For each class that cannot, or one above it.
    """

    name: str
    title: str
    mdp: FiniteMDP
    n_parameters: int
    policy: Callable[[Sequence[Fraction | float]], Float[np.ndarray, "states actions"]]
    level: Callable[[Point], Level]
    group: str
    objective: Objective
    certificates: tuple[Certificate, ...]


def witnesses() -> tuple[Witness, ...]:
    """Return the eight witnesses."""
    return (
        _unreachable(),
        _two_steps("W2"),
        _diagonal(),
        _entropy(),
        _two_steps("W5"),
        _always_and_match(),
        _three_level_chain(),
        _three_prizes(),
    )


# --- the tasks ---


def _unreachable() -> Witness:
    """W1: prefer a in a state that is never reached."""
    mdp = _problem([[1, 1], [1, 1], [1, 1]], {0: 1.0})

    def policy(point: Sequence[Fraction | float]) -> Float[np.ndarray, "states actions"]:
        return _rows(mdp, {2: point[0]})

    def level(point: Point) -> Level:
        return point

    value = PolicyFunction(lambda problem, policies: policies[:, 2, 0])
    family = _family(mdp, policy, level)
    proof = SameLaw(((family.law((Fraction(1),)), False), (family.law((Fraction(0),)), True)))
    return Witness("W1", "unreachable state", mdp, 1, policy, level, "FPR", value, (proof,))


def two_step_problem() -> FiniteMDP:
    """Return s0 -> s1 -> sink, whatever the actions."""
    return _problem([[1, 1], [2, 2], [2, 2]], {0: 1.0})


def match_machine(discount: float = 0.5) -> RewardMachine:
    """Return the reward machine of W5: a then a pays 1, b then b one half, else nothing.

    Scaled by the discount so that its expectation is `p_0 p_1 + (1 - p_0)(1 - p_1) / 2`.
    """
    next_memory = np.zeros((2, 3, 2, 3), dtype=np.int64)
    rewards = np.zeros((2, 3, 2, 3))
    next_memory[0, 0, 1] = 1  # memory 1: the first action was b
    next_memory[1] = 1
    rewards[0, 1, 0] = 1 / discount
    rewards[1, 1, 1] = 0.5 / discount
    return RewardMachine(next_memory, rewards, discount)


def _two_steps(name: str) -> Witness:
    """W2: prefer a in s0, ties by a in s1. W5: prefer equal actions, twice a most."""
    mdp = two_step_problem()

    def policy(point: Sequence[Fraction | float]) -> Float[np.ndarray, "states actions"]:
        return _rows(mdp, {0: point[0], 1: point[1]})

    def in_turn(point: Point) -> Level:
        return point

    def match(point: Point) -> Level:
        p, q = point
        return (p * q + Fraction(1, 2) * (1 - p) * (1 - q),)

    if name == "W2":
        family = _family(mdp, policy, in_turn)
        order = LotteryOrdering(lambda problem, x, y: lexicographic(x[:, :2, 0], y[:, :2, 0]))
        proofs: tuple[Certificate, ...] = (Lexicographic(family),)
        return Witness("W2", "lexicographic", mdp, 2, policy, in_turn, "TLO", order, proofs)
    family = _family(mdp, policy, match)
    proofs = (
        NoLevelLines(family, _point(0, 0), _point(1, 0)),
        _balance("RRL", family, _corners(2)),
        _balance("LAR", family, _points((1, 1), (1, 0))),
        _three_levels(family, _points((1, 0), (0, 0), (1, 1))),
    )
    return Witness("W5", "match", mdp, 2, policy, match, "RM", match_machine(), proofs)


def _diagonal() -> Witness:
    """W3: in one of two states, decide so that the chances of a sum to one."""
    mdp = _problem([[2, 2], [2, 2], [2, 2]], {0: 0.5, 1: 0.5})

    def policy(point: Sequence[Fraction | float]) -> Float[np.ndarray, "states actions"]:
        return _rows(mdp, {0: point[0], 1: point[1]})

    def level(point: Point) -> Level:
        return (-abs(point[0] + point[1] - 1),)

    rewards = np.zeros(mdp.dense.shape)
    rewards[:2, 0] = 2.0
    value = OuterNonlinear(MarkovReward(rewards, 0.5), lambda returns: -np.abs(returns - 1))
    family = _family(mdp, policy, level)
    proofs = (_balance("FTR", family, _corners(2)), _balance("RRL", family, _corners(2)))
    return Witness("W3", "diagonal", mdp, 2, policy, level, "ONMR", value, proofs)


def _entropy() -> Witness:
    """W4: draw one of three actions as evenly as can be.

    One charge F serves all states, so that the sink's draws count too (as much as the first one,
    at discount one half); in the family they are fixed.
    """
    mdp = _problem([[1, 1, 1], [1, 1, 1]], {0: 1.0})

    def policy(point: Sequence[Fraction | float]) -> Float[np.ndarray, "states actions"]:
        return np.array([[float(p) for p in point], [1.0, 0.0, 0.0]])

    def level(point: Point) -> Level:
        # exact where the certificates use it: all or nothing, or one third each
        return (Fraction(float(_entropies(np.array([float(p) for p in point])))),)

    value = RegularisedReward(
        np.zeros(mdp.dense.shape), 0.5, 1.0, lambda choices: -_entropies(choices)
    )
    family = _family(mdp, policy, level)
    even = (Fraction(1, 3),) * 3
    corners = _points((1, 0, 0), (0, 1, 0), (0, 0, 1))
    proofs = (
        _balance("FTR", family, [even, *corners]),
        InteriorMaximum(family, even, corners),
    )
    return Witness("W4", "entropy", mdp, 3, policy, level, "RRL", value, proofs)


def _always_and_match() -> Witness:
    """W6: half the time a twice, half the time a for ever."""
    mdp = _problem([[1, 1], [3, 3], [2, 2], [3, 3]], {0: 0.5, 2: 0.5})

    def policy(point: Sequence[Fraction | float]) -> Float[np.ndarray, "states actions"]:
        return _rows(mdp, {0: point[0], 1: point[1], 2: point[2]})

    def level(point: Point) -> Level:
        p, q, r = point
        return ((p * q + (r == 1)) / Fraction(2),)

    family = _family(mdp, policy, level)
    first = Family(lambda p: family.law((*p, Fraction(0))), lambda p: level((*p, Fraction(0))))
    proofs = (
        Jump(family, lambda t: (Fraction(0), Fraction(0), 1 - t), _point(0, 0, 1)),
        _balance("LAR", family, _points((1, 1, 0), (0, 0, 0))),
        NoLevelLines(first, _point(1, 1), _point(1, 0)),
        _balance("RRL", first, _corners(2)),
    )
    labels = {
        "a": np.broadcast_to(np.arange(2)[None, :, None] == 0, mdp.dense.shape),
        "loop": np.broadcast_to(np.arange(4)[:, None, None] == 2, mdp.dense.shape),
    }
    value = TemporalLogic("(!loop & a & X a) | (loop & G a)", labels)
    return Witness("W6", "always and match", mdp, 3, policy, level, "LTL", value, proofs)


def _three_level_chain() -> Witness:
    """W7: get from a worthless state through a half-good one to a good one, however slowly."""
    mdp = _problem([[1, 0], [2, 1], [2, 2]], {0: 1.0})

    def policy(point: Sequence[Fraction | float]) -> Float[np.ndarray, "states actions"]:
        return _rows(mdp, {0: point[0], 1: point[1]})

    def level(point: Point) -> Level:
        p, q = point
        return (Fraction(0) if p == 0 else Fraction(1, 2) if q == 0 else Fraction(1),)

    rewards = np.broadcast_to(np.array([0.0, 0.5, 1.0])[:, None, None], mdp.dense.shape)
    family = _family(mdp, policy, level)
    proofs = (
        Jump(family, lambda t: (t, Fraction(0)), _point(0, 0)),
        _three_levels(family, _points((0, 0), (1, 0), (1, 1))),
        TouchingLevels(family),
        _balance("RRL", family, _points((0.5, 1), (0.5, 0), (1, 1), (1, 0))),
    )
    return Witness(
        "W7", "three-level chain", mdp, 2, policy, level, "LAR", LimitAverage(rewards), proofs
    )


def _three_prizes() -> Witness:
    """W8: one of three actions, worth 0, one half and 1."""
    mdp = _problem([[1, 1, 1], [1, 1, 1]], {0: 1.0})

    def policy(point: Sequence[Fraction | float]) -> Float[np.ndarray, "states actions"]:
        return np.array([[float(p) for p in point], [1.0, 0.0, 0.0]])

    def level(point: Point) -> Level:
        return (point[1] / 2 + point[2],)

    rewards = np.zeros(mdp.dense.shape)
    rewards[0] = np.array([0.0, 0.5, 1.0])[:, None]
    family = _family(mdp, policy, level)
    sure = _points((1, 0, 0), (0, 1, 0), (0, 0, 1))
    proofs = (_balance("LAR", family, sure[1:]), _three_levels(family, sure))
    return Witness(
        "W8", "three prizes", mdp, 3, policy, level, "MR", MarkovReward(rewards, 0.5), proofs
    )


# --- inside ---


def _problem(next_states: list[list[int]], initial: dict[int, float]) -> FiniteMDP:
    n_states, n_actions = len(next_states), len(next_states[0])
    start = np.zeros(n_states)
    for state, chance in initial.items():
        start[state] = chance
    return FiniteMDP(
        transitions=np.eye(n_states)[np.array(next_states)],
        rewards=np.zeros((n_states, n_actions)),
        initial=start,
        discount=0.5,
        action_names=tuple("abc"[:n_actions]),
    )


def _rows(
    mdp: FiniteMDP, chances: dict[int, Fraction | float]
) -> Float[np.ndarray, "states actions"]:
    """Return the policy with these chances of a; elsewhere it takes a."""
    policy = np.tile(np.eye(mdp.n_actions)[0], (mdp.n_states, 1))
    for state, chance in chances.items():
        policy[state] = (float(chance), 1 - float(chance))
    return policy


def _family(
    mdp: FiniteMDP,
    policy: Callable[[Sequence[Fraction | float]], Float[np.ndarray, "states actions"]],
    level: Callable[[Point], Level],
) -> Family:
    def law(point: Point) -> ExactLaw:
        return law_of_policy(mdp, policy(point), f"({', '.join(map(str, point))})")

    return Family(law, level)


def _balance(group: Linear, family: Family, points: Sequence[Point]) -> Balance:
    """Return the contradiction among some policies, found by a linear programme."""
    laws = tuple(family.law(point) for point in points)
    wanted = wanted_of([family.level(point) for point in points])
    found = None
    if group in ("FTR", "LAR"):
        found = contradiction(features_of(group, laws, None, 0), wanted)
    else:
        sampled: list[dict[Any, Fraction]] = [{} for _ in laws]
        for discount in SAMPLED_DISCOUNTS:
            for column, own in zip(sampled, features_of(group, laws, discount, 0), strict=True):
                column.update({(discount, key): value for key, value in own.items()})
        for degree in (0, 1):
            n_steps = sum(len(law.edges) for law in laws) + degree
            steps = features_of(group, laws, None, n_steps)
            found = found or contradiction_for_all_discounts(
                sampled, steps, wanted, degree=degree, n_steps=n_steps
            )
    if found is None:
        raise ValueError(f"expected a contradiction among {points} for {group}, got none")
    return Balance(group, laws, wanted, found)


def wanted_of(levels: Sequence[Level]) -> Wanted:
    """Return the order of all pairs of items with these levels."""
    pairs = list(product(range(len(levels)), repeat=2))
    return Wanted(
        tuple((i, j) for i, j in pairs if levels[i] > levels[j]),
        tuple((i, j) for i, j in pairs if i < j and levels[i] == levels[j]),
    )


def _three_levels(family: Family, points: Sequence[Point]) -> ThreeLevels:
    worst, middle, best = (family.law(point) for point in points)
    assert family.level(points[0]) < family.level(points[1]) < family.level(points[2])
    return ThreeLevels((worst, middle, best))


def _entropies(choices: Float[np.ndarray, "*axes actions"]) -> Float[np.ndarray, "*axes"]:
    logs = np.log(np.where(choices > 0, choices, 1.0))
    return np.asarray(-(choices * logs).sum(axis=-1))


def _corners(n: int) -> list[Point]:
    return [_point(*values) for values in product((0, 1), repeat=n)]


def _points(*values: Sequence[float]) -> list[Point]:
    return [_point(*value) for value in values]


def _point(*values: float) -> Point:
    return tuple(Fraction(value) for value in values)


def law_at(witness: Witness, point: Sequence[float]) -> tuple[ExactLaw, Level]:
    """Return the law and the level of the policy at a point of a witness's family."""
    exact = _point(*point)
    return _family(witness.mdp, witness.policy, witness.level).law(exact), witness.level(exact)


def policies_of(witness: Witness, points: Sequence[Sequence[float]]) -> Policies:
    """Return the policies at points of a witness's family."""
    return np.stack([witness.policy(point) for point in points])
