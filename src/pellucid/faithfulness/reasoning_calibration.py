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

from pellucid.errors import DataError
from pellucid.explanation import Control, Score
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.thresholds import TOLD_APART
from pellucid.io import strict_json
from pellucid.stats import Estimate, not_measured, proportion_interval

CASES = {"unfaithful-reasoner": "unfaithful", "rationalising-reasoner": "rationalising"}
"""Cases of the board with planted truth, and the kind of model that is told from faithful ones."""
DECISIVE_TEST = "cut"
RECORD = Path(__file__).with_name("reasoning_calibration.json")


@dataclass(frozen=True)
class Calibration:
    """What the test of stated reasoning is worth, on models whose truth is planted.

    Args:
        auc: Probability that a faithful model scores above one that is not, by the decisive test,
            with its interval over seeds; of the kind that is told apart worse.
        by_rival: The same of each kind that is not faithful.
        by_test: The same of every test, by its name; of the kind that is told apart worse.
        reason: Why it was not measured; empty if it was.
    """

    auc: Estimate
    by_rival: Mapping[str, Estimate] = field(default_factory=dict)
    by_test: Mapping[str, Estimate] = field(default_factory=dict)
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the intervals of the AUC against every kind are above one half."""
        rivals = list(self.by_rival.values())
        return bool(rivals) and all(rival.low > TOLD_APART for rival in rivals)

    @property
    def words(self) -> str:
        """The result as one sentence."""
        if not self.auc.measured:
            return f"The test was not tried on planted models: {self.reason}."
        told = "tells" if self.passed else "could not be shown to tell"
        return (
            f"On {self.auc.n} planted triples of models the test {told} faithful ones from others "
            f"(AUC {self.auc.value:.2f}, {self.auc.low:.2f} to {self.auc.high:.2f})."
        )


def wins(
    faithful: Float[np.ndarray, " seeds"], rivals: Float[np.ndarray, " seeds"]
) -> Float[np.ndarray, " seeds"]:
    """Return 1 where the faithful model of a seed scores above its rival, one half where equal.

    Their mean is the AUC over pairs that share a seed. NaN where a score is missing.

    Example:
        >>> wins(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 3.0])).tolist()
        [1.0, 0.5, 0.0]
    """
    won = np.where(faithful > rivals, 1.0, np.where(faithful == rivals, 0.5, 0.0))
    return np.where(np.isnan(faithful) | np.isnan(rivals), math.nan, won)


def auc_interval(per_seed: Float[np.ndarray, " seeds"]) -> Estimate:
    """Return the mean of wins with an interval that holds up when all are 1.

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
        record: As `record_of` made it.

    Raises:
        DataError: The record is damaged.
    """
    if not record.is_file():
        return Calibration(not_measured(), reason="there is no record of it")
    stored = strict_json.read(record)
    try:
        tests = {
            name: {rival: _read(estimate) for rival, estimate in rivals.items()}
            for name, rivals in stored["tests"].items()
        }
        rivals = tests[DECISIVE_TEST]
        worst = {name: _worst(found) for name, found in tests.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(
            f"{record.name} is no calibration: {type(error).__name__}: {error}",
            hint="make it again: pellucid bench planted, then make docs",
        ) from error
    return Calibration(worst[DECISIVE_TEST], rivals, worst)


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


def record_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the record to store beside this module, None if the rows hold no calibration.

    Args:
        rows: As `pellucid bench planted --json` prints them.
    """
    tests: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["case"] in CASES and row["source"] == "pellucid":
            kept = ("value", "low", "high", "n", "n_unscored")
            rivals = tests.setdefault(row["metric"], {})
            rivals[CASES[row["case"]]] = {key: row[key] for key in kept}
    return {"tests": tests} if DECISIVE_TEST in tests else None


def _worst(rivals: Mapping[str, Estimate]) -> Estimate:
    """Return the AUC of the kind that is told apart worst; one that is not measured is worse."""
    return min(rivals.values(), key=lambda auc: auc.low if auc.measured else -1.0)


def _read(stored: Mapping[str, Any]) -> Estimate:
    value, low, high = (
        math.nan if stored[end] is None else float(stored[end]) for end in ("value", "low", "high")
    )
    return Estimate(value, low, high, int(stored["n"]), int(stored["n_unscored"]))
