"""Masks and memories: handed to the agent row by row, kept with each step, back after branching."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sb3_contrib import RecurrentPPO

from pellucid.agents import load_agent
from pellucid.agents.context import in_context, take
from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.envs import EnvSpec, resolve_env
from pellucid.envs.small.gates import JUMP, REST, Gates
from pellucid.envs.small.recall import Recall
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.io.strict_json import dumps, loads
from pellucid.rollouts import (
    Branch,
    Episodes,
    branching_cost,
    collect,
    load_episodes,
    run_branches,
    save_episodes,
)
from pellucid.rollouts.allowed import ALL_ALLOWED
from pellucid.rollouts.storage import ARRAYS_FILE, INDEX_FILE
from pellucid.types import Context
from tests.agents.contexts import Jumper, Rememberer
from tests.rollouts.agents import NO_NAMES, CallAgent, wide_meter

DATA = Path(__file__).parents[1] / "data" / "contrib"


class Uneven(Recall):
    """Recall whose episodes have from 3 to 12 steps."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed, options=options)
        self.n_steps = int(self.np_random.integers(3, 13))  # type: ignore[misc]
        return self._observation(), {}


class OddMasks(Gates):
    """Gates whose masks go wrong at the third place."""

    answer: Any = None

    def action_masks(self) -> Any:
        return super().action_masks() if self._place < 2 else self.answer


def run(agent: Any, env: Any, n_episodes: int = 4, **options: Any) -> Episodes:
    spec = env if isinstance(env, EnvSpec) else resolve_env(env)
    options = {"seed": 0, "meter": wide_meter(), "names": NO_NAMES, **options}
    return collect(agent, spec, n_episodes=n_episodes, **options)


def futures(agent: Any, episodes: Episodes, branches: list[Branch], **options: Any) -> Any:
    return run_branches(agent, episodes, branches, **{"meter": wide_meter(), **options})


# --- memories ---


def test_the_memory_is_the_initial_one_at_the_start_of_every_episode_only() -> None:
    episodes = run(Rememberer(), Uneven, 20)
    assert len({len(e) for e in episodes.used}) > 3
    for episode in episodes.used:
        assert episode.memories is not None
        np.testing.assert_array_equal(episode.memories[0], [0.0, 0.0])
        sign = episode.observations[0, 0]
        np.testing.assert_array_equal(episode.memories[1:, 0], sign)
        np.testing.assert_array_equal(episode.memories[:, 1], np.arange(len(episode)))
        assert episode.total_reward == 1.0


def test_f30_which_episodes_run_side_by_side_and_in_what_order_changes_nothing() -> None:
    agent = load_agent(DATA / "recurrent_recall.zip", env=Recall())
    seeds = list(range(100, 170))  # more than there are lanes
    together = run(agent, Uneven, 70, episode_seeds=seeds)
    shuffled = run(agent, Uneven, 70, episode_seeds=seeds[::-1])
    alone = run(agent, Uneven, 1, episode_seeds=[seeds[33]])
    pairs = [*zip(together.used, shuffled.used[::-1], strict=True), (together[33], alone[0])]
    for one, other in pairs:
        assert one.observations.tobytes() == other.observations.tobytes()
        assert one.actions.tobytes() == other.actions.tobytes()
        assert one.memories is not None
        assert other.memories is not None
        assert one.memories.tobytes() == other.memories.tobytes()


def test_a_stored_agent_remembers_as_the_library_does_along_whole_episodes() -> None:
    model = RecurrentPPO.load(DATA / "recurrent_recall.zip", device="cpu")
    agent = load_agent(DATA / "recurrent_recall.zip", env=Recall())
    for episode in run(agent, Recall, 5).used:
        state = None
        for observation, action in zip(episode.observations, episode.actions, strict=False):
            expected, state = model.predict(observation, state=state, deterministic=True)
            assert expected == action


def test_shuffled_rows_with_their_context_get_their_own_answers() -> None:
    episodes = run(Rememberer(), Uneven, 10)
    order = np.random.default_rng(0).permutation(len(episodes.visited))
    context = take(episodes.visited_context, order)
    shuffled = in_context(Rememberer(), context).act(episodes.visited[order])
    np.testing.assert_array_equal(
        shuffled, np.concatenate([e.actions for e in episodes.used])[order]
    )
    same = episodes.context_at(episodes.visited_steps[order])
    np.testing.assert_array_equal(same.memory, context.memory)


def test_a_future_goes_on_with_the_memory_of_its_step() -> None:
    episodes = run(Rememberer(), Uneven, 6)
    branches = [
        Branch(e, step, np.empty(0, np.int64), None)
        for e, episode in enumerate(episodes.used)
        for step in range(len(episode))
    ]
    for branch, future in zip(branches, futures(Rememberer(), episodes, branches), strict=True):
        episode = episodes[branch.episode]
        np.testing.assert_array_equal(future.actions, episode.actions[branch.step :])
        np.testing.assert_array_equal(future.rewards, episode.rewards[branch.step :])


def test_what_is_seen_at_forced_steps_is_remembered() -> None:
    episodes = run(Rememberer(), Recall, 6)
    # the sign is seen at step 0, where the action is forced
    branches = [Branch(e, 0, np.array([0, 1, 0]), None) for e in range(6)]
    found = futures(Rememberer(), episodes, branches)
    assert [f.total_reward for f in found] == [1.0] * 6
    assert all(f.actions[:3].tolist() == [0, 1, 0] for f in found)


def test_forced_steps_of_a_recurrent_agent_are_paid_for() -> None:
    episodes = run(Rememberer(), Recall, 2)
    branches = [Branch(0, 0, np.zeros(5, np.int64), None)]
    meter = Meter(Cost(10**6, 10**6))
    futures(MeteredAgent(Rememberer(), meter), episodes, branches, meter=meter)
    assert meter.used.queries == 6
    assert branching_cost(episodes, branches).queries >= 6
    poor = Meter(Cost(5, 10**6))
    assert futures(Rememberer(), episodes, branches, meter=poor) == ()


def test_episodes_without_memories_cannot_be_branched_with_a_recurrent_agent() -> None:
    episodes = run(CallAgent(lambda rows: np.zeros(len(rows), np.int64)), Recall, 2)
    with pytest.raises(CapabilityError, match="saw at earlier steps"):
        futures(Rememberer(), episodes, [Branch(0, 1, np.empty(0, np.int64), None)])


def test_an_agent_with_a_memory_is_not_run_as_one_batch() -> None:
    # that environment has a batched form, whose rows know nothing of contexts
    episodes = run(Rememberer(), "pellucid/KeyDoorTrap-v0", 3)
    for episode in episodes.used:
        assert episode.memories is not None
        np.testing.assert_array_equal(episode.memories[:, 1], np.arange(len(episode)))


# --- masks ---


@pytest.mark.parametrize("policy", ["greedy", "sampled"])
def test_the_agent_chooses_among_what_is_allowed_and_masks_are_kept(policy: Any) -> None:
    episodes = run(Jumper(), Gates, 30, policy=policy)
    assert not episodes.excluded
    for episode in episodes.used:
        assert episode.masks is not None
        assert episode.masks.shape == (len(episode), 4)
        assert episode.masks[np.arange(len(episode)), episode.actions].all()
        np.testing.assert_array_equal(episode.masks[:, JUMP], episode.observations[:-1, 1] > 0.5)
        np.testing.assert_array_equal(episode.masks[:, REST], episode.observations[:-1, 2] > 0.5)
    masks = episodes.visited_context.masks
    assert masks is not None
    assert not masks[:, JUMP].all()
    assert not episodes.warnings


def test_an_environment_that_does_not_tell_allows_everything_and_it_is_said() -> None:
    class Silent(Gates):
        action_masks = None  # type: ignore[assignment]

        def step(self, action: Any) -> Any:
            self.action_masks = lambda: np.ones(4, dtype=bool)  # type: ignore[assignment]
            try:
                return super().step(action)
            finally:
                del self.action_masks

    episodes = run(Jumper(), Silent, 3)
    assert episodes.warnings == (ALL_ALLOWED,)
    assert episodes[0].masks is not None
    assert episodes[0].masks.all()


def test_an_agent_that_knows_no_masks_is_left_alone() -> None:
    episodes = run(CallAgent(lambda rows: np.ones(len(rows), np.int64)), Gates, 3)
    assert not episodes.warnings
    assert episodes[0].masks is not None


@pytest.mark.parametrize(
    "answer",
    [None, np.zeros(4, dtype=bool), np.ones(3, dtype=bool), np.ones((1, 4)), "all", ["a"] * 4],
)
def test_f25_masks_that_are_none_end_the_episode(answer: Any) -> None:
    class Odd(OddMasks):
        pass

    Odd.answer = answer
    episodes = run(Jumper(), Odd, 3)
    assert len(episodes.excluded) == 3
    assert all(
        e.failure is not None and "action_masks" in e.failure.message for e in episodes.excluded
    )


def test_random_actions_that_are_forbidden_give_way_to_allowed_ones() -> None:
    episodes = run(Jumper(), Gates, 10)
    branches = [
        Branch(e, 0, np.random.default_rng([e, r]).integers(4, size=12), r, random=True)
        for e in range(10)
        for r in range(20)
    ]
    found = futures(Jumper(), episodes, branches)
    assert all(f.failure is None for f in found)
    first = np.array([f.actions[0] for f in found])
    allowed = [b for b in branches if episodes[b.episode].masks[0][b.forced[0]]]  # type: ignore[index]
    assert len(allowed) < len(branches)
    for branch, action in zip(branches, first, strict=True):
        masks = episodes[branch.episode].masks
        assert masks is not None
        assert masks[0][action]
        assert not masks[0][branch.forced[0]] or action == branch.forced[0]


def test_random_actions_are_uniform_over_what_is_allowed() -> None:
    episodes = run(Jumper(), Gates, 40)
    position = next(
        i for i, e in enumerate(episodes.used) if e.masks is not None and e.masks[0].sum() == 2
    )
    branches = [
        Branch(position, 0, np.array([np.random.default_rng(r).integers(4)]), r, 1, random=True)
        for r in range(2000)
    ]
    first = np.array([f.actions[0] for f in futures(Jumper(), episodes, branches)])
    assert sorted(set(first.tolist())) == [1, 2]
    assert abs((first == 1).mean() - 0.5) < 0.05  # over four standard errors


def test_a_foil_gives_way_to_the_agent_where_it_is_forbidden() -> None:
    episodes = run(Jumper(), Gates, 10)
    branches = [Branch(e, 0, np.array([1] + [REST] * 3), None) for e in range(10)]
    found = futures(Jumper(), episodes, branches)
    # after a step on rest is forbidden, so that the agent acts, and jumps if it may
    for future in found:
        assert future.failure is None
        for before, action in zip(future.actions[:3], future.actions[1:4], strict=False):
            assert (action == REST) <= (before == JUMP)


def test_a_first_forced_action_that_is_forbidden_is_refused() -> None:
    episodes = run(Jumper(), Gates, 1)
    with pytest.raises(InputError, match="not allowed at step 0"):
        futures(Jumper(), episodes, [Branch(0, 0, np.array([REST]), None)])


# --- storage ---


@pytest.mark.parametrize(("agent", "env"), [(Rememberer(), Uneven), (Jumper(), Gates)])
def test_masks_and_memories_are_read_back_bit_by_bit(agent: Any, env: Any, tmp_path: Path) -> None:
    episodes = run(agent, env, 5)
    save_episodes(episodes, tmp_path)
    again = load_episodes(tmp_path)
    for one, other in zip(episodes.used, again.used, strict=True):
        for part in ("masks", "memories"):
            first, second = getattr(one, part), getattr(other, part)
            assert (first is None) == (second is None)
            if first is not None:
                assert first.tobytes() == second.tobytes()
                assert (first.dtype, first.shape) == (second.dtype, second.shape)


def test_f11_episodes_without_them_are_written_as_before(tmp_path: Path) -> None:
    save_episodes(run(CallAgent(lambda rows: np.zeros(len(rows), np.int64)), Recall, 2), tmp_path)
    index = loads((tmp_path / INDEX_FILE).read_bytes())
    assert index["version"] == 1
    assert not {"masks", "memories"} & set(index["episodes"][0])
    assert load_episodes(tmp_path)[0].memories is None


def test_a_damaged_memory_is_refused(tmp_path: Path) -> None:
    save_episodes(run(Rememberer(), Recall, 2), tmp_path)
    index = loads((tmp_path / INDEX_FILE).read_bytes())
    del index["sha256"], index["episodes"][0]["memories"]
    (tmp_path / INDEX_FILE).write_text(dumps(index))
    with pytest.raises(DataError, match="longer than the episodes"):
        load_episodes(tmp_path)
    assert (tmp_path / ARRAYS_FILE).is_file()


def test_contexts_of_other_episodes_stay_empty() -> None:
    episodes = run(CallAgent(lambda rows: np.zeros(len(rows), np.int64)), Recall, 2)
    assert episodes.visited_context == Context()
    agent = Rememberer()
    assert in_context(agent, episodes.context_at(episodes.visited_steps)) is agent
