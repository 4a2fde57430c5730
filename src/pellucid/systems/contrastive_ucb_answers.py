"""Known answers of contrastive UCB: cases worked by hand, in closed form or by another solver."""

from collections.abc import Callable, Mapping

import numpy as np

from pellucid.seeds import stream
from pellucid.tabular import backward_induction, layered
from pellucid.tabular.contrastive.bonus import bonus_parts, directions_of, feature_covariance
from pellucid.tabular.contrastive.game_lock import VALUE, two_player_lock
from pellucid.tabular.contrastive.learning import even_law
from pellucid.tabular.contrastive.low_rank import combination_lock, simplex_features
from pellucid.tabular.contrastive.markov_game import (
    MarkovGame,
    coarse_correlated_equilibria,
    deviation_gains,
    duality_gap,
)
from pellucid.tabular.contrastive.objective import (
    best_ratios,
    contrastive_loss,
    drawn_negatives,
    expected_negatives,
    loss_gradient,
)
from pellucid.tabular.contrastive.representation import ContrastiveModel
from pellucid.tabular.contrastive.staged import StagedMDP, best_value

TOLERANCE = 1e-8
"""Largest error for equality, of values of order 1."""
FIT_TOLERANCE = 1e-3
"""Largest error of a model fitted to exact probabilities."""


def _loss_is_least_at_the_density_ratio() -> bool:
    truth, law = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]), np.array([0.5, 0.3, 0.2])
    best = best_ratios(truth, law)
    negatives = expected_negatives(truth, law)
    least = contrastive_loss(best, truth, negatives)
    rng = stream(0, "contrastive-ucb", "perturbed")
    others = (best * np.exp(0.1 * rng.normal(size=best.shape)) for _ in range(20))
    return bool(np.abs(loss_gradient(best, truth, negatives)).max() < TOLERANCE) and all(
        contrastive_loss(other, truth, negatives) > least for other in others
    )


def _gradient_is_the_finite_difference() -> bool:
    rng = stream(0, "contrastive-ucb", "gradient")
    ratios, positives, negatives = rng.uniform(0.2, 3.0, size=(3, 4, 5))
    gradient = loss_gradient(ratios, positives, negatives)
    width = 1e-5
    found = np.empty_like(ratios)
    for index in np.ndindex(ratios.shape):
        shift = np.zeros_like(ratios)
        shift[index] = width
        above = contrastive_loss(ratios + shift, positives, negatives)
        below = contrastive_loss(ratios - shift, positives, negatives)
        found[index] = (above - below) / (2 * width)
    return bool(np.abs(found - gradient).max() < FIT_TOLERANCE)


def _drawn_negatives_average_out() -> bool:
    positives = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 6.0]])
    law = np.array([0.5, 0.3, 0.2])
    rng = stream(0, "contrastive-ucb", "negatives")
    n_draws = 20_000
    mean = drawn_negatives(positives, law, rng, per_positive=n_draws)
    expected = expected_negatives(positives, law)
    # eight negatives at most per draw: five standard errors
    return bool(np.abs(mean - expected).max() < 5 * np.sqrt(8 / n_draws))


def _true_rank_recovers_the_model() -> bool:
    rng = stream(1, "contrastive-ucb", "rank")
    world = simplex_features(rng, n_steps=1, n_states=6, n_actions=3, rank=2)
    truth = world.transitions.reshape(1, -1, 6)
    model = _fresh(n_pairs=18, n_states=6, rank=2)
    model.fit(truth, expected_negatives(truth, model.negative_law), 3000)
    return bool(np.abs(model.transitions - truth).max() < FIT_TOLERANCE)


def _models_sum_to_one() -> bool:
    sums = _fresh(n_pairs=12, n_states=5, rank=3).transitions.sum(axis=-1)
    return bool(np.abs(sums - 1.0).max() < TOLERANCE)


def _parts_sum_to_the_squared_norm() -> bool:
    rng = stream(0, "contrastive-ucb", "bonus")
    features = rng.dirichlet(np.ones(3), size=(2, 10))
    covariance = feature_covariance(features, rng.integers(5, size=(2, 10)).astype(float))
    norms = np.einsum("hid,hde,hie->hi", features, np.linalg.inv(covariance), features)
    parts = bonus_parts(features, directions_of(covariance))
    return bool(np.abs(parts.sum(axis=-1) - norms).max() < TOLERANCE)


def _lock_has_rank_two_and_value_one() -> bool:
    lock = combination_lock(stream(0, "contrastive-ucb", "lock"))
    rows = lock.transitions.reshape(lock.n_steps, -1, lock.n_states)
    ranks = np.linalg.matrix_rank(rows)
    return bool((ranks == 2).all()) and abs(best_value(lock) - 1.0) < TOLERANCE


def _solvers_agree() -> bool:
    world = simplex_features(
        stream(0, "contrastive-ucb", "solvers"), n_steps=4, n_states=5, n_actions=3, rank=2
    )
    other = backward_induction(layered(world.transitions, world.rewards, world.initial)).value
    return abs(best_value(world) - other) < TOLERANCE


# --- games ---


def _matching_pennies_mix_evenly() -> bool:
    return _mixes_evenly(np.array([[1.0, -1.0], [-1.0, 1.0]]))


def _rock_paper_scissors_mix_evenly() -> bool:
    return _mixes_evenly(np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]))


def _mixes_evenly(payoffs: np.ndarray) -> bool:
    """Return whether both play evenly, the gap of that is 0 and that of pure actions is 2."""
    (chances,) = coarse_correlated_equilibria(payoffs[None], -payoffs[None])
    first, second = chances.sum(axis=1), chances.sum(axis=0)
    even = bool(np.abs(np.concatenate([first, second]) * len(payoffs) - 1.0).max() < 1e-6)
    game = _one_shot(payoffs)
    pure = np.eye(len(payoffs))[0][None, None]
    return (
        even
        and abs(duality_gap(game, first[None, None], second[None, None])) < 1e-6
        and abs(duality_gap(game, pure, pure) - 2.0) < TOLERANCE
    )


def _prisoners_defect() -> bool:
    first = np.array([[[3.0, 0.0], [5.0, 1.0]]])
    (chances,) = coarse_correlated_equilibria(first, first.transpose(0, 2, 1))
    return bool(np.abs(chances - np.array([[0.0, 0.0], [0.0, 1.0]])).max() < TOLERANCE)


def _random_equilibria_hold() -> bool:
    first, second = stream(0, "contrastive-ucb", "games").normal(size=(2, 50, 3, 4))
    chances = coarse_correlated_equilibria(first, second)
    gains = np.einsum("gdab,gab->gd", deviation_gains(first, second), chances)
    return bool(gains.max() < 1e-6)


def _game_lock_is_worth_nothing() -> bool:
    game = two_player_lock(stream(0, "contrastive-ucb", "game"))
    joint = game.joint
    values = np.zeros(joint.n_states)
    for step in range(joint.n_steps - 1, -1, -1):
        q_values = game.split(joint.rewards[step] + joint.transitions[step] @ values)
        chances = coarse_correlated_equilibria(q_values, -q_values)
        values = (chances * q_values).sum(axis=(1, 2))
    return bool(abs(joint.initial @ values - VALUE) < 1e-6)


def _one_shot(payoffs: np.ndarray) -> MarkovGame:
    joint = StagedMDP(
        transitions=np.ones((1, 1, payoffs.size, 1)),
        rewards=payoffs.reshape(1, 1, -1),
        initial=np.ones(1),
    )
    return MarkovGame(joint=joint, n_first=payoffs.shape[0], n_second=payoffs.shape[1])


def _fresh(*, n_pairs: int, n_states: int, rank: int) -> ContrastiveModel:
    return ContrastiveModel(
        n_steps=1,
        n_pairs=n_pairs,
        n_states=n_states,
        rank=rank,
        negative_law=even_law(n_states),
        rng=stream(0, "contrastive-ucb", "features"),
    )


CASES: Mapping[str, Callable[[], bool]] = {
    "the loss is least at P / P-": _loss_is_least_at_the_density_ratio,
    "its gradient is the finite difference": _gradient_is_the_finite_difference,
    "expected negatives are the mean of drawn ones": _drawn_negatives_average_out,
    "a model of the true rank recovers P": _true_rank_recovers_the_model,
    "models sum to one": _models_sum_to_one,
    "parts of the bonus sum to its square": _parts_sum_to_the_squared_norm,
    "the lock has rank 2 and is worth 1": _lock_has_rank_two_and_value_one,
    "a second solver agrees on its value": _solvers_agree,
    "matching pennies mix evenly": _matching_pennies_mix_evenly,
    "rock, paper, scissors mix evenly": _rock_paper_scissors_mix_evenly,
    "the prisoner's dilemma ends in defection": _prisoners_defect,
    "nobody gains from leaving a random equilibrium": _random_equilibria_hold,
    "the lock for two is worth nothing": _game_lock_is_worth_nothing,
}
"""What each case is called, and what finds out whether it holds."""


def known_answers() -> Mapping[str, bool]:
    """Return whether each known answer comes out."""
    return {name: holds() for name, holds in CASES.items()}
