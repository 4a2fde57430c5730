"""F34: a team's environment as one member meets it, and as the whole team does."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete

from pellucid.envs.parallel import make_parallel
from pellucid.envs.team_views import (
    JointView,
    MemberView,
    join_actions,
    joint_action_space,
    joint_observation_space,
    joint_view,
    member_view,
    split_actions,
)
from pellucid.errors import CapabilityError
from tests.envs.parallel_toy import LENGTH, ParallelToy
from tests.envs.turns_toy import largest


def ones(seen: Any, rng: Any, memories: Any) -> dict[str, Any]:
    return dict.fromkeys(seen, 1)


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


# --- members that take turns ---


def moves(seen: Any, rng: Any, memories: Any) -> dict[str, Any]:
    return {m: int(largest(None, s.mask[None])[0]) for m, s in seen.items()}


def played(member: str) -> tuple[list[Any], list[float], bool, bool]:
    env: Any = member_view(make_parallel("tests.envs.turns_toy:make"), member, moves)
    seen, rewards = [env.reset(seed=0)[0]], []
    terminated = truncated = False
    while not (terminated or truncated):
        own = int(largest(None, env.action_masks()[None])[0])
        observation, reward, terminated, truncated, _ = env.step(own)
        seen.append(observation)
        rewards.append(reward)
        assert len(rewards) < 20
    return seen, rewards, terminated, truncated


def test_f34_with_turns_a_step_lasts_until_the_next_turn_of_the_member() -> None:
    seen, rewards, terminated, truncated = played("steady")
    np.testing.assert_array_equal(seen, [[0, 1], [1, 1], [2, 1], [3, 1], [4, 1]])
    # 0.3 of early's first move, its own 3, and 0.3 of early's next
    assert rewards == pytest.approx([3.6, 3.0, 3.3, 2.2])
    assert (terminated, truncated) == (False, True)


def test_f34_with_turns_one_that_dies_early_and_one_that_comes_late() -> None:
    seen, rewards, terminated, truncated = played("early")
    np.testing.assert_array_equal(seen, [[0, 0], [1, 0], [2, 0]])
    assert rewards == pytest.approx([3.3, 3.3])
    assert (terminated, truncated) == (True, False)
    seen, rewards, terminated, truncated = played("late")
    np.testing.assert_array_equal(seen, [[2, 2], [3, 2], [4, 2]])
    # five moves of others before its first turn
    assert rewards == pytest.approx([1.5 + 3.2, 2.0])
    assert (terminated, truncated) == (False, True)


def test_members_that_take_turns_have_no_action_together() -> None:
    with pytest.raises(CapabilityError, match="take turns, so that there is no action"):
        joint_view(make_parallel("tests.envs.turns_toy:make"))


def test_a_mask_beside_an_observation_is_told_apart() -> None:
    env = make_parallel("tests.envs.turns_toy:make")
    view: Any = member_view(env, "early", moves)
    view.reset(seed=0)
    assert view.observation_space == Box(0.0, 10.0, (2,), np.float32)
    assert view.action_masks().tolist() == [False, True, True, True]
    bare = member_view(make_parallel("tests.envs.turns_toy:unmasked"), "early", ones)
    assert not hasattr(bare, "action_masks")


class Masked(ParallelToy):
    """The same, told which actions are allowed."""

    def observation_space(self, agent: str) -> Any:
        parts = {"observation": super().observation_space(agent), "action_mask": MultiBinary(3)}
        return Dict(parts)

    def _observations(self, agents: Any = None) -> Any:
        plain = super()._observations(agents)
        masks = {"early": [1, 0, 0], "steady": [1, 1, 1], "late": [0, 0, 1]}
        return {m: {"observation": o, "action_mask": masks[m]} for m, o in plain.items()}


def test_of_a_team_with_masks_a_combination_is_allowed_if_each_part_is() -> None:
    env: Any = joint_view(Masked())
    env.reset(seed=0)
    allowed = env.action_masks().reshape(3, 3, 3)
    # late is not there: what it would do is not asked
    assert allowed.sum() == 9
    assert allowed[0].all()
    env.step(0)
    env.step(0)
    allowed = env.action_masks().reshape(3, 3, 3)
    assert allowed.sum() == 9  # early is gone, and late may do one thing
    assert allowed[:, :, 2].all()
