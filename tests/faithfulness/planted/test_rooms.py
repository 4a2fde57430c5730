"""The planted rooms, by running the agent and by asking for the explanation."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.faithfulness.planted import rooms
from tests.faithfulness.planted.oracles import contributions, lags

METHODS = ["nearest-trajectory", "data-influence", "trajectory-attribution"]


@pytest.mark.parametrize("seed", [0, 1])
def test_episodes_are_where_the_truth_says_and_the_agent_does_what_pays(seed):
    setting = rooms.rooms(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=rooms.N_EPISODES, seed=seed)
    for room, episode in zip(setting.truth.rooms, episodes.used, strict=True):
        away = np.abs(episode.observations[:, :2] - rooms.centres()[room])
        assert away.max() < rooms.REACH + 1e-6
        assert episode.total_reward == rooms.N_STEPS == len(episode)


def test_naming_the_wrong_room_scores_nothing_and_another_kind_of_thing_is_not_scored():
    truth = rooms.KnownRooms((0, 0, 1, 1, 0, 1))
    right = contributions(truth)
    assert rooms.same_room(right, truth) == 1.0
    assert rooms.same_room(replace(right, by_moment=2.0 - right.by_moment), truth) == 0.0
    assert np.isnan(rooms.same_room(lags(type("Lag", (), {"steps": 1})()), truth))


@pytest.mark.parametrize("seed", [1000, 1001])
@pytest.mark.parametrize(
    "method", ["nearest-trajectory", "data-influence", "trajectory-attribution"]
)
def test_the_episodes_named_are_those_of_the_same_room(method, seed):
    setting = rooms.rooms(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=rooms.N_EPISODES, seed=seed)
    result = pl.explain(setting.agent, episodes, method=method, seed=0)
    assert rooms.same_room(result.content, setting.truth) > rooms.SAME_ROOM
    assert result.badge == "supported"
