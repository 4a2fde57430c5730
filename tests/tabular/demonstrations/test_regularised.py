"""Regularised solutions: closed forms, and the order that the reduction lemma gives."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import backward_induction, random_mdp, staged_policy_values
from pellucid.tabular.demonstrations import best_strength, entropy_expert, regularised_induction
from tests.tabular.problems import two_doors


def test_one_step_is_a_tilted_reference() -> None:
    mdp = two_doors(discount=1.0, horizon=1)
    reference = np.full((1, 3, 2), 0.5)
    reference[0, 0] = (0.25, 0.75)
    solved = regularised_induction(mdp, reference, 2.0)
    # the hall pays 1 or 0: odds of 0.25 e^(1/2) to 0.75
    odds = np.exp(0.5) / 3
    assert solved.policy[0, 0, 0] == pytest.approx(odds / (1 + odds))
    assert solved.values[0, 0] == pytest.approx(2 * np.log(0.25 * np.exp(0.5) + 0.75))


def test_value_is_return_less_the_price_of_departure() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(0), horizon=4)
    reference = np.random.default_rng(1).dirichlet(np.ones(3), size=(4, 5))
    solved = regularised_induction(mdp, reference, 0.3)
    paid = solved.plain_value - 0.3 * solved.departure.sum()
    assert paid == pytest.approx(mdp.initial @ solved.values[0])
    assert (solved.departure >= -1e-12).all()


def test_prices_lead_from_the_best_policy_to_the_reference() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(0), horizon=4)
    reference = np.random.default_rng(1).dirichlet(np.ones(3), size=(4, 5))
    cheap, dear = (regularised_induction(mdp, reference, s) for s in (1e-4, 1e5))
    assert cheap.plain_value == pytest.approx(backward_induction(mdp).value, abs=1e-2)
    np.testing.assert_allclose(dear.policy, reference, atol=1e-4)


def test_a_cool_expert_is_nearly_the_best() -> None:
    mdp = random_mdp(5, 3, np.random.default_rng(0), horizon=4)
    worth = mdp.initial @ staged_policy_values(mdp, entropy_expert(mdp, 1e-3))[0]
    assert worth == pytest.approx(backward_induction(mdp).value, abs=1e-2)


def test_the_best_price_by_hand() -> None:
    assert best_strength(0.2, 0.05) == pytest.approx(4.0)
    with pytest.raises(InputError, match=r"above 0, got 0\.2 and 0"):
        best_strength(0.2, 0.0)
    with pytest.raises(InputError, match="strength above 0, got 2 and 0"):
        regularised_induction(two_doors(discount=1.0, horizon=2), np.full((2, 3, 2), 0.5), 0.0)
