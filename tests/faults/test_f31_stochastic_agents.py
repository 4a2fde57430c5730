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


def test_f31_under_its_own_noise_a_drawing_agent_does_what_it_did() -> None:
    # the draws belong to the step: forced actions, however many, do not shift the later ones
    episodes = run(1)
    recorded = episodes[0].actions
    for n_forced in (0, 1, 4):
        branch = Branch(0, 2, 1 - recorded[2 : 2 + n_forced], None)
        (future,) = run_branches(
            TableAgent(), episodes, [branch], meter=wide_meter(), policy="sampled", seed=7
        )
        assert future.actions[n_forced:].tolist() == recorded[2 + n_forced :].tolist()


def test_f31_arms_that_force_other_numbers_of_actions_draw_alike_afterwards() -> None:
    branches = [Branch(0, 2, np.zeros(n, np.int64), 0) for n in (0, 1, 4)]
    futures = run_branches(
        TableAgent(), run(1), branches, meter=wide_meter(), policy="sampled", seed=7
    )
    assert len({tuple(f.actions[4:].tolist()) for f in futures}) == 1


def test_f31_a_row_that_fails_does_not_shift_the_draws_of_its_neighbours() -> None:
    class Fails(TableAgent):
        def sample(self, observations: Any, rngs: Any) -> Any:
            drawn = super().sample(observations, rngs)
            if ((observations[:, 0] == 2) & (observations[:, 1] >= 4)).any():
                raise ValueError("no 4 please")
            return drawn

    def collected(agent: TableAgent) -> Episodes:
        return collect(
            agent,
            resolve_env(Base),
            n_episodes=40,
            seed=0,
            policy="sampled",
            meter=wide_meter(),
            names=NO_NAMES,
        )

    reference, episodes = collected(TableAgent()), collected(Fails())
    assert 0 < len(episodes.excluded) < 40
    for episode in episodes.used:
        expected = reference.attempted[episode.index]
        assert episode.actions.tolist() == expected.actions.tolist()
