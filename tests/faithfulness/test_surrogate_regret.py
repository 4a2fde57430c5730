"""Regret of a stand-in in its own states, by hand, and in which unit."""

import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.faithfulness.surrogate_regret import surrogate_regret
from pellucid.types import Categorical
from tests.faithfulness.cases import Linear, check, cues, signs
from tests.faithfulness.trees import stump

WEIGHTS = (2.0, 0.0, 0.0, 0.0)


class Softmax(Linear):
    """The same preferences as probabilities."""

    def __init__(self, weights):
        super().__init__(weights)
        self.capabilities = frozenset({"distribution"})

    def distribution(self, observations):
        exps = np.exp(self.q_values(observations))
        return Categorical(exps / exps.sum(axis=1, keepdims=True))


def score(content, agent=None):
    linear, episodes = signs(weights=WEIGHTS)
    return surrogate_regret(check(agent or linear, episodes, content))[0]


def test_the_same_rule_regrets_nothing():
    found = score(stump(0))
    assert (found.interval.value, found.direction) == (0.0, "lower")
    assert found.gap.low > 0
    assert found.value_unit == "Q-value per step"


def test_the_opposite_rule_regrets_the_whole_difference():
    # Q is 0 and 2 x; choosing the lower one costs 2 |x| on average, for x normal
    _, episodes = signs(weights=WEIGHTS)
    shown = np.concatenate([e.observations[:-1, 0] for e in episodes.used])
    found = score(stump(0, flipped=True))
    assert found.interval.value == pytest.approx(2 * np.abs(shown).mean())
    assert found.gap.value < 0


def test_without_q_values_it_is_the_gap_of_log_probabilities():
    _, episodes = signs(weights=WEIGHTS)
    shown = np.concatenate([e.observations[:-1, 0] for e in episodes.used])
    found = score(stump(0, flipped=True), Softmax(WEIGHTS))
    # log p(1) - log p(0) is the difference of the scores, 2 x
    assert found.interval.value == pytest.approx(2 * np.abs(shown).mean())
    assert found.value_unit == "log-probability per step"


def test_an_agent_that_only_acts_has_no_regret():
    agent, episodes = cues(5)
    with pytest.raises(CapabilityError, match="neither Q-values nor probabilities"):
        surrogate_regret(check(agent, episodes, stump(0, n_inputs=2)))
