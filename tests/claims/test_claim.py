"""What a claim may declare."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pellucid.claims.claim import ExactClaim, stays_below
from pellucid.claims.known_effects import LARGE


@pytest.mark.parametrize("name", ["", "system", "System.part", "a.b.c", "a..b", "../a.b", "a.b/c"])
def test_an_id_is_a_system_and_a_part(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected a claim id '<system>\.<part>'"):
        ExactClaim(id=name, statement="x", source="x", cases=dict)


def test_the_system_is_the_first_half_of_the_id() -> None:
    assert LARGE.system == "known-effects"
    assert (LARGE.info.name, LARGE.info.family) == ("known-effects.large", "claims")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statement": " "}, "expected a statement"),
        ({"treatment": "other"}, "expected the treatment among the arms"),
        ({"control": "other"}, "expected the control among the arms"),
        ({"treatment": "baseline"}, "expected two arms to compare"),
        ({"arms": ("baseline", "large", "large")}, "expected different arms"),
        ({"minimum_effect": 0.0}, "expected a minimum effect above 0"),
        ({"minimum_effect": math.nan}, "expected a minimum effect above 0"),
        ({"negative_controls": ()}, "at least one negative control"),
        ({"seeds": {"cpu": tuple(range(8))}}, "expected seeds for smoke, cpu, full"),
        ({"seeds": {**LARGE.seeds, "cpu": tuple(range(7))}}, "at least 8 seeds for cpu"),
        ({"seeds": {**LARGE.seeds, "full": (1, 1)}}, "different seeds for full"),
        ({"seeds": {**LARGE.seeds, "full": (999, 1000)}}, "full seeds from 0 to 999"),
    ],
)
def test_a_contradiction_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(LARGE, **change)


def test_the_rule_of_a_control_is_about_the_upper_end_of_the_paired_interval() -> None:
    control = stays_below("placebo", arm="a", reference="b", limit=1.0)
    level = np.array([100.0, -50.0, 7.0, 3.0])
    # differences 0.4 to 0.6: mean 0.5, half-width 3.182 * 0.0816 / 2 = 0.13
    assert control.holds({"a": level + np.array([0.4, 0.5, 0.5, 0.6]), "b": level})
    # differences 0 to 1: mean 0.5, half-width 3.182 * 0.577 / 2 = 0.92
    assert not control.holds({"a": level + np.array([0.0, 1.0, 0.0, 1.0]), "b": level})
    assert not control.holds({"a": level * math.nan, "b": level})
