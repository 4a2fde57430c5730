"""A combination lock for two players, whose equilibrium is known."""

import numpy as np

from pellucid.tabular.contrastive.low_rank import BAD, DISTRACTOR
from pellucid.tabular.contrastive.markov_game import MarkovGame
from pellucid.tabular.contrastive.staged import StagedMDP, check_at_least

VALUE = 0.0
"""What the game is worth to the first player: both locks are the same, and one is for each."""


def two_player_lock(
    rng: np.random.Generator, *, n_steps: int = 4, n_actions: int = 3, n_emissions: int = 3
) -> MarkovGame:
    """Return a game in which each player has a lock to open before it is paid.

    It starts in one of two latent states, with chance 1/2 each. In the first the first player
    moves on by the right action, and at the last step they play matching pennies: it is paid 1 if
    both take actions of the same parity, so that opening its lock is worth 1/2 to it. In the second
    the second player does, and is paid in the same way. Any other action leads to a bad state that
    is never left and pays nothing, and pays its owner 0.1 at the first step. The value is 0.

    The transitions take three different forms: the rank is 3.

    Args:
        rng: Draws the right actions and the emissions.
        n_steps: Steps of an episode, at least 2.
        n_actions: Actions of each player, at least 2.
        n_emissions: States that each latent one emits; chances drawn from a flat Dirichlet.

    Raises:
        InputError: A size is too small.
    """
    check_at_least("steps", n_steps, 2)
    check_at_least("actions", n_actions, 2)
    check_at_least("emissions", n_emissions, 1)
    latent = np.repeat(np.arange(3), n_emissions)
    n_states = len(latent)
    emissions = np.zeros((n_steps + 1, 3, n_states))
    for z in range(3):
        emissions[:, z, latent == z] = rng.dirichlet(np.ones(n_emissions), size=n_steps + 1)
    right_actions = rng.integers(n_actions, size=(n_steps, 2))
    shape = (n_steps, n_states, n_actions, n_actions)
    transitions = np.empty((*shape, n_states))
    transitions[:] = emissions[1:, BAD][:, None, None, None, :]
    rewards = np.zeros(shape)
    parity = np.arange(n_actions) % 2
    pennies = (parity[:, None] == parity[None, :]).astype(np.float64)
    for owner, sign in ((0, 1.0), (1, -1.0)):
        here = np.flatnonzero(latent == owner)
        wrong = np.full((n_actions, n_actions), sign * DISTRACTOR)
        wrong[_of_owner(owner, right_actions[0, owner])] = 0.0
        rewards[0, here] = wrong
        rewards[-1, here] = sign * pennies
        for step in range(n_steps):
            moves = _of_owner(owner, right_actions[step, owner])
            for state in here:
                transitions[step, state][moves] = emissions[step + 1, owner]
    joint = StagedMDP(
        transitions=transitions.reshape(n_steps, n_states, -1, n_states),
        rewards=rewards.reshape(n_steps, n_states, -1),
        initial=emissions[0, :2].mean(axis=0),
    )
    return MarkovGame(joint=joint, n_first=n_actions, n_second=n_actions)


def _of_owner(owner: int, action: int) -> tuple[slice | int, slice | int]:
    """Return the index of the joint actions in which a player takes an action."""
    return (action, slice(None)) if owner == 0 else (slice(None), action)
