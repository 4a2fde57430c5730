"""Rewards that were changed on purpose: to reach a tie, to flip a decision, to make rewards tie.

Source: Xu 2025 (The Policy Cliff), props. 2.4 and 3.2. Wanted values are written down first; the
rewards that lead to them follow from the inverse of Bellman's equation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import Solution, greedy_policy, occupancies, value_iteration

BISECTIONS = 16
"""Halvings of the strength of an attack: five digits."""
EXACTNESS = 1e-5
"""Error of values during the search, relative to the strength of the attack."""
CLIMBING_ROUNDS = 4
NO_SLOPE = 1e-9
"""Pairs that are met equally often from both actions are left alone; smaller is rounding."""

Change: TypeAlias = Float[np.ndarray, "states actions"]


@dataclass(frozen=True, eq=False)
class Attack:
    """A change of rewards that makes another action the best one in one state.

    Args:
        rewards: Shape (states, actions), the changed rewards.
        norm: Largest change of an entry.
        state: Where the decision changes.
        own: The action that was best.
        rival: The action that is best now.
    """

    rewards: Float[np.ndarray, "states actions"]
    norm: float
    state: int
    own: int
    rival: int


def inverse_bellman(
    mdp: FiniteMDP, q_values: Float[np.ndarray, "states actions"]
) -> Float[np.ndarray, "states actions"]:
    """Return the rewards under which these are the optimal values (Xu 2025, sec. 2).

    Args:
        mdp: Its transitions and discount are used, its rewards are not.
        q_values: Shape (states, actions), any numbers.
    """
    return q_values - mdp.discount * mdp.expected_next(q_values.max(axis=1))


def attack(
    solution: Solution, state: int, *, rival: int | None = None, margin: float = 1e-6
) -> Attack:
    """Return a change of rewards that makes a rival the only best action of a state.

    Half the gap is taken from the best action and given to the rival, and `margin` of reward more.

    Args:
        solution: A solved discounted problem.
        state: Where the decision is to change.
        rival: The action to be preferred; the second best if None.
        margin: By how much the rival's value exceeds the other's afterwards.

    Raises:
        InputError: The state has no other action, or the rival is the best action already.
    """
    own = int(solution.actions[state])
    if solution.mdp.n_actions == 1:
        raise InputError("expected at least two actions, got a problem with one")
    if rival is None:
        others = solution.q_values[state].copy()
        others[own] = -np.inf
        rival = int(others.argmax())
    if rival == own:
        raise InputError(
            f"expected another action than {solution.mdp.pair_name(state, own)}, the best already"
        )
    wanted = solution.q_values.copy()
    half = (wanted[state, own] - wanted[state, rival] + margin) / 2
    wanted[state, own] -= half
    wanted[state, rival] += half
    # of three actions the third may now lead: it must not
    rest = [a for a in range(solution.mdp.n_actions) if a not in (own, rival)]
    wanted[state, rest] = np.minimum(wanted[state, rest], wanted[state, own])
    rewards = inverse_bellman(solution.mdp, wanted)
    return Attack(rewards, _norm(solution, rewards), state, own, rival)


def flip_radius(
    solution: Solution,
    state: int,
    *,
    rival: int | None = None,
    changeable: Bool[np.ndarray, "states actions"] | None = None,
) -> float:
    """Return the smallest change of rewards that was found to change the decision of a state.

    Two kinds are tried, each made weaker by bisection for as long as the best action is no longer
    the best: the constructed attack, and one that climbs the difference of the two values.

    Args:
        solution: The solved problem.
        state: Whose decision is attacked.
        rival: The action to be preferred; the second best if None.
        changeable: Which rewards may change; all if None. The constructed attack changes none that
            can never be met again.

    Returns:
        Largest change of an entry, in units of reward. The true radius may be smaller still.
    """
    strike = attack(solution, state, rival=rival)
    direction = (strike.rewards - solution.mdp.rewards) / strike.norm
    straight = _weakest(solution, state, strike.norm, lambda strength: strength * direction)
    may = np.ones(solution.mdp.rewards.shape) if changeable is None else changeable
    return _weakest(
        solution, state, straight, lambda strength: may * _climbed(solution, strike, strength)
    )


def _weakest(
    solution: Solution, state: int, strongest: float, change_fn: Callable[[float], Change]
) -> float:
    low, high = 0.0, strongest
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        moved = solution.mdp.with_rewards(solution.mdp.rewards + change_fn(middle))
        found = value_iteration(moved, tolerance=EXACTNESS * strongest)
        flipped = int(found.actions[state]) != int(solution.actions[state])
        low, high = (low, middle) if flipped else (middle, high)
    return high


def _climbed(solution: Solution, strike: Attack, strength: float) -> Change:
    """Return a change of one size everywhere, up where the rival leads and down where the own does.

    The gradient of a value by the rewards is how often each pair is met, which depends on the
    policy that is best under the change; a few rounds of the two settle.
    """
    mdp, change = solution.mdp, np.zeros_like(solution.mdp.rewards)
    for _ in range(CLIMBING_ROUNDS):
        shifted = mdp.with_rewards(mdp.rewards + change)
        moved = value_iteration(shifted, tolerance=EXACTNESS * strength)
        policy = greedy_policy(moved.q_values)
        # the first step is forced, so that what follows is all that the policy decides
        after = [
            occupancies(replace(mdp, initial=mdp.dense_row(strike.state, action)), policy)
            for action in (strike.rival, strike.own)
        ]
        slope = mdp.discount * (after[0] - after[1])
        slope[strike.state, strike.rival] += 1.0
        slope[strike.state, strike.own] -= 1.0
        change = strength * np.sign(np.where(np.abs(slope) > NO_SLOPE, slope, 0.0))
    return change


def tied_rewards(
    solution: Solution, state: int, n_tied: int
) -> Float[np.ndarray, "states actions"]:
    """Return rewards under which exactly the first `n_tied` best actions of a state tie.

    Args:
        solution: A solved discounted problem.
        state: Where the tie is.
        n_tied: At least 2.

    Raises:
        InputError: The problem has fewer actions.
    """
    if not 2 <= n_tied <= solution.mdp.n_actions:
        raise InputError(f"expected 2 to {solution.mdp.n_actions} tied actions, got {n_tied}")
    wanted = solution.q_values.copy()
    order = np.argsort(-wanted[state], kind="stable")
    best = wanted[state, order[0]]
    wanted[state, order[:n_tied]] = best
    rest = order[n_tied:]
    wanted[state, rest] = np.minimum(wanted[state, rest], best - 1.0)
    return inverse_bellman(solution.mdp, wanted)


def _norm(solution: Solution, rewards: Float[np.ndarray, "states actions"]) -> float:
    return float(np.abs(rewards - solution.mdp.rewards).max())


def decisions_under(
    solution: Solution,
    changes: Float[np.ndarray, "changes states actions"],
    state: int,
    *,
    tolerance: float,
) -> Int[np.ndarray, " changes"]:
    """Return the best action of one state under each of many changes of the rewards.

    All are solved at once, from the values of the unchanged problem on.

    Args:
        solution: The solved problem.
        changes: Shape (changes, states, actions), added to its rewards.
        state: Whose decision is asked for.
        tolerance: Largest error of the values, in units of return.
    """
    mdp = solution.mdp
    rows = mdp.csr
    rewards = (mdp.rewards + changes).reshape(len(changes), -1).T
    values = np.repeat(solution.values[:, None], len(changes), axis=1)
    pair = state * mdp.n_actions + np.arange(mdp.n_actions)
    while True:
        q_values = rewards + mdp.discount * (rows @ values)
        following = q_values.reshape(mdp.n_states, mdp.n_actions, -1).max(axis=1)
        residual = float(np.abs(following - values).max())
        values = following
        if residual * mdp.discount <= tolerance * (1 - mdp.discount):
            return np.asarray(q_values[pair].argmax(axis=0))
