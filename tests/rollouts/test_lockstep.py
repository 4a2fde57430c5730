from typing import Any

import numpy as np

from pellucid.envs import resolve_env
from pellucid.rollouts.collecting import collect
from pellucid.rollouts.lockstep import LANES, close, one_line
from tests.rollouts.agents import NO_NAMES, CallAgent, wide_meter


def test_never_more_than_the_lanes_are_asked_at_once_and_they_are_refilled() -> None:
    sizes = []

    def note(observations: Any) -> Any:
        sizes.append(len(observations))
        return np.zeros(len(observations), np.int64)

    spec = resolve_env("tests.rollouts.hostile:RandomLength")
    collect(CallAgent(note), spec, n_episodes=200, seed=0, meter=wide_meter(), names=NO_NAMES)
    assert max(sizes) == LANES
    assert sizes[10] == LANES  # some have ended by then


def test_an_environment_that_fails_to_close_has_done_its_work() -> None:
    asked = []

    class Stuck:
        def close(self) -> None:
            asked.append(self)
            raise OSError("busy")

    close(Stuck())
    close(None)
    assert len(asked) == 1


def test_messages_are_one_short_line() -> None:
    assert one_line(ValueError("a\n  b")) == "ValueError: a b"
    assert len(one_line(ValueError("x" * 10_000))) == 300
