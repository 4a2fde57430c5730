"""The instrument's own result: AUC by hand, its interval, and its record."""

import math

import numpy as np
import pytest

from pellucid.faithfulness.reasoning_calibration import (
    Calibration,
    auc_interval,
    calibration,
    calibration_score,
    document_of,
    seed_aucs,
)
from pellucid.io import strict_json
from pellucid.stats import Estimate, not_measured


def test_the_auc_of_a_seed_is_the_share_of_rivals_below_and_ties_count_half():
    found = seed_aucs([3.0, 1.0, 2.0], [[1.0, 2.0], [1.0, 3.0], [2.0, 2.0]])
    assert found.tolist() == [1.0, 0.25, 0.5]
    assert np.isnan(seed_aucs([math.nan, 1.0], [[1.0], [math.nan]])).all()


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
        scores = rng.random((12, 3))
        auc = auc_interval(seed_aucs(scores[:, 0].tolist(), scores[:, 1:].tolist()))
        passed += Calibration(auc, 12).passed
    # one sided at 2.5 %, and conservative
    assert passed <= 10


def test_a_record_reads_back_as_it_was_written(tmp_path):
    told = Calibration(
        Estimate(0.9, 0.7, 1.0, 12, 1),
        12,
        {"cut": Estimate(0.9, 0.7, 1.0, 12), "mistake": not_measured(0, 12)},
        {"faithful": Estimate(80.0, 70.0, 90.0, 12)},
    )
    record = tmp_path / "record.json"
    record.write_text(strict_json.dumps(document_of(told)))
    read = calibration(record)
    assert (read.auc, read.n_seeds, read.scores) == (told.auc, told.n_seeds, dict(told.scores))
    assert not read.by_test["mistake"].measured
    assert read.passed
    assert "(AUC 0.90, 0.70 to 1.00)" in read.words


def test_without_a_record_nothing_passes(tmp_path):
    found = calibration(tmp_path / "none.json")
    assert not found.passed
    score = calibration_score(found)
    assert (score.badge, score.reason) == ("not_measured", "there is no record of it")
    assert "was not tried on planted models" in found.words


def test_as_a_score_it_is_judged_against_chance():
    score = calibration_score(Calibration(Estimate(1.0, 0.757, 1.0, 12), 12))
    assert score.badge == "supported"
    assert score.gap.low == pytest.approx(0.257)
    assert (score.unit, score.control.name) == ("seed", "chance")
    close = Calibration(Estimate(0.6, 0.4, 0.8, 12), 12)
    assert calibration_score(close).badge == "weak"
    assert "could not be shown" in close.words
