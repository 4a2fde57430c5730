"""Exact arithmetic: against hand, against floating point, and where numbers cannot be exact."""

from fractions import Fraction

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import FiniteMDP, random_mdp
from pellucid.tabular.objectives import Lasso
from pellucid.tabular.objectives.exact import Span, dependency, rational, solved, weighted_sum
from pellucid.tabular.objectives.exact_laws import (
    beginnings,
    discounted,
    equal_laws,
    law_of_policy,
    law_of_trajectory,
    long_run,
    per_step,
)
from pellucid.tabular.objectives.fitting import (
    Wanted,
    contradiction,
    contradiction_for_all_discounts,
    spread,
    weights_for,
)
from pellucid.tabular.objectives.laws import limit_frequencies, transition_visits

F = Fraction


def round_problem(seed: int, *, denominator: int = 8) -> FiniteMDP:
    """Return a random problem whose probabilities are eighths."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(denominator, np.ones(4) / 4, size=(4, 2))
    return FiniteMDP(
        transitions=counts / denominator,
        rewards=np.zeros((4, 2)),
        initial=np.array([0.5, 0.5, 0, 0]),
        discount=0.5,
    )


def test_linear_systems() -> None:
    assert solved([[F(2), F(1)], [F(1), F(3)]], [[F(1)], [F(2)]]) == [[F(1, 5)], [F(3, 5)]]
    with pytest.raises(InputError, match="singular"):
        solved([[F(1), F(1)], [F(2), F(2)]], [[F(1)], [F(2)]])


def test_spans_and_dependencies() -> None:
    span = Span(3)
    assert span.add([F(0), F(1), F(1)])
    assert span.add([F(1), F(0), F(1)])
    assert not span.add([F(1), F(-1), F(0)])
    assert span.normal() == [F(-1), F(-1), F(1)]
    columns = [{"x": F(1)}, {"y": F(2)}, {"x": F(2), "y": F(1)}]
    weights = dependency(columns)
    assert weights is not None
    assert not weighted_sum(columns, weights)
    assert dependency(columns[:2]) is None
    assert dependency([{"x": F(1)}] * 3) is None  # not unique


@pytest.mark.parametrize("seed", range(4))
def test_exact_laws_agree_with_floating_point(seed: int) -> None:
    mdp = round_problem(seed)
    policy = np.array([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5], [0.125, 0.875]])
    law = law_of_policy(mdp, policy, "it")
    exact = np.zeros(mdp.dense.shape)
    for (_, step), value in discounted(law, F(9, 10), choices=False).items():
        exact[step] = float(value)
    np.testing.assert_allclose(exact, transition_visits(mdp, policy[None], 0.9)[0], atol=1e-12)
    shares = np.zeros(mdp.dense.shape)
    for (_, step), value in long_run(law).items():
        shares[step] = float(value)
    np.testing.assert_allclose(shares, limit_frequencies(mdp, policy[None])[0], atol=1e-12)


def test_steps_sum_to_the_discounted_visits() -> None:
    law = law_of_policy(round_problem(1), np.full((4, 2), 0.5), "it")
    steps = per_step(law, 60, choices=True)
    for feature, value in discounted(law, F(1, 2), choices=True).items():
        total = sum(float(v) * 0.5**t for (t, f), v in steps.items() if f == feature)
        assert total == pytest.approx(float(value), abs=1e-12)


def test_equal_laws_are_told_from_different_ones() -> None:
    mdp = round_problem(2)
    one = law_of_policy(mdp, np.full((4, 2), 0.5), "one")
    assert equal_laws(one, law_of_policy(mdp, np.full((4, 2), 0.5), "same"))
    assert not equal_laws(one, law_of_policy(mdp, np.array([[0.5, 0.5]] * 3 + [[1, 0]]), "other"))


def test_a_mixture_of_laws_is_seen_in_their_beginnings() -> None:
    # s0 -> end: the even policy is the mixture of the two sure ones
    transitions = np.zeros((2, 2, 2))
    transitions[:, :, 1] = 1.0
    mdp = FiniteMDP(
        transitions=transitions, rewards=np.zeros((2, 2)), initial=np.array([1.0, 0]), discount=0.5
    )
    laws = [law_of_policy(mdp, np.array([[p, 1 - p], [1, 0]]), str(p)) for p in (1.0, 0.5, 0.0)]
    vectors = [vector for _, vector in beginnings(laws)]
    assert len(vectors) == 2
    assert all(one - 2 * half + other == 0 for one, half, other in vectors)


def test_a_trajectory_is_a_law_with_one_trajectory() -> None:
    law = law_of_trajectory(Lasso(((0, 0, 1),), ((1, 0, 2), (2, 0, 1))), 0, "it")
    assert law.certain
    assert long_run(law) == {("transition", (1, 0, 2)): F(1, 2), ("transition", (2, 0, 1)): F(1, 2)}
    visits = discounted(law, F(1, 2), choices=False)
    assert visits["transition", (2, 0, 1)] == F(1, 4) / (1 - F(1, 4))


def test_numbers_that_are_no_fractions_are_refused() -> None:
    mdp = random_mdp(3, 2, np.random.default_rng(0), discount=0.5)
    with pytest.raises(InputError, match="to sum to exactly 1 as fractions"):
        law_of_policy(mdp, np.full((3, 2), 0.5), "it")
    assert rational(1 / 3) == F(1, 3)


# --- fitting ---

LINE = [{"x": F(1)}, {"x": F(2)}, {"x": F(3)}]


def test_weights_give_the_order_exactly() -> None:
    weights = weights_for(LINE, Wanted(((2, 1), (1, 0))))
    assert weights == {"x": F(1)}
    assert contradiction(LINE, Wanted(((2, 1), (1, 0)))) is None


def test_ties_are_exact() -> None:
    columns = [{"x": F(1, 3)}, {"y": F(1, 7)}, {"x": F(1), "y": F(1)}]
    weights = weights_for(columns, Wanted(((2, 0),), ((0, 1),)))
    assert weights is not None
    assert weights["x"] / 3 == weights["y"] / 7


def test_a_contradiction_names_the_fewest_pairs() -> None:
    # the middle above both ends: one half of each end is the middle
    wanted = Wanted(((1, 0), (1, 2)))
    assert weights_for(LINE, wanted) is None
    found = contradiction(LINE, wanted)
    assert found is not None
    assert found.strict == {(1, 0): (F(1, 2),), (1, 2): (F(1, 2),)}
    # with a third item far away that has nothing to do with it
    more = [*LINE, {"y": F(5)}]
    again = contradiction(more, Wanted(((3, 0), (1, 0), (1, 2))))
    assert again is not None
    assert set(again.strict) == {(1, 0), (1, 2)}


def test_items_that_are_alike_cannot_be_ranked() -> None:
    found = contradiction([{"x": F(1)}, {"x": F(1)}], Wanted(((0, 1),)))
    assert found is not None
    assert found.strict == {(0, 1): (F(1),)}
    assert weights_for([{"x": F(1)}, {"x": F(1)}], Wanted(((0, 1),))) is None


def test_a_series_times_a_polynomial() -> None:
    # (1 + 2 x) * 2 x (1 - x) = 2 x + 2 x^2 - 4 x^3
    series = {(0, "f"): F(1), (1, "f"): F(2)}
    assert spread(series, 1, 2, 9) == {(1, "f"): F(2), (2, "f"): F(2), (3, "f"): F(-4)}
    assert spread(series, 1, 2, 3) == {(1, "f"): F(2), (2, "f"): F(2)}


def test_nothing_is_found_for_all_discounts_where_one_allows_it() -> None:
    # early x or late y: which is more depends on the discount
    steps = [{(0, "x"): F(1)}, {(1, "x"): F(1)}]
    sampled = [
        {(F(k, 4), "x"): F(1) for k in (1, 2, 3)},
        {(F(k, 4), "x"): F(k, 4) for k in (1, 2, 3)},
    ]
    assert (
        contradiction_for_all_discounts(sampled, steps, Wanted(((0, 1),)), degree=2, n_steps=8)
        is None
    )
