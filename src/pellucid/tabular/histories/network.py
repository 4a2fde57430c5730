"""A learned representation of histories, pulled towards a bisimulation by a loss on pairs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.kernels.adam import AdamWeights

Weights = tuple[np.ndarray, ...]
"""Matrix and offset of the first layer, of the second one and of the values."""


@dataclass(frozen=True, kw_only=True)
class RepresentationOptions:
    """How a representation is fitted.

    Args:
        n_units: Units of both layers.
        n_updates: Updates.
        learning_rate: Adam's step size.
        n_batch: Histories per update, drawn with replacement.
        pair_weight: beta, the weight of the pair loss; 0 for none.
    """

    n_units: int = 32
    n_updates: int = 1500
    learning_rate: float = 3e-3
    n_batch: int = 64
    pair_weight: float = 0.0


class Outputs(NamedTuple):
    """What the network says of histories: its layers and the values of actions."""

    hidden: Float[np.ndarray, "histories units"]
    representation: Float[np.ndarray, "histories units"]
    q_values: Float[np.ndarray, "histories actions"]


@dataclass(frozen=True, eq=False)
class HistoryNetwork:
    """Two layers of tanh, of which the second is the representation, and values linear in it.

    Args:
        weights: Matrix and offset of the layers and of the values.
    """

    weights: Weights

    def outputs(self, inputs: Float[np.ndarray, "histories features"]) -> Outputs:
        """Return layers and values of histories."""
        w1, b1, w2, b2, w3, b3 = self.weights
        hidden = np.tanh(inputs @ w1 + b1)
        representation = np.tanh(hidden @ w2 + b2)
        return Outputs(hidden, representation, representation @ w3 + b3)


def new_network(
    n_features: int, n_actions: int, n_units: int, rng: np.random.Generator
) -> HistoryNetwork:
    """Return a network of normal weights with variance 1 / inputs, and no offsets."""
    sizes = (n_features, n_units, n_units, n_actions)
    weights: list[np.ndarray] = []
    for n_in, n_out in pairwise(sizes):
        weights += [rng.normal(0.0, 1 / math.sqrt(n_in), (n_in, n_out)), np.zeros(n_out)]
    return HistoryNetwork(tuple(weights))


# --- the loss on pairs ---


def value_gaps(
    first: Float[np.ndarray, "pairs actions"], second: Float[np.ndarray, "pairs actions"]
) -> Float[np.ndarray, " pairs"]:
    """Return `max_a |Q(first, a) - Q(second, a)|`, the distance that a representation should have.

    Over all actions, so that it does not depend on which were logged.
    """
    return np.asarray(np.abs(first - second).max(axis=1))


def distances(
    first: Float[np.ndarray, "pairs units"], second: Float[np.ndarray, "pairs units"]
) -> Float[np.ndarray, " pairs"]:
    """Return the mean absolute difference of two representations."""
    return np.asarray(np.abs(first - second).mean(axis=1))


def pair_loss(
    first: Float[np.ndarray, "pairs units"],
    second: Float[np.ndarray, "pairs units"],
    targets: Float[np.ndarray, " pairs"],
) -> float:
    """Return J: the mean of `(distance - target)^2`."""
    return float(np.mean((distances(first, second) - targets) ** 2))


def pair_loss_gradient(
    first: Float[np.ndarray, "pairs units"],
    second: Float[np.ndarray, "pairs units"],
    targets: Float[np.ndarray, " pairs"],
) -> Float[np.ndarray, "pairs units"]:
    """Return the gradient of J by the first representations; by the second ones it is minus it."""
    off = 2 * (distances(first, second) - targets) / len(targets)
    return np.asarray(off[:, None] * np.sign(first - second) / first.shape[1])


def representation_loss(
    network: HistoryNetwork, inputs: Float[np.ndarray, "histories features"]
) -> float:
    """Return J of a network on histories: each paired with the one half of them further on.

    Args:
        network: The network; distances of its values are the targets.
        inputs: At least two histories.

    Raises:
        InputError: There are fewer than two.
    """
    if len(inputs) < 2:
        raise InputError(f"expected at least two histories, got {len(inputs)}")
    found = network.outputs(inputs)
    other = np.roll(np.arange(len(inputs)), len(inputs) // 2)
    q, z = found.q_values, found.representation
    return pair_loss(z, z[other], value_gaps(q, q[other]))


# --- fitting ---


def loss_gradients(
    network: HistoryNetwork,
    inputs: Float[np.ndarray, "histories features"],
    actions: Int[np.ndarray, " histories"],
    targets: Float[np.ndarray, " histories"],
    *,
    partners: Int[np.ndarray, " histories"],
    pair_weight: float,
) -> Weights:
    """Return gradients of `mean (Q(a) - target)^2 + beta J`, by the weights.

    The targets of J are held fixed, and J moves the representation alone.

    Args:
        network: The network.
        inputs: Shape (histories, features).
        actions: Shape (histories,), logged.
        targets: Shape (histories,): reward plus what follows.
        partners: Shape (histories,): which other history each is paired with; a permutation.
        pair_weight: beta.
    """
    found, n = network.outputs(inputs), len(inputs)
    _, _, w2, _, w3, _ = network.weights
    z, q = found.representation, found.q_values
    by_q = np.zeros_like(q)
    rows = np.arange(n)
    by_q[rows, actions] = 2 * (q[rows, actions] - targets) / n
    by_z = by_q @ w3.T
    if pair_weight:
        pull = pair_loss_gradient(z, z[partners], value_gaps(q, q[partners]))
        by_z = by_z + pair_weight * pull
        by_z[partners] -= pair_weight * pull
    by_second = by_z * (1 - z**2)
    by_first = (by_second @ w2.T) * (1 - found.hidden**2)
    return (
        inputs.T @ by_first,
        by_first.sum(axis=0),
        found.hidden.T @ by_second,
        by_second.sum(axis=0),
        z.T @ by_q,
        by_q.sum(axis=0),
    )


def fit_representation(
    inputs: Float[np.ndarray, "histories features"],
    actions: Int[np.ndarray, " histories"],
    targets: Float[np.ndarray, " histories"],
    *,
    n_actions: int,
    rng: np.random.Generator,
    options: RepresentationOptions | None = None,
    watch: Callable[[int, HistoryNetwork], None] | None = None,
) -> HistoryNetwork:
    """Return a network fitted to the values of one step, with or without the loss on pairs.

    Histories of one step alone: fit steps from the last one, with `reward + max Q(next)` as the
    target of the earlier ones.

    Args:
        inputs: Shape (histories, features), such as `history_features`.
        actions: Shape (histories,), logged.
        targets: Shape (histories,): reward plus what follows.
        n_actions: Number of actions.
        rng: Draws weights, batches and pairs.
        options: How to fit.
        watch: Told the number of updates and the network after each; it is changed by the next.

    Raises:
        InputError: Shapes do not fit, an action does not exist, or a number is not finite.

    Source: Hong 2024, section 6, with the target over all actions in place of learned models.
    """
    _check(inputs, actions, targets, n_actions)
    how = options or RepresentationOptions()
    network = new_network(inputs.shape[1], n_actions, how.n_units, rng)
    moments = [AdamWeights(weights) for weights in network.weights]
    for update in range(how.n_updates):
        batch = rng.integers(0, len(inputs), how.n_batch)
        gradients = loss_gradients(
            network,
            inputs[batch],
            actions[batch],
            targets[batch],
            partners=rng.permutation(how.n_batch),
            pair_weight=how.pair_weight,
        )
        for moment, gradient in zip(moments, gradients, strict=True):
            moment.update(gradient, how.learning_rate, update)
        if watch is not None:
            watch(update + 1, network)
    return network


def history_features(
    tokens: Int[np.ndarray, "histories tokens"], *, n_observations: int, n_actions: int
) -> Float[np.ndarray, "histories features"]:
    """Return histories as one-hot tokens side by side, centred on an even draw.

    Args:
        tokens: Shape (histories, 2 * step + 1).
        n_observations: Number of observations.
        n_actions: Number of actions.
    """
    parts = []
    for position in range(tokens.shape[1]):
        n_values = n_actions if position % 2 else n_observations
        parts.append(np.eye(n_values)[tokens[:, position]] - 1 / n_values)
    return np.hstack(parts)


def _check(inputs: np.ndarray, actions: np.ndarray, targets: np.ndarray, n_actions: int) -> None:
    if inputs.ndim != 2 or not len(inputs) or not actions.shape == targets.shape == (len(inputs),):
        raise InputError(
            f"expected inputs (histories, features) with an action and a target each, "
            f"got shapes {inputs.shape}, {actions.shape} and {targets.shape}"
        )
    if actions.min() < 0 or actions.max() >= n_actions:
        raise InputError(
            f"expected actions from 0 to {n_actions - 1}, got {actions.min()} to {actions.max()}"
        )
    for name, values in (("inputs", inputs), ("targets", targets)):
        if not np.isfinite(values).all():
            raise InputError(f"expected finite {name}, got {values[~np.isfinite(values)][0]}")
