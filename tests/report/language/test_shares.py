"""Shares of the advantage by reward term: hand-made groups whose answer is known."""

import math

import numpy as np
import pytest

from pellucid.posttrain.recording import SampleRow
from pellucid.report.language.shares import addition_error, advantage_shares, parts_of


def rows(*rewards: dict[str, float], totals: list[float] | None = None) -> list[SampleRow]:
    return [
        SampleRow(1, i, "p", "", "", rewards=r, total=math.nan if totals is None else totals[i])
        for i, r in enumerate(rewards)
    ]


def test_shares_are_the_covariances_with_the_total() -> None:
    # parts (a, 2 b): (0, 0), (1, 2), (0, 2), (1, 0); centred total -1.5, 1.5, 0.5, -0.5
    group = rows({"a": 0, "b": 0}, {"a": 1, "b": 1}, {"a": 0, "b": 1}, {"a": 1, "b": 0})
    found = advantage_shares([group], ["a", "b"], {"b": 2.0})
    # spread 5; a: (0.75 + 0.75 - 0.25 - 0.25) / 5; b: (1.5 + 1.5 + 0.5 + 0.5) / 5
    assert found.values == pytest.approx(np.array([[0.2, 0.8]]))


def test_shares_add_up_to_one_and_a_term_that_works_against_the_others_is_negative() -> None:
    rng = np.random.default_rng(0)
    groups = [
        rows(*({"a": v, "b": -0.4 * v + 0.01 * rng.normal(), "c": rng.normal()}
               for v in rng.normal(size=5)))
        for _ in range(30)
    ]  # fmt: skip
    found = advantage_shares(groups, ["a", "b", "c"], {})
    assert found.values.sum(axis=1) == pytest.approx(np.ones(30))
    only_two = advantage_shares(groups, ["a", "b"], {}).values
    assert (only_two[:, 1] < 0).all()


def test_the_scale_of_all_rewards_changes_no_share() -> None:
    group = rows({"a": 0.1, "b": 0.0}, {"a": 0.4, "b": 0.3}, {"a": 0.2, "b": 0.9})
    one = advantage_shares([group], ["a", "b"], {"a": 1.0, "b": 1.0}).values
    ten = advantage_shares([group], ["a", "b"], {"a": 10.0, "b": 10.0}).values
    assert one == pytest.approx(ten)


def test_groups_without_signal_and_with_one_answer_have_no_shares_and_are_counted() -> None:
    flat, alone = rows({"a": 1.0}, {"a": 1.0}), rows({"a": 1.0})
    lost = rows({"a": math.nan}, {"a": 1.0})
    found = advantage_shares([flat, alone, lost], ["a"], {})
    assert found.values.shape == (0, 1)
    assert (found.n_without_signal, found.n_unusable) == (1, 2)


def test_a_term_that_could_not_score_adds_nothing() -> None:
    group = rows({"a": 1.0, "b": math.nan}, {"a": 0.0, "b": 0.5}, {"a": 0.0, "b": 0.0})
    found = advantage_shares([group], ["a", "b"], {})
    assert found.values.sum() == pytest.approx(1.0)
    assert addition_error(rows({"a": 1.0, "b": math.nan}, totals=[1.0])[0], {}) == 0.0


def test_parts_that_miss_the_total_are_counted_with_the_largest_difference() -> None:
    group = rows({"a": 1.0, "b": 1.0}, {"a": 0.0, "b": 1.0}, totals=[1.5, 2.5])
    found = advantage_shares([group], ["a", "b"], {"b": 0.5})
    assert (found.n_answers, found.n_off) == (2, 1)
    assert found.worst == pytest.approx(2.0 / 2.5)
    assert parts_of(group[0], {"b": 0.5}) == {"a": 1.0, "b": 0.5}


def test_without_a_total_nothing_is_added_up() -> None:
    found = advantage_shares([rows({"a": 1.0}, {"a": 0.0})], ["a"], {})
    assert found.n_answers == 0
    assert math.isnan(found.worst)
