"""Every published number of the three shipped problems of the BRIDGE data set."""

import math

import numpy as np
import pytest

from pellucid.tabular.bridge import SHIPPED, bridge_mdp
from pellucid.tabular.horizon import (
    coverage,
    effective_planning_window,
    greedy_returns,
    minimum_k,
    simple_bound,
    stages,
    tight_bound,
    tight_level,
    with_sticky_actions,
)
from tests.tabular.horizon.published import published

pytestmark = pytest.mark.parametrize("name", SHIPPED)


def test_lookahead_and_planning_window(name) -> None:
    official = published(name, "analyzed")
    staged = stages(bridge_mdp(name))
    assert minimum_k(staged) == official["min_k"]
    assert effective_planning_window(staged) == official["epw"]


def test_simple_bound(name) -> None:
    official = published(name, "analyzed")["effective_horizon_results"]
    bound = simple_bound(stages(bridge_mdp(name)))
    assert [level.k for level in bound.levels] == official["ks"]
    assert [level.m for level in bound.levels] == official["ms"]
    gaps = [math.inf if gap is None else gap for gap in official["gaps"]]
    found = [level.bottleneck for level in bound.levels]
    np.testing.assert_allclose([one.gap for one in found], gaps, rtol=1e-13)
    np.testing.assert_allclose([one.variance for one in found], official["vars"], rtol=1e-13)
    assert bound.horizon == official["effective_horizon"]


def test_occupancies(name) -> None:
    official = published(name, "analyzed")["min_occupancy_results"]
    found = coverage(stages(bridge_mdp(name)))
    expected = {
        "min_state_occupancy": found.state,
        "min_state_action_occupancy": found.pair,
        "min_sum_state_occupancy": found.state_visits,
        "min_sum_state_action_occupancy": found.pair_visits,
    }
    assert expected == pytest.approx(official, rel=1e-13)


def test_tight_bound_as_published(name) -> None:
    official = published(name, "gorp_bounds")
    staged = stages(bridge_mdp(name))
    for k, level in official["k_results"].items():
        found = tight_level(staged, int(k), as_published=True)
        assert found.env_steps == level["sample_complexity"]
        assert found.horizon == pytest.approx(level["effective_horizon"], rel=1e-14)


def test_the_corrected_bound_is_larger_where_no_episode_may_pay(name) -> None:
    # the authors' code leaves out that no episode pays
    corrected = {
        "maze_easy_l0_30_fs1": 3,
        "freeway_10_fs30": 38,
        "MiniGrid-KeyCorridorS3R1-v0": 298,
    }
    bound = tight_bound(stages(bridge_mdp(name)))
    assert bound.returns_known
    assert bound.tightest.m == corrected[name]
    assert bound.tightest.env_steps > published(name, "gorp_bounds")["sample_complexity"]


def test_with_sticky_actions(name) -> None:
    official = published(name, "analyzed_sticky_0.25")
    mdp = with_sticky_actions(bridge_mdp(name), 0.25)
    staged = stages(mdp)
    returns = [float(mdp.initial @ v[0]) for v in (staged.best, staged.explored, staged.worst)]
    expected = [official[f"{one}_return"] for one in ("optimal", "random", "worst")]
    assert returns == pytest.approx(expected, rel=1e-14)
    assert minimum_k(staged) == official["min_k"]
    assert effective_planning_window(staged) == official["epw"]
    np.testing.assert_allclose(greedy_returns(staged, 5), official["greedy_returns"], rtol=1e-7)
    assert n_visited(staged) == official["num_states"]


def n_visited(staged) -> int:
    """States in which an action can be taken; the first one counts as that after action 0."""
    states = staged.initial_states()
    seen, every = states, np.ones(staged.mdp.rewards.shape, dtype=bool)
    for _ in range(staged.horizon - 1):
        states = staged.reached_by(states, every)
        seen = seen | states
    return int(seen.sum()) - ("state 0, after action 0" in staged.mdp.state_names)
