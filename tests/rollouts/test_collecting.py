import logging
from typing import Any

import gymnasium
import numpy as np
import pytest

from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.envs import EnvSpec, make_env, resolve_env
from pellucid.errors import CapabilityError, InputError
from pellucid.rollouts import Episodes, collect
from pellucid.rollouts.drawing import PolicyDraws
from pellucid.seeds import episode_seeds
from tests.rollouts.agents import (
    NO_NAMES,
    BoxAgent,
    CallAgent,
    FixedAgent,
    LanderAgent,
    TableAgent,
    wide_meter,
)
from tests.rollouts.hostile import NoCopy, RandomLength, RemembersUse, SameArray


def run(agent: Any, env: Any, n_episodes: int = 4, **options: Any) -> Episodes:
    spec = env if isinstance(env, EnvSpec) else resolve_env(env)
    options = {"seed": 0, "meter": wide_meter(), "names": NO_NAMES, **options}
    return collect(agent, spec, n_episodes=n_episodes, **options)


def same(first: Episodes, second: Episodes) -> bool:
    return len(first.attempted) == len(second.attempted) and all(
        a.observations.tobytes() == b.observations.tobytes()
        and a.actions.tobytes() == b.actions.tobytes()
        and a.rewards.tobytes() == b.rewards.tobytes()
        and (a.index, a.seed, a.terminated, a.truncated, a.failure)
        == (b.index, b.seed, b.terminated, b.truncated, b.failure)
        and {k: v.tobytes() for k, v in a.terms.items()}
        == {k: v.tobytes() for k, v in b.terms.items()}
        for a, b in zip(first.attempted, second.attempted, strict=True)
    )


def by_hand(agent: Any, spec: EnvSpec, seed: int) -> tuple[Any, Any, Any]:
    env = make_env(spec)
    observation, _ = env.reset(seed=seed)
    observations, actions, rewards, ended = [np.array(observation)], [], [], False
    while not ended:
        action = agent.act(np.array(observation)[None])[0]
        observation, reward, terminated, truncated, _ = env.step(action)
        observations.append(np.array(observation))
        actions.append(action)
        rewards.append(reward)
        ended = terminated or truncated
    env.close()
    return np.array(observations), np.array(actions), np.array(rewards)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "pellucid/NoisyWalk-v0"])
def test_episodes_equal_those_of_a_plain_loop(env_id: str) -> None:
    agent = TableAgent(2, (0, 1, 1, 0, 1))
    episodes = run(agent, env_id, 70, seed=3)
    seeds = episode_seeds(3, 70)
    for i in (0, 1, 63, 64, 69):
        observations, actions, rewards = by_hand(agent, resolve_env(env_id), seeds[i])
        episode = episodes.attempted[i]
        assert (episode.index, episode.seed) == (i, seeds[i])
        assert episode.observations.tobytes() == observations.tobytes()
        assert episode.actions.tolist() == actions.tolist()
        assert episode.rewards.tolist() == rewards.tolist()


def test_episodes_are_kept_in_the_order_assigned_never_first_finished() -> None:
    episodes = run(FixedAgent(0), RandomLength, 100)
    lengths = [len(e) for e in episodes.attempted]
    assert [e.index for e in episodes.attempted] == list(range(100))
    expected = [
        int(np.random.default_rng(seed).integers(5) * 0) + _length(seed)
        for seed in episode_seeds(0, 100)
    ]
    assert lengths == expected


def _length(seed: int) -> int:
    env = RandomLength()
    env.reset(seed=seed)
    return env.length


def test_more_episodes_never_change_the_earlier_ones() -> None:
    few, many = run(FixedAgent(1), RandomLength, 5), run(FixedAgent(1), RandomLength, 90)
    assert same(few, Episodes(many.attempted[:5], many.spec, many.names, 0, "greedy"))


def test_every_episode_runs_in_a_fresh_environment() -> None:
    episodes = run(FixedAgent(0), RemembersUse, 3)
    # a used instance would add its number of uses
    for episode in episodes.attempted:
        env = RemembersUse()
        assert episode.observations[0].tolist() == env.reset(seed=episode.seed)[0].tolist()


def test_a_used_lander_differs_from_a_fresh_one_and_ours_are_fresh() -> None:
    episodes = run(LanderAgent(), "LunarLander-v3", 2)
    again = run(LanderAgent(), "LunarLander-v3", 2)
    assert same(episodes, again)
    assert set(episodes[0].terms) >= {"distance", "landing or crash"}
    total = sum(episodes[0].terms.values())
    np.testing.assert_allclose(total, episodes[0].rewards, rtol=0, atol=1e-9)


def test_a_factory_that_gives_one_environment_twice_is_refused() -> None:
    shared = RandomLength()
    spec = resolve_env(lambda: shared)
    with pytest.raises(InputError, match="same environment twice"):
        run(FixedAgent(0), spec, 2)


def test_arrays_that_environments_reuse_or_clip_are_stored_as_they_were() -> None:
    agent = BoxAgent(gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32))
    agent.act = lambda obs: np.full((len(obs), 1), 0.5, np.float32)  # type: ignore[method-assign]
    episode = run(agent, SameArray, 1).attempted[0]
    assert episode.observations[:, 0].tolist() == list(range(13))
    assert set(episode.actions.ravel().tolist()) == {0.5}


# --- budgets ---


def test_one_step_costs_one_query_and_one_environment_step() -> None:
    meter = wide_meter()
    episodes = run(FixedAgent(0), RandomLength, 9, meter=meter)
    n_steps = sum(len(e) for e in episodes.attempted)
    assert meter.used == Cost(n_steps, n_steps)


def test_a_metered_agent_is_not_charged_twice() -> None:
    meter = wide_meter()
    episodes = run(MeteredAgent(FixedAgent(0), meter), RandomLength, 3, meter=meter)
    assert meter.used.queries == sum(len(e) for e in episodes.attempted)


@pytest.mark.parametrize("allowed", [0, 1, 19, 20, 21, 39, 100, 173])
@pytest.mark.parametrize("jobs", [1])
def test_f36_a_budget_is_never_exceeded_and_gives_a_prefix(allowed: int, jobs: int) -> None:
    spec = resolve_env(RandomLength, max_steps=20)
    everything = run(FixedAgent(0), spec, 30)
    counted = []

    def count(observations: Any) -> Any:
        counted.append(len(observations))
        return np.zeros(len(observations), np.int64)

    meter = Meter(Cost(allowed, 10**6))
    episodes = run(CallAgent(count), spec, 30, meter=meter, jobs=jobs)
    assert sum(counted) == meter.used.queries <= allowed
    n_done = len(episodes.attempted)
    assert same(episodes, Episodes(everything.attempted[:n_done], spec, NO_NAMES, 0, "greedy"))
    if allowed - meter.used.queries >= 20:
        assert n_done == 30


def test_environment_steps_are_capped_too() -> None:
    meter = Meter(Cost(10**6, 25))
    episodes = run(FixedAgent(0), resolve_env(RandomLength, max_steps=20), 30, meter=meter)
    assert len(episodes.attempted) >= 1
    assert meter.used.env_steps <= 25


# --- options ---


def test_the_filter_changes_what_the_agent_sees_and_nothing_else() -> None:
    seen = []

    def look(observations: Any) -> Any:
        seen.append(observations.copy())
        return np.ones(len(observations), np.int64)

    def hide(observations: Any, episodes: Any, steps: Any) -> Any:
        observations[:, 1] = 100 * episodes + steps
        return observations

    episodes = run(CallAgent(look), RandomLength, 3, observe=hide)
    assert same(episodes, run(FixedAgent(1), RandomLength, 3))
    rows = np.concatenate(seen)
    expected = {100 * i + t for i, e in enumerate(episodes.attempted) for t in range(len(e))}
    assert set(rows[:, 1].astype(int).tolist()) == expected


def test_seeds_can_be_given_for_paired_runs() -> None:
    episodes = run(FixedAgent(0), RandomLength, 2, episode_seeds=[7, 7])
    assert [e.seed for e in episodes.attempted] == [7, 7]
    first, second = (e.observations.tobytes() for e in episodes.attempted)
    assert first == second
    with pytest.raises(InputError, match="expected 3 episode seeds, got 1"):
        run(FixedAgent(0), RandomLength, 3, episode_seeds=[1])


def test_no_episodes_is_a_result() -> None:
    episodes = run(FixedAgent(0), RandomLength, 0)
    assert len(episodes) == 0
    assert episodes.visited.shape == (0,)
    with pytest.raises(InputError, match="n_episodes"):
        run(FixedAgent(0), RandomLength, -1)


def test_progress_is_told_in_shares() -> None:
    shares: list[float] = []
    run(FixedAgent(0), RandomLength, 5, progress=shares.append)
    assert shares[-1] == 1.0


def test_sampling_that_the_agent_cannot_do_is_refused_not_recorded() -> None:
    agent = BoxAgent(gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32))
    with pytest.raises(CapabilityError, match="cannot draw actions"):
        run(agent, "MountainCarContinuous-v0", 1, policy="sampled")


def test_sampled_actions_come_from_the_draws_of_their_episode_and_step() -> None:
    episodes = run(TableAgent(), RandomLength, 70, policy="sampled", seed=5)
    for i in (0, 66):
        draws = PolicyDraws(5, i)
        expected = [int(draws.at(t).integers(2)) for t in range(len(episodes.attempted[i]))]
        assert episodes.attempted[i].actions.tolist() == expected


# --- several processes ---


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["greedy", "sampled"])
def test_f43_any_number_of_processes_gives_the_same_bytes(policy: Any) -> None:
    runs = []
    meters = []
    for jobs in (1, 2, 4):
        meters.append(wide_meter())
        runs.append(
            run(
                TableAgent(2, (1, 0, 0)),
                "tests.rollouts.hostile:RandomLength",
                37,
                policy=policy,
                jobs=jobs,
                meter=meters[-1],
            )
        )
    assert same(runs[0], runs[1])
    assert same(runs[0], runs[2])
    assert meters[0].used == meters[1].used == meters[2].used


def test_what_cannot_be_sent_runs_in_one_process_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    agent = CallAgent(lambda obs: np.ones(len(obs), np.int64))
    with caplog.at_level(logging.WARNING):
        episodes = run(agent, RandomLength, 4, jobs=2)
    assert same(episodes, run(agent, RandomLength, 4))
    assert "running in one process" in caplog.text


def test_f33_an_environment_that_cannot_be_sent_is_made_where_it_runs() -> None:
    assert len(run(FixedAgent(0), NoCopy, 2)) == 2


def test_an_interrupt_comes_through() -> None:
    def interrupt(observations: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(CallAgent(interrupt), RandomLength, 2)
