"""F27: what a time limit cut off would have gone on; what the environment ended would not."""

import numpy as np
from tests.rollouts.agents import NO_NAMES, FixedAgent, wide_meter

from pellucid.envs import resolve_env
from pellucid.kernels.returns import discounted_returns, value_targets
from pellucid.rollouts import Episode, collect

DISCOUNT = 0.9
# of "go forward" in the chain 0 -> 1 -> 2 that pays 1 on arrival in 2, where it ends
VALUES = np.array([0.9, 1.0, 0.0])


def episode(action: int, max_steps: int) -> Episode:
    spec = resolve_env("pellucid/Chain-v0", kwargs={"max_episode_steps": max_steps})
    return collect(
        FixedAgent(action), spec, n_episodes=1, seed=0, meter=wide_meter(), names=NO_NAMES
    )[0]


def targets(of: Episode, values: np.ndarray) -> np.ndarray:
    return value_targets(
        of.rewards, values[of.observations[1:]], DISCOUNT, terminated=of.terminated
    )


def test_f27_termination_is_not_bootstrapped() -> None:
    ended = episode(action=1, max_steps=20)
    assert (ended.terminated, ended.truncated) == (True, False)
    # a value of 5 for the terminal state must not leak into its target
    wrong_end = np.array([0.9, 1.0, 5.0])
    np.testing.assert_allclose(targets(ended, wrong_end), [0.9 * 1.0, 1.0])
    np.testing.assert_allclose(discounted_returns(ended.rewards, DISCOUNT), [0.9, 1.0])


def test_f27_truncation_is_bootstrapped() -> None:
    cut = episode(action=1, max_steps=1)
    assert (cut.terminated, cut.truncated) == (False, True)
    np.testing.assert_allclose(targets(cut, VALUES), [0.9 * 1.0])
    final = float(VALUES[cut.observations[-1]])
    np.testing.assert_allclose(
        discounted_returns(cut.rewards, DISCOUNT, final_value=final), [VALUES[0]]
    )


def test_f27_staying_until_the_limit_keeps_the_value_of_the_last_state() -> None:
    cut = episode(action=0, max_steps=3)
    assert cut.truncated
    np.testing.assert_allclose(targets(cut, VALUES), [0.81, 0.81, 0.81])


def test_f27_no_steps_have_no_targets() -> None:
    nothing = np.empty(0)
    assert value_targets(nothing, nothing, DISCOUNT, terminated=True).shape == (0,)
    assert discounted_returns(nothing, DISCOUNT).shape == (0,)
