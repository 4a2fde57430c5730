"""F31: drawn actions come from generators of the run: same seed, same bytes."""

from typing import Any

import numpy as np
from tests.rollouts.agents import NO_NAMES, TableAgent, wide_meter
from tests.rollouts.hostile import Base

from pellucid.envs import resolve_env
from pellucid.rollouts import Branch, Episodes, collect, run_branches


def run(seed: int, n_episodes: int = 6, **options: Any) -> Episodes:
    return collect(
        TableAgent(),
        resolve_env(Base),
        n_episodes=n_episodes,
        seed=seed,
        policy="sampled",
        meter=wide_meter(),
        names=NO_NAMES,
        **options,
    )


def actions(episodes: Episodes) -> list[list[int]]:
    return [e.actions.tolist() for e in episodes.attempted]


def test_f31_same_seed_same_actions_whatever_numpys_own_state() -> None:
    first = actions(run(1))
    np.random.seed(99)  # noqa: NPY002
    assert actions(run(1)) == first
    assert actions(run(2)) != first


def test_f31_an_episodes_draws_do_not_depend_on_its_neighbours() -> None:
    assert actions(run(1, 3)) == actions(run(1, 90))[:3]


def test_f31_drawn_futures_are_shared_by_arms_and_differ_between_replicates() -> None:
    episodes = run(1)
    arms = [np.array([0]), np.array([1])]
    branches = [Branch(0, 2, arm, noise) for noise in (0, 1, None) for arm in arms]

    def futures(seed: int) -> list[list[int]]:
        done = run_branches(
            TableAgent(), episodes, branches, meter=wide_meter(), policy="sampled", seed=seed
        )
        return [f.actions[1:].tolist() for f in done]

    drawn = futures(0)
    assert drawn == futures(0)
    assert drawn[0] == drawn[1]
    assert drawn[2] == drawn[3]
    assert drawn[4] == drawn[5]
    assert drawn[0] != drawn[2]
    assert drawn[0] != drawn[4]
    assert drawn != futures(1)
