"""Low-rank problems: the chance of the next state is a product of two vectors of few numbers."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.contrastive.staged import StagedMDP, check_at_least

GOOD, BAD = (0, 1), 2
"""Latent states of the lock: two from which the goal can be reached, and one for ever after."""
DISTRACTOR = 0.1
"""What a wrong first action pays in the lock: enough to keep a greedy learner there."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LowRankMDP(StagedMDP):
    """A problem whose probabilities factor: `P_h(s' | s, a) = left_h(s, a) . right_h(s')`.

    Args:
        left: Shape (steps, states, actions, rank), `phi*`; rows lie on the simplex.
        right: Shape (steps, rank, states), `psi*`: the distribution of s' under each factor.
        inputs: Shape (states, n_inputs): what an observer sees of each state; one-hot if it sees
            no more than which one it is.
        latent: Shape (states,): the latent state of each, -1 where there is none.

    Raises:
        InputError: As `StagedMDP`.
    """

    left: Float[np.ndarray, "steps states actions rank"]
    right: Float[np.ndarray, "steps rank next_states"]
    inputs: Float[np.ndarray, "states n_inputs"]
    latent: Int[np.ndarray, " states"]


def combination_lock(
    rng: np.random.Generator,
    *,
    n_steps: int = 6,
    n_actions: int = 4,
    n_emissions: int = 6,
    n_inputs: int = 8,
    input_noise: float = 0.25,
) -> LowRankMDP:
    """Return a lock that opens to one action per step, seen through random emissions.

    There are three latent states, and each emits one of `n_emissions` states of its own. In a good
    latent state one action leads to either good one with chance 1/2, the others to the bad one,
    which is never left. The right action of the last step pays 1 in a good state; a wrong action
    of the first step pays 0.1. The best return is 1; without exploration a learner stays at 0.1.

    The transitions take two different forms only (good or bad next), so the rank is 2; the factors
    are given with one column per latent state, of which two are always equal.

    Args:
        rng: Draws the right actions, the emissions and what is seen of them.
        n_steps: Steps of an episode, at least 2.
        n_actions: Actions, at least 2.
        n_emissions: States that each latent one emits; chances drawn from a flat Dirichlet.
        n_inputs: Numbers seen of a state, at least 3: the latent state turned at random.
        input_noise: Standard deviation of the noise in each of them, fixed per state.

    Raises:
        InputError: A size is too small.

    Source: Misra 2020 (the lock with rich observations); sizes and the distractor are ours.
    """
    check_at_least("steps", n_steps, 2)
    check_at_least("actions", n_actions, 2)
    check_at_least("emissions", n_emissions, 1)
    check_at_least("inputs", n_inputs, 3)
    latent = np.repeat(np.arange(3), n_emissions)
    n_states = len(latent)
    emissions = np.zeros((n_steps + 1, 3, n_states))
    for z in range(3):
        emissions[:, z, latent == z] = rng.dirichlet(np.ones(n_emissions), size=n_steps + 1)
    right_actions = rng.integers(n_actions, size=(n_steps, len(GOOD)))
    left = np.zeros((n_steps, n_states, n_actions, 3))
    left[..., BAD] = 1.0
    rewards = np.zeros((n_steps, n_states, n_actions))
    for z in GOOD:
        here = np.flatnonzero(latent == z)
        for step in range(n_steps):
            left[step, here, right_actions[step, z]] = (0.5, 0.5, 0.0)
        rewards[0, here] = DISTRACTOR
        rewards[0, here, right_actions[0, z]] = 0.0
        rewards[-1, here, right_actions[-1, z]] = 1.0
    turned = np.linalg.qr(rng.normal(size=(n_inputs, n_inputs)))[0][latent]
    return LowRankMDP(
        transitions=_product(left, emissions[1:]),
        rewards=rewards,
        initial=emissions[0, list(GOOD)].mean(axis=0),
        left=left,
        right=emissions[1:],
        inputs=turned + input_noise * rng.normal(size=turned.shape),
        latent=latent,
    )


def simplex_features(
    rng: np.random.Generator,
    *,
    n_steps: int,
    n_states: int,
    n_actions: int,
    rank: int,
    concentration: float = 0.3,
) -> LowRankMDP:
    """Return a problem with random factors on the simplex and rewards drawn evenly from [0, 1).

    Args:
        rng: Draws everything.
        n_steps: Steps of an episode.
        n_states: Number of states.
        n_actions: Number of actions.
        rank: Number of factors, at most the number of states.
        concentration: Of the Dirichlet distribution of the left factors; small ones are near the
            corners, so that pairs fall into groups.

    Raises:
        InputError: A size is below 1 or the rank exceeds the number of states.
    """
    _check_sizes(n_steps, n_states, n_actions, rank)
    shape = (n_steps, n_states, n_actions)
    left = rng.dirichlet(np.full(rank, concentration), size=shape)
    return _without_latent(rng, left, np.eye(n_states))


def gaussian_features(
    rng: np.random.Generator,
    *,
    n_steps: int,
    n_states: int,
    n_actions: int,
    rank: int,
    n_inputs: int = 8,
) -> LowRankMDP:
    """Return a problem whose left factors are a softmax of linear maps of Gaussian inputs.

    A linear encoder of the inputs, with weights per action, can represent it exactly.

    Args:
        rng: Draws everything.
        n_steps: Steps of an episode.
        n_states: Number of states.
        n_actions: Number of actions.
        rank: Number of factors, at most the number of states.
        n_inputs: Numbers seen of a state, independent and standard normal.

    Raises:
        InputError: A size is below 1 or the rank exceeds the number of states.
    """
    _check_sizes(n_steps, n_states, n_actions, rank)
    check_at_least("inputs", n_inputs, 1)
    inputs = rng.normal(size=(n_states, n_inputs))
    weights = rng.normal(size=(n_steps, n_actions, n_inputs, rank))
    logits = np.einsum("si,haid->hsad", inputs, weights)
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return _without_latent(rng, exponentials / exponentials.sum(axis=-1, keepdims=True), inputs)


def _without_latent(rng: np.random.Generator, left: np.ndarray, inputs: np.ndarray) -> LowRankMDP:
    n_steps, n_states, n_actions, rank = left.shape
    right = rng.dirichlet(np.ones(n_states), size=(n_steps, rank))
    return LowRankMDP(
        transitions=_product(left, right),
        rewards=rng.random((n_steps, n_states, n_actions)),
        initial=np.full(n_states, 1 / n_states),
        left=left,
        right=right,
        inputs=inputs,
        latent=np.full(n_states, -1),
    )


def _check_sizes(n_steps: int, n_states: int, n_actions: int, rank: int) -> None:
    check_at_least("steps", n_steps, 1)
    check_at_least("states", n_states, 1)
    check_at_least("actions", n_actions, 1)
    check_at_least("factors", rank, 1)
    if rank > n_states:
        raise InputError(f"expected a rank of at most {n_states}, the states, got {rank}")


def _product(left: np.ndarray, right: np.ndarray) -> Float[np.ndarray, "steps s a next_states"]:
    return np.asarray(np.einsum("hsad,hdt->hsat", left, right))
