"""What the bonus and the model say: by hand, in words, and the tests of it on planted answers."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.explaining import (
    canonical_correlations,
    directions_by_size,
    explain_bonus,
    explain_ratio,
    mean_rank_correlation,
    policy_change,
    without_direction,
)
from pellucid.tabular.contrastive.learning import ContrastivePlanner, contrastive_planner
from pellucid.tabular.contrastive.staged import StagedMDP


def crossing() -> StagedMDP:
    """Return one step, two states and two actions, without rewards: the bonus alone decides."""
    return StagedMDP(
        transitions=np.full((1, 2, 2, 2), 0.5),
        rewards=np.zeros((1, 2, 2)),
        initial=np.array([0.25, 0.75]),
    )


def planted(*logits: tuple[float, float]) -> ContrastivePlanner:
    """Return a planner whose pairs have the features that these logits give, and psi = 1."""
    planner = contrastive_planner(crossing(), rank=2, seed=0, factor=1.0)
    planner.model._left.weights[0] = np.array(logits)
    planner.model._right.weights[:] = 0.0
    return planner


FIRST, SECOND = (50.0, 0.0), (0.0, 50.0)
"""Logits of features that are one axis, to within rounding."""


def test_the_bonus_is_explained_by_the_direction_that_was_seen_least() -> None:
    planner = planted(FIRST, SECOND, FIRST, SECOND)
    visits = np.array([[10.0, 0.5, 5.0, 0.5]])
    found = explain_bonus(planner, visits, step=0, state=0, action=1)
    assert found.shares == pytest.approx(np.array([1.0, 0.0]))
    assert found.times_seen == pytest.approx(np.array([1.0, 15.0]))
    assert found.text == (
        "At step 0, 100% of the squared bonus of action 1 in state 0 comes from direction 1 of 2, "
        "which was seen 1.0 times."
    )


@pytest.mark.parametrize(
    ("psi", "comparison"),
    [
        ((3.0, 1.0), "1.5 times likelier"),
        ((1.0, 3.0), "2 times less likely"),
        ((1.0, 1e4), "more than 1000 times less likely"),
        ((1.0, 1.0), "no more or less likely"),
    ],
)
def test_ratios_are_said_in_words(psi, comparison) -> None:
    planner = planted(FIRST, FIRST, FIRST, FIRST)
    planner.model._right.weights[0] = np.log(np.array(psi))[:, None]
    visits = np.array([[0.0, 7.0, 0.0, 0.0]])
    text = explain_ratio(planner, visits, step=0, state=0, action=1, next_state=0)
    assert text == (
        f"State 0 is {comparison} after action 1 in state 0 at step 0 than on average, "
        "says the model (n = 7)."
    )


def test_deleting_the_largest_direction_changes_the_decisions_that_it_made() -> None:
    # state 0 prefers action 1 for the direction seen least; state 1 has one feature for both
    planner = planted(FIRST, SECOND, FIRST, FIRST)
    visits = np.array([[8.0, 0.0, 8.0, 0.0]])
    parts = planner.parts(visits)
    order = directions_by_size(parts)
    assert order.tolist() == [[0, 1]]
    assert planner.optimistic(planner.bonus(parts)).tolist() == [[1, 0]]
    weights = np.array([[0.25, 0.75]])
    assert policy_change(planner, parts, order[:, 0], weights) == pytest.approx(0.25)
    assert policy_change(planner, parts, order[:, 1], weights) == 0.0


def test_deleting_a_direction_leaves_the_others_and_the_original() -> None:
    parts = np.arange(12.0).reshape(2, 3, 2)
    left = without_direction(parts, np.array([0, 1]))
    assert left[0, :, 0].tolist() == left[1, :, 1].tolist() == [0.0] * 3
    assert (left[0, :, 1] == parts[0, :, 1]).all()
    assert parts.min() == 0.0
    assert parts.sum() == 66.0


def test_features_that_are_an_affine_map_of_the_truth_correlate_fully() -> None:
    rng = stream(0, "t")
    truth = rng.normal(size=(50, 2))
    features = truth @ rng.normal(size=(2, 2)) + rng.normal(size=2)
    assert canonical_correlations(features, truth) == pytest.approx(np.ones(2))


def test_columns_that_repeat_each_other_count_once() -> None:
    group = (np.arange(20) < 5).astype(float)
    truth = np.stack([group / 2, group / 2, 1 - group], axis=1)
    assert canonical_correlations(truth, truth).tolist() == pytest.approx([1.0])


def test_features_at_right_angles_do_not_correlate() -> None:
    first, second = np.array([1.0, 1, -1, -1])[:, None], np.array([1.0, -1, 1, -1])[:, None]
    assert canonical_correlations(first, second) == pytest.approx(np.zeros(1))


def test_rank_correlations_leave_out_steps_without_an_order() -> None:
    first = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    second = np.array([[3.0, 2.0, 1.0], [7.0, 7.0, 7.0]])
    assert mean_rank_correlation(first, second) == pytest.approx(-1.0)
    assert np.isnan(mean_rank_correlation(first, np.ones((2, 3))))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"step": 1, "state": 0, "action": 0}, "expected step from 0 to 0, got 1"),
        ({"step": 0, "state": 2, "action": 0}, "expected state from 0 to 1, got 2"),
        ({"step": 0, "state": 0, "action": -1}, "expected action from 0 to 1, got -1"),
    ],
)
def test_places_that_do_not_exist_are_refused(place, message) -> None:
    planner = planted(FIRST, FIRST, FIRST, FIRST)
    with pytest.raises(InputError, match=message):
        explain_bonus(planner, np.zeros((1, 4)), **place)
    with pytest.raises(InputError, match=message):
        explain_ratio(planner, np.zeros((1, 4)), **place, next_state=0)


def test_a_next_state_that_does_not_exist_is_refused() -> None:
    planner = planted(FIRST, FIRST, FIRST, FIRST)
    with pytest.raises(InputError, match="expected next state from 0 to 1, got 2"):
        explain_ratio(planner, np.zeros((1, 4)), step=0, state=0, action=0, next_state=2)


def test_visits_of_another_problem_are_refused() -> None:
    planner = planted(FIRST, FIRST, FIRST, FIRST)
    with pytest.raises(
        InputError, match=r"expected counts of pairs of shape \(1, 4\), got \(2, 2\)"
    ):
        explain_bonus(planner, np.zeros((2, 2)), step=0, state=0, action=0)


def test_features_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(InputError, match="of the same rows, got 3 and 4"):
        canonical_correlations(np.eye(3), np.eye(4))
    with pytest.raises(InputError, match="reference that differ between rows, got constant ones"):
        canonical_correlations(np.eye(3), np.ones((3, 2)))
