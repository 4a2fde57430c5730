"""Exact Shapley values against closed forms."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from tests.agents.models import StubEnv
from tests.explainers.cases import LinearQ, Product, logged, task
from torch import nn

from pellucid.agents import load_agent
from pellucid.agents.torch_agent import TorchAgent
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explainers.state.input_game import N_LARGE_CHAINS, sampled_rows
from pellucid.explainers.state.shapley import Shapley
from pellucid.kernels.shapley import coalition_masks, exact_shapley

WEIGHTS = np.array([[1.0, -2.0], [0.5, 0.0], [0.0, 0.0]])


def background_mean(episodes, n_background, seed=0):
    rows = sampled_rows(seed, "background", len(episodes.visited), n_background)
    return episodes.visited[rows].mean(axis=0)


def test_linear_agent_has_weight_times_distance_from_the_background_mean():
    episodes = logged(3, 2)
    finding = Shapley().explain(task(LinearQ(WEIGHTS), episodes))
    content = finding.content
    mean = background_mean(episodes, finding.facts["n_background"].value)
    expected = (content.observations - mean)[:, :, None] * WEIGHTS
    np.testing.assert_allclose(content.values, expected, atol=1e-12)
    assert finding.identity_error < 1e-12


def test_dummy_input_has_exactly_zero_and_the_heaviest_input_is_named():
    finding = Shapley().explain(task(LinearQ(WEIGHTS), logged(3, 2)))
    assert np.abs(finding.content.values[:, 2]).max() < 1e-12
    assert finding.content.ranking[-1] == 2
    assert finding.facts["x"].value == "input 0"


def test_what_raises_every_q_value_alike_is_not_what_drives_the_choice():
    # input 2 moves both Q-values by 10 times its value; input 0 tells the actions apart
    weights = np.array([[1.0, -1.0], [0.5, 0.0], [10.0, 10.0]])
    content = Shapley().explain(task(LinearQ(weights), logged(3, 2))).content
    assert content.ranking.tolist() == [0, 1, 2]
    assert np.abs(content.chosen_values[:, 2]).max() < 1e-12


def test_product_of_two_inputs_splits_the_credit_of_their_interaction():
    # phi_0 = (x0 x1 - b0 b1 + x0 b1 - b0 x1) / 2 averaged over the background
    episodes = logged(2, 2)
    agent = Product(np.zeros((2, 2)))
    finding = Shapley().explain(task(agent, episodes))
    rows = sampled_rows(0, "background", len(episodes.visited), finding.facts["n_background"].value)
    background = episodes.visited[rows]
    x, b = finding.content.observations[:, None, :], background[None]
    phi = (x[..., 0] * x[..., 1] - b[..., 0] * b[..., 1]) / 2
    phi = phi + (x[..., 0] * b[..., 1] - b[..., 0] * x[..., 1]) / 2
    np.testing.assert_allclose(finding.content.values[:, 0, 0], phi.mean(axis=1), atol=1e-12)


def test_standard_error_is_that_of_the_mean_over_background_rows():
    # one linear input: phi_b = w (x - b), so the error is w sd(b) / sqrt(B)
    episodes = logged(1, 2)
    finding = Shapley().explain(task(LinearQ(np.array([[2.0, 0.0]])), episodes))
    n = finding.facts["n_background"].value
    rows = sampled_rows(0, "background", len(episodes.visited), n)
    expected = 2 * episodes.visited[rows].std(ddof=1) / np.sqrt(n)
    np.testing.assert_allclose(finding.content.standard_errors[:, 0, 0], expected, rtol=1e-9)


@pytest.mark.parametrize("queries", [500, 2_000, 50_000])
def test_budget_sets_the_size_and_is_never_exceeded(queries):
    given = task(LinearQ(WEIGHTS), logged(3, 2), queries=queries)
    planned = Shapley().plan(given)
    Shapley().explain(given)
    assert planned.queries <= given.meter.used.queries <= queries


def test_budget_below_the_smallest_answer_says_what_it_needs():
    with pytest.raises(BudgetError, match="need at least"):
        Shapley().explain(task(LinearQ(WEIGHTS), logged(3, 2), queries=100))


def test_more_inputs_than_a_regression_solves_is_refused():
    groups = {f"input {i}": [i] for i in range(513)}
    given = task(LinearQ(np.ones((514, 2))), logged(514, 2), options={"groups": groups})
    with pytest.raises(
        CapabilityError, match="at most 512 inputs or groups of them; there are 514"
    ):
        Shapley().plan(given)


def test_a_long_vector_is_explained_in_stretches():
    weights = np.zeros((640, 2))
    weights[25, 0] = 1.0
    content = Shapley().explain(task(LinearQ(weights), logged(640, 2), queries=100_000)).content
    assert content.input_names[content.ranking[0]] == "inputs 20 to 29"


def many_weights(n_inputs):
    return np.random.default_rng(1).normal(size=(n_inputs, 2))


@pytest.mark.parametrize(
    ("n_inputs", "queries"), [(12, 200_000), (16, 200_000), (17, 400_000), (40, 400_000)]
)
def test_beyond_exact_the_estimator_is_named_and_linear_agents_get_their_weights(n_inputs, queries):
    weights, episodes = many_weights(n_inputs), logged(n_inputs, 2)
    given = task(LinearQ(weights), episodes, queries=queries)
    planned = Shapley().plan(given).queries
    finding = Shapley().explain(given)
    assert finding.facts["estimator"].value == "adjusted antithetic chains"
    n_coalitions = finding.facts["n_coalitions"].value
    assert n_coalitions == finding.facts["n_background"].value * 2 * (n_inputs - 1)
    assert (
        "Shapley values are estimated by adjusted antithetic chains, from at most "
        f"{n_coalitions} coalitions of each state"
    ) in finding.left_out[0]
    # nothing is lost by drawing rows: the mean is that of all visited states
    mean = episodes.visited.mean(axis=0)
    expected = (finding.content.observations - mean)[:, :, None] * weights
    np.testing.assert_allclose(finding.content.values, expected, atol=1e-9)
    assert finding.content.standard_errors.max() < 1e-9
    assert finding.identity_error < 1e-9
    assert given.meter.used.queries <= min(planned, queries)


@dataclass
class Products(LinearQ):
    """Q(s, 0) = s_0 s_1 s_2 + 2 s_3 s_4 and Q(s, 1) = s_5, of 20 inputs."""

    def q_values(self, observations):
        rows = np.asarray(observations)
        first = rows[:, 0] * rows[:, 1] * rows[:, 2] + 2 * rows[:, 3] * rows[:, 4]
        return np.stack((first, rows[:, 5]), axis=1)


def product_values(states, visited):
    """Closed form: products are games of two and three, against every visited state."""
    values = np.zeros((len(states), 20, 2))
    for members, weight in (([0, 1, 2], 1.0), ([3, 4], 2.0)):
        masks = coalition_masks(len(members))
        for row, state in enumerate(states[:, members]):
            worth = np.where(masks, state, visited[:, None, members]).prod(axis=2).mean(axis=0)
            values[row, members, 0] = exact_shapley(weight * worth)
    values[:, 5, 1] = states[:, 5] - visited[:, 5].mean()
    return values


@pytest.mark.parametrize(("queries", "largest"), [(20_000, 0.4), (10**6, 0.1)])
def test_products_of_a_few_of_many_inputs_have_values_in_closed_form(queries, largest):
    episodes = logged(20, 2)
    given = task(Products(np.zeros((20, 2))), episodes, queries=queries)
    content = Shapley().explain(given).content
    exact = product_values(content.observations, episodes.visited)
    assert (content.values[:, 6:] == 0).all()
    assert (content.standard_errors[:, 6:] == 0).all()
    np.testing.assert_allclose(content.values[:, 5], exact[:, 5], atol=1e-9)
    assert np.linalg.norm(content.values - exact) < largest * np.linalg.norm(exact)
    np.testing.assert_allclose(content.values.sum(axis=1), exact.sum(axis=1), atol=1e-12)


def test_intervals_hold_the_closed_form_as_often_as_they_say():
    episodes = logged(20, 2)
    held = []
    for seed in range(12):
        given = task(Products(np.zeros((20, 2))), episodes, queries=20_000, seed=seed)
        content = Shapley().explain(given).content
        exact = product_values(content.observations, episodes.visited)
        missed = np.abs(content.values - exact)[:, :5, 0]
        held.append(missed <= 1.96 * content.standard_errors[:, :5, 0])
    assert 0.93 < np.concatenate(held).mean() < 0.99


def test_f43_estimates_are_the_same_bytes_for_the_same_seed_and_others_for_another():
    agent, episodes = Products(np.zeros((20, 2))), logged(20, 2)
    first, again, other = (
        Shapley().explain(task(agent, episodes, queries=20_000, seed=seed)).content.values
        for seed in (3, 3, 4)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_a_mean_over_some_visited_states_is_said_and_widens_standard_errors():
    weights, episodes = many_weights(20), logged(20, 2, lengths=(600,))
    finding = Shapley().explain(task(LinearQ(weights), episodes, queries=6_000))
    assert finding.left_out[-1].endswith("with their mean over 300 of 600 visited states.")
    # a line explains all of a linear agent but which states its mean is over
    expected = np.abs(weights) * episodes.visited.std(axis=0)[:, None] / np.sqrt(600)
    assert finding.content.standard_errors[0] == pytest.approx(expected, rel=0.25)


def test_of_few_visited_states_each_begins_as_many_chains():
    episodes = logged(20, 2, lengths=(20,))
    given = task(Products(np.zeros((20, 2))), episodes, queries=2 * 10**6)
    finding = Shapley().explain(given)
    assert finding.facts["n_background"].value == 7 * 20 < N_LARGE_CHAINS
    exact = product_values(finding.content.observations, episodes.visited)
    # two inputs that interact have exact values in each chain, three do not
    np.testing.assert_allclose(finding.content.values[:, 3:6], exact[:, 3:6], atol=1e-9)
    assert np.linalg.norm(finding.content.values - exact) < 0.1 * np.linalg.norm(exact)


@pytest.mark.parametrize(("n_inputs", "queries"), [(8, 2_000), (12, 5_000), (20, 9_000)])
def test_f36_estimates_never_exceed_a_small_budget(n_inputs, queries):
    given = task(LinearQ(many_weights(n_inputs)), logged(n_inputs, 2), queries=queries)
    finding = Shapley().explain(given)
    assert 0 < given.meter.used.queries <= queries
    assert "in place of" in finding.left_out[1]


@pytest.mark.parametrize("n_inputs", [12, 20])
def test_budget_below_the_smallest_estimate_says_what_it_needs(n_inputs):
    agent, episodes = LinearQ(many_weights(n_inputs)), logged(n_inputs, 2)
    with pytest.raises(
        BudgetError, match=f"estimated Shapley values of {n_inputs} inputs need"
    ) as told:
        Shapley().explain(task(agent, episodes, queries=900))
    (need,) = map(int, re.findall(r"at least (\d+) agent", str(told.value)))
    assert len(Shapley().explain(task(agent, episodes, queries=need)).content.steps) == 5
    with pytest.raises(BudgetError):
        Shapley().explain(task(agent, episodes, queries=need - 1))


@pytest.mark.parametrize(("n_inputs", "queries"), [(8, 3_000_000), (8, 100_000), (17, 400_000)])
def test_matrices_give_the_values_and_the_bill_of_the_module(n_inputs, queries, monkeypatch):
    torch.manual_seed(0)
    space = Box(-np.inf, np.inf, (n_inputs,), np.float64)
    module = nn.Sequential(nn.Linear(n_inputs, 16), nn.Tanh(), nn.Linear(16, 2))
    agent = load_agent(module, env=StubEnv(Discrete(2), space))
    episodes = logged(n_inputs, 2)
    findings, used = [], []
    for fast in (True, False):
        if not fast:
            monkeypatch.setattr(TorchAgent, "fast_preferences", lambda self: None)
        given = task(agent, episodes, queries=queries)
        findings.append(Shapley().explain(given))
        used.append(given.meter.used)
    by_matrices, by_module = findings
    assert used[0] == used[1]
    assert by_matrices.facts == by_module.facts
    np.testing.assert_array_equal(by_matrices.content.outputs, by_module.content.outputs)
    np.testing.assert_allclose(by_matrices.content.values, by_module.content.values, atol=1e-6)
    assert 0 < by_matrices.identity_error < 1e-6


def test_exact_values_say_so():
    finding = Shapley().explain(task(LinearQ(WEIGHTS), logged(3, 2)))
    assert finding.facts["estimator"].value == "exact"


def test_f35_no_visited_state_is_refused():
    with pytest.raises(DataError, match="no visited states"):
        Shapley().explain(task(LinearQ(WEIGHTS), logged(3, 2, lengths=())))


def test_f35_constant_input_gets_zero():
    episodes = logged(3, 2)
    for episode in episodes.attempted:
        episode.observations[:, 0] = 1.5
    finding = Shapley().explain(task(LinearQ(WEIGHTS), episodes))
    assert np.abs(finding.content.values[:, 0]).max() < 1e-12


def test_f40_scaling_the_output_scales_the_attribution():
    one = Shapley().explain(task(LinearQ(WEIGHTS), logged(3, 2)))
    ten = Shapley().explain(task(LinearQ(10 * WEIGHTS), logged(3, 2)))
    np.testing.assert_allclose(ten.content.values, 10 * one.content.values, atol=1e-12)


def test_what_the_budget_leaves_out_is_said_and_a_full_run_leaves_nothing_out():
    cut = Shapley().explain(task(LinearQ(WEIGHTS), logged(3, 2), queries=2_000))
    n_states = len(cut.content.steps)
    (told,) = cut.left_out
    n_background = cut.facts["n_background"].value
    assert f"{n_states} visited states are explained against {n_background} others" in told
    assert told.endswith("in place of 90 against 50.")
    assert Shapley().explain(task(LinearQ(WEIGHTS), logged(3, 2))).left_out == ()
