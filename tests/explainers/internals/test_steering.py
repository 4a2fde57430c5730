"""Steering of networks by hand, whose answer is known in closed form."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from torch import nn

import pellucid as pl
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.budget import Cost
from pellucid.envs import make_env, step_limit
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.internals.steering import DOSES, SIZES, Steering
from pellucid.faithfulness.planted import levers

LIMIT = step_limit(make_env(levers.levers(0).spec))


@pytest.fixture(scope="module")
def known():
    """A network by hand and its episodes."""
    setting = levers.levers(1003)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=60, seed=1003)
    return setting, episodes


@pytest.fixture(scope="module")
def content(known):
    setting, episodes = known
    return Steering().explain(task(setting.agent, episodes)).content


def column(content, setting, which):
    held = getattr(setting.truth, which)
    (found,) = [
        i for i, name in enumerate(content.concept_names) if name.startswith(f"input {held} ")
    ]
    return found


def test_the_concept_it_listens_to_is_named_and_its_effect_is_that_in_closed_form(known, content):
    setting, _ = known
    used = column(content, setting, "used")
    assert content.named == used
    assert content.output_names[content.outputs[used]] == "action 1 (unnamed)"
    assert content.rises[used]
    assert content.effects.mean(axis=0)[used] == pytest.approx(setting.truth.effect, abs=levers.OFF)
    assert content.effects.std(axis=0)[used] < 1.0 * np.sqrt(len(content.effects))


def test_a_concept_that_nothing_listens_to_is_read_and_moves_little(known, content):
    setting, _ = known
    unused = column(content, setting, "unused")
    assert abs(content.effects.mean(axis=0)[unused]) < 0.2 * setting.truth.effect
    # its direction lies in the four units that hold it, which nothing listens to
    share = np.sort(np.abs(content.directions[unused]))
    assert share[2] > 5 * share[1]


def test_one_dose_moves_the_carrier_as_far_as_the_concept_spreads(known, content):
    setting, episodes = known
    (held,) = hidden_layers(setting.agent).activations(episodes.visited)
    above = episodes.visited[:, setting.truth.used] > 0
    used = column(content, setting, "used")
    carrier = np.flatnonzero(setting.agent.network.module[2].weight[1].detach().numpy())[0]
    spread = held[above, carrier].mean() - held[~above, carrier].mean()
    assert spread == pytest.approx(2 * np.log(np.cosh(1.0)), abs=0.05)
    assert content.directions[used, carrier] == pytest.approx(spread, rel=0.05)


def test_the_response_rises_with_the_dose_and_is_nothing_at_none(content):
    named = content.named
    response = content.shifts[:, named, :, content.outputs[named]].mean(axis=0)
    assert (np.diff(response) > 0).all()
    assert response[DOSES.index(0.0)] == 0.0
    # probabilities of all actions add up to one, whatever the dose
    np.testing.assert_allclose(content.shifts.sum(axis=-1), 0.0, atol=1e-6)
    np.testing.assert_allclose(
        content.effects.mean(axis=0)[named], response[3] - response[1], atol=1e-9
    )


def test_the_episodes_for_directions_are_not_steered(content):
    assert not (content.held_out % 3 == 0).any()
    assert len(content.held_out) == 40
    assert content.n_states == SIZES[0].n_held_out
    assert len(content.shifts) <= len(content.held_out)


def test_what_is_earned_is_that_of_always_the_same_action_at_a_large_dose(known, content):
    # the environment pays for action 0: steered far up, the agent always chooses action 1
    _, episodes = known
    assert content.returns.shape == (5, 10)
    np.testing.assert_array_equal(
        content.returns[2], [episode.total_reward for episode in episodes.attempted[:10]]
    )
    assert (content.returns[0] == 20.0).all()
    assert (content.returns[4] == 0.0).all()


def test_logs_are_steered_and_nothing_is_run(known):
    setting, episodes = known
    finding = Steering().explain(task(setting.agent, replace(episodes, spec=None)))
    assert finding.content.returns.shape == (5, 0)
    assert finding.left_out == ()


def test_concepts_that_no_probe_reads_are_left_out_and_named(known):
    setting, episodes = known
    used = setting.truth.used
    (unheld,) = [i for i in range(4) if i not in (used, setting.truth.unused)][:1]
    concepts = {
        "held": lambda rows: rows[:, used] > 0,
        "not held": lambda rows: rows[:, unheld] > 0,
    }
    finding = Steering().explain(task(setting.agent, episodes, options={"concepts": concepts}))
    assert finding.content.concept_names == ("held",)
    assert finding.warnings == ("No probe reads these concepts, so none was turned up: not held.",)
    del concepts["held"]
    with pytest.raises(DataError, match="no concept can be read from its hidden layers"):
        Steering().explain(task(setting.agent, episodes, options={"concepts": concepts}))


def test_the_plan_is_kept_and_a_smaller_budget_steers_fewer_states(known):
    setting, episodes = known
    for queries, env_steps, n_states, n_runs in (
        (10**6, 10**5, 300, 10),
        (10**6, 4 * (LIMIT + 4 * 30), 300, 5),
        (10**6, 4 * (LIMIT + 4 * 30) - 1, 300, 0),
        (3000, 10**5, 60, 0),
    ):
        asked = task(setting.agent, episodes, queries=queries, env_steps=env_steps)
        planned = Steering().plan(asked)
        finding = Steering().explain(asked)
        assert asked.meter.used.fits(planned)
        assert planned.queries <= queries
        assert planned.env_steps <= env_steps
        assert finding.content.n_states == n_states
        assert finding.content.returns.shape == (5, n_runs)
        assert bool(finding.left_out) == (n_states < 300 or not n_runs)
    with pytest.raises(
        BudgetError, match="takes up to 1850 agent queries; 1849 are left"
    ) as raised:
        Steering().plan(task(setting.agent, episodes, queries=1849))
    assert "at least 1850" in str(raised.value.hint)


def test_what_cannot_be_steered_is_refused_with_what_would_work(known):
    setting, episodes = known
    with pytest.raises(CapabilityError, match="no torch network") as raised:
        Steering().plan(task(LinearQ(np.eye(2)), logged(2, 2)))
    assert "perturbation" in str(raised.value.hint)
    flat = pl.load_agent(nn.Linear(4, 2), env=setting.spec, outputs="logits")
    with pytest.raises(CapabilityError, match="has no hidden layer") as raised:
        Steering().plan(task(flat, episodes))
    assert "integrated-gradients" in str(raised.value.hint)
    few = replace(episodes, attempted=episodes.attempted[:3])
    with pytest.raises(DataError, match="four are needed, got 3"):
        Steering().plan(task(setting.agent, few))
    with pytest.raises(InputError, match="must be a mapping"):
        Steering().explain(task(setting.agent, episodes, options={"concepts": "height"}))


def test_the_same_seed_gives_the_same_answer(known):
    setting, episodes = known
    budget = Cost(16_000, 0)
    one, two = (
        pl.explain(setting.agent, episodes, method="steering", seed=5, budget=budget) for _ in "ab"
    )
    assert one.badge == two.badge == "supported"
    assert one.text == two.text
    assert one.faithfulness == two.faithfulness
    np.testing.assert_array_equal(one.content.shifts, two.content.shifts)
    assert "gains" in one.text
    assert one.used.fits(budget)
