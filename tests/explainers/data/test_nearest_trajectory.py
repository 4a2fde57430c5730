"""Nearest trajectories where distances are known by hand."""

import numpy as np
import pytest
from tests.agents.contexts import Rememberer
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.agents.recorded import recorded_agent
from pellucid.agents.spaces import Spaces
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.data import nearest_trajectory
from pellucid.explainers.data.nearest_trajectory import INPUTS, LATENT, NearestTrajectory

WEIGHTS = np.array([[1.0, -1.0], [0.0, 0.0]])


class Hidden(LinearQ):
    """Shows the first input as its hidden layer; the second one it does not see."""

    def latent(self, observations):
        return observations[:, :1]


def hidden():
    return Hidden(WEIGHTS, capabilities=frozenset({"q_values", "latent"}))


def apart():
    """Three episodes of four steps; the second is near the first in one input, the third in both.

    The second input is far larger in the second episode.
    """
    episodes = logged(2, 2, lengths=(4, 4, 4))
    for place, episode in zip(
        ([0.0, 0.0], [0.1, 9.0], [0.15, 0.1]), episodes.attempted, strict=True
    ):
        episode.observations[:] = place
        episode.actions[:] = 0
    return episodes


def test_weights_follow_from_the_distances_by_hand(monkeypatch) -> None:
    monkeypatch.setattr(nearest_trajectory, "N_NEIGHBOURS", 8)
    content = NearestTrajectory().explain(task(hidden(), apart(), options={"episode": 0})).content
    # four moments at 0.1 and four at 0.15, the width is 0.125
    near, far = np.exp(-0.5 * 0.8**2), np.exp(-0.5 * 1.2**2)
    np.testing.assert_allclose(
        content.values, [0.0, 100 * near / (near + far), 100 * far / (near + far)]
    )
    np.testing.assert_allclose(content.by_moment.sum(axis=1), 100.0)
    assert content.moments[content.shown].tolist() == [0, 2]
    assert content.members.tolist() == [0, 1, 2]


def test_without_a_hidden_layer_inputs_decide_and_the_text_says_so(monkeypatch) -> None:
    monkeypatch.setattr(nearest_trajectory, "N_NEIGHBOURS", 4)
    for agent, episode, space in ((hidden(), 1, LATENT), (LinearQ(WEIGHTS), 2, INPUTS)):
        finding = NearestTrajectory().explain(task(agent, apart(), options={"episode": 0}))
        assert finding.facts["x"].value == f"episode {episode}"
        assert finding.facts["space"].value == space
        assert finding.facts["nearest"].value == f"step 0 of episode {episode}"


def test_a_log_without_its_agent_is_explained_without_a_query() -> None:
    agent = LinearQ(WEIGHTS)
    record = recorded_agent("log", Spaces(agent.observation_space, agent.action_space), "")
    asked = task(record, apart(), queries=0, options={"episode": 0, "step": 3})
    finding = NearestTrajectory().explain(asked)
    assert asked.meter.used.queries == 0
    assert finding.content.moments[finding.content.shown].tolist() == [0, 3]
    # all recorded actions are 0
    assert finding.facts["same"].value == finding.facts["k"].value


def test_the_plan_is_what_is_used() -> None:
    for agent in (hidden(), LinearQ(WEIGHTS)):
        asked = task(agent, logged(2, 2))
        planned = NearestTrajectory().plan(asked).queries
        NearestTrajectory().explain(asked)
        assert asked.meter.used.queries == planned
        with pytest.raises(BudgetError, match=f"takes {planned} agent queries"):
            NearestTrajectory().explain(task(agent, logged(2, 2), queries=planned - 1))


def test_what_cannot_be_explained_is_refused_with_what_would_work() -> None:
    with pytest.raises(CapabilityError, match="has a memory") as raised:
        NearestTrajectory().plan(task(Rememberer(), logged(3, 2)))
    assert "memory" in str(raised.value.hint)
    with pytest.raises(DataError, match="three or more"):
        NearestTrajectory().plan(task(LinearQ(WEIGHTS), logged(2, 2, lengths=(4,))))
    with pytest.raises(InputError, match="step 4 is not in episode 1"):
        NearestTrajectory().plan(task(LinearQ(WEIGHTS), apart(), options={"episode": 1, "step": 4}))


def test_episodes_that_are_all_alike_are_not_told_apart() -> None:
    episodes = logged(2, 2, lengths=(6,) * 10)
    for episode in episodes.attempted:
        episode.observations[:] = episodes.attempted[0].observations
        episode.actions[:] = episodes.attempted[0].actions
    result = pl.explain(LinearQ(WEIGHTS), episodes, method="nearest-trajectory", seed=0)
    assert result.badge == "failed"
    assert result.faithfulness[0].gap.value == 0.0
