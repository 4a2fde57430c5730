"""The contrastive objective: tell a state that followed from one that was drawn without regard.

Half of the examples are true transitions (s, a, s') and half have s' drawn from a fixed law. The
best classifier of the two knows how much likelier s' is after (s, a) than under that law, the
density ratio; so learning to tell them apart learns the model.

Everything is written with counts: `positives[i, t]` is how often state t followed pair i, and
`negatives[i, t]` how often t was drawn for it, or how often it would be on average.
"""

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.tabular.contrastive.staged import check_rows, check_shape


def contrastive_loss(
    ratios: Float[np.ndarray, "*axes pairs next_states"],
    positives: Float[np.ndarray, "*axes pairs next_states"],
    negatives: Float[np.ndarray, "*axes pairs next_states"],
) -> float:
    """Return `sum(positives * log(1 + 1 / f) + negatives * log(1 + f))` for ratios f > 0.

    It is the log loss of a classifier that calls a transition true with probability f / (1 + f).

    Args:
        ratios: f(s, a, s'), positive.
        positives: How often each state followed.
        negatives: How often each state was drawn, or the expectation of that.

    Source: Qiu 2022 (its contrastive loss).

    Example:
        >>> one = np.ones((1, 1))
        >>> round(contrastive_loss(one, one, one), 6) == round(2 * np.log(2), 6)
        True
    """
    return float((positives * np.log1p(1.0 / ratios) + negatives * np.log1p(ratios)).sum())


def loss_gradient(
    ratios: Float[np.ndarray, "*axes pairs next_states"],
    positives: Float[np.ndarray, "*axes pairs next_states"],
    negatives: Float[np.ndarray, "*axes pairs next_states"],
) -> Float[np.ndarray, "*axes pairs next_states"]:
    """Return the derivative of `contrastive_loss` by each ratio.

    It is `(negatives - positives / f) / (1 + f)`, which is zero at `f = positives / negatives`.
    """
    gradient = positives / ratios
    np.subtract(negatives, gradient, out=gradient)
    gradient /= 1.0 + ratios
    return np.asarray(gradient)


def best_ratios(
    transitions: Float[np.ndarray, "*axes next_states"],
    negative_law: Float[np.ndarray, " next_states"],
) -> Float[np.ndarray, "*axes next_states"]:
    """Return the ratios that minimise the expected loss: `P(s' | s, a) / P-(s')`.

    Args:
        transitions: Probabilities of the next state along the last axis.
        negative_law: Probability with which a negative is drawn, positive everywhere.

    Raises:
        InputError: The law is not a distribution that reaches every state.

    Source: Qiu 2022.
    """
    check_law(negative_law, transitions.shape[-1])
    return np.asarray(transitions / negative_law)


def expected_negatives(
    positives: Float[np.ndarray, "*axes pairs next_states"],
    negative_law: Float[np.ndarray, " next_states"],
) -> Float[np.ndarray, "*axes pairs next_states"]:
    """Return the average counts of one negative per positive: `n(s, a) * P-(s')`.

    Taking the average in place of a draw leaves the expected loss as it is and takes the noise of
    the negatives out of it, at no cost in steps of the environment (Rao-Blackwell). The paper draws
    one; where the law is known, as it requires, drawing is not needed.
    """
    return np.asarray(positives.sum(axis=-1, keepdims=True) * negative_law)


def drawn_negatives(
    positives: Float[np.ndarray, "*axes pairs next_states"],
    negative_law: Float[np.ndarray, " next_states"],
    rng: np.random.Generator,
    *,
    per_positive: int = 1,
) -> Float[np.ndarray, "*axes pairs next_states"]:
    """Return drawn counts of negatives, weighted so that they sum to the positives of each pair.

    Args:
        positives: Whole numbers.
        negative_law: Probability with which a negative is drawn.
        rng: Draws them.
        per_positive: Negatives per positive, at least 1; each then weighs 1 / per_positive.

    Raises:
        InputError: There is less than one negative per positive.
    """
    if per_positive < 1:
        raise InputError(f"expected at least 1 negative per positive, got {per_positive}")
    n_draws = positives.sum(axis=-1).astype(np.int64) * per_positive
    return np.asarray(rng.multinomial(n_draws, negative_law) / per_positive)


def check_law(negative_law: Float[np.ndarray, " next_states"], n_states: int) -> None:
    """Raise InputError unless a law of negatives is a distribution that reaches every state."""
    check_shape("the law of negatives", negative_law, (n_states,))
    check_rows("the law of negatives", negative_law, ())
    never = np.flatnonzero(negative_law == 0)
    if len(never):
        raise InputError(
            f"expected a law of negatives that reaches every state, got 0 for state {never[0]}",
            hint="a ratio to a state that is never drawn cannot be learned",
        )
