import copy
from typing import Any

import numpy as np
import pytest
from gymnasium.envs.box2d.lunar_lander import LunarLander

from pellucid.budget import Cost, Meter
from pellucid.envs import make_env, resolve_env
from pellucid.errors import BudgetError, CapabilityError
from pellucid.io.strict_json import dumps, loads
from pellucid.rollouts import Episodes, collect, snapshot_way
from pellucid.rollouts.generators import find_generators, reseed
from pellucid.rollouts.snapshots import (
    probed_steps,
    probing_bound,
    probing_facts,
    remember_probing,
    replay,
    same_bits,
)
from tests.rollouts.agents import NO_NAMES, FixedAgent, LanderAgent, TableAgent, wide_meter
from tests.rollouts.hostile import Base, NestedNoise, RemembersUse, Sloppy, Unseeded


def run(agent: Any, env: Any, n_episodes: int = 3) -> Episodes:
    spec = resolve_env(env)
    return collect(agent, spec, n_episodes=n_episodes, seed=0, meter=wide_meter(), names=NO_NAMES)


def way_of(agent: Any, env: Any) -> Any:
    return snapshot_way(run(agent, env), meter=wide_meter(), seed=0)


def test_cartpole_is_copied_and_has_no_noise() -> None:
    way = way_of(TableAgent(), "CartPole-v1")
    assert (way.kind, way.deterministic, way.noise_reseedable) == ("deepcopy", True, None)
    assert (way.limit, way.n_probes) == (500, 3)


def test_the_lander_copies_without_complaint_into_an_empty_one_so_it_is_replayed() -> None:
    env = LunarLander()
    env.reset(seed=0)
    assert copy.deepcopy(env).lander is None  # the trap
    way = way_of(LanderAgent(), "LunarLander-v3")
    assert (way.kind, way.deterministic, way.noise_reseedable) == ("replay", False, True)


def test_compiled_objects_without_a_module_are_passed_over() -> None:
    env = make_env(resolve_env("BipedalWalker-v3"))
    env.reset(seed=0)
    assert env.unwrapped.np_random in find_generators(env)
    env.close()


def test_a_copy_that_drifts_away_from_its_original_is_found_out() -> None:
    # as MuJoCo's do: two copies agree with each other, so the original must be in the comparison
    env = Sloppy()
    env.reset(seed=0)
    env.step(1)
    first, second = copy.deepcopy(env), copy.deepcopy(env)
    assert [first.step(1)[0].tolist()] == [second.step(1)[0].tolist()]
    assert env.step(1)[0].tolist() != first.step(1)[0].tolist()
    assert way_of(TableAgent(), Sloppy).kind == "replay"


class SharedAmongCopies(Base):
    """Its copies share a part of the state, which only stepping them in turns shows."""

    def __init__(self) -> None:
        super().__init__(length=80)
        self.shared = [0.0]

    def reset(self, **kwargs: Any) -> Any:
        self.shared[0] = 0.0
        return super().reset(**kwargs)

    def step(self, action: Any) -> Any:
        self.shared[0] += 1.0
        self.value += self.shared[0]
        return super().step(action)

    def __deepcopy__(self, memo: Any) -> Any:
        copied = SharedAmongCopies()
        copied._np_random = copy.deepcopy(self._np_random)
        copied.at, copied.value, copied.shared = self.at, self.value, self.shared
        return copied


def test_copies_that_share_state_are_found_out() -> None:
    assert way_of(FixedAgent(0), SharedAmongCopies).kind == "replay"


def test_a_used_instance_is_never_used_for_replays() -> None:
    way = way_of(FixedAgent(0), RemembersUse)
    assert way.kind == "deepcopy"
    episodes = run(FixedAgent(0), RemembersUse)
    assert episodes.spec is not None
    _, observation = replay(episodes.spec, episodes[1], 4)
    assert observation.tobytes() == episodes[1].observations[4].tobytes()


def test_noise_that_can_be_reseeded_is_seen() -> None:
    way = way_of(FixedAgent(2, 4), "FrozenLake-v1")
    assert (way.kind, way.deterministic, way.noise_reseedable) == ("deepcopy", False, True)
    assert way_of(FixedAgent(0), NestedNoise).noise_reseedable is True


@pytest.mark.parametrize("env", ["CartPole-v1", "LunarLander-v3", Sloppy, Unseeded])
def test_probing_stays_within_its_bound_and_is_paid_once(env: Any) -> None:
    agent = LanderAgent() if env == "LunarLander-v3" else TableAgent()
    episodes = run(agent, env)
    bound = probing_bound(episodes)
    meter = Meter(Cost(0, bound))
    if env is Unseeded:
        with pytest.raises(CapabilityError):
            snapshot_way(episodes, meter=meter, seed=0)
    else:
        snapshot_way(episodes, meter=meter, seed=0)
    assert 0 < meter.used.env_steps <= bound
    assert meter.used.queries == 0
    assert probing_bound(episodes) == 0


def test_probing_that_cannot_be_paid_does_nothing() -> None:
    episodes = run(FixedAgent(0), Base)
    meter = Meter(Cost(0, probing_bound(episodes) - 1))
    with pytest.raises(BudgetError):
        snapshot_way(episodes, meter=meter, seed=0)
    assert meter.used == Cost()


def test_bits_are_compared_not_values() -> None:
    assert same_bits(np.array([np.nan]), np.array([np.nan]))
    assert not same_bits(np.array([0.0]), np.array([-0.0]))
    assert same_bits(3, np.int64(3))
    assert not same_bits(np.zeros(2), np.zeros((1, 2)))


# --- generators ---


def test_generators_are_found_in_every_layer_and_reseeded_in_place() -> None:
    env = make_env(resolve_env(NestedNoise))
    env.reset(seed=0)
    found = find_generators(env)
    assert env.unwrapped.np_random in found
    assert len(found) == 3
    held = env.unwrapped.world.parts["dice"][0]  # type: ignore[attr-defined]
    assert reseed(env, 1) == 3
    assert env.unwrapped.world.parts["dice"][0] is held  # type: ignore[attr-defined]


def test_a_generator_that_two_attributes_hold_is_one() -> None:
    env = Base()
    env.reset(seed=0)
    env.alias = env.np_random  # type: ignore[attr-defined]
    assert find_generators(env) == [env.np_random]


def test_reseeding_is_repeatable_and_streams_are_independent() -> None:
    draws = []
    for seed in (1, 1, 2):
        env = NestedNoise()
        env.reset(seed=0)
        reseed(env, seed)
        first, second = env.world.parts["dice"]
        draws.append((env.np_random.random(), first.random(), second.random_sample()))
    assert draws[0] == draws[1] != draws[2]
    assert len(set(draws[0])) == 3


def test_a_search_ends_in_cycles_and_large_structures() -> None:
    env = Base()
    env.reset(seed=0)
    env.loop = env  # type: ignore[attr-defined]
    env.many = [object() for _ in range(50_000)]  # type: ignore[attr-defined]
    assert env.np_random in find_generators(env)


@pytest.mark.parametrize("env", ["CartPole-v1", Unseeded])
def test_what_probing_found_is_taken_up_again_without_a_step(env: Any) -> None:
    episodes = run(TableAgent(), env)
    assert (probed_steps(episodes), probing_facts(episodes)) == (0, {})
    meter = wide_meter()
    found = _way_or_error(episodes, meter)
    assert probed_steps(episodes) == meter.used.env_steps > 0
    facts = loads(dumps(probing_facts(episodes)))  # as it is stored
    again = run(TableAgent(), env)
    remember_probing(again, facts)
    poor = Meter(Cost())
    assert _way_or_error(again, poor) == found
    assert poor.used == Cost()


@pytest.mark.parametrize(
    "facts",
    [{}, {"kind": "deepcopy"}, {"error": 3}, {"kind": "x", "deterministic": True,
     "noise_reseedable": None, "limit": 5, "n_probes": 3}],
)  # fmt: skip
def test_what_does_not_read_as_found_is_probed_again(facts: dict[str, Any]) -> None:
    episodes = run(FixedAgent(0), Base)
    remember_probing(episodes, facts)
    assert probing_bound(episodes) > 0


def _way_or_error(episodes: Episodes, meter: Meter) -> Any:
    try:
        return snapshot_way(episodes, meter=meter, seed=0)
    except CapabilityError as error:
        return str(error), error.hint
