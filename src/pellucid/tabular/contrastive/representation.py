"""Features of pairs and of next states, learned by the contrastive objective, one set per step."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.kernels.adam import AdamWeights
from pellucid.tabular.contrastive.objective import check_law, loss_gradient
from pellucid.tabular.contrastive.staged import check_shape

FLOOR = 1e-6
"""Added to every ratio: `log(1 + 1 / f)` has no bound at 0."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How a representation is fitted.

    Args:
        n_updates: Updates per call of `fit`, each over all counts; fits go on from the last one.
        learning_rate: Adam's step size.
        initial_spread: Standard deviation of the weights at the start.
    """

    n_updates: int = 20
    learning_rate: float = 0.1
    initial_spread: float = 0.1


class ContrastiveModel:
    """A model of every step's transitions: ratios `f_h(s, a, s') = phi_h(s, a) . psi_h(s')`.

    The left features are a softmax, so that they lie on the simplex, and the right ones an
    exponential, so that ratios are positive. With pair inputs the softmax is of a linear map of
    them, so that pairs that were never seen get features too; without, of a table.

    Args:
        n_steps: Steps of an episode.
        n_pairs: Pairs of a state and an action; pair `state * n_actions + action`.
        n_states: Next states.
        rank: Number of features, at most the number of states.
        negative_law: Shape (states,), the law of negatives, positive everywhere.
        rng: Draws the first weights.
        pair_inputs: Shape (pairs, inputs); a table if None.
        options: How to fit.

    Raises:
        InputError: The rank is below 1 or above the number of states, the law does not reach every
            state, or the inputs do not have a row per pair.

    Source: Qiu 2022; the parametrisation is ours, the paper leaves the class of functions open and
    takes its exact minimiser, where this takes a few updates from the last one.
    """

    def __init__(
        self,
        *,
        n_steps: int,
        n_pairs: int,
        n_states: int,
        rank: int,
        negative_law: Float[np.ndarray, " states"],
        rng: np.random.Generator,
        pair_inputs: Float[np.ndarray, "pairs inputs"] | None = None,
        options: FitOptions | None = None,
    ) -> None:
        if not 1 <= rank <= n_states:
            raise InputError(f"expected a rank from 1 to {n_states}, the states, got {rank}")
        check_law(negative_law, n_states)
        if pair_inputs is not None:
            check_shape("pair inputs", pair_inputs, (n_pairs, np.shape(pair_inputs)[-1]))
        self.options = options or FitOptions()
        self.negative_law = negative_law
        self._inputs = pair_inputs
        n_rows = n_pairs if pair_inputs is None else pair_inputs.shape[1]
        spread = self.options.initial_spread
        self._left = AdamWeights(rng.normal(0.0, spread, (n_steps, n_rows, rank)))
        self._right = AdamWeights(rng.normal(0.0, spread, (n_steps, n_states, rank)))
        self._n_updates = 0

    # --- what it has learned ---

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of steps, of pairs and of next states."""
        n_steps, n_states, _ = self._right.weights.shape
        rows = self._left.weights if self._inputs is None else self._inputs
        return n_steps, rows.shape[-2], n_states

    @property
    def features(self) -> Float[np.ndarray, "steps pairs rank"]:
        """The left features phi_h(s, a); they are positive and sum to one."""
        weights = self._left.weights
        logits = weights if self._inputs is None else self._inputs @ weights
        # over the few features NumPy's own reductions take ten times as long
        highest = reduce(np.maximum, np.moveaxis(logits, -1, 0))
        exponentials = np.exp(logits - highest[..., None])
        exponentials /= _row_sums(exponentials)
        return np.asarray(exponentials)

    @property
    def next_features(self) -> Float[np.ndarray, "steps states rank"]:
        """The right features psi_h(s'); they are positive."""
        return np.asarray(np.exp(self._right.weights))

    @property
    def ratios(self) -> Float[np.ndarray, "steps pairs states"]:
        """How much likelier each next state is after a pair than under the law of negatives."""
        return _ratios(self.features, self.next_features)

    @property
    def transitions(self) -> Float[np.ndarray, "steps pairs states"]:
        """The learned probabilities: ratios times the law, scaled so that rows sum to one."""
        chances = self.ratios * self.negative_law
        chances /= chances.sum(axis=-1, keepdims=True)
        return np.asarray(chances)

    # --- learning ---

    def fit(
        self,
        positives: Float[np.ndarray, "steps pairs states"],
        negatives: Float[np.ndarray, "steps pairs states"],
        n_updates: int | None = None,
    ) -> None:
        """Move the features towards smaller loss, from where they are.

        Args:
            positives: How often each state followed each pair.
            negatives: How often each state was drawn for it, or the expectation of that.
            n_updates: Updates; those of the options if None.
        """
        totals = (positives + negatives).sum(axis=(1, 2), keepdims=True)
        totals[totals == 0] = 1.0  # a step without data has no gradient
        seen, drawn = positives / totals, negatives / totals
        for _ in range(self.options.n_updates if n_updates is None else n_updates):
            left, right = self.gradients(seen, drawn)
            self._left.update(left, self.options.learning_rate, self._n_updates)
            self._right.update(right, self.options.learning_rate, self._n_updates)
            self._n_updates += 1

    def gradients(
        self,
        positives: Float[np.ndarray, "steps pairs states"],
        negatives: Float[np.ndarray, "steps pairs states"],
    ) -> tuple[Float[np.ndarray, "steps rows rank"], Float[np.ndarray, "steps states rank"]]:
        """Return the derivatives of the loss by the weights of the left and right features."""
        features, next_features = self.features, self.next_features
        by_ratio = loss_gradient(_ratios(features, next_features), positives, negatives)
        by_features = by_ratio @ next_features
        by_logits = features * (by_features - _row_sums(by_features * features))
        if self._inputs is not None:
            by_logits = self._inputs.T @ by_logits
        return by_logits, (by_ratio.transpose(0, 2, 1) @ features) * next_features


def _row_sums(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows @ np.ones((rows.shape[-1], 1)))


def _ratios(features: np.ndarray, next_features: np.ndarray) -> np.ndarray:
    ratios = features @ next_features.transpose(0, 2, 1)
    ratios += FLOOR
    return np.asarray(ratios)
