"""How many steps of lookahead make the greedy policy optimal."""

import numpy as np
from jaxtyping import Bool, Float

from pellucid.tabular.horizon.staging import ROUNDING, Stages, Values


def minimum_k(staged: Stages) -> int:
    """Return how many backups make every greedy policy optimal, the first one counted as none.

    1 means that it is enough to be greedy with respect to the value of exploring at random.

    Args:
        staged: The problem with its exploration policy.

    Source: Laidlaw 2023, definition 5.1. All ways to break ties are followed, and actions whose
    values agree to rounding tie, where the authors' code compares them exactly.
    """
    return _lookahead(staged, staged.explored)


def effective_planning_window(staged: Stages) -> int:
    """Return how many rewards ahead a planner must look: `minimum_k` from immediate rewards.

    Source: Malik, Pacchiano, Srinivasan & Li 2021.
    """
    return _lookahead(staged, np.zeros_like(staged.explored))


def greedy_returns(staged: Stages, n_iterates: int) -> Float[np.ndarray, " iterates"]:
    """Return what the worst way to be greedy gets, after each number of backups from 1 on.

    Args:
        staged: The problem with its exploration policy.
        n_iterates: How many numbers of backups.
    """
    returns, values = np.empty(n_iterates), staged.explored
    for iterate in range(n_iterates):
        following = np.zeros(staged.mdp.n_states)
        for step in range(staged.horizon - 1, -1, -1):
            greedy = greedy_actions(staged.q_values(values, step))
            gained = staged.mdp.rewards + staged.mdp.expected_next(following)
            following = np.where(greedy, gained, np.inf).min(axis=1)
        returns[iterate] = staged.mdp.initial @ following
        values = staged.next_iterate(values)
    return returns


def greedy_actions(
    q_values: Float[np.ndarray, "states actions"],
) -> Bool[np.ndarray, "states actions"]:
    """Return which actions are best up to rounding, relative to the largest value there."""
    margin = ROUNDING * np.abs(q_values).max(axis=1, keepdims=True)
    return np.asarray(q_values >= q_values.max(axis=1, keepdims=True) - margin)


def _lookahead(staged: Stages, values: Values) -> int:
    # after as many backups as there are steps the values are the best ones
    for k in range(1, staged.horizon):
        if _greedy_is_optimal(staged, values):
            return k
        values = staged.next_iterate(values)
    return staged.horizon


def _greedy_is_optimal(staged: Stages, values: Values) -> bool:
    states = staged.initial_states()
    for step in range(staged.horizon):
        greedy = greedy_actions(staged.q_values(values, step))
        if (greedy & staged.suboptimal(step) & states[:, None]).any():
            return False
        states = staged.reached_by(states, greedy)
    return True
