"""Return of a stand-in: losses and limits that can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.student_return import student_return
from tests.faithfulness.cases import N_STEPS, Linear, check, run, signs
from tests.faithfulness.trees import stump

ONE_INPUT = (1.0, 0.0, 0.0, 0.0)


def score(content, *, weights=ONE_INPUT, **more):
    agent, episodes = signs(weights=weights)
    return student_return(check(agent, episodes, content, **more))[0]


def test_the_same_rule_loses_nothing_and_the_gap_is_the_limit():
    found = score(stump(0))
    assert (found.interval.value, found.interval.constant) == (0.0, True)
    # the agent is right in every step, random actions in half of them: a tenth of the difference
    assert found.control.interval.value == pytest.approx(0.1 * N_STEPS / 2, abs=0.15)
    assert found.gap.value == found.control.interval.value
    assert judge(found, complete=True, rerun_possible=True).badge == "supported"


def test_the_opposite_rule_loses_everything():
    found = score(stump(0, flipped=True))
    assert found.interval.value == N_STEPS
    assert found.gap.value == pytest.approx(found.control.interval.value - N_STEPS)
    assert judge(found, complete=True, rerun_possible=True).badge == "failed"


def test_a_blind_rule_loses_half():
    found = score(stump(3))
    assert found.interval.value == pytest.approx(N_STEPS / 2, abs=1.0)
    assert found.interval.n == 12


def test_episodes_are_paired_by_their_seeds():
    agent, episodes = signs(weights=ONE_INPUT)
    bare = check(agent, episodes, stump(1))
    found = student_return(bare)[0]
    right = [
        np.sum((e.observations[:-1, 1] > 0) == (e.observations[:-1, 0] > 0)) for e in episodes.used
    ]
    assert found.interval.value == pytest.approx(np.mean(episodes.returns - right))


def test_only_environment_steps_are_spent():
    agent, episodes = signs(weights=ONE_INPUT)
    asked = check(agent, episodes, stump(0))
    student_return(asked)
    assert asked.meter.used.queries == 0
    assert asked.meter.used.env_steps == 2 * 12 * N_STEPS


def test_a_small_budget_is_refused_with_what_is_needed():
    with pytest.raises(BudgetError, match="need more than is left") as refused:
        score(stump(0), env_steps=120)
    assert "environment steps" in refused.value.hint


def test_an_agent_no_better_than_chance_has_no_return_to_keep():
    agent = Linear((-1.0, 0.0, 0.0, 0.0))
    _, other = signs(weights=ONE_INPUT)
    episodes = run(agent, other.spec.factory)
    with pytest.raises(CapabilityError, match="no more than random actions"):
        student_return(check(agent, episodes, stump(0)))


def test_logs_and_other_forms_cannot_be_run():
    agent, episodes = signs(5)
    with pytest.raises(CapabilityError, match="logs without an environment"):
        student_return(check(agent, replace(episodes, spec=None), stump(0)))
    with pytest.raises(CapabilityError, match="cannot be run"):
        student_return(check(agent, episodes, replace(stump(0), features=np.empty(0, np.int64))))
