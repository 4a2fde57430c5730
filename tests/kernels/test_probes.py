"""Probes and control tasks whose answer is known."""

import numpy as np
import pytest

from pellucid.kernels.probes import control_labels, fit_probe, state_types


def test_a_concept_that_a_line_parts_is_read_right_in_new_states() -> None:
    rng = np.random.default_rng(0)
    held = rng.normal(size=(400, 5))
    labels = held @ [1.0, -2.0, 0.0, 0.0, 0.0] > 0.3
    probe = fit_probe(held[:200], labels[:200])
    right = (probe.probabilities(held[200:]) > 0.5) == labels[200:]
    assert right.mean() > 0.95
    # the direction is that of the concept
    assert probe.slopes[1] / probe.slopes[0] == pytest.approx(-2.0, abs=0.5)


def test_what_is_not_there_is_read_as_often_as_luck_has_it() -> None:
    rng = np.random.default_rng(1)
    held, labels = rng.normal(size=(2000, 3)), rng.random(2000) < 0.5
    probe = fit_probe(held[:1000], labels[:1000])
    right = (probe.probabilities(held[1000:]) > 0.5) == labels[1000:]
    assert right.mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("label", [True, False])
def test_a_concept_that_never_varies_is_always_told(label: bool) -> None:
    held = np.random.default_rng(0).normal(size=(20, 2))
    probe = fit_probe(held, np.full(20, label))
    assert ((probe.probabilities(held) > 0.5) == label).all()


def test_a_state_is_of_the_type_of_its_nearest_anchor() -> None:
    anchors = np.array([[0.0], [10.0]])
    assert state_types(np.array([[1.0], [4.9], [5.1], [20.0]]), anchors).tolist() == [0, 0, 1, 1]


def test_control_labels_are_fixed_by_type_random_and_as_often_true() -> None:
    types = np.repeat(np.arange(40), 5)
    drawn = [control_labels(types, 0.3, np.random.default_rng(seed)) for seed in range(20)]
    for labels in drawn:
        assert all(len(set(labels[types == kind])) == 1 for kind in range(40))
        assert labels.mean() == pytest.approx(0.3)
    assert len({labels.tobytes() for labels in drawn}) == 20


def test_a_probe_that_sees_the_type_can_memorise_a_control_task() -> None:
    # activations that name the type outright: selectivity is 0, whatever the concept
    types = np.random.default_rng(0).integers(10, size=600)
    held = np.eye(10)[types]
    labels = control_labels(types, 0.5, np.random.default_rng(3))
    probe = fit_probe(held[:300], labels[:300])
    assert ((probe.probabilities(held[300:]) > 0.5) == labels[300:]).all()
