"""Value deletion on a linear value, where what hiding moves can be worked out."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import PREDICTED_RETURN
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.value_deletion import value_deletion
from tests.faithfulness.cases import Linear, check, ranked, signs

WEIGHTS = (9.0, 3.0, 1.0, 0.0)


@dataclass
class Valued(Linear):
    """V(s) = s @ weights."""

    capabilities: frozenset = frozenset({"q_values", "value"})

    def value(self, observations):
        return observations @ self.weights


def attribution(episodes, importance, every=1):
    """The same importances in every state, of the predicted return."""
    content = ranked(episodes, importance, every=every)
    return replace(
        content,
        values=content.values[:, :, :1],
        outputs=content.outputs[:, :1],
        baseline=content.baseline[:1],
        standard_errors=content.standard_errors[:, :, :1],
        output_names=(PREDICTED_RETURN,),
        output_unit=PREDICTED_RETURN,
    )


def score_of(importance, *, n_episodes=12, weights=WEIGHTS, **kwargs):
    _, episodes = signs(n_episodes)
    made = check(Valued(weights), episodes, attribution(episodes, importance, every=5), **kwargs)
    (score,) = value_deletion(made)
    return score, made


def test_one_input_that_decides_moves_it_at_every_level_if_hidden_first():
    # hidden first it is hidden at all 3 levels; in random order at 1.5 of 3 on average, over 200
    # orders with an error of 5 %
    score, _ = score_of((1, 0, 0, 0), weights=(2.0, 0.0, 0.0, 0.0))
    assert score.metric == "value_deletion"
    assert score.control.interval.value == pytest.approx(score.interval.value / 2, rel=0.15)
    # |2 (x - x')| of two standard normal numbers has the mean 4 / sqrt(pi)
    assert score.interval.low < 4 / np.sqrt(np.pi) < score.interval.high
    assert (score.unit, score.interval.n, score.value_unit) == ("episode", 12, "predicted return")
    assert judge(score, complete=True, rerun_possible=False).badge == "supported"


def test_f41_oracle_beats_a_worse_ranking_beats_the_reverse():
    gaps = [score_of(w)[0].gap.value for w in [(9, 3, 1, 0), (3, 9, 1, 0), (0, 1, 3, 9)]]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[0] > 0 > gaps[2]


def test_f41_the_sign_of_an_attribution_does_not_order_it():
    assert score_of((9, 3, 1, 0))[0] == score_of((-9, 3, -1, 0))[0]


def test_f40_scaling_the_value_scales_the_score():
    one, _ = score_of((9, 3, 1, 0))
    eight, _ = score_of((9, 3, 1, 0), weights=tuple(8 * w for w in WEIGHTS))
    assert eight.interval.value == pytest.approx(8 * one.interval.value)
    assert eight.gap.low == pytest.approx(8 * one.gap.low)


def test_f37_a_value_that_never_moves_gains_nothing_by_any_order():
    score, _ = score_of((9, 3, 1, 0), weights=(0.0,) * 4)
    assert judge(score, complete=True, rerun_possible=False).badge == "failed"
    assert score.interval.value == 0.0


def test_f36_the_budget_lowers_the_states_and_is_never_exceeded():
    # 4 inputs have 14 sets of hidden inputs; a state takes those, its own 3 and itself
    full, made = score_of((9, 3, 1, 0))
    assert made.meter.used.queries == 12 * 4 * 18
    cut, made = score_of((9, 3, 1, 0), queries=12 * 18)
    assert made.meter.used.queries == 12 * 18
    assert full.interval.n == cut.interval.n == 12
    with pytest.raises(BudgetError, match="needs 90 agent queries"):
        score_of((9, 3, 1, 0), queries=89)


def test_f33_what_does_not_apply_says_so():
    agent, episodes = signs(6)
    agent.capabilities = frozenset()
    with pytest.raises(CapabilityError, match="predicts no return"):
        value_deletion(check(agent, episodes, attribution(episodes, WEIGHTS)))
    agent, episodes = signs(6, weights=(1.0,))
    with pytest.raises(CapabilityError, match="only one input"):
        value_deletion(check(agent, episodes, attribution(episodes, (1.0,))))
