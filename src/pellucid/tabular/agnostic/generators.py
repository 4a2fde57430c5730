"""Staged problems for comparisons of what access and structure are worth."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.contrastive.staged import StagedMDP

LOSS_GROWTH = 1.98
"""Just below 2, so that the worse policy looks better at every step before the last."""


def random_layers(n_steps: int, n_states: int, rng: np.random.Generator) -> StagedMDP:
    """Return a problem of two actions with spiky random transitions and rewards at the last step.

    Args:
        n_steps: Steps of an episode.
        n_states: States per step; the first state is always 0.
        rng: Draws transitions (Dirichlet 0.3) and the chances of the last reward (even).
    """
    rewards = np.zeros((n_steps, n_states, 2))
    rewards[-1] = rng.random((n_states, 2))
    shape = (n_steps, n_states, 2)
    return StagedMDP(
        transitions=rng.dirichlet(np.full(n_states, 0.3), size=shape),
        rewards=rewards,
        initial=np.eye(n_states)[0],
    )


def deterministic_layers(
    n_steps: int, n_states: int, n_actions: int, rng: np.random.Generator
) -> StagedMDP:
    """Return a problem in which every action leads to one random state; the last step pays."""
    rewards = np.zeros((n_steps, n_states, n_actions))
    rewards[-1] = rng.random((n_states, n_actions))
    following = rng.integers(n_states, size=rewards.shape)
    return StagedMDP(
        transitions=np.eye(n_states)[following], rewards=rewards, initial=np.eye(n_states)[0]
    )


def rare_states(
    n_steps: int, chances: Float[np.ndarray, " states"], rng: np.random.Generator
) -> StagedMDP:
    """Return a problem whose states come with the same chances at every step, whatever is done.

    The chance to reach a state is known without computation, and can be made as rare as wanted.

    Args:
        n_steps: Steps of an episode.
        chances: Shape (states,), the distribution of the state of every step.
        rng: Draws the chances of the last reward.
    """
    rewards = np.zeros((n_steps, len(chances), 2))
    rewards[-1] = rng.random((len(chances), 2))
    transitions = np.broadcast_to(chances, (n_steps, len(chances), 2, len(chances)))
    return StagedMDP(transitions=transitions, rewards=rewards, initial=chances)


def amplification_chain(
    n_steps: int, *, loss: float = 0.001
) -> tuple[StagedMDP, PolicyClass, Float[np.ndarray, "steps states"]]:
    """Return a chain on which one small mistake at the last step grows at every step before it.

    At every step there are the states 0 and 1, and 2 after the end. Action 0 leads to state 0 of
    the next step and pays 1 at the last one. Action 1 ends the episode and pays 1 in state 1; in
    state 0 it pays that less a loss, which is 1.98 times the loss of the step after it.

    Source: Li 2025, ch. 6 (realizability without completeness); the numbers are ours.

    Args:
        n_steps: Steps of an episode.
        loss: Of action 1 in state 0 at the last step.

    Returns:
        The problem; the policies *optimal* (always 0), *tempting* (always 1) and *completing* (the
        state's number); the start distributions of the steps, even over states 0 and 1.

    Raises:
        InputError: The loss is not in (0, 1].
    """
    if not 0 < loss <= 1:
        raise InputError(f"expected a loss in (0, 1], got {loss}")
    losses = np.minimum(1.0, loss * LOSS_GROWTH ** np.arange(n_steps - 1, -1, -1))
    rewards = np.zeros((n_steps, 3, 2))
    rewards[:, 0, 1] = 1 - losses
    rewards[:, 1, 1] = 1.0
    rewards[-1, :2, 0] = 1.0
    transitions = np.zeros((n_steps, 3, 2, 3))
    transitions[:, :2, 0, 0] = 1.0
    transitions[:, :2, 1, 2] = 1.0
    transitions[:, 2, :, 2] = 1.0
    rows = np.array([[0, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.uint8)
    policies = PolicyClass(
        np.repeat(rows[:, None], n_steps, axis=1), 2, ("optimal", "tempting", "completing")
    )
    resets = np.tile([0.5, 0.5, 0.0], (n_steps, 1))
    problem = StagedMDP(transitions=transitions, rewards=rewards, initial=np.eye(3)[0])
    return problem, policies, resets


def block_lock(
    n_steps: int, n_emissions: int, rng: np.random.Generator, *, slip: float = 0.1
) -> tuple[StagedMDP, Int[np.ndarray, " steps"]]:
    """Return a combination lock of two hidden states per step, each shown in several ways.

    The right action keeps the lock open, but for a slip; any other closes it for good. At the end
    an open lock pays with chance 0.9 for the right action, all else with chance 0.2.

    Args:
        n_steps: Steps of an episode.
        n_emissions: Observations per hidden state, equally likely: state `e` shows an open lock,
            state `n_emissions + e` a closed one.
        rng: Draws the right actions.
        slip: Chance that an open lock closes in spite of the right action.

    Returns:
        The problem, and the right action of each step.
    """
    code = rng.integers(2, size=n_steps)
    n_states = 2 * n_emissions
    opened = np.repeat([1.0, 0.0], n_emissions) / n_emissions
    closed = opened[::-1]
    transitions = np.empty((n_steps, n_states, 2, n_states))
    transitions[:] = closed
    rewards = np.zeros((n_steps, n_states, 2))
    rewards[-1] = 0.2
    rewards[-1, :n_emissions, code[-1]] = 0.9
    for step, right in enumerate(code):
        transitions[step, :n_emissions, right] = (1 - slip) * opened + slip * closed
    return StagedMDP(transitions=transitions, rewards=rewards, initial=opened), code
