"""Rewards that were changed on purpose: to reach a tie, to flip a decision, to make rewards tie.

Source: Xu 2025 (The Policy Cliff), props. 2.4 and 3.2. Wanted values are written down first; the
rewards that lead to them follow from the inverse of Bellman's equation.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import Solution, value_iteration

BISECTIONS = 40
"""Halvings of the strength of an attack: twelve digits."""


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


def flip_radius(solution: Solution, found: Attack) -> float:
    """Return how strong an attack must be to change the decision, found by solving again.

    The attack's change of rewards is scaled down, by bisection, as long as the state's action that
    was best is not the best any more.

    Args:
        solution: The solved problem.
        found: An attack on it.

    Returns:
        Largest change of an entry, in units of reward.
    """
    mdp, change = solution.mdp, found.rewards - solution.mdp.rewards
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        moved = value_iteration(mdp.with_rewards(mdp.rewards + middle * change))
        flipped = int(moved.q_values[found.state].argmax()) != found.own
        low, high = (low, middle) if flipped else (middle, high)
    return high * found.norm


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
