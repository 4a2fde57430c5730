"""The suite of trees: its peer distils, and a stand-in is judged on fresh episodes."""

import gymnasium
import numpy as np
import pytest

from pellucid.agents import load_agent
from pellucid.bench import trees
from pellucid.bench.harness import Scale
from pellucid.bench.sequential_viper import ViperSettings, _asked, sequential_viper
from pellucid.bench.trees import METHODS, SEEDS, _row, _StandIn, _told, lean_soon


def test_sequential_viper_follows_a_rule_that_is_a_tree():
    def rule(observations):
        return (observations[:, 3] > 0).astype(np.int64)

    teacher = load_agent(rule, env="CartPole-v1")
    settings = ViperSettings(n_rounds=2, n_rollouts=3, n_tests=2, max_leaves=4)
    made = sequential_viper(teacher, lambda: gymnasium.make("CartPole-v1"), settings, seed=0)
    assert made.n_leaves <= 4
    assert made.tree.tree_.feature[0] == 3
    rows = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    assert (made.tree.predict(rows) == rule(rows)).mean() > 0.95
    assert made.n_queries > 100


def test_states_weigh_what_a_wrong_choice_costs():
    class Unsure:
        name, framework = "unsure", "test"
        capabilities = frozenset({"distribution"})

        def distribution(self, observations):
            class Found:
                probabilities = np.array([[0.25, 0.75]])

            return Found()

    action, weight = _asked(Unsure(), np.zeros(4))
    assert action == 1
    assert weight == pytest.approx(np.log(3))


def test_the_rule_pushes_to_where_the_pole_will_lean():
    rows = np.array([[0.0, 0.0, 0.1, 0.0], [0.0, 0.0, 0.1, -0.3], [1.0, 0.0, 0.0, 0.0]])
    assert lean_soon(rows).tolist() == [1, 0, 1]


def stand_in(n_parts, seconds, mean):
    return _StandIn(seconds, n_parts, 100, np.full(10, mean))


@pytest.mark.parametrize(
    ("parts", "seconds", "mean", "met"),
    [
        (8, 5.0, 200.0, True),  # half the leaves, the same return
        (16, 0.5, 200.0, True),  # as many leaves in a tenth of the time
        (16, 1.0, 200.0, False),
        (8, 5.0, 180.0, False),  # small, and earns less
        (9, 5.0, 300.0, False),
    ],
)
def test_the_goal_asks_for_the_return_and_for_size_or_time(parts, seconds, mean, met):
    case = trees._cases(Scale.smoke)[0]
    peers = [stand_in(16, 5.0, 200.0)] * 3
    ours = [stand_in(parts, seconds, mean)] * 3
    row = _row(case, "some-tree", ours, peers, (220.0, 20.0), Scale.full)
    assert row.met is met
    assert row.error_peer == pytest.approx(20.0)
    assert row.error_ours == pytest.approx(220.0 - mean)
    assert row.ratio == pytest.approx(5.0 / seconds)
    assert f"{parts} leaves against 16" in row.case


def test_what_could_not_be_made_is_a_reason():
    case = trees._cases(Scale.smoke)[0]
    row = _row(case, "optimal-tree", ["no solver"], [stand_in(16, 1.0, 1.0)], (2, 1), Scale.full)
    assert (row.met, row.ours_s, row.reason) == (None, None, "no solver")


def test_differences_come_with_an_interval_over_seeds():
    assert _told(np.array([5.0])) == "earns +5 points beside it"
    assert _told(np.array([4.0, 6.0, 5.0])).startswith("earns +5 points beside it (+3 to +7")


@pytest.mark.slow
def test_the_smallest_scale_judges_nothing():
    rows = trees.run(Scale.smoke, lambda message: None)
    assert len(rows) == len(METHODS) * len(SEEDS[Scale.smoke])
    assert all(row.met is None for row in rows)
