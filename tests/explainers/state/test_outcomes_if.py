"""Outcomes if, where it is known how much more often they follow."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import task

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.explainers.state.outcomes_if import N_FUTURES, OutcomesIf
from pellucid.explanation.plots import FuturesChart, chart_svg, content_chart
from pellucid.faithfulness.planted.alarms import difference_error, most_changed, vault
from pellucid.faithfulness.planted.moments import one_key


@pytest.fixture(scope="module")
def setting():
    return vault(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=4, seed=0)


def told(setting, episodes, **options):
    return OutcomesIf().explain(task(setting.agent, episodes, options=options))


@pytest.fixture(scope="module")
def finding(setting, episodes):
    """What follows if the loudest action is held for three steps."""
    loudest = int(setting.truth.chances.argmax())
    return told(setting, episodes, episode=0, step=12, foil=loudest, hold=3)


def test_the_alarm_is_named_and_its_difference_is_near_the_true_one(setting, finding):
    content = finding.content
    assert (content.episode, content.step, content.hold) == (0, 12, 3)
    assert most_changed(content, setting.truth) == 1.0
    assert difference_error(content, setting.truth) < 0.2
    alarm = content.outcome_names.index("alarm on")
    assert content.p_values[alarm] < 0.01
    # nothing else can change, so no chance is left after the correction
    others = np.delete(content.p_values, alarm)
    assert (others > 0.05).all()
    assert finding.facts["event"].value == "alarm on"
    assert finding.facts["n_futures"].value == N_FUTURES


def test_the_chart_has_a_row_per_outcome_the_one_that_differs_most_first(finding):
    chart = content_chart(finding.content)
    assert isinstance(chart, FuturesChart)
    assert chart.rows[0].label == "alarm on"
    assert chart.rows[0].second.value > chart.rows[0].first.value
    assert "1 of 7 differ by more than chance (Holm)" in chart.title
    assert [row.label for row in chart.events] == ["return (points)", "steps until it ends"]
    assert chart.about == "outcomes"
    assert "alarm on" in chart_svg(chart)


def test_the_agents_own_action_as_foil_changes_nothing(setting, episodes):
    own = told(setting, episodes, step=5, foil=setting.truth.own, hold=2).content
    np.testing.assert_array_equal(own.outcomes[0], own.outcomes[1])
    assert not own.outcome_differences.any()


def test_a_moment_at_which_outcomes_differ_is_searched_for():
    # walking on for a while changes something only if it passes the key
    setting = one_key(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=3, seed=0)
    finding = told(setting, episodes, hold=12, foil=0)
    content = finding.content
    assert content.step <= setting.truth.step < content.step + 12
    assert any("nothing is random" in warning for warning in finding.warnings)
    assert np.isnan(content.p_values).all()


def test_named_outcomes_are_what_is_looked_for(setting, episodes):
    content = told(setting, episodes, step=3, outcomes=["draft > 0.5", "time < 0.3"]).content
    assert content.outcome_names == ("draft > 0.5", "time < 0.3")
    assert content.outcomes.shape == (2, N_FUTURES, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"outcomes": "draft > 0.5"}, "must be a list"),
        ({"outcomes": []}, "must be a list"),
        ({"outcomes": ["noise > 1"]}, "no input is called"),
        ({"hold": 0, "step": 1}, "at least 1 step"),
        ({"foil": 17, "step": 1}, "not an action"),
        ({"step": 90}, "step 90 is not in episode"),
    ],
)
def test_options_that_do_not_fit_are_refused(setting, episodes, options, words):
    with pytest.raises(InputError, match=words):
        told(setting, episodes, **options)


def test_logs_are_refused_and_what_would_work_is_named(setting, episodes):
    with pytest.raises(CapabilityError, match="need the environment") as caught:
        OutcomesIf().plan(task(setting.agent, replace(episodes, spec=None)))
    assert "imagined-futures" in caught.value.hint


def test_a_small_budget_is_refused_or_leaves_futures_out(setting, episodes, finding):
    del finding  # which has found out how to return to a state, at a cost of its own

    def with_steps(n):
        asked = task(setting.agent, episodes, env_steps=n, options={"step": 10})
        return OutcomesIf().explain(asked)

    with pytest.raises(BudgetError, match="5 pairs of futures"):
        with_steps(10)
    # a future may last a thousand steps, for all that is known before it is run
    cut = with_steps(2_150)
    assert not cut.complete
    assert "pairs of futures were compared in place of 40" in cut.left_out[-1]


def test_it_is_supported_where_the_alarm_rings_more_often(setting, episodes):
    loudest = int(setting.truth.chances.argmax())
    options = {"foil": loudest, "step": 10, "hold": 4}
    result = pl.explain(setting.agent, episodes, method="outcomes-if", seed=0, options=options)
    assert result.badge == "supported"
    assert [s.metric for s in result.faithfulness] == ["outcome_gap"]
    quiet = {"foil": setting.truth.own, "step": 10, "hold": 4}
    same = pl.explain(setting.agent, episodes, method="outcomes-if", seed=0, options=quiet)
    assert same.badge == "failed"
