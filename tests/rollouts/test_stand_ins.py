"""Stand-ins are paid in environment steps alone, and never beyond the budget."""

import numpy as np
from gymnasium.spaces import Box, Discrete

from pellucid.budget import Cost, Meter
from pellucid.envs import resolve_env
from pellucid.rollouts import Episodes, collect
from pellucid.rollouts.stand_ins import RandomAgent, collect_stand_in
from tests.rollouts.agents import NO_NAMES, FixedAgent, wide_meter
from tests.rollouts.hostile import Base

SEEDS = [3, 4, 5]


def own() -> Episodes:
    return collect(
        FixedAgent(1),
        resolve_env(Base, max_steps=20),
        n_episodes=3,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
    )


def test_only_steps_are_charged() -> None:
    meter = Meter(Cost(0, 10_000))
    run = collect_stand_in(FixedAgent(0), own(), episode_seeds=SEEDS, seed=0, meter=meter)
    assert [e.seed for e in run.attempted] == SEEDS
    assert meter.used == Cost(0, sum(len(e) for e in run.attempted))


def test_the_budget_pays_for_the_first_episodes() -> None:
    meter = Meter(Cost(0, 32))
    run = collect_stand_in(FixedAgent(0), own(), episode_seeds=SEEDS, seed=0, meter=meter)
    assert 0 < len(run.attempted) < 3
    assert meter.used.env_steps <= 32


def test_random_actions_are_drawn_uniformly_and_again_the_same() -> None:
    agent = RandomAgent(Box(0.0, 1.0, (2,)), Discrete(3, start=1))
    rngs = [np.random.default_rng(i) for i in range(3000)]
    drawn = agent.sample(np.zeros((3000, 2)), rngs)
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [1, 2, 3]
    assert counts.min() > 900
    again = agent.sample(np.zeros((3000, 2)), [np.random.default_rng(i) for i in range(3000)])
    np.testing.assert_array_equal(drawn, again)
    assert len(agent.sample(np.zeros((0, 2)), [])) == 0


def test_a_random_run_depends_on_its_seed() -> None:
    like = own()
    space = FixedAgent(0)
    lot = RandomAgent(space.observation_space, space.action_space)

    def actions(seed: int) -> list[list[int]]:
        run = collect_stand_in(lot, like, episode_seeds=SEEDS, seed=seed, meter=wide_meter())
        return [e.actions.tolist() for e in run.attempted]

    assert actions(0) == actions(0)
    assert actions(0) != actions(1)
