"""Learning where to keep an agent's action: a coin per state, by natural policy gradient."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.distance import cdist

MOST_LOGIT = 4.0
"""Coins are never surer than this (0.018 to 0.982), so that both sides go on being seen."""


@dataclass(frozen=True)
class StateFeatures:
    """Standardised inputs, and how near a state is to each of some visited ones.

    Nothing in it depends on the order of the inputs or on a random start.

    Args:
        mean: Shape (inputs,).
        spread: Shape (inputs,), positive.
        centres: Shape (centres, inputs), standardised.
        width: Distance at which nearness has fallen to 1/e, positive.
    """

    mean: Float[np.ndarray, " inputs"]
    spread: Float[np.ndarray, " inputs"]
    centres: Float[np.ndarray, "centres inputs"]
    width: float

    def __call__(self, rows: Float[np.ndarray, "rows inputs"]) -> Float[np.ndarray, "rows columns"]:
        """Return a column of ones, the standardised inputs, and the nearness to each centre."""
        inputs = (rows - self.mean) / self.spread
        near = np.exp(-((cdist(inputs, self.centres) / self.width) ** 2))
        return np.concatenate((np.ones((len(rows), 1)), inputs, near), axis=1)


def state_features(
    visited: Float[np.ndarray, "states inputs"], n_centres: int, rng: np.random.Generator
) -> StateFeatures:
    """Return features for states like those visited.

    Args:
        visited: At least one.
        n_centres: How many of them are centres, at most.
        rng: Draws which.
    """
    mean, spread = visited.mean(axis=0), visited.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    drawn = rng.choice(len(visited), size=min(n_centres, len(visited)), replace=False)
    centres = (visited[np.sort(drawn)] - mean) / spread
    apart = cdist(centres, centres)
    apart = apart[apart > 0]
    return StateFeatures(mean, spread, centres, float(np.median(apart)) / 2 if len(apart) else 1.0)


def keep_chances(
    features: Float[np.ndarray, "rows columns"], weights: Float[np.ndarray, " columns"]
) -> Float[np.ndarray, " rows"]:
    """Return the chance with which each row's coin says keep.

    Example:
        >>> keep_chances(np.array([[0.0], [100.0]]), np.array([1.0])).round(3).tolist()
        [0.5, 0.982]
    """
    # summed row by row, so that a row's bytes do not depend on which others are asked with it
    logits = np.clip((features * weights).sum(axis=1), -MOST_LOGIT, MOST_LOGIT)
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def step_advantages(
    rewards: Float[np.ndarray, " steps"], values: Float[np.ndarray, " steps"], trace: float
) -> Float[np.ndarray, " steps"]:
    """Return how much better each step of one episode went than expected.

    The sum over k of `trace^k d_(t+k)` with `d_t = r_t + V_(t+1) - V_t`; nothing is discounted and
    nothing follows the last step.

    Args:
        rewards: Shape (steps,).
        values: Shape (steps,), what was expected to follow from each step on.
        trace: 0 looks one step ahead, 1 to the end.

    Source: Schulman 2016, eq. (16).

    Example:
        >>> step_advantages(np.array([0.0, 1.0]), np.array([0.5, 0.25]), 1.0)
        array([0.5 , 0.75])
    """
    errors = rewards + np.append(values[1:], 0.0) - values
    advantages: Float[np.ndarray, " steps"] = np.empty(len(errors))
    following = 0.0
    for step in range(len(errors) - 1, -1, -1):
        following = errors[step] + trace * following
        advantages[step] = following
    return advantages


def natural_direction(
    features: Float[np.ndarray, "rows columns"],
    chances: Float[np.ndarray, " rows"],
    kept: Bool[np.ndarray, " rows"],
    advantages: Float[np.ndarray, " rows"],
    ridge: float,
) -> Float[np.ndarray, " columns"]:
    """Return weights whose product with a row's features estimates what keeping is worth there.

    The natural gradient of the expected return in the coin's logits: for a coin it is the
    regression of the advantages on what was drawn, so that `features @ direction` estimates the
    advantage of keeping over not keeping.

    Args:
        features: Shape (rows, columns).
        chances: Shape (rows,), with which keeping was drawn.
        kept: Shape (rows,), what was drawn.
        advantages: Shape (rows,).
        ridge: Added to the diagonal, as a share of its mean; positive.

    Source: Kakade 2001, section 3, for a coin with linear logits.
    """
    variance = chances * (1 - chances)
    fisher = (features * variance[:, None]).T @ features / len(features)
    gradient = features.T @ ((kept - chances) * advantages) / len(features)
    fisher[np.diag_indices_from(fisher)] += ridge * np.trace(fisher) / len(fisher)
    return np.asarray(np.linalg.solve(fisher, gradient))


def bounded_step(
    direction: Float[np.ndarray, " columns"],
    features: Float[np.ndarray, "rows columns"],
    chances: Float[np.ndarray, " rows"],
    size: float,
    most_divergence: float,
) -> Float[np.ndarray, " columns"]:
    """Return `size * direction`, made smaller if it would change the coins too much at once.

    Args:
        direction: Shape (columns,).
        features: Shape (rows, columns).
        chances: Shape (rows,), before the step.
        size: Of the step.
        most_divergence: Mean Kullback-Leibler divergence that is allowed, to second order.
    """
    change = features @ direction
    divergence = 0.5 * size**2 * float(np.mean(chances * (1 - chances) * change**2))
    shrink = 1.0 if divergence <= most_divergence else float(np.sqrt(most_divergence / divergence))
    return np.asarray(size * shrink * direction)
