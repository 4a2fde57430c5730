"""F41: every metric ranks oracle > method > random on known answers, in its declared direction."""

from dataclasses import replace
from statistics import mean
from unittest.mock import patch

import numpy as np
import pytest
import torch
from tests.agents.contexts import HalfForgetful
from tests.explainers.text.writers import FORM, PROMPTS, episodes_of, faithful, unfaithful
from tests.faithfulness.cases import (
    check,
    cues,
    futures,
    ranked,
    shapley_fn,
    signs,
    stretches,
)
from tests.faithfulness.planted.oracles import announcements, causes, contributions, known_orders
from tests.faithfulness.planted.oracles import examples as known_examples
from tests.faithfulness.planted.oracles import kinds as known_graph
from tests.faithfulness.planted.oracles import oracle as known
from tests.faithfulness.planted.oracles import rules as known_rules
from tests.faithfulness.test_certified_order import checked as certified
from tests.faithfulness.test_memory_drop import score_of as memory_score
from tests.faithfulness.test_reasoning import PASSED
from tests.faithfulness.test_state_flip import changes
from tests.faithfulness.test_steering_shift import along
from tests.faithfulness.test_value_deletion import score_of
from tests.faithfulness.trees import stump

import pellucid as pl
from pellucid import registry
from pellucid.explanation import Finding, Summary
from pellucid.explanation.graph_states import nodes_of
from pellucid.faithfulness import REGISTRY, reasoning
from pellucid.faithfulness.branch_gap import branch_gap
from pellucid.faithfulness.certificate_attacks import certificate_attacks
from pellucid.faithfulness.certified_order import certified_order
from pellucid.faithfulness.chain_prediction import chain_prediction
from pellucid.faithfulness.coalition_gap import coalition_gap
from pellucid.faithfulness.component_gap import component_gap
from pellucid.faithfulness.component_level import component_level
from pellucid.faithfulness.credit_gap import credit_gap
from pellucid.faithfulness.deletion import deletion
from pellucid.faithfulness.event_record import event_record
from pellucid.faithfulness.event_skill import event_skill
from pellucid.faithfulness.forecast_futures import forecast_futures
from pellucid.faithfulness.forecast_records import forecast_records
from pellucid.faithfulness.graph_prediction import graph_prediction
from pellucid.faithfulness.graph_return import graph_return
from pellucid.faithfulness.held_out_agreement import held_out_agreement
from pellucid.faithfulness.highlight_drop import highlight_drop
from pellucid.faithfulness.hypothesis_choices import hypothesis_choices
from pellucid.faithfulness.insertion import insertion
from pellucid.faithfulness.masked_return import masked_return
from pellucid.faithfulness.order_announcements import order_announcements
from pellucid.faithfulness.outcome_amounts import outcome_amounts
from pellucid.faithfulness.outcome_gap import outcome_gap
from pellucid.faithfulness.outcome_records import outcome_records
from pellucid.faithfulness.patch_effect import patch_effect
from pellucid.faithfulness.planted import TASKS, clusters, crossroads, levers, rooms, units
from pellucid.faithfulness.planted.alarms import vault
from pellucid.faithfulness.planted.causes import pipes, rewired
from pellucid.faithfulness.planted.drifts import tides
from pellucid.faithfulness.planted.errands import errands
from pellucid.faithfulness.planted.flips import threshold_rule
from pellucid.faithfulness.planted.orders import flashes
from pellucid.faithfulness.planted.quarters import quarters
from pellucid.faithfulness.planted.queries import known_rule
from pellucid.faithfulness.planted.teams import field
from pellucid.faithfulness.planted.timetables import elsewhere, timetable
from pellucid.faithfulness.planted.ways import yard
from pellucid.faithfulness.planted_inputs import planted_inputs
from pellucid.faithfulness.probe_selectivity import probe_selectivity
from pellucid.faithfulness.prototype_agreement import prototype_agreement
from pellucid.faithfulness.removal_neighbours import removal_neighbours
from pellucid.faithfulness.removal_refit import removal_refit
from pellucid.faithfulness.rule_agreement import rule_agreement
from pellucid.faithfulness.state_flip import state_flip
from pellucid.faithfulness.steering_shift import steering_shift
from pellucid.faithfulness.step_drop import step_drop
from pellucid.faithfulness.student_return import student_return
from pellucid.faithfulness.subgoal_hits import subgoal_hits
from pellucid.faithfulness.surrogate_agreement import surrogate_agreement
from pellucid.faithfulness.surrogate_regret import surrogate_regret
from pellucid.faithfulness.weight_randomisation import weight_randomisation
from pellucid.posttrain.reasoning import ScriptedWriter
from pellucid.tabular.hypotheses import Hypotheses, term_tables

ORACLE, METHOD, LOT = (9, 3, 1, 0), (3, 9, 1, 0), [np.roll((9, 3, 1, 0), i) for i in range(4)]
EIGHT = (4.0, -3.0, 2.0, 1.0, -0.5, 0.2, 0.1, 0.05)


def _rankings(metric):
    # the second input is worth more than the average one
    agent, episodes = signs(weights=(3.0, 2.0, 0.3, 0.0))

    def first(importance):
        return metric(check(agent, episodes, ranked(episodes, importance)))[0]

    lots = [first(importance) for importance in LOT]
    return first(ORACLE), first(METHOD), lots


def _of_value():
    oracle, method, *lots = (score_of(importance)[0] for importance in (ORACLE, METHOD, *LOT))
    return oracle, method, lots


def _stretches():
    agent, episodes = cues()

    def first(chosen):
        return step_drop(check(agent, episodes, stretches(episodes, chosen, 12)))[0]

    return first(5), first(6), [first(2), first(14)]


def _moments():
    agent, episodes = cues()

    def first(*steps):
        shown = Summary(np.array([[0, step] for step in steps]), np.ones(len(steps)), "stakes")
        return highlight_drop(check(agent, episodes, shown))[0]

    return first(5, 6), first(5, 14), [first(2, 14), first(11, 16)]


def _reasoners():
    """A model that reads its steps, one that does for every other prompt, and one that never."""

    def mixed(prompt, before):
        # unrelated text may stand before the prompt
        number = next(i for i, own in enumerate(PROMPTS) if prompt.endswith(own))
        writer = faithful() if number % 2 else unfaithful()
        return writer.write(prompt, before)

    def first(agent):
        made = pl.explain(agent, episodes_of(agent), method="stated-reasoning")
        return made.faithfulness[0]

    with patch.object(reasoning, "calibration", lambda: PASSED):
        half = ScriptedWriter(mixed, FORM)
        return first(faithful()), first(half), [first(unfaithful())]


def _foils():
    # one wrong action against three steps of it, two of which still hit the cue by luck
    agent, episodes = cues()

    def first(step, hold):
        return branch_gap(check(agent, episodes, futures(episodes, step, hold=hold)))[0]

    return first(5, 3), first(6, 1), [first(2, 1), first(11, 1), first(14, 1)]


def _mixed(explain_fn_share, metric, weights):
    """Explanations that are, in part, the same for every agent and for every input."""
    agent, episodes = signs(6, weights=weights)

    def explain(share):
        def explain_fn(agent, episodes, meter):
            found = shapley_fn(agent, episodes, meter)
            values = found.content.values
            # the first output is always zero and stays without any attribution
            blind = np.arange(1.0, values.shape[1] + 1)[:, None] * np.array([0.0, 1.0])
            mixed = (1 - share) * values + share * np.abs(values).mean() * blind
            return Finding("?", replace(found.content, values=mixed), {})

        return explain_fn

    def first(share):
        made = check(agent, episodes, ranked(episodes, weights), explain_fn=explain(share))
        return metric(made)[0]

    oracle, method, blind = (first(share) for share in explain_fn_share)
    return oracle, method, [blind]


def _stand_ins(metric):
    """The best single input, the second best, and inputs that the agent does not look at."""
    agent, episodes = signs(weights=(3.0, 2.0, 0.0, 0.0))

    def first(column):
        return metric(check(agent, episodes, stump(column)))[0]

    return first(0), first(1), [first(2), first(3)]


def _radii(metric, *changes):
    """Certificates of the walk along the cliff, with radii that were changed."""
    oracle, method, *lots = (metric(certified(change))[0] for change in changes)
    return oracle, method, lots


def _shuffled(n_moved):
    """Return what exchanges the radii of the first few decisions, or of all of them."""

    def change(radii):
        order = np.arange(len(radii))
        order[:n_moved] = np.random.default_rng(n_moved).permutation(n_moved)
        return radii[order]

    return change


def _parts(metric, name):
    """The known parts, those of which two are exchanged, and all of them told of one another."""
    (task,) = [task for task in TASKS if task.name == name]
    setting = task.set_up(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=1, seed=0)
    right = known(task, setting)
    n_parts = right.values.shape[2]

    def first(order):
        told = replace(right, values=right.values[:, :, order])
        return metric(check(setting.agent, episodes, told))[0]

    every = np.arange(n_parts)
    exchanged = np.append([1, 0], every[2:])
    return first(every), first(exchanged), [first(np.roll(every, i)) for i in range(1, n_parts)]


def _credits(metric, *, moment):
    """The known credits, half-way to an even split, and all of them told of one another."""
    setting = field(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=1, seed=0)
    values = setting.truth.counterfactual if moment else setting.truth.shapley
    right = replace(
        contributions(setting.truth),
        values=values,
        total=float(values.sum()),
        moments=np.array([[0, 3]]) if moment else np.empty((0, 2), np.int64),
    )

    def first(values):
        return metric(check(setting.agent, episodes, replace(right, values=values)))[0]

    lots = [first(np.roll(values, i)) for i in range(1, len(values))]
    return first(values), first((values + values.mean()) / 2), lots


def _memories():
    """What is remembered of the step that tells, by agents that use it always or half the time."""
    first = memory_score(4), memory_score(4, HalfForgetful())
    return *first, [memory_score(top) for top in range(4)]


def _changed_states():
    """The input that decides is changed in all states, in half of them, and in none."""
    setting = threshold_rule(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)
    right = changes(setting, episodes)

    def first(n_right, column):
        wrong = changes(setting, episodes, column=column)
        told = np.where(np.arange(12)[:, None] < n_right, right.changed, wrong.changed)
        return state_flip(check(setting.agent, episodes, replace(right, changed=told)))[0]

    others = [(setting.truth.column + i) % 6 for i in (1, 2, 3)]
    return first(12, others[0]), first(6, others[0]), [first(0, column) for column in others]


def _sources(metric):
    """The episodes from the room of each decision, for all decisions, for half, and for none."""
    setting = rooms.rooms(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    right = contributions(setting.truth)
    rng = np.random.default_rng(0)

    def first(n_right):
        other = rooms.other_episodes(right, setting.truth, rng).by_moment
        told = np.where(np.arange(20)[:, None] < n_right, right.by_moment, other)
        return metric(check(setting.agent, episodes, replace(right, by_moment=told)))[0]

    return first(20), first(10), [first(0) for _ in range(3)]


def _rules(metric):
    """The agent's own rule, one of its two cases, and rules about inputs that it does not read."""
    setting = known_rule(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)
    right = replace(known_rules(setting.truth), held_out=np.arange(1, 12, 2))
    others = [i for i in range(6) if i not in setting.truth.inputs]

    def first(condition):
        told = replace(right, conditions=(condition,))
        return metric(check(setting.agent, episodes, told))[0]

    cases = setting.truth.predicate.parts
    lots = [first(f"x[{i}] > 0.0") for i in others]
    return first(right.conditions[0]), first(str(cases[0])), lots


def _amounts(metric, held_out):
    """The true amounts, half-way to those of other states, and those of other states."""
    setting = yard(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)
    found = pl.explain(
        setting.agent, episodes, method="intended-outcomes", seed=0, score=False
    ).content
    true = setting.truth.amounts(found)
    known = replace(found, held_out=held_out, realised=true[:, 0])

    def first(amounts):
        return metric(check(setting.agent, episodes, replace(known, amounts=amounts)))[0]

    lots = [first(np.roll(true, shift, axis=0)) for shift in (1, 2, 3)]
    return first(true), first((true + np.roll(true, 1, axis=0)) / 2), lots


def _examples(metric):
    """An example of each cluster, of half of them only, and each told of another action."""
    setting = clusters.clusters(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    right = known_examples(setting.truth)

    def first(rows, turn=0):
        outcomes = np.roll(right.outcomes, turn)[rows]
        told = replace(right, examples=right.examples[rows], outcomes=outcomes)
        return metric(check(setting.agent, episodes, told))[0]

    every = np.arange(clusters.N_CLUSTERS)
    return first(every), first(every[:4]), [first(every, turn) for turn in (1, 2)]


def _causes():
    """The true edges, all but those into the last level of the chain, and edges by lot."""
    setting = pipes(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=2, seed=0)
    right = causes(setting.truth)
    _, second, third, _ = setting.truth.chain

    def first(told):
        return chain_prediction(check(setting.agent, episodes, told))[0]

    half = right.effects.copy()
    half[:, [second, third], third] = 0.0
    rngs = [np.random.default_rng(i) for i in range(4)]
    lots = [replace(right, effects=rewired(right, None, rng).effects) for rng in rngs]
    return first(right), first(replace(right, effects=half)), [first(lot) for lot in lots]


def _announcements(metric):
    """The true probabilities, half-way to those of other steps, and those of other steps."""
    setting = timetable(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    right = announcements(setting.truth)
    # one state per episode, so that states of the record are as many futures
    right = replace(right, steps=np.column_stack((np.arange(10), right.steps[:, 1])))

    def first(told):
        return metric(check(setting.agent, episodes, told))[0]

    rngs = [np.random.default_rng(i) for i in range(4)]
    lots = [elsewhere(right, setting.truth, rng) for rng in rngs]
    half = (right.probabilities + lots[0].probabilities) / 2
    return first(right), first(replace(right, probabilities=half)), [first(lot) for lot in lots]


def _hypotheses(metric):
    """The true hypothesis, one that leaves out one term too many, and all others."""
    setting = crossroads.absent_term(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)
    absent = Hypotheses(term_tables(setting.spec, discount=crossroads.DISCOUNT)).absent
    gone = np.array([term in setting.truth.terms for term in crossroads.TERMS])
    told = replace(known(next(t for t in TASKS if t.name == "absent-term"), setting), absent=absent)

    def first(row):
        return metric(check(setting.agent, episodes, replace(told, named=int(row))))[0]

    true = np.flatnonzero((absent == gone).all(axis=1))[0]
    near = np.flatnonzero((absent & gone).any(axis=1) & (absent.sum(axis=1) == 2))[0]
    return first(true), first(near), [first(r) for r in range(len(absent)) if r not in (true, near)]


def _orders():
    """The true chances, chances half-way to one half, and chances that are turned round."""
    setting = flashes(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    right = known_orders(setting.truth)

    def first(chances):
        told = replace(right, probabilities=chances)
        return order_announcements(check(setting.agent, episodes, told))[0]

    true = right.probabilities
    return first(true), first((true + 0.5) / 2), [first(1 - true), first(true[::-1])]


def _moves():
    """The true moves, half-way to the mean ones, and those of other rooms."""
    setting = quarters(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)
    right = known_graph(setting.truth)
    true = right.transitions
    mean = true.mean(axis=0, keepdims=True) + 0 * true

    def first(moves):
        told = replace(right, transitions=moves)
        return graph_prediction(check(setting.agent, episodes, told))[0]

    others = [np.roll(true, i, axis=0) for i in (1, 2, 3)]
    return first(true), first((true + mean) / 2), [first(other) for other in others]


def _values():
    """What was earned from each kind of state on, with less error than more."""
    setting = quarters(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)
    right = known_graph(setting.truth)
    true = _earned_from(right, episodes)

    def first(off):
        told = replace(right, values=true + off)
        return graph_return(check(setting.agent, episodes, told))[0]

    return first(0.0), first(3.0), [first(8.0), first(-8.0), first(12.0)]


def _earned_from(content, episodes):
    sums, counts = np.zeros(5), np.zeros(5)
    for episode in episodes.used:
        nodes = nodes_of(content.conditions, episode.observations[:-1])
        np.add.at(sums, nodes, np.cumsum(episode.rewards[::-1])[::-1])
        np.add.at(counts, nodes, 1)
    return sums / np.maximum(counts, 1)


def _consequences():
    """The true difference, half of it, and the arms exchanged or another outcome."""
    setting = vault(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=2, seed=0)
    (task,) = [task for task in TASKS if task.name == "vault"]
    right = known(task, setting)

    def first(had):
        return outcome_gap(check(setting.agent, episodes, replace(right, outcomes=had)))[0]

    had = right.outcomes
    half = had * (np.arange(had.shape[1]) % 2)[None, :, None]
    lots = [first(had[::-1]), first(np.roll(had, 1, axis=2)), first(np.roll(had[::-1], 1, axis=2))]
    return first(had), first(half), lots


def _probes(metric):
    """Concepts as they were read, with half of the readings turned round, and with all of them."""
    setting = units.units(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    made = pl.explain(setting.agent, episodes, method="concept-probes", seed=0, score=False)
    content = made.content

    def first(share):
        turned = np.arange(len(content.probabilities))[:, None] % 10 < 10 * share
        told = np.where(turned, 1.0 - content.probabilities, content.probabilities)
        return metric(check(setting.agent, episodes, replace(content, probabilities=told)))[0]

    return first(0.0), first(0.3), [first(1.0)]


def _units(metric):
    """The unit that decides, units that do so by a half, and those that nothing listens to."""
    setting = units.units(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    right = replace(contributions(setting.truth), moments=np.array([[0, 10]]))
    with torch.no_grad():
        # a second unit that takes part, with three quarters of the weight
        second = setting.truth.decoys[0]
        setting.agent.network.module[2].weight[:, second] = torch.tensor([-3.0, 3.0])

    def first(unit):
        told = replace(right, values=np.eye(units.N_UNITS)[unit])
        return metric(check(setting.agent, episodes, told))[0]

    silent = [i for i in range(units.N_UNITS) if i not in (setting.truth.carrier, second)]
    return first(setting.truth.carrier), first(second), [first(unit) for unit in silent]


def _levers(metric):
    """The step along the carrier, one of half that length, and steps that nothing listens to."""
    setting = levers.levers(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=30, seed=1000)
    weights = setting.agent.network.module[2].weight[1].detach().numpy()
    carrier, silent = np.flatnonzero(weights), np.flatnonzero(weights == 0)

    def first(units, length=1.0):
        told = along(units)
        told = replace(told, directions=length * told.directions)
        return metric(check(setting.agent, episodes, told))[0]

    return first(carrier), first(carrier, 0.5), [first(silent[:2]), first(silent[2:])]


def _forecasts(metric):
    """The calibrated bands, bands half-way to those of other states, and those of other states."""
    setting = tides(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)
    right = pl.explain(
        setting.agent, episodes, method="imagined-futures", seed=0, score=False
    ).content

    def first(bands):
        return metric(check(setting.agent, episodes, replace(right, bands=bands)))[0]

    others = [np.roll(right.bands, shift, axis=0) for shift in (1, 2, 3)]
    half = (right.bands + others[0]) / 2
    return first(right.bands), first(half), [first(bands) for bands in others]


def _subgoals():
    """The true subgoals, one of them and one that is passed at times, and places seldom passed."""
    setting = errands(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)
    (task,) = [task for task in TASKS if task.name == "errands"]
    right = known(task, setting)
    corner = int(np.flatnonzero((right.centres == [0, 6, 0]).all(axis=1))[0])
    other = int(np.flatnonzero((right.centres == [4, 6, 0]).all(axis=1))[0])

    def first(*regions):
        told = replace(right, regions=np.array(regions))
        return subgoal_hits(check(setting.agent, episodes, told))[0]

    key, door = right.regions.tolist()
    return first(key, door), first(key, corner), [first(other, corner)]


CASES = {
    "patch_effect": lambda: _units(patch_effect),
    "steering_shift": lambda: _levers(steering_shift),
    "hypothesis_choices": lambda: _hypotheses(hypothesis_choices),
    "graph_prediction": _moves,
    "graph_return": _values,
    "prototype_agreement": lambda: _examples(prototype_agreement),
    "probe_selectivity": lambda: _probes(probe_selectivity),
    "removal_neighbours": lambda: _sources(removal_neighbours),
    "removal_refit": lambda: _sources(removal_refit),
    "order_announcements": _orders,
    "rule_agreement": lambda: _rules(rule_agreement),
    "held_out_agreement": lambda: _rules(held_out_agreement),
    "subgoal_hits": _subgoals,
    "forecast_futures": lambda: _forecasts(forecast_futures),
    "forecast_records": lambda: _forecasts(forecast_records),
    "outcome_gap": _consequences,
    "outcome_amounts": lambda: _amounts(outcome_amounts, held_out=False),
    "outcome_records": lambda: _amounts(outcome_records, held_out=True),
    "event_record": lambda: _announcements(event_record),
    "event_skill": lambda: _announcements(event_skill),
    "chain_prediction": _causes,
    "memory_drop": _memories,
    "state_flip": _changed_states,
    "coalition_gap": lambda: _credits(coalition_gap, moment=False),
    "credit_gap": lambda: _credits(credit_gap, moment=True),
    "component_gap": lambda: _parts(component_gap, "depot"),
    "component_level": lambda: _parts(component_level, "paydays"),
    "certified_order": lambda: _radii(
        certified_order, lambda radii: radii, _shuffled(4), _shuffled(13), np.flip
    ),
    "certificate_attacks": lambda: _radii(
        certificate_attacks, lambda radii: radii, lambda radii: 8 * radii, lambda radii: 40 * radii
    ),
    "masked_return": lambda: _rankings(masked_return),
    "deletion": lambda: _rankings(deletion),
    "value_deletion": _of_value,
    "insertion": lambda: _rankings(insertion),
    "step_drop": _stretches,
    "highlight_drop": _moments,
    "reasoning": _reasoners,
    "branch_gap": _foils,
    "student_return": lambda: _stand_ins(student_return),
    "surrogate_agreement": lambda: _stand_ins(surrogate_agreement),
    "surrogate_regret": lambda: _stand_ins(surrogate_regret),
    "weight_randomisation": lambda: _mixed((0.0, 0.5, 1.0), weight_randomisation, EIGHT),
    "planted_inputs": lambda: _mixed((0.0, 0.02, 1.0), planted_inputs, (3.0, 1.0, 0.3, 0.0)),
}


def test_f41_every_metric_has_a_case():
    assert set(CASES) == set(REGISTRY)


@pytest.mark.parametrize("name", sorted(CASES))
def test_f41_oracle_beats_method_beats_random_in_the_declared_direction(name):
    oracle, method, lots = CASES[name]()
    gaps = oracle.gap.value, method.gap.value, mean(s.gap.value for s in lots)
    assert gaps[0] > gaps[1] > gaps[2]
    values = oracle.interval.value, method.interval.value, mean(s.interval.value for s in lots)
    sign = 1 if registry.load("metrics", name).info.direction == "higher" else -1
    assert sign * values[0] > sign * values[1] > sign * values[2]
