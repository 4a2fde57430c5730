"""Random finite problems for tests, claims and comparisons."""

import numpy as np

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP


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
