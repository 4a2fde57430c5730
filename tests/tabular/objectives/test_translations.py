"""Every translation keeps the order of random policies in random problems."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular.objectives import COVERS, GROUPS, TRANSLATORS, can_express, translated
from pellucid.tabular.objectives import translations as own
from pellucid.tabular.objectives.formalisms import FORMALISMS, group_of, members
from pellucid.tabular.objectives.samples import (
    ending_problem,
    inversions,
    policies_for,
    random_objective,
)

PAIRS = [(u, low) for u in GROUPS for low in GROUPS if u != low and can_express(u, low)]


def test_there_are_17_formalisms_in_11_classes_and_40_pairs() -> None:
    assert len(FORMALISMS) == 17
    assert [one.short for one in members("FTR")] == ["INMR", "IMORL", "FTR"]
    assert group_of("OMO") == "TLO"
    assert len(GROUPS) == 11
    assert set(TRANSLATORS) == set(COVERS)
    assert len(PAIRS) == 40


def test_every_formalism_names_a_class_that_is_there() -> None:
    from pellucid.tabular import objectives

    assert len({one.class_name for one in FORMALISMS}) == 17
    assert all(hasattr(objectives, one.class_name) for one in FORMALISMS)


@pytest.mark.parametrize(("upper", "lower"), PAIRS)
def test_no_inversions(upper: str, lower: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        mdp = ending_problem(rng)
        policies = policies_for(mdp, 40, rng)
        objective = random_objective(lower, mdp, rng)
        other = translated(objective, mdp, source=lower, target=upper)
        assert inversions(objective, other, mdp, policies) == 0


@pytest.mark.slow
@pytest.mark.parametrize("lower", GROUPS[1:])
def test_no_inversions_among_many_policies(lower: str) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        mdp = ending_problem(rng)
        policies = policies_for(mdp, 1000, rng)
        objective = random_objective(lower, mdp, rng)
        for upper in {upper for upper, below in PAIRS if below == lower}:
            other = translated(objective, mdp, source=lower, target=upper)
            assert inversions(objective, other, mdp, policies) == 0


def test_inversions_are_seen() -> None:
    rng = np.random.default_rng(0)
    mdp = ending_problem(rng)
    policies = policies_for(mdp, 40, rng)
    one, other = (random_objective("FPR", mdp, rng) for _ in range(2))
    assert inversions(one, other, mdp, policies) > 10


@pytest.mark.parametrize("seed", range(3))
def test_formalisms_of_one_class_translate_into_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mdp = ending_problem(rng)
    policies = policies_for(mdp, 40, rng)
    trajectory = random_objective("FTR", mdp, rng)
    inner = own.inner_of_trajectory(trajectory, mdp)
    multi = own.multi_of_inner(inner, mdp)
    back = own.trajectory_of_multi(multi, mdp)
    for other in (inner, multi, back):
        np.testing.assert_allclose(other.values(mdp, policies), trajectory.values(mdp, policies))
    lottery = random_objective("FTLR", mdp, rng)
    for other in (own.multi_of_lottery(lottery, mdp), own.occupancy_of_lottery(lottery, mdp)):
        assert inversions(lottery, other, mdp, policies) == 0
    order = random_objective("TLO", mdp, rng)
    by_visits = own.occupancy_order_of_lottery_order(order, mdp)
    assert inversions(order, by_visits, mdp, policies) == 0
    by_returns = own.multi_order_of_occupancy_order(by_visits, mdp)
    assert inversions(order, by_returns, mdp, policies) == 0


def test_a_pair_that_does_not_hold_is_refused() -> None:
    rng = np.random.default_rng(0)
    mdp = ending_problem(rng)
    with pytest.raises(InputError, match="MR cannot express every order that RM can"):
        translated(random_objective("RM", mdp, rng), mdp, source="RM", target="MR")
