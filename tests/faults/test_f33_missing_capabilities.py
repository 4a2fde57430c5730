"""F33: what cannot be branched says which capability is missing."""

from typing import Any

import numpy as np
import pytest
from tests.rollouts.agents import NO_NAMES, FixedAgent, wide_meter
from tests.rollouts.hostile import NoCopy, Unseeded

from pellucid.budget import Cost, Meter
from pellucid.envs import resolve_env
from pellucid.errors import CapabilityError
from pellucid.rollouts import Branch, Episodes, collect, run_branches, snapshot_way


def run(env: Any, n_episodes: int = 3) -> Episodes:
    return collect(
        FixedAgent(1),
        resolve_env(env),
        n_episodes=n_episodes,
        seed=0,
        meter=wide_meter(),
        names=NO_NAMES,
    )


BRANCH = Branch(0, 1, np.array([0]), None)


def test_f33_an_environment_that_cannot_be_copied_is_replayed() -> None:
    way = snapshot_way(run(NoCopy), meter=wide_meter(), seed=0)
    assert way.kind == "replay"


def test_f33_an_environment_that_does_not_repeat_itself_is_refused_with_the_count() -> None:
    episodes = run(Unseeded)
    meter = wide_meter()
    with pytest.raises(
        CapabilityError, match=r"did not repeat itself under one seed \(\d of 9 replays differed\)"
    ) as refused:
        run_branches(FixedAgent(1), episodes, [BRANCH], meter=meter)
    assert "np_random" in str(refused.value.hint)
    assert meter.used.env_steps > 0  # probes are paid for
    before = meter.used
    with pytest.raises(CapabilityError):
        snapshot_way(episodes, meter=meter, seed=0)
    assert meter.used == before  # and remembered


def test_f33_logs_have_no_environment() -> None:
    stored = run(NoCopy)
    logs = Episodes(stored.attempted, None, stored.names, -1, "greedy")
    with pytest.raises(CapabilityError, match="without an environment"):
        run_branches(FixedAgent(1), logs, [BRANCH], meter=wide_meter())


def test_f33_no_usable_episode() -> None:
    stored = run(NoCopy)
    empty = Episodes((), stored.spec, stored.names, 0, "greedy")
    with pytest.raises(CapabilityError, match="empty"):
        snapshot_way(empty, meter=Meter(Cost(0, 0)), seed=0)
