"""Deletion and insertion under all three replacements, with curves worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pellucid.faithfulness.deletion import deletion
from pellucid.faithfulness.hiding_order import hidden_sets, hiding_levels, random_orders
from pellucid.faithfulness.insertion import insertion
from tests.faithfulness.cases import WEIGHTS, check, ranked, signs
from tests.faithfulness.logs import logs, true_attribution

NAMES = ("resample", "conditional", "mean")
# 3 + 2 - 1: hiding input 0 by zero leaves the sign, hiding inputs 0 and 1 turns it
WEIGHED, STATE = (3.0, 2.0, 1.0), np.array([1.0, 1.0, -1.0])


def _two_states(n_episodes=6):
    """The agent visits one state and its opposite, equally often: the mean is zero."""
    states = [STATE.tolist(), (-STATE).tolist()] * 10
    agent, episodes = logs([states] * n_episodes, WEIGHED)
    return agent, episodes, true_attribution(episodes, WEIGHED)


def _scores(metric, agent, episodes, content, **budget):
    return {s.metric: s for s in metric(check(agent, episodes, content, **budget))}


def _curve(score):
    return [point.value for point in score.curve.values]


def test_levels_hide_inputs_in_order_and_share_what_they_can():
    hidden = hidden_sets(np.array([[2, 0, 1], [0, 1, 2]]), hiding_levels(3))
    assert hidden.astype(int).tolist() == [[[0, 0, 1], [1, 0, 1]], [[1, 0, 0], [1, 1, 0]]]
    orders = random_orders(3, np.random.default_rng(0))
    assert len(orders.sets) == 2**3 - 2
    assert orders.places.shape == (200, 2)


def test_many_inputs_have_sixteen_levels_from_one_hidden_to_one_left():
    assert hiding_levels(17).tolist() == list(range(1, 17))
    many = hiding_levels(512)
    assert (len(many), many[0], many[-1]) == (16, 1, 511)
    steps = np.diff(many)
    assert steps.max() - steps.min() <= 1


def test_means_by_hand():
    scores = _scores(deletion, *_two_states())
    score = scores["deletion.mean"]
    assert score.curve.axis == "inputs hidden"
    assert score.curve.levels == (1, 2)
    assert _curve(score) == [0.0, 100.0]
    assert score.interval.value == 50.0
    # of the pairs only inputs 0 and 1 together turn the sign: every third order has them first
    assert score.curve.controls[0].value == 0.0
    assert score.curve.controls[1].value == pytest.approx(100 / 3, abs=8)
    shown = _scores(insertion, *_two_states())["insertion.mean"]
    assert (shown.curve.axis, shown.curve.levels) == ("inputs shown", (1, 2))
    # input 0 alone says 3, inputs 0 and 1 say 5
    assert _curve(shown) == [100.0, 100.0]
    # one input shown: 3, 2 or -1; two shown: 5, 2 or 1
    assert shown.curve.controls[0].value == pytest.approx(200 / 3, abs=8)
    assert shown.curve.controls[1].value == 100.0


def test_resampled_values_by_hand():
    agent, episodes, content = _two_states()
    score = _scores(deletion, agent, episodes, content)["deletion.resample"]
    # the opposite state in place of input 0 gives -3 + 2 - 1, of both -3 - 2 - 1: turned at both
    # levels; the same state changes nothing. So both levels tell how often the opposite was drawn
    first, second = _curve(score)
    assert first == second
    assert 35 < first < 65
    shown = _scores(insertion, agent, episodes, content)["insertion.resample"]
    # 3 - 2 + 1 and 3 + 2 + 1: one input is enough, whatever was drawn
    assert _curve(shown) == [100.0, 100.0]


def test_like_states_by_hand():
    agent, episodes, content = _two_states()
    # any input left visible tells which of the two states it is
    hidden = _scores(deletion, agent, episodes, content)["deletion.conditional"]
    assert (_curve(hidden), hidden.gap.value) == ([0.0, 0.0], 0.0)
    shown = _scores(insertion, agent, episodes, content)["insertion.conditional"]
    assert (_curve(shown), shown.gap.value) == ([100.0, 100.0], 0.0)


def test_hiding_one_of_two_equal_inputs_does_nothing_if_the_other_fills_it_in():
    states = [(a, a, b) for a in (-1.0, 1.0) for b in (-1.0, 1.0)] * 5
    agent, episodes = logs([states] * 6, (1.0, 0.0, 0.0))
    content = ranked(episodes, (9, 3, 1))
    scores = _scores(deletion, agent, episodes, content)
    assert _curve(scores["deletion.conditional"])[0] == 0.0
    assert 30 < _curve(scores["deletion.conditional"])[1] < 70
    assert 30 < _curve(scores["deletion.resample"])[0] < 70
    # showing the twin that the agent does not read is as good as showing the other
    twin = ranked(episodes, (3, 9, 1))
    shown = _scores(insertion, agent, episodes, twin)
    assert _curve(shown["insertion.conditional"])[0] == 100.0
    assert _curve(shown["insertion.resample"])[0] < 70


@pytest.mark.parametrize("name", NAMES)
def test_an_input_that_the_agent_does_not_read_changes_nothing(name):
    agent, episodes = signs()
    score = _scores(deletion, agent, episodes, ranked(episodes, (1, 2, 3, 9)))[f"deletion.{name}"]
    assert _curve(score)[0] == 0.0
    last = _scores(insertion, agent, episodes, ranked(episodes, (9, 3, 2, 1)))[f"insertion.{name}"]
    assert _curve(last)[-1] == 100.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("metric", [deletion, insertion])
def test_f41_oracle_beats_a_worse_ranking_beats_lot_in_the_declared_direction(metric, name):
    agent, episodes = signs(weights=(3.0, 2.0, 0.3, 0.0))
    rng = np.random.default_rng(0)
    importances = [(9, 3, 1, 0), (3, 9, 1, 0), *(rng.permutation(4) for _ in range(12))]
    scores = [
        _scores(metric, agent, episodes, ranked(episodes, importance))[f"{metric.info.name}.{name}"]
        for importance in importances
    ]
    gaps = [score.gap.value for score in scores]
    assert gaps[0] > gaps[1] > np.mean(gaps[2:])
    sign = {"higher": 1, "lower": -1}[scores[0].direction]
    values = [sign * score.interval.value for score in scores]
    assert values[0] > values[1] > np.mean(values[2:])
    assert scores[0].gap.low > 0


@pytest.mark.parametrize("metric", [deletion, insertion])
def test_the_value_is_the_area_under_its_curve(metric):
    for score in metric(check(*_signs_ranked((9, 3, 1, 0)))):
        curve = score.curve
        assert score.interval.value == pytest.approx(np.mean(_curve(score)))
        assert score.control.interval.value == pytest.approx(
            np.mean([point.value for point in curve.controls])
        )
        for point in (*curve.values, *curve.controls):
            assert 0.0 <= point.low <= point.value <= point.high <= 100.0
            assert point.n == score.interval.n


def test_random_orders_read_backwards_are_the_control_of_the_other_metric():
    # of the same size on average, since a random order is as likely as its reverse
    hidden = _scores(deletion, *_signs_ranked((9, 3, 1, 0)))["deletion.mean"]
    shown = _scores(insertion, *_signs_ranked((9, 3, 1, 0)))["insertion.mean"]
    assert shown.control.interval.value == pytest.approx(100 - hidden.control.interval.value, abs=3)


def test_only_resampling_may_decide_and_names_are_unique():
    scores = deletion(check(*_signs_ranked((9, 3, 1, 0))))
    scores += insertion(check(*_signs_ranked((9, 3, 1, 0))))
    assert [s.metric for s in scores] == [
        f"{metric}.{name}" for metric in ("deletion", "insertion") for name in NAMES
    ]
    assert [s.role for s in scores] == ["test", *["supporting"] * 5]
    assert len({s.label for s in scores}) == len({s.metric for s in scores})
    assert all(s.replacement for s in scores)


def test_one_episode_has_no_like_states_and_says_what_would_allow_it():
    scores = _scores(deletion, *_signs_ranked((9, 3, 1, 0), n_episodes=1))
    missing = scores["deletion.conditional"]
    assert math.isnan(missing.interval.value)
    assert (missing.need, missing.applicable) == ("two episodes or more", False)
    assert missing.replacement
    assert scores["deletion.mean"].curve is not None


def test_f36_replacements_that_decide_nothing_leave_most_of_the_budget():
    agent, episodes, content = _signs_ranked((9, 3, 1, 0), n_episodes=6)
    # the first one takes 6 x 20 states x 18 rows and leaves 950: a tenth of it pays for 5 states,
    # and a tenth of the 860 then left for 4, one too few
    made = check(agent, episodes, content, queries=6 * 20 * 18 + 950)
    scores = {s.metric: s for s in deletion(made)}
    assert made.meter.left.queries == 860
    assert scores["deletion.conditional"].gap.n == 5
    assert scores["deletion.mean"].unaffordable
    assert scores["deletion.mean"].need.startswith("a larger budget: at least 900")


def test_f36_insertion_without_budget_names_all_three():
    agent, episodes, content = _signs_ranked((9, 3, 1, 0))
    made = check(agent, episodes, content, queries=10)
    scores = insertion(made)
    assert [s.metric for s in scores] == [f"insertion.{name}" for name in NAMES]
    assert all(s.unaffordable and s.reason and s.need for s in scores)
    assert made.meter.used.queries == 0


def test_f43_the_same_seed_gives_the_same_scores():
    one, two, other = (
        insertion(check(*_signs_ranked((9, 3, 1, 0)), seed=seed)) for seed in (3, 3, 4)
    )
    assert one == two
    assert one[0] != other[0]


def test_states_may_be_cut_into_any_batches(monkeypatch):
    whole = deletion(check(*_signs_ranked((9, 3, 1, 0))))
    monkeypatch.setattr("pellucid.faithfulness.hiding_order._ROWS_AT_ONCE", 50)
    assert deletion(check(*_signs_ranked((9, 3, 1, 0)))) == whole


def test_images_are_hidden_pixel_by_pixel():
    agent, episodes = signs()
    content = ranked(episodes, WEIGHTS)

    class Square(type(agent)):
        def act(self, observations):
            assert observations.shape[1:] == (2, 2)
            return super().act(observations.reshape(len(observations), 4))

    square = tuple(
        replace(e, observations=e.observations.reshape(-1, 2, 2)) for e in episodes.attempted
    )
    shaped = replace(episodes, attempted=square)
    assert deletion(check(Square(WEIGHTS), shaped, content)) == deletion(
        check(agent, episodes, content)
    )


def _signs_ranked(importance, **kwargs):
    agent, episodes = signs(**kwargs)
    return agent, episodes, ranked(episodes, importance)
