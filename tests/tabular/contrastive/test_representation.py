"""The representation: gradients by finite differences, rank recovery, rows that sum to one."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.learning import even_law, pair_inputs
from pellucid.tabular.contrastive.low_rank import gaussian_features, simplex_features
from pellucid.tabular.contrastive.objective import contrastive_loss, expected_negatives
from pellucid.tabular.contrastive.representation import ContrastiveModel, FitOptions


def fresh(n_pairs: int = 6, n_states: int = 4, rank: int = 2, **changes) -> ContrastiveModel:
    arguments = {"n_steps": 1, "negative_law": even_law(n_states), "rng": stream(0, "t")}
    return ContrastiveModel(n_pairs=n_pairs, n_states=n_states, rank=rank, **(arguments | changes))


@pytest.mark.parametrize("n_inputs", [None, 3])
def test_gradients_by_the_weights_are_finite_differences(n_inputs) -> None:
    rng = stream(1, "t")
    inputs = None if n_inputs is None else rng.normal(size=(6, n_inputs))
    options = FitOptions(initial_spread=1.0)
    model = fresh(pair_inputs=inputs, options=options)
    positives, negatives = rng.uniform(0.1, 2.0, size=(2, 1, 6, 4))
    found = model.gradients(positives, negatives)
    for weights, gradient in zip((model._left.weights, model._right.weights), found, strict=True):
        for index in np.ndindex(weights.shape):
            kept = weights[index]
            losses = []
            for shift in (1e-5, -1e-5):
                weights[index] = kept + shift
                losses.append(contrastive_loss(model.ratios, positives, negatives))
            weights[index] = kept
            difference = (losses[0] - losses[1]) / 2e-5
            assert gradient[index] == pytest.approx(difference, rel=1e-5, abs=1e-7)


def test_an_update_lowers_the_loss() -> None:
    model = fresh(options=FitOptions(n_updates=1, learning_rate=0.01))
    positives = stream(2, "t").integers(5, size=(1, 6, 4)).astype(float)
    negatives = expected_negatives(positives, model.negative_law)
    losses = []
    for _ in range(20):
        losses.append(contrastive_loss(model.ratios, positives, negatives))
        model.fit(positives, negatives)
    assert (np.diff(losses) < 0).all()


def test_the_true_rank_recovers_the_model_and_a_smaller_one_cannot() -> None:
    world = simplex_features(stream(3, "t"), n_steps=2, n_states=6, n_actions=3, rank=2)
    truth = world.transitions.reshape(2, 18, 6)
    errors = {}
    for rank in (1, 2):
        model = fresh(n_pairs=18, n_states=6, rank=rank, n_steps=2)
        model.fit(truth, expected_negatives(truth, model.negative_law), 2000)
        errors[rank] = np.abs(model.transitions - truth).max()
    assert errors[2] < 1e-2
    assert errors[1] > 0.05


def test_linear_features_recover_a_model_that_is_linear() -> None:
    world = gaussian_features(
        stream(4, "t"), n_steps=1, n_states=8, n_actions=2, rank=2, n_inputs=3
    )
    truth = world.transitions.reshape(1, 16, 8)
    model = fresh(n_pairs=16, n_states=8, rank=2, pair_inputs=pair_inputs(world))
    model.fit(truth, expected_negatives(truth, model.negative_law), 2000)
    assert np.abs(model.transitions - truth).max() < 1e-2


def test_a_law_that_is_not_even_is_divided_out() -> None:
    truth = np.array([[[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]])
    law = np.array([0.6, 0.3, 0.1])
    model = fresh(n_pairs=2, n_states=3, rank=2, negative_law=law)
    model.fit(truth, expected_negatives(truth, law), 2000)
    assert model.transitions == pytest.approx(truth, abs=1e-3)
    assert model.ratios == pytest.approx(truth / law, abs=2e-2)


def test_models_sum_to_one_and_features_lie_on_the_simplex() -> None:
    model = fresh(options=FitOptions(initial_spread=5.0))
    assert model.transitions.sum(axis=-1) == pytest.approx(1.0)
    assert model.features.sum(axis=-1) == pytest.approx(1.0)
    assert (model.features >= 0).all()
    assert model.sizes == (1, 6, 4)


def test_weights_that_have_grown_large_stay_finite() -> None:
    model = fresh(options=FitOptions(initial_spread=2000.0))
    model._right.weights[:] = 0.0
    assert np.isfinite(model.features).all()
    assert np.isfinite(model.transitions).all()


def test_steps_without_data_keep_their_features() -> None:
    model = fresh(n_steps=2)
    before = model.features[1].copy()
    positives = np.zeros((2, 6, 4))
    positives[0] = 1.0
    model.fit(positives, expected_negatives(positives, model.negative_law))
    assert model.features[1].tobytes() == before.tobytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rank": 5}, "a rank from 1 to 4, the states, got 5"),
        ({"rank": 0}, "a rank from 1 to 4, the states, got 0"),
        ({"pair_inputs": np.ones((5, 2))}, r"pair inputs of shape \(6, 2\), got \(5, 2\)"),
        ({"negative_law": np.array([1.0, 0, 0, 0])}, "reaches every state, got 0 for state 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changes, message) -> None:
    with pytest.raises(InputError, match=message):
        fresh(**changes)
