"""Interestingness of agents whose unusual moments are known."""

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from tests.faithfulness.cases import N_STEPS, Cues, check, cues

from pellucid.api.collecting import collect
from pellucid.errors import BudgetError, DataError, InputError
from pellucid.explainers.summary.dimensions import Dimension
from pellucid.explainers.summary.interestingness import (
    Interestingness,
    Outlier,
    apart,
    outliers_of,
)
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.highlight_drop import highlight_drop
from pellucid.faithfulness.planted import moments

WEIGHTS = np.array([[1.0, -1.0], [0.0, 0.0]])


def test_the_farthest_outlier_on_each_side_of_each_dimension_is_found():
    low_and_high = np.tile([0.4, 0.5, 0.6], 20)
    low_and_high[[5, 9, 33]] = [-3.0, 9.0, 8.0]
    dimensions = (
        Dimension("value", low_and_high),
        Dimension("confidence", None, "nobody tells"),
        Dimension("familiarity", np.zeros(60)),
    )
    found = outliers_of(dimensions)
    assert [(o.row, o.words) for o in found] == [
        (9, "value unusually high"),
        (5, "value unusually low"),
    ]
    # quartiles 0.4 and 0.6
    assert [o.distance for o in found] == pytest.approx([8.5 / 0.2, -3.5 / 0.2])


def test_moments_near_one_that_is_picked_are_left_out():
    steps = np.array([[e, t] for e in range(2) for t in range(100)])
    outliers = [Outlier(row, 1.0, "value") for row in (50, 54, 55, 150)]
    kept = apart(outliers, steps, [100, 100])
    assert [outlier.row for outlier in kept] == [50, 55, 150]


def test_what_is_unusual_is_told_with_everything_measured_of_the_moment():
    episodes = logged(2, 2, lengths=(100, 100))
    episodes.attempted[1].observations[40, 0] = 50.0
    finding = Interestingness().explain(task(LinearQ(WEIGHTS), episodes))
    content = finding.content
    assert content.steps[0].tolist() == [1, 40]
    assert content.reasons[0].endswith("unusually high") or "familiarity" in content.reasons[0]
    assert content.profile.shape == (len(content.steps), 7)
    named = dict(zip(content.dimension_names, content.profile[0], strict=True))
    assert (named["value"], named["riskiness"], named["familiarity"]) == (1.0, 1.0, -1.0)
    assert np.isnan(named["confidence"])
    assert np.isnan(named["stochasticity"])
    assert [w.split(" was")[0] for w in finding.warnings] == ["The confidence", "The stochasticity"]


def test_as_many_moments_as_asked_for_and_no_more():
    episodes = logged(2, 2, lengths=(200, 200))
    for row, step in enumerate((20, 60, 120)):
        episodes.attempted[0].observations[step, row % 2] = 30.0 + row
    few = Interestingness().explain(task(LinearQ(WEIGHTS), episodes, options={"moments": 1}))
    assert len(few.content.steps) == 1
    with pytest.raises(InputError, match="moments must be a whole number"):
        Interestingness().explain(task(LinearQ(WEIGHTS), episodes, options={"moments": "all"}))


def test_where_nothing_is_unusual_no_moment_is_shown():
    episodes = logged(2, 2, lengths=(40, 40))
    for episode in episodes.attempted:
        episode.observations[:] = 1.0
        episode.rewards[:] = 0.0
    content = Interestingness().explain(task(LinearQ(0 * WEIGHTS), episodes)).content
    assert (len(content.steps), content.reasons, content.profile.shape) == (0, (), (0, 7))


@pytest.mark.parametrize("seed", range(2000, 2005))
def test_f37_the_planted_moment_is_the_only_one(seed):
    setting = moments.key_moment(seed)
    episodes = collect(setting.agent, setting.spec, n_episodes=20, seed=seed)
    content = Interestingness().explain(task(setting.agent, episodes, seed=seed)).content
    assert moments.moments_hit(content, setting.truth) == 1.0
    assert content.reasons == ("riskiness unusually high",)


def test_unusual_moments_that_decide_nothing_fail_their_test():
    agent, episodes = cues(n_episodes=4)
    agent.capabilities = frozenset({"value"})
    # it expects much at a step that pays nothing
    agent.value = lambda rows: (np.round(N_STEPS * rows[:, 0]) == 15).astype(float)
    finding = Interestingness().explain(task(agent, episodes, options={"moments": 3}))
    assert 15 in finding.content.steps[:, 1]
    assert not set(finding.content.steps[:, 1].tolist()) & set(Cues.critical)
    (score,) = highlight_drop(check(agent, episodes, finding.content))
    assert judge(score, complete=True, rerun_possible=True).badge == "failed"


def test_each_answer_is_paid_for_once():
    given = task(LinearQ(WEIGHTS), logged(2, 2))
    planned = Interestingness().plan(given)
    Interestingness().explain(given)
    assert given.meter.used == planned
    with pytest.raises(BudgetError, match="takes 180 agent queries; 179 are left"):
        Interestingness().explain(task(LinearQ(WEIGHTS), logged(2, 2), queries=179))
    with pytest.raises(DataError, match="no visited states"):
        Interestingness().plan(task(LinearQ(WEIGHTS), logged(2, 2, lengths=())))
