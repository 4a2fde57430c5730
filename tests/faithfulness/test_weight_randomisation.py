"""Weight randomisation: an honest explanation changes with the weights, a blind one does not."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Finding
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.weight_randomisation import _likeness, weight_randomisation
from pellucid.kernels.ranks import centred_ranks
from tests.faithfulness.cases import Follower, check, ranked, shapley_fn, signs

EIGHT = (4.0, -3.0, 2.0, 1.0, -0.5, 0.2, 0.0, 0.0)


def _blind(agent, episodes, meter):
    """Attributes by the size of the state alone, whatever the agent does with it."""
    content = ranked(episodes, np.zeros(len(episodes.names.inputs)), every=7)
    values = np.repeat(content.observations[:, :, None], 2, axis=2)
    return Finding(question="?", content=replace(content, values=values), facts={})


def _score(explain_fn, agent=None, **kwargs):
    linear, episodes = signs(6, weights=EIGHT)
    made = check(
        agent or linear, episodes, ranked(episodes, EIGHT), explain_fn=explain_fn, **kwargs
    )
    (score,) = weight_randomisation(made)
    return score


def test_an_honest_explanation_passes():
    score = _score(shapley_fn)
    assert judge(score, complete=True, rerun_possible=True).badge == "supported"
    assert (score.role, score.direction, score.unit) == ("sanity", "lower", "draw")
    assert (score.interval.n, score.control.interval.n) == (5, 5 * 200)
    assert score.interval.low <= score.interval.value <= score.interval.high
    assert -0.3 < score.control.interval.value < 0.3
    assert score.gap.value == pytest.approx(score.control.interval.high - score.interval.value)


def test_f41_an_explanation_blind_to_the_agent_fails():
    blind, honest = _score(_blind), _score(shapley_fn)
    assert blind.interval.value == 1.0
    assert judge(blind, complete=True, rerun_possible=True).badge == "failed"
    assert honest.gap.value > 0 > blind.gap.value


def test_an_agent_whose_weights_do_not_change_fails():
    class Stuck(type(signs(1)[0])):
        def randomise_layers(self, n_layers, rng):
            return self

    score = _score(shapley_fn, agent=Stuck(EIGHT))
    assert score.interval.value == pytest.approx(1.0)
    assert judge(score, complete=True, rerun_possible=True).badge == "failed"


def test_attributions_of_the_output_chosen_before_are_compared():
    # the redrawn agent prefers the other output elsewhere; its own choice must not matter
    seen = []

    def by_output(agent, episodes, meter):
        found = shapley_fn(agent, episodes, meter)
        seen.append(found.content)
        return found

    score = _score(by_output)
    assert len(seen) == 6
    assert any((seen[0].chosen != other.chosen).any() for other in seen[1:])
    # output 0 is always 0: states where it was chosen have no order and are left out
    assert score.interval.measured


def test_f42_constant_attributions_have_no_order():
    def constant(agent, episodes, meter):
        return Finding(question="?", content=ranked(episodes, np.ones(8)), facts={})

    score = judge(_score(constant), complete=True, rerun_possible=True)
    assert score.badge == "not_measured"
    assert "no order" in score.reason


def test_f42_only_what_had_an_order_before_counts():
    before = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [np.nan, 1.0, 2.0]])
    after = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    likeness = _likeness(centred_ranks(before), centred_ranks(after))
    assert likeness[[0, 2]].tolist() == [0.0, 1.0]
    assert np.isnan(likeness[[1, 3]]).all()


def test_agents_without_layers_and_few_inputs_do_not_apply():
    with pytest.raises(CapabilityError, match="no weight layers"):
        _score(shapley_fn, agent=Follower())
    agent, episodes = signs(2, weights=(1.0, 2.0))
    with pytest.raises(CapabilityError, match="fewer than three inputs"):
        weight_randomisation(check(agent, episodes, ranked(episodes, (1, 2))))


def test_f36_explaining_again_uses_at_most_half_of_what_is_left():
    allowed = []

    def frugal(agent, episodes, meter):
        allowed.append(meter.allowed)
        assert len(episodes) == 5
        return shapley_fn(agent, episodes, meter)

    _score(frugal, queries=120_000, env_steps=1200)
    assert allowed == [Cost(10_000, 100)] * 6
    with pytest.raises(BudgetError):
        _score(shapley_fn, queries=1000)
