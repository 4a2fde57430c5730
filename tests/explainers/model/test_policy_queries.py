"""Queries about agents whose rules are known."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.rule import Rule, episodes_of, takes_the_key

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.model.policy_queries import PolicyQueries
from pellucid.faithfulness.planted.queries import known_rule, overlap, told_right
from pellucid.kernels.predicates import PredicateError


@pytest.fixture(scope="module")
def key():
    """The agent that takes the key, and its episodes: all alike, of 12 steps."""
    agent = takes_the_key()
    return agent, episodes_of(agent)


def answer(case, **options):
    return PolicyQueries().explain(task(*case, options=options))


# --- the three questions on the task whose answers are known ---


def test_when_it_takes_is_where_the_key_is_in_reach(key):
    finding = answer(key, when="take")
    content = finding.content
    assert finding.question == "When does it choose take?"
    assert content.rules == ("take where key in reach > 0.5",)
    assert content.conditions == ("x[1] > 0.5",)
    assert (content.outcomes.tolist(), content.exhaustive) == ([1], True)
    # every other of six episodes is held back, and each has one such state
    assert content.held_out.tolist() == [1, 3, 5]
    assert content.support.tolist() == [3]
    assert content.precision.tolist() == [1.0]
    # Wilson's interval of 3 in 3
    assert content.precision_lows[0] == pytest.approx(0.4385, abs=1e-4)


def test_when_it_walks_on_is_where_the_key_is_not_in_reach(key):
    assert answer(key, when="WALK_ON").content.rules == ("walk on where key in reach ≤ 0.5",)
    assert answer(key, when=0).content.rules == ("walk on where key in reach ≤ 0.5",)


def test_what_it_does_with_the_key_in_its_hand_is_to_walk_on(key):
    finding = answer(key, what="key_held")
    assert finding.question == "What does it do where key held is not 0?"
    assert finding.content.rules == ("walk on where key held is not 0",)
    # the key is taken at step 5 of 12, and held in steps 6 to 11
    assert finding.content.support.tolist() == [3 * 6]
    assert not finding.content.exhaustive


def test_what_it_does_before_the_middle_is_shared_between_two_actions(key):
    content = answer(key, what="place <= 0.42").content
    # steps 0 to 5, in one of which it takes
    assert content.rules == ("walk on where place ≤ 0.42", "take where place ≤ 0.42")
    np.testing.assert_allclose(content.precision, [5 / 6, 1 / 6])
    assert content.outcomes.tolist() == [0, 1]


def test_it_does_not_take_at_the_entrance_as_the_key_is_out_of_reach(key):
    finding = answer(key, why_not="take", episode=1, step=0)
    assert finding.question == "Why not take, at step 0 of episode 1?"
    assert finding.content.rules == ("take where key in reach > 0.5 (here key in reach is 0)",)


def test_where_the_key_is_it_does_not_walk_on(key):
    finding = answer(key, why_not="walk on", episode=0, step=5)
    assert finding.content.rules == ("walk on where key in reach ≤ 0.5 (here key in reach is 1)",)


def test_an_action_that_it_chooses_there_is_refused(key):
    with pytest.raises(InputError, match="it chooses take at step 5 of episode 0"):
        answer(key, why_not="take", episode=0, step=5)


def test_asked_for_nothing_it_tells_of_the_second_commonest_choice(key):
    assert answer(key).question == "When does it choose take?"


def test_asked_for_a_step_alone_it_tells_of_the_likeliest_other_action(key):
    assert answer(key, episode=0, step=2).question == "Why not take, at step 2 of episode 0?"


# --- predicates of the user ---


def test_answers_are_given_in_the_words_of_the_user(key):
    words = ["near = key_in_reach", "late = place > 0.5", "held = key_held"]
    assert answer(key, when="take", predicates=words).content.rules == ("take where near",)
    left = answer(key, when="walk on", predicates=words).content.rules
    assert left == ("walk on where not near",)
    held = answer(key, what="held and late", predicates={"held": "key_held", "late": "place > .5"})
    assert held.content.support.tolist() == [15]  # steps 7 to 11: step 6 lies at 0.5


def test_predicates_that_tell_nothing_of_the_action_are_refused(key):
    with pytest.raises(CapabilityError, match="commonest choice under no combination of 1"):
        answer(key, when="take", predicates=["place > 0.9"])


def test_a_known_rule_of_two_cases_is_found():
    setting = known_rule(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    for action in (0, 1):
        content = answer((setting.agent, episodes), when=action).content
        assert told_right(content, setting.truth) > 0.93
        assert overlap(content, setting.truth) == 1.0
    assert len(content.rules) == 2


class Numbers(gymnasium.Env):
    """Ten numbered rooms in random order."""

    observation_space, action_space = Discrete(10), Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 30
        return int(self.np_random.integers(10)), {}

    def step(self, action):
        self.left -= 1
        return int(self.np_random.integers(10)), 0.0, self.left == 0, False, {}


def test_categories_are_told_by_their_values():
    agent = pl.load_agent(lambda rooms: np.where(rooms == 4, 2, 0), env=Numbers)
    episodes = pl.collect(agent, Numbers, n_episodes=6, seed=0)
    assert answer((agent, episodes), when=2).content.conditions == ("x[0] == 4.0",)


# --- tests and badges ---


def test_rules_that_are_right_are_supported(key):
    agent = takes_the_key()
    episodes = episodes_of(agent, n_episodes=10)
    result = pl.explain(agent, episodes, method="policy-queries", seed=0)
    assert (result.badge, result.decisive) == ("supported", "rule_agreement")
    assert "It chooses take where key in reach > 0.5" in result.text
    assert result.faithfulness[0].interval.value == 100.0
    assert result.faithfulness[0].control.interval.value == pytest.approx(50.0)


def test_logs_are_answered_and_tested_on_what_was_held_back():
    agent, episodes = LinearQ(np.array([[0.0, 1.0], [0.0, 0.0]])), logged(2, 2, lengths=[20] * 24)
    result = pl.explain(agent, episodes, method="policy-queries", seed=0, options={"when": 1})
    assert result.content.conditions[0].startswith("x[0] > ")
    assert (result.badge, result.decisive) == ("supported", "held_out_agreement")
    assert "held back" in result.text


def test_one_episode_has_nothing_to_check_on():
    agent = LinearQ(np.array([[0.0, 1.0], [0.0, 0.0]]))
    finding = answer((agent, logged(2, 2, lengths=(40,))), when=1)
    assert np.isnan(finding.content.precision).all()
    assert "not measured" in finding.warnings[0]


# --- what cannot be asked ---


def test_an_action_that_is_never_chosen_and_one_that_always_is_are_refused():
    agent, episodes = LinearQ(np.array([[0.0, 0.0]])), logged(1, 2)
    with pytest.raises(CapabilityError, match="chooses action 1 in none of"):
        answer((agent, episodes), when=1)
    with pytest.raises(CapabilityError, match="chooses action 0 in all of"):
        answer((agent, episodes))


def test_a_predicate_that_never_holds_is_said(key):
    with pytest.raises(CapabilityError, match="in none of 36 visited states it holds that"):
        answer(key, what="place > 3")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"when": "take", "what": "key_held"}, InputError, "one question at a time"),
        ({"when": "jump"}, InputError, "no action 'jump'"),
        ({"when": 2}, InputError, "no action 2"),
        ({"what": "plaice < 1"}, PredicateError, "no input plaice"),
        ({"what": 3}, InputError, "must be a text"),
        ({"predicates": "key_held"}, InputError, "must be a list of texts"),
        ({"predicates": ["place = key_held"]}, InputError, "place of a predicate is taken"),
        ({"predicates": ["a = key_held", "a = place > 1"]}, InputError, "a of a predicate"),
        ({"predicates": ["key_held"] * 13}, InputError, "at most 12 predicates"),
        ({"most_predicates": 13}, InputError, "from 1 to 12"),
        ({"why_not": "take", "episode": 99}, InputError, "episode 99 is not there"),
    ],
)
def test_questions_that_cannot_be_read_are_refused(options, error, words, key):
    with pytest.raises(error, match=words):
        answer(key, **options)


def test_the_action_must_be_one_choice():
    agent = LinearQ(np.eye(2))
    agent.action_space = Box(-1, 1, (2,))
    with pytest.raises(CapabilityError, match="Box actions are none"):
        PolicyQueries().plan(task(agent, logged(2, 2)))


def test_images_are_refused():
    agent = LinearQ(np.eye(2))
    episodes = logged(2, 2, lengths=(3,))
    seen = replace(episodes[0], observations=np.zeros((4, 16, 16)))
    with pytest.raises(CapabilityError, match="of an image"):
        PolicyQueries().plan(task(agent, replace(episodes, attempted=(seen,))))


def test_no_states_and_too_small_a_budget_are_refused():
    agent = LinearQ(np.eye(2))
    with pytest.raises(DataError, match="no visited states"):
        PolicyQueries().plan(task(agent, logged(2, 2, lengths=())))
    with pytest.raises(BudgetError, match="20 states"):
        PolicyQueries().plan(task(agent, logged(2, 2), queries=19))


def test_a_rule_agent_of_three_actions_is_asked_for_each():
    agent = Rule("pellucid/Identity-v0", lambda s: s)
    episodes = episodes_of(agent, n_episodes=4)
    n_actions = agent.action_space.n
    found = [answer((agent, episodes), when=a).content.conditions for a in range(n_actions)]
    assert len(set(found)) == n_actions
