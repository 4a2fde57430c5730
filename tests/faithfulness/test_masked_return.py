"""Return under masking, on a linear agent in an environment where each input's worth is known."""

import pickle
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

from pellucid.envs.rows import RowSpace
from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.hiding import InputHider, changed_choices
from pellucid.faithfulness.masked_return import masked_return
from tests.faithfulness.cases import N_STEPS, WEIGHTS, Linear, Signs, check, ranked, run, signs


def _score(importance, **kwargs):
    agent, episodes = signs(**kwargs)
    (score,) = masked_return(check(agent, episodes, ranked(episodes, importance)))
    return score


def test_hiding_the_input_that_matters_costs_what_it_must():
    # with input 0 replaced the sign is told by w = (3 x', 1, .3) against (3 x, 1, .3): the
    # correlation of both sums is 1.09 / 10.09, so that they agree in .534 of the steps
    score = _score((9, 3, 1, 0))
    agree = 0.5 + np.arcsin(1.09 / 10.09) / np.pi
    assert score.metric == "masked_return"
    assert score.interval.low < N_STEPS * (1 - agree) < score.interval.high
    assert score.control.interval.value < score.interval.value
    assert (score.unit, score.interval.n, score.value_unit) == ("episode", 12, "points")
    assert judge(score, complete=True, rerun_possible=True).badge == "supported"


def test_f41_oracle_beats_a_worse_ranking_beats_lot_beats_the_reverse():
    oracle, worse, reverse = (_score(w) for w in [(9, 3, 1, 0), (3, 9, 1, 0), (0, 1, 3, 9)])
    lot = np.mean([_score(np.eye(4)[i]).gap.value for i in range(4)])
    assert oracle.direction == "higher"
    assert oracle.gap.value > worse.gap.value
    assert oracle.gap.value > lot > reverse.gap.value
    assert lot == pytest.approx(0.0, abs=1e-9)  # the control is what a ranking by lot costs
    assert judge(reverse, complete=True, rerun_possible=True).badge == "failed"


def test_f37_hiding_an_ignored_input_costs_exactly_nothing():
    score = _score((0, 0, 0, 1))
    assert (score.interval.value, score.interval.constant) == (0.0, True)


def test_arms_share_their_seeds_so_that_hiding_nothing_that_counts_is_paired():
    # the control of an agent that reads one input is a quarter of the value, unit by unit
    agent, episodes = signs(weights=(1.0, 0.0, 0.0, 0.0))
    (score,) = masked_return(check(agent, episodes, ranked(episodes, (1, 0, 0, 0))))
    assert score.control.interval.value == pytest.approx(score.interval.value / 4)
    assert score.gap.value == pytest.approx(0.75 * score.interval.value)


def test_a_sampled_policy_draws_the_same_numbers_with_an_input_hidden():
    @dataclass
    class Sampling(Linear):
        """Draws its action with a probability that grows with the weighted sum."""

        capabilities: frozenset = frozenset({"sampling"})

        def sample(self, observations, rngs):
            draws = np.array([rng.random() for rng in rngs])
            return (draws < 1 / (1 + np.exp(-observations @ self.weights))).astype(np.int64)

    agent = Sampling((3.0, 1.0, 0.0))
    episodes = run(agent, partial(Signs, (3.0, 1.0, 0.0)), policy="sampled", seed=4)
    assert 0 < N_STEPS - episodes.returns.mean() < N_STEPS / 2
    (ignored,) = masked_return(check(agent, episodes, ranked(episodes, (0, 0, 1))))
    assert (ignored.interval.value, ignored.interval.constant) == (0.0, True)
    (top,) = masked_return(check(agent, episodes, ranked(episodes, (1, 0, 0))))
    assert judge(top, complete=True, rerun_possible=True).badge == "supported"


def test_more_than_ten_inputs_are_compared_with_ten_drawn_ones():
    weights = (5.0,) + (0.0,) * 14
    agent, episodes = signs(weights=weights, n_episodes=6)
    made = check(agent, episodes, ranked(episodes, weights))
    (score,) = masked_return(made)
    assert score.control.name == "hiding random inputs alone, on average"
    arms = 11 if score.control.interval.value == 0 else 10
    assert made.meter.used.env_steps == arms * 6 * N_STEPS


def test_f36_a_small_budget_lowers_the_number_of_episodes_and_is_never_exceeded():
    agent, episodes = signs()
    # 4 arms; the limit of 50 steps must be free before an episode is started
    for env_steps in (800, 1200, 4000):
        made = check(agent, episodes, ranked(episodes, WEIGHTS), env_steps=env_steps)
        (score,) = masked_return(made)
        assert 5 <= score.gap.n <= 12
        assert made.meter.used.env_steps <= env_steps
        assert made.meter.used.queries == made.meter.used.env_steps
    assert score.gap.n == 12


@pytest.mark.parametrize("budget", [{"env_steps": 600}, {"queries": 600}, {"env_steps": 0}])
def test_f36_a_budget_for_less_than_five_episodes_is_refused_before_any_work(budget):
    agent, episodes = signs()
    made = check(agent, episodes, ranked(episodes, WEIGHTS), **budget)
    with pytest.raises(BudgetError, match="5") as caught:
        masked_return(made)
    assert made.meter.used.env_steps == 0
    need = int("".join(c for c in caught.value.hint.partition("steps")[0] if c.isdigit()))
    assert need > 600
    masked_return(check(agent, episodes, ranked(episodes, WEIGHTS), env_steps=need, queries=need))


def test_f42_fewer_than_five_episodes_are_not_measured():
    score = _score((9, 3, 1, 0), n_episodes=3)
    judged = judge(score, complete=True, rerun_possible=True)
    assert (judged.badge, judged.reason) == (
        "not_measured",
        "only three episodes could be scored; five are needed",
    )


def test_f42_an_episode_that_fails_with_the_input_hidden_is_unscored_not_zero():
    class Breaks(Signs):
        def step(self, action):
            observation, reward, ended, cut, info = super().step(action)
            # only an agent that errs early gets here with less than a point per step
            self.earned = getattr(self, "earned", 0) + reward
            if self.earned < self.t - 9:
                raise RuntimeError("broke")
            return observation, reward, ended, cut, info

    agent, _ = signs(1)
    episodes = run(agent, Breaks)
    (score,) = masked_return(check(agent, episodes, ranked(episodes, (1, 0, 0, 0))))
    assert score.gap.n + score.gap.n_unscored == 12
    assert score.gap.n_unscored > 0


def test_logs_and_single_inputs_do_not_apply():
    agent, episodes = signs(2)
    logs = type(episodes)(episodes.attempted, None, episodes.names, -1, "greedy")
    with pytest.raises(CapabilityError, match="needs the environment"):
        masked_return(check(agent, logs, ranked(logs, WEIGHTS)))
    agent, episodes = signs(2, weights=(1.0,))
    with pytest.raises(CapabilityError, match="only one input"):
        masked_return(check(agent, episodes, ranked(episodes, (1.0,))))


def test_f43_same_seed_same_scores():
    assert _score((9, 3, 1, 0)) == _score((9, 3, 1, 0))


# --- the filter ---


def test_a_hider_replaces_one_input_by_visited_values_whatever_the_batch():
    visited = np.arange(50, dtype=np.float32)
    hider = pickle.loads(pickle.dumps(InputHider(1, visited, seed=3)))
    observations = np.full((6, 3), -1.0, dtype=np.float32)
    episodes, steps = np.repeat([0, 1], 3), np.tile([0, 1, 2], 2)
    seen = hider(observations, episodes, steps)
    assert (seen[:, [0, 2]] == -1).all()
    assert np.isin(seen[:, 1], visited).all()
    assert len(np.unique(seen[:, 1])) > 3
    assert seen.dtype == np.float32
    assert (observations == -1).all()
    alone = hider(observations[4:5], episodes[4:5], steps[4:5])
    assert alone[0, 1] == seen[4, 1]


def test_hidden_discrete_observations_stay_of_their_kind():
    hider = InputHider(0, np.array([4, 7]), seed=0)
    seen = hider(np.array([1, 2, 3]), np.zeros(3, dtype=int), np.arange(3))
    assert seen.shape == (3,)
    assert set(seen.tolist()) <= {4, 7}


def test_changed_choices_of_discrete_and_continuous_actions():
    before, after = np.array([0, 1, 2]), np.array([0, 2, 2])
    assert changed_choices(Discrete(3), before, after).tolist() == [False, True, False]
    bounded = Box(-1.0, 1.0, (2,))
    one = np.zeros((3, 2), dtype=np.float32)
    two = np.array([[0.19, 0], [0.21, 0], [0, -0.5]], dtype=np.float32)
    assert changed_choices(bounded, one, two).tolist() == [False, True, True]
    unbounded = Box(-np.inf, np.inf, (1,))
    one = np.array([[0.0], [10.0]], dtype=np.float32)  # moves by more than 1 count
    two = np.array([[0.9], [8.9]], dtype=np.float32)
    assert changed_choices(unbounded, one, two).tolist() == [False, True]


def test_actions_with_parts_change_if_any_part_does():
    space = RowSpace(Dict({"gear": Discrete(30), "push": Box(-5.0, 5.0, (1,))}))
    before = np.float32([[3, 0], [3, 0], [3, 0], [3, 0]])
    # one gear is a thirtieth of all, and another choice; a push of 1 is a tenth of its range
    after = np.float32([[3, 0], [4, 0], [3, 1.0], [3, 1.01]])
    assert changed_choices(space, before, after).tolist() == [False, True, False, True]
    levers = MultiDiscrete([2, 9])
    one, two = np.array([[0, 1], [0, 1]]), np.array([[0, 1], [0, 2]])
    assert changed_choices(levers, one, two).tolist() == [False, True]
