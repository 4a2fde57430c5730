"""Critical-step drop where only steps 5 to 7 count: following the cue there pays 1 each."""

import pytest

from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.step_drop import step_drop
from tests.faithfulness.cases import N_STEPS, check, cues, stretches


def _scores(chosen, lowest=12, *, noise=0.0, length=3, **kwargs):
    agent, episodes = cues(noise=noise)
    content = stretches(episodes, chosen, lowest, length=length)
    return step_drop(check(agent, episodes, content, **kwargs))


def test_random_actions_in_the_critical_stretch_cost_two_of_its_three_points():
    # of 3 actions a random one follows the cue in a third of the steps
    random, lowest = _scores(chosen=5)
    assert (random.metric, lowest.metric) == ("step_drop.random", "step_drop.lowest")
    assert random.interval.low < 2.0 < random.interval.high
    assert random.interval.n == 20
    assert (lowest.control.interval.value, lowest.control.interval.constant) == (0.0, True)
    # a random stretch of 3 of 20 steps covers .5 critical steps on average: 3 * 3 / 18
    assert random.control.interval.low < 1 / 3 < random.control.interval.high
    for score in (random, lowest):
        assert judge(score, complete=True, rerun_possible=True).badge == "supported"
        assert (score.unit, score.closed_loop) == ("replay", True)


def test_f41_oracle_beats_a_near_miss_beats_a_stretch_by_lot():
    agent, episodes = cues()
    gaps = {}
    for chosen in (5, 7, 14):
        made = check(agent, episodes, stretches(episodes, chosen, 12))
        gaps[chosen] = step_drop(made)[0].gap.value
    assert gaps[5] > gaps[7] > gaps[14]


def test_a_stretch_that_decides_nothing_fails():
    random, lowest = _scores(chosen=14, lowest=12)
    assert random.interval.value == 0.0
    assert random.gap.value < 0
    assert lowest.gap.constant
    for score in (random, lowest):
        assert judge(score, complete=True, rerun_possible=True).badge == "failed"


def test_noise_that_actions_do_not_change_cancels():
    quiet, noisy = _scores(chosen=5)[0], _scores(chosen=5, noise=100.0)[0]
    assert noisy.interval.high - noisy.interval.low < 3 * (quiet.interval.high - quiet.interval.low)


def test_the_whole_episode_and_a_single_stretch_have_nothing_to_compare_with():
    with pytest.raises(CapabilityError, match="whole episode"):
        _scores(chosen=0, lowest=0, length=N_STEPS)
    random, lowest = _scores(chosen=5, lowest=5)
    assert random.gap.measured
    judged = judge(lowest, complete=True, rerun_possible=True)
    assert (judged.badge, judged.gap.n) == ("not_measured", 0)
    assert "only one stretch" in judged.reason
    assert judged.need


def test_logs_cannot_be_replayed():
    agent, episodes = cues()
    logs = type(episodes)(episodes.attempted, None, episodes.names, -1, "greedy")
    with pytest.raises(CapabilityError, match="needs the environment"):
        step_drop(check(agent, logs, stretches(logs, 5, 12)))


def test_f36_a_small_budget_gives_fewer_replays_or_none():
    agent, episodes = cues()
    for env_steps in (2500, 4000):
        made = check(agent, episodes, stretches(episodes, 5, 12), env_steps=env_steps)
        random, _ = step_drop(made)
        assert 5 <= random.gap.n <= 20
        assert random.complete == (random.gap.n == 20)
        assert made.meter.used.env_steps <= env_steps
    made = check(agent, episodes, stretches(episodes, 5, 12), env_steps=100)
    with pytest.raises(BudgetError, match="replays") as caught:
        step_drop(made)
    assert "environment steps" in caught.value.hint


def test_a_test_that_the_budget_cuts_short_is_weak_however_clear():
    (random, _) = _scores(chosen=5, env_steps=2200)
    assert 10 <= random.gap.n < 20
    assert random.gap.low > 0
    judged = judge(random, complete=True, rerun_possible=True)
    assert (judged.badge, judged.complete) == ("weak", False)
    assert "the test stopped early" in judged.reason


def test_f43_same_seed_same_scores_another_seed_others():
    first, second, other = (_scores(chosen=5, seed=seed) for seed in (0, 0, 1))
    assert first == second
    assert first[0].interval != other[0].interval
