from typing import Any

import gymnasium
import numpy as np
import pytest

from pellucid.budget import Cost, Meter
from pellucid.envs import EnvSpec, make_env, resolve_env
from pellucid.envs.small import KeyDoorTrap
from pellucid.errors import CapabilityError, InputError
from pellucid.rollouts import (
    Branch,
    Episodes,
    Future,
    branching_cost,
    collect,
    run_branches,
    snapshot_way,
)
from tests.rollouts.agents import (
    NO_NAMES,
    CallAgent,
    FixedAgent,
    LanderAgent,
    TableAgent,
    wide_meter,
)
from tests.rollouts.hostile import Base, ClosureNoise, NestedNoise, NoCopy, Sloppy

ACT = np.empty((0,), np.int64)


def run(agent: Any, env: Any, n_episodes: int = 2, **options: Any) -> Episodes:
    spec = env if isinstance(env, EnvSpec) else resolve_env(env, **options)
    return collect(agent, spec, n_episodes=n_episodes, seed=0, meter=wide_meter(), names=NO_NAMES)


def branch(agent: Any, episodes: Episodes, branches: list[Branch], **options: Any) -> Any:
    options = {"meter": wide_meter(), **options}
    return run_branches(agent, episodes, branches, **options)


def same(first: Future, second: Future) -> bool:
    return (
        first.rewards.tobytes() == second.rewards.tobytes()
        and first.actions.tobytes() == second.actions.tobytes()
        and (first.terminated, first.truncated, first.failure, first.replayed_steps)
        == (second.terminated, second.truncated, second.failure, second.replayed_steps)
        and {k: v.tobytes() for k, v in first.terms.items()}
        == {k: v.tobytes() for k, v in second.terms.items()}
    )


# --- what would have happened ---


@pytest.mark.parametrize(
    ("env", "agent"),
    [
        ("CartPole-v1", TableAgent()),
        ("LunarLander-v3", LanderAgent()),
        ("FrozenLake-v1", FixedAgent(2, 4)),
        ("pellucid/NoisyWalk-v0", FixedAgent(2, 3)),
        ("tests.rollouts.hostile:Sloppy", TableAgent()),
        ("tests.rollouts.hostile:NoCopy", TableAgent()),
    ],
)
def test_with_the_same_noise_and_nothing_forced_the_episode_repeats(env: str, agent: Any) -> None:
    episodes = run(agent, env)
    for position, episode in enumerate(episodes.used):
        for step in sorted({0, len(episode) // 2, len(episode) - 1}):
            future = branch(
                agent, episodes, [Branch(position, step, ACT, None)], keep_observations=True
            )[0]
            assert future.rewards.tobytes() == episode.rewards[step:].tobytes()
            assert future.observations.tobytes() == episode.observations[step:].tobytes()
            assert (future.terminated, future.truncated) == (episode.terminated, episode.truncated)
            assert future.replayed_steps == step
            for name, values in future.terms.items():
                assert values.tobytes() == episode.terms[name][step:].tobytes()


def test_the_known_critical_step_is_the_only_one_that_matters() -> None:
    agent = CallAgent(lambda obs: (obs[:, 1] > 0).astype(np.int64))  # takes the key
    episodes = run(agent, "pellucid/KeyDoorTrap-v0", 1)
    assert episodes.returns.tolist() == [10.0]
    branches = [
        Branch(0, t, 1 - episodes[0].actions[t : t + 1], None) for t in range(KeyDoorTrap.length)
    ]
    totals = [f.total_reward for f in branch(agent, episodes, branches)]
    expected = [10.0] * KeyDoorTrap.length
    expected[KeyDoorTrap.critical_step] = -10.0
    assert totals == expected


def test_forced_actions_come_first_then_the_agent_acts() -> None:
    episodes = run(FixedAgent(0), Base)
    future = branch(FixedAgent(0), episodes, [Branch(0, 4, np.array([1, 1, 1]), None)])[0]
    assert future.actions.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    assert future.total_reward == 3.0


def test_a_horizon_counts_from_the_step_and_sets_no_flag() -> None:
    episodes = run(FixedAgent(0), Base)
    futures = branch(
        FixedAgent(0),
        episodes,
        [
            Branch(0, 4, np.array([1, 1]), None, horizon=5),
            Branch(0, 4, np.array([1, 1]), None, horizon=1),
            Branch(0, 4, np.array([1, 1]), None, horizon=8),
        ],
    )
    assert [len(f) for f in futures] == [5, 1, 8]
    assert [f.terminated for f in futures] == [False, False, True]
    assert not any(f.truncated for f in futures)


def test_the_step_limit_of_a_wrapper_goes_on_counting() -> None:
    for env in ("tests.rollouts.hostile:Endless", lambda: gymnasium.Wrapper(NoCopyEndless())):
        episodes = run(FixedAgent(0), resolve_env(env, max_steps=15))
        future = branch(FixedAgent(1), episodes, [Branch(0, 9, ACT, None)])[0]
        assert len(future) == 6
        assert (future.terminated, future.truncated) == (False, True)


class NoCopyEndless(NoCopy):
    def step(self, action: Any) -> Any:
        observation, reward, _, _, info = super().step(action)
        return observation, reward, False, False, info


def test_frame_stacks_are_part_of_the_state() -> None:
    def stacked() -> gymnasium.Env:
        return gymnasium.wrappers.FrameStackObservation(Base(), 3)

    agent = CallAgent(lambda obs: (obs[:, 0, 1] > obs[:, 2, 1] - 2).astype(np.int64))
    episodes = run(agent, stacked)
    future = branch(agent, episodes, [Branch(0, 5, ACT, None)], keep_observations=True)[0]
    assert future.observations.tobytes() == episodes[0].observations[5:].tobytes()


def test_a_failing_future_is_data() -> None:
    episodes = run(FixedAgent(0), "tests.rollouts.hostile:Base")

    def fails(observations: Any) -> Any:
        if (observations[:, 0] >= 7).any():
            raise ValueError("no")
        return np.zeros(len(observations), np.int64)

    futures = branch(
        CallAgent(fails), episodes, [Branch(0, 5, ACT, None), Branch(0, 11, np.array([1]), None)]
    )
    assert futures[0].failure is not None
    assert (futures[0].failure.kind, futures[0].failure.step, len(futures[0])) == ("agent", 7, 2)
    assert futures[1].failure is None


# --- noise ---


def test_clones_of_a_slippery_lake_have_one_future_unless_the_noise_is_fresh() -> None:
    agent = FixedAgent(2, 4)
    episodes = run(agent, "FrozenLake-v1", 3)
    longest = int(np.argmax([len(e) for e in episodes.used]))
    repeats = branch(agent, episodes, [Branch(longest, 0, ACT, None)] * 20, keep_observations=True)
    assert len({f.observations.tobytes() for f in repeats}) == 1
    fresh = branch(
        agent, episodes, [Branch(longest, 0, ACT, r) for r in range(20)], keep_observations=True
    )
    assert len({f.observations.tobytes() for f in fresh}) > 5


@pytest.mark.parametrize("env", ["pellucid/NoisyWalk-v0", "LunarLander-v3", NestedNoise])
def test_a_replicate_has_the_same_noise_in_every_arm_and_every_call(env: Any) -> None:
    n_actions = 4 if env == "LunarLander-v3" else 3 if isinstance(env, str) else 2
    agent = FixedAgent(0, n_actions)
    episodes = run(agent, env)
    # two arms that do the same must have the same future: only the noise could part them
    arm = np.array([1, 1])
    branches = [Branch(0, 3, a, r, 12) for r in (0, 1) for a in (arm, arm)]
    first, again, other, _ = branch(agent, episodes, branches, keep_observations=True)
    assert first.observations.tobytes() == again.observations.tobytes()
    assert first.observations.tobytes() != other.observations.tobytes()
    alone = branch(agent, episodes, branches[:1], keep_observations=True)[0]
    assert alone.observations.tobytes() == first.observations.tobytes()
    reseeded = branch(agent, episodes, branches[:1], seed=1, keep_observations=True)[0]
    assert reseeded.observations.tobytes() != first.observations.tobytes()


def test_noise_depends_on_the_episode_and_the_step() -> None:
    agent = FixedAgent(1, 3)
    episodes = run(agent, "pellucid/NoisyWalk-v0", 2)
    branches = [Branch(e, t, ACT, 0, 5) for e in (0, 1) for t in (3, 4)]
    drawn = {f.terms["progress"].tobytes() for f in branch(agent, episodes, branches)}
    assert len(drawn) == 4


# --- costs ---


@pytest.mark.parametrize("env", [Base, NoCopy, Sloppy, "pellucid/NoisyWalk-v0"])
def test_the_cost_is_within_the_bound_before_and_after_probing(env: Any) -> None:
    agent = FixedAgent(0, 3 if isinstance(env, str) else 2)
    episodes = run(agent, env)
    branches = [
        Branch(e, t, np.array([1] * k), n)
        for e in (0, 1)
        for t in (0, 3, 7)
        for k in (0, 2)
        for n in (None, 0)
    ]
    bound = branching_cost(episodes, branches)
    meter = Meter(bound)
    futures = branch(agent, episodes, branches, meter=meter)
    assert len(futures) == len(branches)
    assert meter.used.fits(bound)
    after = branching_cost(episodes, branches)
    assert after.fits(bound)
    meter = Meter(after)
    assert len(branch(agent, episodes, branches, meter=meter)) == len(branches)
    replayed = sum(f.replayed_steps for f in futures)
    assert meter.used.env_steps == replayed + sum(len(f) for f in futures)
    asked = sum(max(0, len(f) - len(b.forced)) for f, b in zip(futures, branches, strict=True))
    assert meter.used.queries == asked


@pytest.mark.parametrize("allowed", [0, 100, 5_000, 5_050, 5_300, 6_000])
def test_f36_a_budget_is_never_exceeded_and_gives_a_prefix(allowed: int) -> None:
    episodes = run(FixedAgent(0), Base)
    branches = [Branch(0, t, np.array([1]), r) for t in range(12) for r in range(8)]
    everything = branch(FixedAgent(0), run(FixedAgent(0), Base), branches)
    meter = Meter(Cost(10**6, allowed))
    futures = branch(FixedAgent(0), episodes, branches, meter=meter)
    assert meter.used.env_steps <= allowed
    # where a wave ends, the next one pays for the way back again
    assert [f.rewards.tobytes() for f in futures] == [
        f.rewards.tobytes() for f in everything[: len(futures)]
    ]
    if allowed == 100:
        assert futures == ()


def test_copies_share_the_way_back() -> None:
    episodes = run(TableAgent(), "CartPole-v1", 1)
    step = len(episodes[0]) - 1
    branches = [Branch(0, step, np.array([a]), None, 1) for a in (0, 1, 0)]
    assert [f.replayed_steps for f in branch(TableAgent(), episodes, branches)] == [step, 0, 0]


# --- refusals ---


def test_a_stored_observation_that_is_not_reached_is_refused() -> None:
    episodes = run(FixedAgent(0), Base)
    episodes[0].observations[6, 1] += 1
    futures = branch(FixedAgent(0), run(FixedAgent(0), Base), [Branch(0, 6, ACT, None)])
    assert len(futures) == 1
    snapshot_way(run(FixedAgent(0), Base), meter=wide_meter(), seed=0)
    with pytest.raises(CapabilityError, match="did not repeat itself"):
        branch(FixedAgent(0), episodes, [Branch(0, 6, ACT, None)])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Branch(9, 0, ACT, None), "no episode 9"),
        (Branch(0, 12, ACT, None), "no step 12"),
        (Branch(0, -1, ACT, None), "no step -1"),
        (Branch(0, 0, np.array([2]), None), "not in Discrete"),
        (Branch(0, 0, np.array([0.5]), None), "not in Discrete"),
        (Branch(0, 0, np.array([[1]]), None), "shape"),
        (Branch(0, 0, ACT, None, 0), "horizon"),
    ],
)
def test_branches_that_do_not_fit_are_refused(wrong: Branch, words: str) -> None:
    episodes = run(FixedAgent(0), Base)
    with pytest.raises(InputError, match=words):
        branch(FixedAgent(0), episodes, [wrong])


def test_hidden_noise_gives_one_future_and_says_so() -> None:
    agent = FixedAgent(0)
    episodes = run(agent, ClosureNoise)
    way = snapshot_way(episodes, meter=wide_meter(), seed=0)
    assert (way.kind, way.deterministic, way.noise_reseedable) == ("replay", False, False)
    futures = branch(
        agent, episodes, [Branch(0, 3, ACT, r) for r in range(4)], keep_observations=True
    )
    assert len({f.observations.tobytes() for f in futures}) == 1


# --- several processes ---


@pytest.mark.slow
@pytest.mark.parametrize("env", ["tests.rollouts.hostile:Base", "LunarLander-v3"])
def test_f43_any_number_of_processes_gives_the_same_bytes(env: str) -> None:
    agent = LanderAgent() if env == "LunarLander-v3" else TableAgent()
    episodes = run(agent, env)
    branches = [
        Branch(e, t, np.array([a]), r, 40)
        for e in (0, 1)
        for t in (0, 5, 9)
        for r in (None, 0, 1)
        for a in (0, 1)
    ]
    runs, meters = [], []
    for jobs in (1, 2, 4):
        meters.append(wide_meter())
        runs.append(branch(agent, episodes, branches, jobs=jobs, meter=meters[-1]))
    assert all(same(a, b) for other in runs[1:] for a, b in zip(runs[0], other, strict=True))
    assert meters[1].used == meters[2].used


def test_order_does_not_matter() -> None:
    agent = FixedAgent(0, 3)
    episodes = run(agent, "pellucid/NoisyWalk-v0")
    branches = [Branch(e, t, np.array([a]), 0) for e in (0, 1) for t in (0, 9) for a in (0, 2)]
    forward = branch(agent, episodes, branches)
    backward = branch(agent, episodes, branches[::-1])[::-1]
    for first, second in zip(forward, backward, strict=True):
        assert first.rewards.tobytes() == second.rewards.tobytes()


def test_box_actions_can_be_forced() -> None:
    env = make_env(resolve_env("MountainCarContinuous-v0"))
    from tests.rollouts.agents import BoxAgent

    agent = BoxAgent(env.action_space)
    episodes = run(agent, resolve_env("MountainCarContinuous-v0", kwargs={"max_episode_steps": 30}))
    future = branch(agent, episodes, [Branch(0, 2, np.array([[1.0], [-1.0]]), None)])[0]
    assert future.actions[:2].ravel().tolist() == [1.0, -1.0]
    assert future.actions.dtype == np.float32
    with pytest.raises(InputError, match="not in Box"):
        branch(agent, episodes, [Branch(0, 2, np.array([[3.0]]), None)])


# --- shown observations ---


def test_a_shown_observation_changes_what_the_agent_does_and_not_where_it_is():
    from tests.faithfulness.cases import cues

    agent, episodes = cues()
    episode = episodes[0]
    other = episodes.visited[agent.act(episodes.visited) != episode.actions[3]][0]
    plain, shown = (
        run_branches(
            agent,
            episodes,
            [Branch(0, 3, np.empty(0), None, 2, shown=what)],
            meter=Meter(Cost(10**5, 10**5)),
            keep_observations=True,
        )[0]
        for what in (None, other)
    )
    assert plain.actions[0] == episode.actions[3]
    assert shown.actions[0] == agent.act(other[None])[0]
    # the future begins in the real state, and later steps see what there is
    np.testing.assert_array_equal(shown.observations[0], episode.observations[3])
    assert shown.actions[1] == agent.act(shown.observations[1][None])[0]


def test_a_shown_observation_of_another_shape_is_refused():
    from tests.faithfulness.cases import cues

    agent, episodes = cues()
    with pytest.raises(InputError, match="expected a shown observation of shape"):
        run_branches(
            agent,
            episodes,
            [Branch(0, 3, np.empty(0), None, 1, shown=np.zeros(99))],
            meter=Meter(Cost(10**5, 10**5)),
        )
