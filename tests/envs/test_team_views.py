"""F34: a team's environment as one member meets it, and as the whole team does."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from pellucid.envs.team_views import (
    JointView,
    MemberView,
    join_actions,
    joint_action_space,
    joint_observation_space,
    split_actions,
)
from pellucid.errors import CapabilityError
from tests.envs.parallel_toy import LENGTH, ParallelToy


def ones(observations: Any, rng: Any) -> dict[str, Any]:
    return dict.fromkeys(observations, 1)


def play(env: Any, action: Any) -> tuple[list[Any], list[float], bool, bool]:
    seen, rewards = [env.reset(seed=0)[0]], []
    terminated = truncated = False
    while not (terminated or truncated):
        observation, reward, terminated, truncated, _ = env.step(action)
        seen.append(observation)
        rewards.append(reward)
        assert len(rewards) < 20
    return seen, rewards, terminated, truncated


def test_a_member_that_stays_sees_the_whole_episode() -> None:
    seen, rewards, terminated, truncated = play(MemberView(ParallelToy(), "steady", ones), 2)
    assert rewards == [2.0] * LENGTH
    assert (terminated, truncated) == (False, True)
    np.testing.assert_array_equal([o[0] for o in seen], range(LENGTH + 1))


def test_f34_the_episode_of_one_that_dies_early_ends_with_it() -> None:
    seen, rewards, terminated, truncated = play(MemberView(ParallelToy(), "early", ones), 2)
    assert rewards == [2.0, 2.0]
    assert (terminated, truncated) == (True, False)
    np.testing.assert_array_equal(seen[-1], [2.0, 0.0])  # what it saw last


def test_f34_the_episode_of_one_that_appears_late_begins_with_it() -> None:
    seen, rewards, terminated, truncated = play(MemberView(ParallelToy(), "late", ones), 1)
    np.testing.assert_array_equal(seen[0], [2.0, 2.0])
    assert rewards == [1.0] * (LENGTH - 2)
    assert (terminated, truncated) == (False, True)


def test_f34_one_that_never_appears_is_said() -> None:
    env = MemberView(ParallelToy(late=False), "late", ones)
    with pytest.raises(RuntimeError, match="late took no part"):
        env.reset(seed=0)


def test_the_team_sees_who_is_there_and_earns_all_rewards() -> None:
    env = JointView(ParallelToy())
    assert env.action_space == Discrete(27)
    action = join_actions([np.array([2]), np.array([1]), np.array([1])], [Discrete(3)] * 3)[0]
    seen, rewards, terminated, truncated = play(env, action)
    # early 2 + steady 1; steady 1 + late 1
    assert rewards == [3.0, 3.0, 2.0, 2.0, 2.0]
    assert (terminated, truncated) == (False, True)
    np.testing.assert_array_equal(seen[0], [1, 0, 0, 1, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(seen[3], [0, 0, 0, 1, 3, 1, 1, 3, 2])
    assert all(env.observation_space.contains(o) for o in seen)
    names = env.metadata["names"]
    assert names["inputs"][3:6] == ["steady is there", "steady: input 0", "steady: input 1"]
    assert names["actions"][int(action)] == "early: action 2, steady: action 1, late: action 1"


@pytest.mark.parametrize(
    "members",
    [
        [Discrete(3), Discrete(5, start=2)],
        [Discrete(40)] * 3,
        [Box(-1, 1, (2,)), Box(0, 2, (1,))],
    ],
    ids=["combined", "one number each", "side by side"],
)
def test_actions_that_are_joined_come_apart_again(members: Any) -> None:
    joint = joint_action_space(members)
    for space in members:
        space.seed(3)
    actions = [space.sample() for space in members]
    joined = join_actions([np.asarray([a]) for a in actions], members)[0]
    assert joint.contains(joined if joined.ndim else np.int64(joined))
    for found, action in zip(split_actions(joined, members), actions, strict=True):
        np.testing.assert_array_equal(found, action)


def test_many_combinations_are_one_number_per_member() -> None:
    assert joint_action_space([Discrete(40)] * 2) == MultiDiscrete([40, 40])
    assert joint_action_space([Discrete(32)] * 2) == Discrete(1024)


def test_spaces_of_different_kinds_are_refused() -> None:
    with pytest.raises(CapabilityError, match="Box, Discrete cannot be put together"):
        joint_action_space([Discrete(3), Box(0, 1, (1,))])
    with pytest.raises(CapabilityError, match="MultiBinary"):
        joint_observation_space([MultiBinary(2)])


def test_views_are_environments_of_gymnasium() -> None:
    env = MemberView(ParallelToy("rgb_array"), "steady", ones, {"inputs": ["time", "place"]})
    assert isinstance(env, gymnasium.Env)
    env.reset(seed=0)
    assert env.render().shape == (4, 4, 3)
    assert env.metadata["names"] == {"inputs": ["time", "place"]}
    env.close()
