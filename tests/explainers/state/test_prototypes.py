"""Prototypes of agents whose kinds of states are known."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from tests.explainers.cases import LinearQ, logged, task

from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.state.prototypes import N_EXAMPLES, Prototypes, picked_examples
from pellucid.rollouts.likeness import INPUTS, LATENT

WEIGHTS = np.array([[1.0, -1.0], [0.0, 0.0]])
"""Chooses by the sign of the first input; the second one is never read."""


class Layered(LinearQ):
    """Shows the sign of the first input as its hidden layer."""

    def latent(self, observations):
        return np.sign(observations[:, :1])


def explained(agent=None, episodes=None, **kwargs):
    agent = agent or LinearQ(WEIGHTS)
    return Prototypes().explain(task(agent, episodes or logged(2, 2), **kwargs))


def test_examples_of_separate_kinds_are_one_of_each():
    columns = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0], [9.1]])
    choices = np.array([0, 0, 0, 1, 1, 0, 0])
    found = picked_examples(columns, choices, 2)
    assert sorted(choices[found].tolist()) == [0, 0, 1, 1]
    kinds = {0 if c < 1 else 1 if c < 6 else 2 for c in columns[found][:, 0]}
    assert kinds == {0, 1, 2}


def test_moments_come_from_every_other_episode_and_are_counted_in_the_others():
    episodes = logged(2, 2, lengths=(40, 40, 40, 40))
    content = explained(episodes=episodes).content
    assert set(content.examples[:, 0].tolist()) <= {0, 2}
    assert content.held_out.tolist() == [1, 3]
    assert content.support.sum() == 80
    assert (np.diff(content.support) <= 0).all()
    first = [episodes[e].observations[t, 0] for e, t in content.examples]
    np.testing.assert_array_equal(content.outcomes, np.less(first, 0))


def test_how_often_a_moment_is_right_is_counted_by_hand():
    episodes = logged(2, 2, lengths=(40, 40))
    finding = explained(episodes=episodes)
    content = finding.content
    shown = np.array([episodes[e].observations[t] for e, t in content.examples])
    held = episodes[1].observations[:-1]
    near = np.linalg.norm((held[:, None] - shown) / content.scale, axis=2).argmin(axis=1)
    right = content.outcomes[near] == (held[:, 0] < 0)
    for i in range(len(shown)):
        assert content.support[i] == (near == i).sum()
        assert content.precision[i] == pytest.approx(right[near == i].mean())
        assert content.precision_lows[i] < content.precision[i] <= content.precision_highs[i]
    assert finding.facts["told"].value == pytest.approx(100 * right.mean())
    assert finding.facts["told"].value > 75


def test_a_hidden_layer_is_used_where_one_is_shown():
    agent = Layered(WEIGHTS, capabilities=frozenset({"q_values", "latent"}))
    content = explained(agent).content
    assert content.likeness == LATENT
    # all states of one choice are alike in it: one example tells them all
    assert len(content.examples) == 2
    np.testing.assert_array_equal(content.precision, 1.0)
    assert explained().content.likeness == INPUTS


def test_rules_say_where_the_moment_is_what_was_seen_and_what_is_chosen():
    episodes = logged(2, 2, lengths=(30, 30))
    content = explained(episodes=episodes, options={"examples": 1}).content
    (e, t), row = content.examples[0], int(content.outcomes[0])
    seen = episodes[int(e)].observations[int(t)]
    assert content.rules[0] == (
        f"like step {t} of episode {e} (input 0 {seen[0]:.3g}, input 1 {seen[1]:.3g}): action {row}"
    )


def test_as_many_examples_as_asked_for():
    assert len(explained().content.examples) == 2 * N_EXAMPLES
    assert len(explained(options={"examples": 1}).content.examples) == 2
    assert len(explained(options={"examples": 99}).content.examples) <= 20
    with pytest.raises(InputError, match="examples must be a whole number"):
        explained(options={"examples": 1.5})


def test_actions_that_start_elsewhere_are_told_by_their_place():
    class Shifted(LinearQ):
        def act(self, observations):
            return 5 + super().act(observations)

    agent = Shifted(WEIGHTS)
    agent.action_space = Discrete(2, start=5)
    content = explained(agent).content
    assert set(content.outcomes.tolist()) == {0, 1}


def test_each_answer_is_paid_for_once():
    given = task(LinearQ(WEIGHTS), logged(2, 2))
    assert Prototypes().plan(given).queries == 90
    Prototypes().explain(given)
    assert given.meter.used.queries == 90
    agent = Layered(WEIGHTS, capabilities=frozenset({"latent"}))
    assert Prototypes().plan(task(agent, logged(2, 2))).queries == 180
    with pytest.raises(BudgetError, match="takes 90 agent queries; 89 are left"):
        explained(queries=89)


def test_what_cannot_be_shown_is_refused_with_what_would_work():
    agent = LinearQ(WEIGHTS)
    agent.action_space = Box(-1.0, 1.0, (2,))
    with pytest.raises(CapabilityError, match="not one choice") as caught:
        explained(agent)
    assert "nearest-trajectory" in caught.value.hint
    with pytest.raises(DataError, match="there are 1"):
        explained(episodes=logged(2, 2, lengths=(30,)))


def test_the_recorded_actions_are_used_where_nobody_can_be_asked():
    from pellucid.agents.recorded import RecordedAgent
    from pellucid.agents.spaces import Spaces

    spaces = Spaces(Box(-9.0, 9.0, (2,)), Discrete(2))
    episodes = logged(2, 2, lengths=(30, 30, 30, 30))
    acted = tuple(
        replace(e, actions=(e.observations[:-1, 0] < 0).astype(np.int64))
        for e in episodes.attempted
    )
    agent = RecordedAgent("log", spaces, {})
    given = task(agent, replace(episodes, attempted=acted))
    content = Prototypes().explain(given).content
    assert given.meter.used.queries == 0
    assert content.precision.mean() > 0.7
