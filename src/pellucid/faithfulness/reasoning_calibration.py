"""Whether the test of stated reasoning tells planted faithful models from others.

The record beside this module is made from `pellucid bench planted --json` by `make docs`. The
models are trained for it (`faithfulness.planted.reasoners`); nothing is trained here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from pellucid.explanation import Control, Score
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.thresholds import TOLD_APART
from pellucid.io import strict_json
from pellucid.stats import Estimate, not_measured, proportion_interval

RECORD = Path(__file__).with_name("reasoning_calibration.json")


@dataclass(frozen=True)
class Calibration:
    """What the test of stated reasoning is worth, on models whose truth is planted.

    Args:
        auc: Probability that a faithful model scores above one that is not, with its interval over
            seeds; of the decisive test.
        n_seeds: Independent trainings of each kind of model.
        by_test: The same for every test, by its name.
        scores: Mean percentage of changed answers above the control, by kind of model.
        reason: Why it was not measured; empty if it was.
    """

    auc: Estimate
    n_seeds: int
    by_test: Mapping[str, Estimate] = field(default_factory=dict)
    scores: Mapping[str, Estimate] = field(default_factory=dict)
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the interval of the AUC is above one half."""
        return self.auc.low > TOLD_APART

    @property
    def words(self) -> str:
        """The result as one sentence."""
        if not self.auc.measured:
            return f"The test was not tried on planted models: {self.reason}."
        told = "tells" if self.passed else "could not be shown to tell"
        return (
            f"On {self.n_seeds} planted triples the test {told} faithful models from others "
            f"(AUC {self.auc.value:.2f}, {self.auc.low:.2f} to {self.auc.high:.2f})."
        )


def seed_aucs(
    faithful: Sequence[float], others: Sequence[Sequence[float]]
) -> Float[np.ndarray, " seeds"]:
    """Return, for each seed, the share of its other models that its faithful one scores above.

    Ties count one half; NaN where a score is missing.

    Args:
        faithful: One score per seed.
        others: Scores of the models that are not faithful, for each seed.

    Example:
        >>> seed_aucs([3.0, 1.0], [[1.0, 3.0], [2.0, 2.0]]).tolist()
        [0.75, 0.0]
    """
    found = []
    for score, rivals in zip(faithful, others, strict=True):
        values = np.array([score, *rivals], dtype=np.float64)
        if np.isnan(values).any() or len(values) < 2:
            found.append(math.nan)
            continue
        wins = (values[0] > values[1:]) + 0.5 * (values[0] == values[1:])
        found.append(float(wins.mean()))
    return np.array(found)


def auc_interval(per_seed: Float[np.ndarray, " seeds"]) -> Estimate:
    """Return the mean of AUCs of single seeds with an interval that holds up when all are 1.

    Wilson's interval for as many successes in as many seeds, rounded down: no number between 0 and
    1 varies more than successes of the same mean do, so it is not too narrow.

    Example:
        >>> e = auc_interval(np.ones(12))
        >>> e.value, round(e.low, 3), e.high
        (1.0, 0.757, 1.0)
    """
    scored = per_seed[np.isfinite(per_seed)]
    n_unscored = len(per_seed) - len(scored)
    if len(scored) < 2:
        return not_measured(len(scored), n_unscored)
    low = proportion_interval(math.floor(scored.sum() + 1e-9), len(scored)).low
    high = proportion_interval(math.ceil(scored.sum() - 1e-9), len(scored)).high
    return Estimate(float(scored.mean()), low, high, len(scored), n_unscored)


@cache
def calibration(record: Path = RECORD) -> Calibration:
    """Return the stored calibration; one that is not measured if there is no record.

    Args:
        record: As `document_of` made it.

    Raises:
        DataError: The record is damaged.
    """
    if not record.is_file():
        return Calibration(not_measured(), 0, reason="there is no record of it")
    stored = strict_json.read(record)
    return Calibration(
        _read(stored["auc"]),
        stored["n_seeds"],
        {name: _read(value) for name, value in stored["by_test"].items()},
        {name: _read(value) for name, value in stored["scores"].items()},
    )


def calibration_score(found: Calibration | None = None) -> Score:
    """Return a calibration as a judged score: the AUC against chance.

    Args:
        found: The stored one if not given.
    """
    found = found or calibration()
    auc = found.auc
    gap = replace(
        auc, value=auc.value - TOLD_APART, low=auc.low - TOLD_APART, high=auc.high - TOLD_APART
    )
    chance = Estimate(TOLD_APART, TOLD_APART, TOLD_APART, auc.n, constant=True)
    score = Score(
        metric="reasoning.planted_models",
        label="planted faithful models told from unfaithful and rationalising ones",
        interval=auc,
        unit="seed",
        direction="higher",
        control=Control("chance", chance) if auc.measured else None,
        gap=gap,
        closed_loop=False,
        value_unit="AUC",
        reason=found.reason,
        need="pellucid bench planted" if found.reason else "",
    )
    return judge(score, complete=True, rerun_possible=False)


def document_of(found: Calibration) -> dict[str, Any]:
    """Return a calibration as the record stores it."""
    return {
        "auc": _written(found.auc),
        "n_seeds": found.n_seeds,
        "by_test": {name: _written(value) for name, value in found.by_test.items()},
        "scores": {name: _written(value) for name, value in found.scores.items()},
    }


def _written(estimate: Estimate) -> dict[str, Any]:
    ends = (estimate.value, estimate.low, estimate.high)
    value, low, high = (None if math.isnan(end) else end for end in ends)
    counts = {"n": estimate.n, "n_unscored": estimate.n_unscored}
    return {"value": value, "low": low, "high": high, **counts}


def _read(stored: Mapping[str, Any]) -> Estimate:
    value, low, high = (
        math.nan if stored[end] is None else float(stored[end]) for end in ("value", "low", "high")
    )
    return Estimate(value, low, high, stored["n"], stored["n_unscored"])
