"""Concept probes of a network by hand."""

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explainers.internals.concept_probes import ConceptProbes
from pellucid.faithfulness.planted import units


@pytest.fixture(scope="module")
def known():
    """A network by hand and its episodes."""
    setting = units.units(1003)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1003)
    return setting, episodes


def test_what_reaches_the_hidden_layer_is_read_and_the_rest_is_not(known) -> None:
    setting, episodes = known
    finding = ConceptProbes().explain(task(setting.agent, episodes))
    content = finding.content
    assert len(content.concept_names) == 5
    right = content.right.mean(axis=0)
    assert right[list(setting.truth.held)].min() > 0.95
    assert right[list(setting.truth.missing)].max() < 0.65
    assert set(content.layers.tolist()) == {0}
    # no probe was fitted to an episode that is read
    assert not set(content.fitted_steps[:, 0]) & set(content.steps[:, 0])
    assert finding.facts["x"].value in [content.concept_names[i] for i in setting.truth.held]


def test_a_concept_of_ones_own_is_read_from_a_linear_unit(known) -> None:
    setting, episodes = known
    first, second = setting.truth.held
    concepts = {
        "either": lambda rows: rows[:, first] + rows[:, second] > 0,
        "neither": lambda rows: rows[:, setting.truth.missing[0]] > 0,
    }
    content = (
        ConceptProbes()
        .explain(task(setting.agent, episodes, options={"concepts": concepts}))
        .content
    )
    assert content.concept_names == ("either", "neither")
    assert content.right[:, 0].mean() > 0.9 > 0.65 > content.right[:, 1].mean()


def test_the_plan_is_what_is_used_and_a_smaller_budget_reads_fewer_states(known) -> None:
    setting, episodes = known
    for queries in (10**6, 250):
        asked = task(setting.agent, episodes, queries=queries)
        planned = ConceptProbes().plan(asked).queries
        finding = ConceptProbes().explain(asked)
        assert asked.meter.used.queries == planned == min(400, queries)
    assert "250 states were looked at, in place of 400" in finding.left_out[0]
    with pytest.raises(BudgetError, match="reading 200 states takes 200 agent queries"):
        ConceptProbes().plan(task(setting.agent, episodes, queries=199))


def test_what_cannot_be_read_is_refused_with_what_would_work(known) -> None:
    setting, episodes = known
    with pytest.raises(CapabilityError, match="no torch network") as raised:
        ConceptProbes().plan(task(LinearQ(np.eye(2)), logged(2, 2)))
    assert "perturbation" in str(raised.value.hint)
    few = type(episodes)(episodes.attempted[:3], None, episodes.names, -1, "greedy")
    with pytest.raises(DataError, match="four are needed, got 3"):
        ConceptProbes().plan(task(setting.agent, few))


def test_the_same_seed_gives_the_same_readings(known) -> None:
    setting, episodes = known
    one, two = (pl.explain(setting.agent, episodes, method="concept-probes", seed=5) for _ in "ab")
    assert one.badge == two.badge == "supported"
    assert one.text == two.text
    np.testing.assert_array_equal(one.content.probabilities, two.content.probabilities)
