"""Random finite problems for tests, claims and comparisons."""

import numpy as np

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.sources import END, from_table

_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


def random_mdp(
    n_states: int,
    n_actions: int,
    rng: np.random.Generator,
    *,
    n_successors: int | None = None,
    discount: float = 1.0,
    horizon: int | None = None,
) -> FiniteMDP:
    """Return a problem with random outcomes and rewards drawn evenly from [0, 1).

    Args:
        n_states: Number of states.
        n_actions: Number of actions.
        rng: Draws everything.
        n_successors: Next states that an action can lead to, with chances drawn from a flat
            Dirichlet distribution (Archibald, McKinnon & Thomas 1995, "Garnet"); all if None.
        discount: Weight of the next step.
        horizon: Steps of an episode.

    Raises:
        InputError: There are more successors than states.
    """
    n_next = n_states if n_successors is None else n_successors
    if not 1 <= n_next <= n_states:
        raise InputError(f"expected 1 to {n_states} successors, got {n_next}")
    chances = rng.dirichlet(np.ones(n_next), size=(n_states, n_actions))
    if n_next == n_states:
        transitions = chances
    else:
        order = rng.random((n_states, n_actions, n_states)).argsort(axis=-1)[..., :n_next]
        transitions = np.zeros((n_states, n_actions, n_states))
        np.put_along_axis(transitions, order, chances, axis=-1)
    return FiniteMDP(
        transitions=transitions,
        rewards=rng.random((n_states, n_actions)),
        initial=np.full(n_states, 1 / n_states),
        discount=discount,
        horizon=horizon,
    )


def grid_world(
    size: int, rng: np.random.Generator, *, horizon: int, shaped: bool = False
) -> FiniteMDP:
    """Return a square of cells in which one pays 1 and ends the episode; the start is a corner.

    Args:
        size: Cells along a side, at least 2.
        rng: Draws the cell that pays, among those at least `size - 1` moves away.
        horizon: Steps of an episode.
        shaped: Pay 0.1 for each move towards that cell and -0.1 for each move away from it too.

    Raises:
        InputError: The square is too small.
    """
    if size < 2:
        raise InputError(f"expected a grid of at least 2 cells a side, got {size}")
    cells = [divmod(cell, size) for cell in range(size * size)]
    goal = cells[int(rng.choice([c for c in range(size * size) if sum(cells[c]) >= size - 1]))]

    def distance(cell: tuple[int, int]) -> int:
        return abs(cell[0] - goal[0]) + abs(cell[1] - goal[1])

    next_states = np.empty((size * size, 4), dtype=np.int64)
    rewards = np.zeros((size * size, 4))
    for state, cell in enumerate(cells):
        for action, (down, right) in enumerate(_MOVES):
            moved = (
                min(max(cell[0] + down, 0), size - 1),
                min(max(cell[1] + right, 0), size - 1),
            )
            next_states[state, action] = END if moved == goal else moved[0] * size + moved[1]
            rewards[state, action] = float(moved == goal)
            if shaped:
                rewards[state, action] += 0.1 * (distance(cell) - distance(moved))
    names = ("up", "right", "down", "left")
    return from_table(next_states, rewards, horizon=horizon, action_names=names)


def combination_lock(
    length: int, n_actions: int, rng: np.random.Generator, *, horizon: int | None = None
) -> FiniteMDP:
    """Return a chain in which one action a state leads on, and the others back to the start.

    The last right action pays 1 and ends the episode.

    Args:
        length: States of the chain.
        n_actions: Number of actions.
        rng: Draws the right action of each state.
        horizon: Steps of an episode; as long as the chain if None.
    """
    right = rng.integers(n_actions, size=length)
    next_states = np.zeros((length, n_actions), dtype=np.int64)
    next_states[np.arange(length), right] = np.arange(1, length + 1)
    next_states[length - 1, right[-1]] = END
    rewards = np.zeros((length, n_actions))
    rewards[length - 1, right[-1]] = 1.0
    return from_table(next_states, rewards, horizon=horizon or length)


def random_graph(
    n_states: int,
    n_actions: int,
    rng: np.random.Generator,
    *,
    horizon: int,
    share_paid: float = 0.1,
) -> FiniteMDP:
    """Return a deterministic problem with random next states, in which few actions pay.

    Args:
        n_states: Number of states.
        n_actions: Number of actions.
        rng: Draws everything.
        horizon: Steps of an episode.
        share_paid: Share of the actions that pay, each between 0.5 and 1; at least one does.
    """
    next_states = rng.integers(n_states, size=(n_states, n_actions))
    pays = rng.random((n_states, n_actions)) < share_paid
    pays[rng.integers(n_states), rng.integers(n_actions)] = True
    rewards = np.where(pays, rng.uniform(0.5, 1.0, size=pays.shape).round(2), 0.0)
    return from_table(next_states, rewards, horizon=horizon)
