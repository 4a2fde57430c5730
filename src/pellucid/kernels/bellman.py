"""Bellman backups over sparse transitions: one pass over the non-zero probabilities.

Transitions are the three arrays of a compressed sparse row matrix with one row per pair of a state
and an action, row `state * n_actions + action`, and one column per next state.
"""

import numpy as np
from jaxtyping import Float, Int

from pellucid.kernels.compiled import compiled


@compiled
def expected_values(
    starts: Int[np.ndarray, " pairs_plus_one"],
    next_states: Int[np.ndarray, " entries"],
    probabilities: Float[np.ndarray, " entries"],
    values: Float[np.ndarray, " states"],
    out: Float[np.ndarray, " pairs"],
) -> None:
    """Write the expected value of the next state for every pair of a state and an action."""
    for pair in range(len(out)):
        total = 0.0
        for entry in range(starts[pair], starts[pair + 1]):
            total += probabilities[entry] * values[next_states[entry]]
        out[pair] = total


@compiled
def optimal_backup(
    starts: Int[np.ndarray, " pairs_plus_one"],
    next_states: Int[np.ndarray, " entries"],
    probabilities: Float[np.ndarray, " entries"],
    rewards: Float[np.ndarray, "states actions"],
    discount: float,
    values: Float[np.ndarray, " states"],
    out_values: Float[np.ndarray, " states"],
    out_actions: Int[np.ndarray, " states"],
) -> float:
    """Write `max_a r(s, a) + discount * E[values(s')]` and the first action that reaches it.

    Returns:
        The largest absolute change against `values`.
    """
    n_states, n_actions = rewards.shape
    change = 0.0
    # unsigned: indices that may be negative are checked at each access, which costs half the time
    pair, entry = np.uint64(0), np.uint64(starts[0])
    for state in range(n_states):
        best, best_action = -np.inf, 0
        for action in range(n_actions):
            pair += np.uint64(1)
            end = np.uint64(starts[pair])
            total = 0.0
            while entry < end:
                total += probabilities[entry] * values[np.uint64(next_states[entry])]
                entry += np.uint64(1)
            q_value = rewards[state, action] + discount * total
            # two choices without a jump, which would be mispredicted
            better = q_value > best
            best_action = action if better else best_action
            best = q_value if better else best
        out_values[state] = best
        out_actions[state] = best_action
        change = max(change, abs(best - values[state]))
    return change


@compiled
def pushed_forward(
    starts: Int[np.ndarray, " pairs_plus_one"],
    next_states: Int[np.ndarray, " entries"],
    probabilities: Float[np.ndarray, " entries"],
    pair_weights: Float[np.ndarray, " pairs"],
    out: Float[np.ndarray, " states"],
) -> None:
    """Add to each next state the weight that reaches it; `out` is not cleared first."""
    for pair in range(len(pair_weights)):
        weight = pair_weights[pair]
        if weight == 0.0:
            continue
        for entry in range(starts[pair], starts[pair + 1]):
            out[next_states[entry]] += weight * probabilities[entry]
