"""Branch gap where one wrong action on a critical step costs exactly one point."""

import random

import numpy as np
import pytest

from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.branch_gap import branch_gap
from tests.faithfulness.cases import Cues, Follower, check, cues, futures, run


def _scores(step, *, hold=1, n_actions=3, seed=0, **kwargs):
    agent, episodes = cues(n_actions=n_actions, **kwargs)
    content = futures(episodes, step, hold=hold, n_actions=n_actions)
    return branch_gap(check(agent, episodes, content, seed=seed))


def test_the_wrong_action_on_a_critical_step_costs_exactly_one_point():
    same, other = _scores(6)
    assert (same.metric, other.metric) == ("branch_gap.same_action", "branch_gap.random_action")
    assert (same.interval.value, same.interval.n, same.interval.constant) == (1.0, 20, True)
    assert same.gap == same.interval
    assert (same.control.interval.value, same.control.interval.constant) == (0.0, True)
    assert judge(same, complete=True, rerun_possible=True).badge == "supported"
    # the third action is as wrong as the foil
    assert (other.role, other.gap.value, other.control.interval.value) == ("supporting", 0.0, 1.0)


def test_an_action_without_consequence_fails():
    same, _ = _scores(12)
    assert (same.gap.value, same.gap.constant) == (0.0, True)
    assert judge(same, complete=True, rerun_possible=True).badge == "failed"


def test_f41_a_costly_foil_beats_one_without_consequence():
    assert _scores(6)[0].gap.value > _scores(12)[0].gap.value


def test_noise_shared_by_both_arms_never_passes_for_a_difference():
    # sums of the same noise in another order differ in the last bits
    same, _ = _scores(12, noise=1000.0)
    assert same.gap.value == 0.0
    same, _ = _scores(6, noise=0.1)
    assert same.interval.value == pytest.approx(1.0)
    assert same.interval.constant


def test_the_foil_is_held_as_long_as_the_explanation_says():
    # held from step 5 for three steps it follows the new cues by luck only: a third of the time
    same, _ = _scores(5, hold=3)
    assert same.interval.low < 1 + 2 * 2 / 3 < same.interval.high
    assert not same.interval.constant


def test_with_two_actions_there_is_no_third_one():
    same, other = _scores(6, n_actions=2)
    assert same.gap.value == 1.0
    judged = judge(other, complete=True, rerun_possible=True)
    assert (judged.badge, judged.applicable, judged.role) == ("not_measured", False, "supporting")


def test_noise_that_cannot_be_re_seeded_has_no_standard_error():
    class Hidden(Cues):
        """Its noise is a closure's, seeded by reset and out of reach afterwards."""

        def reset(self, *, seed=None, options=None):
            source = random.Random(seed)
            self.draw = lambda: source.random()
            return super().reset(seed=seed)

        def step(self, action):
            observation, reward, ended, cut, info = super().step(action)
            return observation + self.draw(), reward, ended, cut, info

        def _observe(self):
            return np.array([self.t / 20, 0.0])

    agent = Follower()
    episodes = run(agent, Hidden, n_episodes=2)
    with pytest.raises(CapabilityError, match="cannot be re-seeded"):
        branch_gap(check(agent, episodes, futures(episodes, 6)))


def test_f36_a_budget_for_less_than_five_futures_is_refused():
    agent, episodes = cues()
    made = check(agent, episodes, futures(episodes, 6), queries=50)
    with pytest.raises(BudgetError, match="5") as caught:
        branch_gap(made)
    assert "environment steps" in caught.value.hint
    assert made.meter.used.queries <= 50


def test_f43_same_seed_same_scores():
    assert _scores(5, hold=3) == _scores(5, hold=3)
