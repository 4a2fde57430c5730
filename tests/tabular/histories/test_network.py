"""The learned representation: gradients by finite differences, a loss by hand, a cue learned."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.histories import (
    HistoryNetwork,
    RepresentationOptions,
    fit_representation,
    history_features,
    memory_junction,
    representation_loss,
)
from pellucid.tabular.histories import network as module


def test_the_pair_loss_is_the_one_by_hand() -> None:
    first, second = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 0.0], [0.5, 0.5]])
    targets = module.value_gaps(np.array([[1.0, 3.0], [0.0, 0.0]]), np.array([[0.0, 1.0]] * 2))
    assert targets.tolist() == [2.0, 1.0]
    assert module.pair_loss(first, second, targets) == pytest.approx(((0.5 - 2) ** 2 + 1) / 2)


def test_the_gradient_of_the_pair_loss_is_the_finite_difference() -> None:
    rng = stream(0, "t")
    first, second = rng.normal(size=(2, 5, 3))
    targets = rng.random(5)
    found = module.pair_loss_gradient(first, second, targets)
    for index in np.ndindex(first.shape):
        shift = np.zeros_like(first)
        shift[index] = 1e-6
        up = module.pair_loss(first + shift, second, targets)
        down = module.pair_loss(first - shift, second, targets)
        assert found[index] == pytest.approx((up - down) / 2e-6, abs=1e-8)


def test_gradients_by_the_weights_are_finite_differences() -> None:
    rng = stream(1, "t")
    network = module.new_network(4, 2, 3, rng)
    inputs, actions, targets = rng.normal(size=(6, 4)), rng.integers(0, 2, 6), rng.random(6)
    partners = rng.permutation(6)
    fixed = network.outputs(inputs).q_values
    gaps = module.value_gaps(fixed, fixed[partners])

    def loss(value_weight: float, pair_weight: float) -> float:
        found = network.outputs(inputs)
        errors = (found.q_values[np.arange(6), actions] - targets) ** 2
        near = module.pair_loss(found.representation, found.representation[partners], gaps)
        return value_weight * errors.mean() + pair_weight * near

    gradients = module.loss_gradients(
        network, inputs, actions, targets, partners=partners, pair_weight=0.7
    )
    for weights, gradient in zip(network.weights, gradients, strict=True):
        for index in np.ndindex(weights.shape):
            kept, losses = weights[index], []
            for shift in (1e-6, -1e-6):
                weights[index] = kept + shift
                losses.append(loss(1.0, 0.7))
            weights[index] = kept
            assert gradient[index] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-7)


def test_the_pair_loss_does_not_move_the_values() -> None:
    rng = stream(2, "t")
    network = module.new_network(4, 2, 3, rng)
    inputs, actions, targets = rng.normal(size=(6, 4)), rng.integers(0, 2, 6), rng.random(6)
    with_loss, without = (
        module.loss_gradients(
            network, inputs, actions, targets, partners=rng.permutation(6), pair_weight=weight
        )
        for weight in (5.0, 0.0)
    )
    assert (with_loss[4] == without[4]).all()
    assert (with_loss[0] != without[0]).any()


def test_equal_representations_of_equal_values_have_no_loss() -> None:
    nothing = HistoryNetwork(tuple(np.zeros(shape) for shape in [(3, 2), 2, (2, 2), 2, (2, 2), 2]))
    assert representation_loss(nothing, stream(0, "t").normal(size=(8, 3))) == 0.0


@pytest.mark.slow
def test_a_network_learns_the_cue_and_the_loss_lowers_j() -> None:
    pomdp = memory_junction(4)
    data, fresh = pomdp.sample(1000, stream(0, "d")), pomdp.sample(500, stream(0, "f"))
    sizes = {"n_observations": 2, "n_actions": 2}
    inputs, new = (history_features(one.tokens(3), **sizes) for one in (data, fresh))
    losses = []
    for weight in (0.0, 30.0):
        network = fit_representation(
            inputs,
            data.actions[:, 3],
            data.rewards[:, 3],
            n_actions=2,
            rng=stream(0, "fit"),
            options=RepresentationOptions(pair_weight=weight, n_updates=500),
        )
        chosen = network.outputs(new).q_values.argmax(axis=1)
        assert (chosen == fresh.observations[:, 0]).mean() > 0.9
        losses.append(representation_loss(network, new))
    assert losses[1] < losses[0] / 3


def test_features_are_centred_one_hot_tokens() -> None:
    found = history_features(np.array([[0, 2, 1]]), n_observations=2, n_actions=4)
    expected = [0.5, -0.5, -0.25, -0.25, 0.75, -0.25, -0.5, 0.5]
    assert found.tolist() == [expected]


@pytest.mark.parametrize(
    ("inputs", "actions", "targets", "message"),
    [
        (np.zeros((2, 1)), np.array([0, 2]), np.zeros(2), "actions from 0 to 1, got 0 to 2"),
        (np.zeros((2, 1)), np.array([0, 1]), np.array([0, np.nan]), "finite targets, got nan"),
        (np.zeros((2, 1)), np.array([0]), np.zeros(2), "with an action and a target each"),
    ],
)
def test_bad_input_is_refused(inputs, actions, targets, message) -> None:
    with pytest.raises(InputError, match=message):
        fit_representation(inputs, actions, targets, n_actions=2, rng=stream(0, "t"))


def test_a_loss_needs_a_pair() -> None:
    with pytest.raises(InputError, match="at least two histories, got 1"):
        representation_loss(module.new_network(3, 2, 2, stream(0, "t")), np.zeros((1, 3)))
