"""Attacks on certificates about inputs: true radii stand, larger ones fall, order is measured."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import BudgetError
from pellucid.explainers.model.constant_action_radius import ConstantActionRadius
from pellucid.explanation import Check
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.certificate_attacks import certificate_attacks
from pellucid.faithfulness.certified_inputs import SIZES, breaking_points, certified_inputs
from pellucid.faithfulness.certified_order import certified_order
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.model.test_constant_action_radius import (
    N_ACTIONS,
    N_INPUTS,
    agent_of,
    network,
)


def checked(module=None, *, change=lambda radii: radii, queries=10**6, **content):
    made = task(agent_of(module or network()), logged(N_INPUTS, N_ACTIONS), queries=queries)
    finding = ConstantActionRadius().explain(made)
    radii = change(finding.content.radii)
    finding = replace(finding, content=replace(finding.content, radii=radii, **content))
    return Check(finding, made.agent, made.episodes, made.meter, "greedy", 0, 1, lambda *_: finding)


def badge(score):
    return judge(score, complete=True, rerun_possible=True).badge


def test_true_radii_of_a_linear_network_stand_and_slightly_larger_ones_fall():
    (score,) = certificate_attacks(checked())
    assert score.interval.value == 0.0
    assert badge(score) == "supported"
    # exact up to a hundredth for a linear network: going down the gradient finds what is beyond
    (score,) = certificate_attacks(checked(change=lambda radii: 1.1 * radii))
    assert score.interval.value > 0.0
    assert badge(score) == "failed"


def test_an_agent_without_gradients_is_attacked_by_corners():
    agent = LinearQ(np.array([[1.0, -1.0], [0.5, 0.0]]))
    episodes = logged(2, 2)
    made = task(agent, episodes)
    rows = episodes.visited[:20]
    leads = np.abs(rows @ (agent.weights[:, 0] - agent.weights[:, 1]))
    content = replace(
        checked().finding.content,
        observations=rows, radii=leads / 2.5, actions=agent.act(rows), scale=np.ones(2),
    )  # fmt: skip
    for factor, breaks in ((0.99, False), (1.1, True)):
        finding = replace(checked().finding, content=replace(content, radii=factor * content.radii))
        (score,) = certificate_attacks(
            replace(checked(), finding=finding, agent=made.agent, meter=made.meter)
        )
        assert (score.interval.value > 0) == breaks


def test_breaking_points_of_a_linear_network_are_its_radii():
    check = checked()
    found = certified_inputs(check)
    points = breaking_points(check, found, np.random.default_rng(0))
    near = (found.radii > 0.01) & (found.radii < SIZES[-1])
    # halving a step of a factor of 1.36 five times leaves one hundredth
    np.testing.assert_allclose(points[near], found.radii[near], rtol=0.03)
    assert (points >= found.radii * 0.999).all()


def test_the_ranking_is_method_random_reversed():
    rng = np.random.default_rng(0)
    (method,) = certified_order(checked(network(16)))
    (noise,) = certified_order(checked(network(16), change=rng.permutation))
    (worst,) = certified_order(checked(network(16), change=lambda radii: 1 / radii))
    assert worst.interval.value < noise.interval.value < method.interval.value
    assert method.interval.value > 0.9
    assert badge(method) == "supported"


def test_small_budgets_are_refused_with_what_is_needed():
    with pytest.raises(BudgetError, match="breaking points of 5 states need"):
        certified_order(checked(queries=500))
    with pytest.raises(BudgetError, match="attacks on 30 certificates") as refused:
        certificate_attacks(checked(queries=100))
    assert "10000 agent queries" in refused.value.hint


def test_attacks_keep_to_the_budget():
    check = checked(queries=2_000)
    certificate_attacks(check)
    assert check.meter.used.queries <= 2_000
