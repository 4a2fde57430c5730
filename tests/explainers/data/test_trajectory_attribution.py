"""Trajectory attribution where the groups, and what each of them teaches, are known."""

import numpy as np
import pytest
from tests.agents.contexts import Rememberer
from tests.explainers.cases import LinearQ, logged, task

from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.data.trajectory_attribution import TrajectoryAttribution
from pellucid.explanation.contributors import named_episodes

AGENT = LinearQ(np.array([[1.0, -1.0], [0.0, 0.0]]))
"""Takes action 0 where the first input is above 0."""


def three_kinds():
    """Nine episodes at three places; action 0 is right at the first one only."""
    episodes = logged(2, 2, lengths=(8,) * 9)
    rng = np.random.default_rng(0)
    for number, episode in enumerate(episodes.attempted):
        place = ([2.0, 0.0], [-2.0, 1.0], [-2.0, -1.0])[number % 3]
        episode.observations[:] = rng.normal(place, 0.05, size=(9, 2))
        episode.actions[:] = int(number % 3 > 0)
    return episodes


def test_episodes_at_one_place_are_one_group_and_carry_its_choices() -> None:
    options = {"clusters": 3, "episode": 3, "step": 4}
    finding = TrajectoryAttribution().explain(task(AGENT, three_kinds(), options=options))
    content = finding.content
    assert content.members.tolist() == [0, 1, 2] * 3
    assert all(name.startswith("3 episodes like episode ") for name in content.names)
    assert named_episodes(content, content.shown).tolist() == [0, 6]
    # no other group says anything of action 0
    assert content.values[0] > 30.0
    assert finding.facts["turns"].value == "yes"
    assert content.values[1:].tolist() == [0.0, 0.0]


def test_a_kind_whose_choice_others_teach_as_well_turns_nothing() -> None:
    options = {"clusters": 3, "episode": 1, "step": 4}
    finding = TrajectoryAttribution().explain(task(AGENT, three_kinds(), options=options))
    assert finding.facts["turns"].value == "no"


def test_the_plan_is_what_is_used() -> None:
    asked = task(AGENT, three_kinds())
    planned = TrajectoryAttribution().plan(asked).queries
    TrajectoryAttribution().explain(asked)
    assert asked.meter.used.queries == planned == 37
    with pytest.raises(BudgetError, match="takes 37 agent queries; 36 are left"):
        TrajectoryAttribution().explain(task(AGENT, three_kinds(), queries=36))


def test_what_cannot_be_grouped_is_refused() -> None:
    with pytest.raises(InputError, match="from 2 to 20, got 1"):
        TrajectoryAttribution().plan(task(AGENT, three_kinds(), options={"clusters": 1}))
    with pytest.raises(DataError, match="9 episodes cannot be put into 9 groups"):
        TrajectoryAttribution().plan(task(AGENT, three_kinds(), options={"clusters": 9}))
    with pytest.raises(DataError, match="needs three or more, got 2"):
        TrajectoryAttribution().plan(task(AGENT, logged(2, 2, lengths=(5, 5))))
    with pytest.raises(CapabilityError, match="has a memory"):
        TrajectoryAttribution().plan(task(Rememberer(), logged(3, 2)))
