"""Batched environments: the bytes of single ones, whichever rows run side by side."""

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

from pellucid.agents.function import FunctionAgent
from pellucid.agents.program import ProgramAgent
from pellucid.agents.spaces import Spaces
from pellucid.envs import EnvSpec, make_env, resolve_env
from pellucid.envs.batched import BATCHED, batched_like
from pellucid.envs.small import NoisyWalk
from pellucid.kernels.cart import fit_cart
from pellucid.kernels.programs import Program
from pellucid.rollouts import Episodes, collecting
from pellucid.rollouts.stand_ins import RandomAgent
from pellucid.seeds import episode_seeds
from tests.rollouts.test_collecting import run, same

IDS = (
    "CartPole-v1",
    "pellucid/Chain-v0",
    "pellucid/Identity-v0",
    "pellucid/KeyDoorTrap-v0",
    "pellucid/NoisyWalk-v0",
)
SETTINGS = (
    *(resolve_env(name) for name in IDS),
    resolve_env("pellucid/NoisyWalk-v0", kwargs={"noise": 0.3}),
    resolve_env("pellucid/Identity-v0", kwargs={"n_choices": 7, "max_episode_steps": 100}),
    resolve_env("CartPole-v1", kwargs={"sutton_barto_reward": True, "max_episode_steps": 30}),
    resolve_env(lambda: NoisyWalk(noise=1.5), max_steps=9),
)


def agent_of(spec: EnvSpec, *, fails: bool = False) -> FunctionAgent:
    """A sampling agent that chooses by a hash of what it sees."""
    env = make_env(spec)
    n = int(env.action_space.n)

    def choose(observations: np.ndarray, rngs: Any) -> np.ndarray:
        values = observations.reshape(len(observations), -1).astype(np.float64)
        if fails and (np.abs(values[:, 0]) > 0.25).any():
            raise ValueError("too far out")
        hashed = np.floor(np.abs(np.sin(values @ np.arange(1, values.shape[1] + 1)) * 1e4)) % n
        if rngs is None:
            return hashed.astype(np.int64)
        drawn = [
            rng.integers(n) if rng.random() < 0.5 else h
            for rng, h in zip(rngs, hashed, strict=False)
        ]
        return np.array(drawn, dtype=np.int64)

    spaces = Spaces(env.observation_space, env.action_space)
    return FunctionAgent("hash", choose, spaces, True, {})


def one_by_one(monkeypatch: pytest.MonkeyPatch, *arguments: Any, **options: Any) -> Episodes:
    with monkeypatch.context() as patch:
        patch.setattr(collecting, "batched_like", lambda env, n_rows: None)
        return run(*arguments, **options)


@pytest.mark.parametrize("spec", SETTINGS, ids=lambda s: f"{s.id} {dict(s.kwargs)}")
@pytest.mark.parametrize("policy", ["greedy", "sampled"])
def test_collect_gives_the_bytes_of_single_environments(
    spec: EnvSpec, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agent_of(spec)
    single = one_by_one(monkeypatch, agent, spec, 9, seed=4, policy=policy)
    batched = run(agent, spec, 9, seed=4, policy=policy)
    assert same(single, batched)
    assert single.warnings == batched.warnings
    assert sum(map(len, batched.attempted)) > 9
    # whichever run beside it
    few = run(agent, spec, 2, seed=4, policy=policy)
    assert same(few, replace(batched, attempted=batched.attempted[:2]))


def test_it_is_the_batched_way_that_was_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_lockstep(*_: Any) -> None:
        raise AssertionError("one by one")

    monkeypatch.setattr(collecting.Lockstep, "run", no_lockstep)
    for spec in SETTINGS:
        assert len(run(agent_of(spec), spec, 2)) == 2


def test_failures_of_the_agent_end_only_their_own_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = resolve_env("pellucid/NoisyWalk-v0", kwargs={"noise": 0.1})
    agent = agent_of(spec, fails=True)
    single = one_by_one(monkeypatch, agent, spec, 12)
    batched = run(agent, spec, 12)
    assert same(single, batched)
    kinds = {e.failure.kind if e.failure else "" for e in batched.attempted}
    assert "agent" in kinds


def test_what_the_environment_may_not_show_is_counted_or_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide = resolve_env(lambda: NoisyWalk(noise=3.0), max_steps=9)
    single, batched = one_by_one(monkeypatch, agent_of(wide), wide, 8), run(agent_of(wide), wide, 8)
    assert "left the range" in batched.warnings[0]
    assert single.warnings == batched.warnings
    assert same(single, batched)
    bad = resolve_env(lambda: NoisyWalk(noise=float("nan")), max_steps=9)
    single, batched = one_by_one(monkeypatch, agent_of(bad), bad, 3), run(agent_of(bad), bad, 3)
    assert same(single, batched)
    assert batched.attempted[0].failure is not None


def test_what_the_agent_sees_may_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def blur(observations: Any, episodes: Any, steps: Any) -> Any:
        observations[:, 0] += 0.1 * episodes - 0.01 * steps
        return observations

    spec = resolve_env("pellucid/NoisyWalk-v0")
    single = one_by_one(monkeypatch, agent_of(spec), spec, 5, observe=blur)
    assert same(single, run(agent_of(spec), spec, 5, observe=blur))


def test_several_processes_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.rollouts.agents import TableAgent

    agent = TableAgent(2, (0, 1, 1, 0, 1))
    assert same(run(agent, "CartPole-v1", 7), run(agent, "CartPole-v1", 7, jobs=2))


@pytest.mark.parametrize("name", IDS)
def test_rows_that_start_at_different_times_do_not_disturb_each_other(name: str) -> None:
    """Rows are reset and stepped in odd turns, beside the single environments."""
    rng, n = np.random.default_rng(3), 5
    singles = [make_env(resolve_env(name)) for _ in range(n)]
    batch = batched_like(singles[0], n)
    assert batch is not None
    seeds = iter(episode_seeds(9, 1000))
    waiting = set(range(n))
    n_steps = 0
    for _ in range(300):
        starting = np.array(sorted(waiting), dtype=np.int64)
        if len(starting):
            given = [next(seeds) for _ in starting]
            firsts = batch.reset(starting, given)
            for row, seed, first in zip(starting.tolist(), given, firsts, strict=True):
                expected = np.asarray(singles[row].reset(seed=seed)[0])
                assert first.dtype == expected.dtype
                assert first.tobytes() == expected.tobytes()
            waiting.clear()
        rows = np.flatnonzero(rng.random(n) < 0.7)
        actions = rng.integers(int(singles[0].action_space.n), size=len(rows))
        taken = batch.step(rows, actions)
        for i, row in enumerate(rows.tolist()):
            observation, reward, terminated, truncated, info = singles[row].step(actions[i])
            assert taken.observations[i].tobytes() == np.asarray(observation).tobytes()
            assert np.float64(reward).tobytes() == taken.rewards[i].tobytes()
            assert terminated == taken.terminated[i]
            terms = info.get("reward_terms", {})
            assert {k: float(v) for k, v in terms.items()} == {
                k: float(v[i]) for k, v in taken.terms.items()
            }
            n_steps += 1
            if terminated or truncated:
                waiting.add(row)
    assert n_steps > 800


class _Derived(NoisyWalk):
    pass


def test_only_what_is_known_whole_has_a_batched_form() -> None:
    plain = gymnasium.make("pellucid/NoisyWalk-v0")
    assert batched_like(plain, 2) is not None
    assert batched_like(_Derived(), 2) is None
    assert batched_like(gymnasium.wrappers.TransformReward(plain, abs), 2) is None
    changed = NoisyWalk()
    changed.step = plain.step  # type: ignore[method-assign]
    assert batched_like(changed, 2) is None
    assert batched_like(gymnasium.make("Acrobot-v1"), 2) is None


def test_every_name_in_the_list_is_a_class_and_a_module() -> None:
    for name, module in BATCHED.items():
        path, _, cls = name.partition(":")
        assert callable(getattr(__import__(path, fromlist=[cls]), cls))
        assert callable(__import__(module, fromlist=["Batched"]).Batched)


@pytest.mark.parametrize("capabilities", [frozenset(), frozenset({"sampling"})])
def test_stand_ins_that_could_be_handed_masks_are_run_as_a_batch(
    monkeypatch: pytest.MonkeyPatch, capabilities: frozenset[str]
) -> None:
    spec = SETTINGS[0]
    space = make_env(spec).observation_space, make_env(spec).action_space
    agent: Any = RandomAgent(*space)
    if not capabilities:
        tree = fit_cart(
            np.eye(4), np.array([0, 1, 0, 1]), np.ones(4), max_leaves=3, n_classes=2, seed=0
        )
        agent = ProgramAgent(Program(tree, 4), *space)
    assert agent.capabilities == capabilities
    policy = "sampled" if capabilities else "greedy"
    single = one_by_one(monkeypatch, agent, spec, 5, policy=policy)
    with monkeypatch.context() as patch:
        patch.setattr(collecting, "Lockstep", None)  # not to be used
        batched = run(agent, spec, 5, policy=policy)
    assert same(single, batched)


def test_agents_that_need_masks_or_a_memory_are_not() -> None:
    spec = SETTINGS[0]
    env = make_env(spec)
    agent: Any = RandomAgent(env.observation_space, env.action_space)
    assert collecting._sees_all(agent, env)
    for capability in ("masks", "recurrent"):
        needy = RandomAgent(env.observation_space, env.action_space)
        object.__setattr__(needy, "capabilities", frozenset({capability}))
        assert not collecting._sees_all(needy, env)
