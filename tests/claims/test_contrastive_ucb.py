"""Contrastive UCB: its parts, what their cells mean, and that a broken method would be caught."""

from collections.abc import Mapping

import numpy as np
import pytest

from pellucid import registry
from pellucid.claims import contrastive_ucb as claims
from pellucid.claims.claim import Claim, ExactClaim, StatisticalClaim
from pellucid.claims.harness import reproduce
from pellucid.systems import contrastive_ucb_answers as answers

PARTS: Mapping[str, Claim] = {
    value.id: value for value in vars(claims).values() if isinstance(value, Claim)
}


def test_every_part_is_registered_and_nothing_else() -> None:
    registered = {name for name in registry.names("claims") if name.startswith("contrastive-ucb.")}
    assert registered == set(PARTS)


@pytest.mark.parametrize("name", PARTS)
def test_every_part_runs_at_smoke(name: str) -> None:
    outcome = reproduce(PARTS[name], scale="smoke", folder=None)
    assert outcome.verdict == "smoke", outcome.record.judgement.reason


def test_a_cell_gives_the_same_number_twice() -> None:
    claims.system.explore.cache_clear()
    first = claims.BONUS.run("bonus", "smoke", 0)
    claims.system.explore.cache_clear()
    assert claims.BONUS.run("bonus", "smoke", 0) == first


def test_a_cell_does_not_depend_on_the_cells_before_it() -> None:
    claims.system.explore.cache_clear()
    alone = claims.DELETION.run("largest direction", "smoke", 1)
    claims.system.explore.cache_clear()
    for part in (claims.BONUS_ERROR, claims.RECOVERY):
        for arm in part.arms:
            part.run(arm, "smoke", 1)
    assert claims.DELETION.run("largest direction", "smoke", 1) == alone


def test_seeds_for_tuning_decide_nothing() -> None:
    for part in PARTS.values():
        if isinstance(part, StatisticalClaim):
            assert max(max(seeds) for seeds in part.seeds.values()) < 1000
            assert len(part.seeds["cpu"]) >= 8


def test_what_the_method_is_not_needed_for_does_not_count() -> None:
    told = {name for name, part in PARTS.items() if not part.primary}
    assert told == {
        "contrastive-ucb.linear-features",
        "contrastive-ucb.linear-features-tuned-table",
        "contrastive-ucb.negatives-error-10000",
        "contrastive-ucb.negatives-small-bonus",
        "contrastive-ucb.table",
        "contrastive-ucb.table-half-the-data",
        "contrastive-ucb.table-many-emissions",
    }


def test_values_outside_their_range_break_the_invariant() -> None:
    (holds,) = claims.SHARES.values()
    assert holds({"a": np.array([0.0, 1.0]), "b": np.array([0.5])})
    assert not holds({"a": np.array([0.0, 1.1]), "b": np.array([0.5])})
    assert not holds({"a": np.array([0.0, np.nan])})


# --- the exact part ---


def test_every_known_answer_comes_out() -> None:
    assert isinstance(claims.KNOWN_ANSWERS, ExactClaim)
    cases = claims.KNOWN_ANSWERS.cases()
    assert len(cases) == 13
    assert all(cases.values()), cases


@pytest.mark.parametrize(
    ("name", "broken", "case"),
    [
        (
            "loss_gradient",
            lambda ratios, positives, negatives: (positives / ratios - negatives) / (1 + ratios),
            "its gradient is the finite difference",
        ),
        (
            "expected_negatives",
            lambda positives, law: 2 * positives.sum(axis=-1, keepdims=True) * law,
            "expected negatives are the mean of drawn ones",
        ),
        (
            "best_ratios",
            lambda transitions, law: transitions,
            "the loss is least at P / P-",
        ),
        ("duality_gap", lambda game, first, second: 0.0, "matching pennies mix evenly"),
        (
            "coarse_correlated_equilibria",
            lambda first, second: np.full(first.shape, 1 / first[0].size),
            "the prisoner's dilemma ends in defection",
        ),
    ],
)
def test_a_wrong_formula_is_caught(name, broken, case, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers.CASES[case]()
    monkeypatch.setattr(answers, name, broken)
    assert not answers.CASES[case]()
