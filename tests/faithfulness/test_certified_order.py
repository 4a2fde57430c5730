"""Certified order: true radii follow the breaking points, shuffled and reversed ones do not."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.explanation import Check
from pellucid.faithfulness.certified_order import _parts, certified_order
from tests.explainers.model.test_reward_cliff import RewardCliff, task


def checked(change=lambda radii: radii, **content) -> Check:
    made = task()
    finding = RewardCliff().explain(made)
    radii = change(finding.content.radii)
    finding = replace(finding, content=replace(finding.content, radii=radii, **content))
    return Check(finding, made.agent, made.episodes, made.meter, "greedy", 0, 1, lambda *_: finding)


def test_parts_average_to_the_rank_correlation_by_hand() -> None:
    # ranks 1 2 3 against 1 3 2: 1 - 6 * 2 / (3 * 8)
    assert _parts(np.array([1.0, 2, 3]), np.array([1.0, 9, 4])).mean() == pytest.approx(0.5)
    assert _parts(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])).mean() == pytest.approx(-1.0)


def test_the_ranking_is_method_random_reversed() -> None:
    rng = np.random.default_rng(0)
    (method,) = certified_order(checked())
    (noise,) = certified_order(checked(rng.permutation))
    (worst,) = certified_order(checked(lambda radii: 1 / radii))
    assert method.metric == "certified_order"
    assert method.interval.n == 13
    assert worst.interval.value == pytest.approx(-method.interval.value)
    assert worst.interval.value < noise.interval.value < method.interval.value


def test_without_certified_choices_nothing_is_measured() -> None:
    (score,) = certified_order(checked(np.zeros_like))
    assert score.badge == "not_measured"
    assert "tied, or not the best" in score.reason
    (score,) = certified_order(checked(np.ones_like))
    assert "one radius" in score.reason


def test_certificates_about_inputs_need_a_unit() -> None:
    with pytest.raises(CapabilityError, match="in which unit inputs change"):
        certified_order(checked(about="inputs"))
