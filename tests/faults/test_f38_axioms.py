"""F38: what a method claims to add up does so within its tolerance, else the result is flagged."""

import math

import numpy as np
import pytest
from tests.faithfulness.cases import ranked, signs

from pellucid.explanation import Attribution, Finding, Sentences, explainer
from pellucid.explanation.score import Control, Interval, Score
from pellucid.faithfulness.badges import decide
from pellucid.kernels.shapley import coalition_masks, efficiency_error, exact_shapley
from pellucid.kernels.shapley_regression import paired_regression


@pytest.mark.parametrize("n_players", [1, 2, 7, 12])
def test_f38_exact_values_add_up(n_players):
    values = np.random.default_rng(n_players).normal(scale=100, size=(2**n_players, 4))
    phi = exact_shapley(values)
    assert efficiency_error(phi, values[0], values[-1]) < 1e-12


def test_f38_estimated_values_add_up():
    design = paired_regression(20, 200, np.random.default_rng(0))
    values = np.sin(design.masks @ np.random.default_rng(1).normal(size=(20, 3)))
    assert efficiency_error(design.matrix @ values, values[0], values[1]) < 1e-10


def test_f38_symmetry_null_player_and_additivity():
    masks = coalition_masks(5)
    first = masks[:, 0] * 1.0 + masks[:, 1] + 3.0 * (masks[:, 0] & masks[:, 1])
    second = np.cos(masks[:, 2] + 2.0 * masks[:, 3])
    one, two = exact_shapley(first), exact_shapley(second)
    assert one[0] == pytest.approx(one[1])
    assert one[2:] == pytest.approx(0.0, abs=1e-12)
    assert two[[0, 1, 4]] == pytest.approx(0.0, abs=1e-12)
    assert exact_shapley(first + second) == pytest.approx(one + two)


@pytest.mark.parametrize(
    ("error", "badge"), [(0.0, "supported"), (1e-3, "failed"), (math.nan, "failed")]
)
def test_f38_an_identity_that_does_not_hold_is_flagged(error, badge):
    @explainer(
        "toy",
        leaf="C2",
        kind=Attribution,
        decisive="masked_return",
        source="none",
        question="?",
        sentences=Sentences("s", "w", "t", "f", "n", "d"),
        axioms=("efficiency",),
    )
    class Toy:
        pass

    good = Interval(1.0, 0.5, 1.5, 20)
    score = Score(
        metric="masked_return",
        label="a test",
        interval=good,
        unit="episode",
        direction="higher",
        control=Control("by lot", good),
        gap=good,
        closed_loop=True,
    )
    _, episodes = signs(1)
    finding = Finding("?", ranked(episodes, (1, 0, 0, 0)), {}, identity_error=error)
    decision = decide([score], Toy.info, finding, rerun_possible=True)
    assert decision.badge == badge
    assert ("identity" in decision.reason) == (badge == "failed")
