"""What a planted agent remembers is known; the explanation must say so, and only so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.agents.contexts import Forgetful, Rememberer
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.envs.small.recall import Recall
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explainers.state.memory import Memory
from pellucid.explanation import Contributions
from pellucid.rollouts.remembered import Moment, same_choices, stretch_name

ENV = "pellucid.envs.small.recall:Recall"
TRAINED = Path(__file__).parents[2] / "data" / "contrib" / "recurrent_recall.zip"


def episodes_of(agent: Any, n_episodes: int = 20) -> Any:
    return pl.collect(agent, ENV, n_episodes=n_episodes, seed=0)


def test_all_is_due_to_the_sign_five_steps_before() -> None:
    agent = Rememberer()
    episodes = episodes_of(agent)
    finding = Memory().explain(task(agent, episodes))
    content = finding.content
    assert isinstance(content, Contributions)
    assert content.names[4] == "5 steps before"
    np.testing.assert_array_equal(content.moments, [(e, 5) for e in range(20)])
    np.testing.assert_array_equal(content.values[:4], np.zeros(4))
    # another episode has the other sign in half of the cases
    assert content.values[4] == pytest.approx(50.0, abs=6.0)
    assert content.values.sum() == pytest.approx(content.total)
    np.testing.assert_allclose(content.by_moment.mean(axis=0), content.values)
    # each stretch is one step here, counted back from step 5
    np.testing.assert_array_equal(content.spans[0], [[4 - i, 5 - i] for i in range(5)])
    assert finding.identity_error == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("trained", [False, True])
def test_the_explanation_says_that_it_remembers(trained: bool) -> None:
    agent = pl.load_agent(TRAINED, env=Recall()) if trained else Rememberer()
    explanation = pl.explain(agent, episodes_of(agent), method="memory", seed=0)
    assert explanation.badge == "supported"
    assert "It remembers earlier steps: without what it saw 5 steps before" in explanation.text
    # the sign is taken out: half of the answers turn
    interval = explanation.faithfulness[0].interval
    assert interval.low < 50.0 < interval.high


def test_a_memory_that_changes_nothing_fails_and_says_so() -> None:
    agent = Forgetful()
    explanation = pl.explain(agent, episodes_of(agent), method="memory", seed=0)
    assert explanation.badge == "failed"
    assert "we could not show that it goes by it" in explanation.text
    assert explanation.content.total == 0.0


def test_same_seed_same_values_and_the_budget_is_kept() -> None:
    agent = Rememberer()
    episodes = episodes_of(agent, 6)
    found = []
    for queries in (10**6, 10**6, 4_000):
        asked = task(agent, episodes, queries=queries)
        planned = Memory().plan(asked)
        found.append(Memory().explain(asked))
        assert asked.meter.used.queries <= planned.queries <= queries
    np.testing.assert_array_equal(found[0].content.values, found[1].content.values)
    assert not found[0].left_out
    assert "in place of 6 by 20" in found[2].left_out[0]


def test_too_small_a_budget_says_what_is_needed() -> None:
    with pytest.raises(BudgetError, match="forming memories anew"):
        Memory().plan(task(Rememberer(), episodes_of(Rememberer()), queries=500))


def test_an_agent_without_memory_has_none_to_explain() -> None:
    agent = LinearQ(np.eye(3)[:, :2])
    with pytest.raises(CapabilityError, match="has no memory"):
        Memory().plan(task(agent, logged(3, 2)))


def test_memories_that_were_not_recorded_are_asked_for() -> None:
    with pytest.raises(CapabilityError, match="hold no memories"):
        Memory().plan(task(Rememberer(), logged(3, 2)))


def test_a_moment_is_cut_into_stretches_that_cover_the_past_once() -> None:
    for step in (1, 2, 5, 8, 9, 64, 65, 300):
        moment = Moment(0, step)
        covered = [range(*moment.steps_of(k)) for k in range(moment.n_stretches)]
        steps = [s for stretch in reversed(covered) for s in stretch]
        assert steps == list(range(step))


def test_stretches_are_named_by_what_is_there() -> None:
    assert [stretch_name(k, 6) for k in range(5)] == [
        "1 step before",
        "2 steps before",
        "3 steps before",
        "4 steps before",
        "5 to 6 steps before",
    ]


def test_with_everything_kept_it_chooses_as_it_did() -> None:
    agent = Rememberer()
    episodes = episodes_of(agent, 6)
    for step in range(1, 6):
        moment = Moment(2, step)
        kept = np.ones((1, moment.n_stretches), dtype=bool)
        assert same_choices(agent, episodes, moment, [episodes[0]], kept).tolist() == [1.0]


def test_what_is_older_than_the_window_is_the_memory_of_that_step() -> None:
    class Long(Recall):
        n_steps = 90

    agent = Rememberer()
    episodes = pl.collect(agent, Long, n_episodes=6, seed=0)
    content = Memory().explain(task(agent, episodes)).content
    assert content.names[-1] == "more than 64 steps before"
    np.testing.assert_array_equal(content.values[:-1], 0.0)
    assert content.values[-1] > 30.0
