import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from pellucid.envs import make_env, resolve_env
from pellucid.envs.small import Chain, Identity, KeyDoorTrap, NoisyWalk
from pellucid.rollouts import collect
from tests.rollouts.agents import NO_NAMES, CallAgent, FixedAgent, wide_meter


@pytest.mark.parametrize("make", [Chain, Identity, KeyDoorTrap, NoisyWalk])
@pytest.mark.filterwarnings("ignore:.*")
def test_they_pass_gymnasiums_own_checker(make: type) -> None:
    check_env(make(), skip_render_check=True)


def test_identity_pays_for_the_signal() -> None:
    agent = CallAgent(lambda obs: obs.argmax(axis=1), n_actions=4)
    episodes = collect(
        agent,
        resolve_env("pellucid/Identity-v0"),
        n_episodes=3,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
    )
    assert episodes.returns.tolist() == [10.0, 10.0, 10.0]


def test_only_the_critical_step_matters() -> None:
    def total(take_at: set[int]) -> float:
        env = make_env(resolve_env("pellucid/KeyDoorTrap-v0"))
        env.reset(seed=0)
        return sum(float(env.step(int(t in take_at))[1]) for t in range(KeyDoorTrap.length))

    assert total({KeyDoorTrap.critical_step}) == 10.0
    assert total(set(range(KeyDoorTrap.length))) == 10.0
    assert total(set(range(KeyDoorTrap.length)) - {KeyDoorTrap.critical_step}) == -10.0
    assert total(set()) == -10.0


def test_noisy_walk_reports_parts_that_add_up() -> None:
    episodes = collect(
        FixedAgent(2, 3),
        resolve_env("pellucid/NoisyWalk-v0"),
        n_episodes=2,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
    )
    for episode in episodes.used:
        np.testing.assert_allclose(sum(episode.terms.values()), episode.rewards, atol=1e-12)
        assert len(episode) < 20  # the right end is ten moves away
