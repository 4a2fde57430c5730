"""Known effects: what each arm adds, and the three verdicts on the seeds of the file."""

import numpy as np
import pytest

from pellucid.claims.harness import reproduce
from pellucid.claims.known_effects import GAP_SPREAD, LARGE, SEEDS, SHIFTS, SMALL, ZERO, run


@pytest.mark.parametrize("arm", ["placebo", "small", "large"])
def test_differences_have_the_mean_and_spread_that_are_said(arm: str) -> None:
    gaps = [run(arm, "cpu", seed) - run("baseline", "cpu", seed) for seed in range(1000, 1400)]
    # 400 seeds: the mean to 5 standard errors, the spread to about 4
    assert np.mean(gaps) == pytest.approx(SHIFTS[arm], abs=5 * GAP_SPREAD / 20)
    assert np.std(gaps) == pytest.approx(GAP_SPREAD, rel=0.15)


def test_levels_vary_more_than_effects_so_that_pairing_matters() -> None:
    levels = [run("baseline", "cpu", seed) for seed in SEEDS["cpu"]]
    assert np.std(levels) > 10 * GAP_SPREAD


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [(LARGE, "reproduced"), (SMALL, "not_reproduced"), (ZERO, "not_reproduced")],
)
def test_the_verdicts_come_out_right(claim, verdict, tmp_path) -> None:
    outcome = reproduce(claim, scale="cpu", folder=tmp_path)
    assert outcome.verdict == verdict
    assert outcome.record.judgement.n == 12
