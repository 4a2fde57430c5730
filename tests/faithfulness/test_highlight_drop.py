"""Highlight drop where only steps 5 to 7 count: following the cue there pays 1 each."""

import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.explanation import Summary
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.highlight_drop import highlight_drop
from tests.faithfulness.cases import check, cues


def _score(steps, **kwargs):
    agent, episodes = cues()
    shown = Summary(np.array(steps), np.ones(len(steps)), "stakes")
    (score,) = highlight_drop(check(agent, episodes, shown, **kwargs))
    return score


def test_a_random_action_at_the_critical_steps_costs_two_thirds_of_a_point():
    # an episode has 20 steps, so that one action is random; a third of those are right
    score = _score([[0, 5], [1, 6], [1, 7]])
    assert score.interval.low < 2 / 3 < score.interval.high
    # 3 of 20 random steps count
    assert score.control.interval.low <= 2 / 3 * 3 / 20 <= score.control.interval.high
    assert judge(score, complete=True, rerun_possible=True).badge == "supported"
    assert (score.unit, score.closed_loop, score.gap.n) == ("replay", True, 20)


def test_moments_that_decide_nothing_fail():
    score = _score([[0, 14], [1, 2]])
    assert score.interval.value == 0.0
    assert judge(score, complete=True, rerun_possible=True).badge == "failed"


def test_no_moment_and_logs_have_nothing_to_replay():
    with pytest.raises(CapabilityError, match="no moment is shown"):
        _score(np.empty((0, 2), dtype=int))
    agent, episodes = cues()
    logs = type(episodes)(episodes.attempted, None, episodes.names, -1, "greedy")
    shown = Summary(np.array([[0, 5]]), np.ones(1), "stakes")
    with pytest.raises(CapabilityError, match="needs the environment"):
        highlight_drop(check(agent, logs, shown))
