"""Sticky actions: with some probability the previous action is taken again."""

import numpy as np
from scipy import sparse

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP


def with_sticky_actions(mdp: FiniteMDP, probability: float) -> FiniteMDP:
    """Return the problem in which the previously executed action may be repeated.

    A state of the new problem is a state together with the action that was executed before it;
    the first action of an episode is never replaced. States that no policy reaches are left out.

    Args:
        mdp: Any problem.
        probability: Chance that the chosen action is replaced, in [0, 1).

    Raises:
        InputError: The probability is out of range.

    Source: Machado et al. 2018, with the details of Laidlaw 2024.
    """
    if not 0 <= probability < 1:
        raise InputError(f"expected a probability of sticking from 0 to below 1, got {probability}")
    n_states, n_actions = mdp.rewards.shape
    n_memories = n_actions + 1  # the last one: no action yet
    entries = mdp.csr.tocoo()
    pair_states, pair_actions = np.divmod(entries.coords[0], n_actions)
    arrives = entries.coords[1] * n_memories + pair_actions
    rows, columns, data = [], [], []
    rewards = np.empty((n_states, n_memories, n_actions))
    for memory in range(n_memories):
        kept = 1.0 if memory == n_actions else 1.0 - probability
        # the chosen action is executed
        rows.append((pair_states * n_memories + memory) * n_actions + pair_actions)
        columns.append(arrives)
        data.append(entries.data * kept)
        rewards[:, memory] = mdp.rewards * kept
        if memory == n_actions:
            continue
        # or the one before, whatever was chosen
        repeats = pair_actions == memory
        for chosen in range(n_actions):
            rows.append((pair_states[repeats] * n_memories + memory) * n_actions + chosen)
            columns.append(arrives[repeats])
            data.append(entries.data[repeats] * probability)
        rewards[:, memory] += probability * mdp.rewards[:, memory, None]
    n_all = n_states * n_memories
    transitions = sparse.csr_array(
        (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))),
        shape=(n_all * n_actions, n_all),
    )
    transitions.sum_duplicates()
    transitions.eliminate_zeros()
    initial = np.zeros((n_states, n_memories))
    initial[:, -1] = mdp.initial
    full = FiniteMDP(
        transitions=transitions,
        rewards=rewards.reshape(n_all, n_actions),
        initial=initial.reshape(-1),
        discount=mdp.discount,
        horizon=mdp.horizon,
        state_names=_names(mdp, n_memories),
        action_names=mdp.action_names,
    )
    return full.restricted()


def _names(mdp: FiniteMDP, n_memories: int) -> tuple[str, ...]:
    before = [f"after {mdp.action_name(a)}" for a in range(n_memories - 1)] + ["at the start"]
    return tuple(f"{mdp.state_name(s)}, {memory}" for s in range(mdp.n_states) for memory in before)
