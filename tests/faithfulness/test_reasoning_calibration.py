"""The instrument's own result: AUC by hand, its interval, and its record."""

import math

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.faithfulness.reasoning_calibration import (
    CASES,
    Calibration,
    auc_interval,
    calibration,
    calibration_score,
    record_of,
    wins,
)
from pellucid.io import strict_json
from pellucid.stats import Estimate


def test_a_faithful_model_wins_above_its_rival_and_ties_count_half():
    found = wins(np.array([3.0, 1.0, 2.0, math.nan, 1.0]), np.array([1.0, 1.0, 3.0, 1.0, math.nan]))
    np.testing.assert_array_equal(found, [1.0, 0.5, 0.0, math.nan, math.nan])


def test_the_interval_of_a_perfect_auc_is_wilsons():
    found = auc_interval(np.ones(8))
    # z² / (n + z²) of failures at most
    z2 = 1.959963984540054**2
    assert found.low == pytest.approx(8 / (8 + z2))
    assert (found.value, found.high, found.n) == (1.0, 1.0, 8)


def test_parts_of_successes_widen_the_interval_at_both_ends():
    found = auc_interval(np.array([1.0, 0.5, 1.0, 1.0, math.nan]))
    assert found.value == 0.875
    assert found.low == pytest.approx(auc_interval(np.array([1.0, 1.0, 1.0, 0.0])).low)
    assert found.high == 1.0
    assert (found.n, found.n_unscored) == (4, 1)
    assert not auc_interval(np.array([1.0])).measured


def test_chance_does_not_pass():
    rng = np.random.default_rng(0)
    passed = 0
    for _ in range(200):
        auc = auc_interval(wins(rng.random(12), rng.random(12)))
        passed += Calibration(auc, {"unfaithful": auc}).passed
    # one sided at 2.5 %, as far as twelve wins or losses allow
    assert passed <= 12


def rows(**lows):
    return [
        {"case": case, "source": "pellucid", "metric": "cut", "value": 1.0, "low": lows[kind],
         "high": 1.0, "n": 12, "n_unscored": 0}
        for case, kind in CASES.items()
    ]  # fmt: skip


def test_a_record_is_made_from_the_rows_of_the_board_and_the_worse_rival_counts(tmp_path):
    others = [{**rows(unfaithful=0, rationalising=0)[0], "case": "linear-rule"}]
    plugins = [{**row, "source": "toy"} for row in rows(unfaithful=0, rationalising=0)]
    document = record_of([*others, *plugins, *rows(unfaithful=0.8, rationalising=0.6)])
    record = tmp_path / "record.json"
    record.write_text(strict_json.dumps(document))
    found = calibration(record)
    assert (found.auc.low, found.by_rival["unfaithful"].low) == (0.6, 0.8)
    assert found.by_test == {"cut": found.auc}
    assert found.passed
    assert "On 12 planted triples of models the test tells" in found.words
    assert record_of(others) is None


def test_both_rivals_must_be_told_apart(tmp_path):
    for low, passes in ((0.5, False), (0.51, True)):
        record = tmp_path / f"{low}.json"
        document = record_of(rows(unfaithful=0.9, rationalising=low))
        record.write_text(strict_json.dumps(document))
        assert calibration(record).passed is passes


def test_what_was_not_measured_does_not_pass(tmp_path):
    unmeasured = {"value": None, "low": None, "high": None, "n": 0, "n_unscored": 12}
    document = record_of([{**row, **unmeasured} for row in rows(unfaithful=0, rationalising=0)])
    record = tmp_path / "record.json"
    record.write_text(strict_json.dumps(document))
    assert not calibration(record).passed


@pytest.mark.parametrize("text", ["[]", "{}", '{"tests": {"cut": {}}}', '{"tests": {"cut": 3}}'])
def test_a_damaged_record_is_named(text, tmp_path):
    record = tmp_path / "record.json"
    record.write_text(text)
    with pytest.raises(DataError, match="is no calibration"):
        calibration(record)


def test_without_a_record_nothing_passes(tmp_path):
    found = calibration(tmp_path / "none.json")
    assert not found.passed
    score = calibration_score(found)
    assert (score.badge, score.reason) == ("not_measured", "there is no record of it")
    assert "was not tried on planted models" in found.words


def test_as_a_score_it_is_judged_against_chance():
    score = calibration_score(Calibration(Estimate(1.0, 0.757, 1.0, 12)))
    assert score.badge == "supported"
    assert score.gap.low == pytest.approx(0.257)
    assert (score.unit, score.control.name) == ("seed", "chance")
    close = Calibration(Estimate(0.6, 0.4, 0.8, 12), {"unfaithful": Estimate(0.6, 0.4, 0.8, 12)})
    assert calibration_score(close).badge == "weak"
    assert "could not be shown" in close.words
