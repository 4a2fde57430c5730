"""Explanations that know the planted truth, one per kind of content."""

from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.explanation import (
    Amounts,
    Attribution,
    Bands,
    Certificates,
    Components,
    Contributions,
    CounterfactualStates,
    Doses,
    Futures,
    Graph,
    Orders,
    Prediction,
    Readings,
    Rules,
    Segments,
    Summary,
    Surrogate,
)
from pellucid.faithfulness.planted.alarms import KnownAlarms
from pellucid.faithfulness.planted.clusters import KnownClusters
from pellucid.faithfulness.planted.components import N_ACTIONS, N_STEPS, TERMS, KnownTerms
from pellucid.faithfulness.planted.crossroads import TERMS as TERMS_OF_WAYS
from pellucid.faithfulness.planted.crossroads import KnownAbsence
from pellucid.faithfulness.planted.drifts import KnownTides
from pellucid.faithfulness.planted.errands import KnownErrands
from pellucid.faithfulness.planted.flips import N_INPUTS
from pellucid.faithfulness.planted.patch_flips import DecidingPatch
from pellucid.faithfulness.planted.quarters import KnownQuarters
from pellucid.faithfulness.planted.rooms import KnownRooms
from pellucid.faithfulness.planted.task import PlantedTask, Setting
from pellucid.faithfulness.planted.teams import KnownYields
from pellucid.faithfulness.planted.units import N_UNITS, KnownUnits
from pellucid.faithfulness.planted.ways import RIGHT, SIDE, UP
from pellucid.rollouts.likeness import INPUTS

DISCOUNT = 0.95


def attribution(truth: Any) -> Attribution:
    """Give every input its known effect, or 1 if it is read, where a switch, if any, is on."""
    n_inputs, n_states = len(truth.read) + len(truth.ignored), 10
    observations = np.ones((n_states, n_inputs))
    values = np.zeros((n_states, n_inputs, 1))
    values[:, list(truth.read)] = 1.0
    if truth.weights:
        observations = np.random.default_rng(0).uniform(-1, 1, observations.shape)
        values[:, :, 0] = observations * truth.weights
    return Attribution(
        values=values,
        observations=observations,
        chosen=np.zeros(n_states, dtype=np.int64),
        outputs=np.ones((n_states, 1)),
        baseline=np.zeros(1),
        standard_errors=np.zeros_like(values),
        steps=np.zeros((n_states, 2), dtype=np.int64),
        input_names=tuple(map(str, range(n_inputs))),
        output_names=("output",),
        output_unit="probability",
    )


def segments(truth: Any) -> Segments:
    """Name the four steps from the critical one on."""
    return Segments(
        episode=0,
        n_steps=40,
        starts=np.array([0, truth.step]),
        stops=np.array([4, truth.step + 4]),
        drops=np.array([0.0, 10.0]),
        standard_errors=np.zeros(2),
        chosen=1,
        lowest=0,
    )


def summary(truth: Any) -> Summary:
    """Name the critical step of five episodes."""
    steps = np.column_stack((np.arange(5), np.full(5, truth.step)))
    return Summary(steps=steps, importance=np.ones(5), importance_name="importance")


def futures(truth: Any) -> Futures:
    """Tell the true difference to the action that changes most."""
    return alarms(truth) if isinstance(truth, KnownAlarms) else tolls(truth)


def tolls(truth: Any) -> Futures:
    """Tell the true difference to the dearest action, held for two steps from the dear one on."""
    own, foil = int(truth.costs.argmin()), int(truth.costs.argmax())
    step = min(truth.dear_step, 18)
    lost = truth.lost(foil, step, 2)
    return Futures(
        episode=0,
        step=step,
        arms=("own", "foil"),
        actions=np.array([own, foil]),
        returns=np.array([[0.0] * 5, [-lost] * 5]),
        lengths=np.ones((2, 5), dtype=np.int64),
        ended=np.ones((2, 5), dtype=bool),
        term_names=(),
        terms=np.empty((2, 5, 0)),
        noise="fresh_noise",
        hold=2,
        preferences=np.zeros(4),
        preference_names=("a", "b", "c", "d"),
        observation=np.zeros(2),
    )


def alarms(truth: KnownAlarms) -> Futures:
    """Tell how much more often the alarm rings after the loudest action, in a thousand futures."""
    foil, n = int(truth.chances.argmax()), 1000
    had = np.zeros((2, n, 3))
    n_rings = round(n * truth.difference(foil, 15, 2))
    had[1, :n_rings, 1] = 1.0
    return Futures(
        episode=0,
        step=15,
        arms=("own", "foil"),
        actions=np.array([truth.own, foil]),
        returns=np.zeros((2, n)),
        lengths=np.full((2, n), 5),
        ended=np.ones((2, n), dtype=bool),
        term_names=(),
        terms=np.empty((2, n, 0)),
        noise="fresh_noise",
        hold=2,
        preferences=np.zeros(4),
        preference_names=("a", "b", "c", "d"),
        observation=np.zeros(3),
        outcome_names=("late", "alarm on", "draft high"),
        outcome_kinds=("above", "above", "above"),
        outcome_columns=np.array([0, 1, 2]),
        outcome_bounds=np.array([0.9, 0.5, 0.9]),
        outcome_terms=("", "", ""),
        outcomes=had,
        p_values=np.array([1.0, 0.001, 1.0]),
    )


def surrogate(truth: Any) -> Surrogate:
    """Return the agent's own tree, or its own sum."""
    if hasattr(truth, "weights"):
        return _own_sum(truth)
    (root, left, right), (middle, low, high) = truth.inputs, truth.thresholds
    return Surrogate(
        form="tree",
        rules=(),
        code="",
        n_parts=4,
        complexity=np.array([4]),
        returns=np.array([20.0]),
        input_names=tuple(map(str, range(6))),
        features=np.array([root, left, -1, -1, right, -1, -1]),
        thresholds=np.array([middle, low, 0.0, 0.0, high, 0.0, 0.0]),
        children=np.array([[1, 4], [2, 3], [-1, -1], [-1, -1], [5, 6], [-1, -1], [-1, -1]]),
        values=np.eye(4)[[0, 0, 0, 1, 2, 2, 3]],
    )


def certificates(truth: Any) -> Certificates:
    """Return the true radii of all states, or of some if their inputs are drawn."""
    if hasattr(truth, "weight"):
        rows = np.random.default_rng(0).uniform(-1, 1, (50, len(truth.weight)))
        scale = rows.std(axis=0)
        return Certificates(rows, truth.radii(rows, scale), "largest change", scale=scale)
    radii = truth.radii(DISCOUNT)
    return Certificates(
        observations=np.arange(len(radii))[:, None].astype(np.float64),
        radii=radii,
        norm="largest change of a reward",
        about="rewards",
        actions=np.zeros(len(radii), dtype=np.int64),
        discount=DISCOUNT,
    )


def contributions(truth: Any) -> Contributions:
    """Give everything to what it is due to."""
    if isinstance(truth, KnownRooms):
        return sources(truth)
    if isinstance(truth, KnownAbsence):
        return hypotheses(truth)
    if isinstance(truth, KnownUnits):
        return patched_units(truth)
    return team_credits(truth) if isinstance(truth, KnownYields) else lags(truth)


def sources(truth: Any) -> Contributions:
    """Share every decision among the episodes in its room, the first decision of each episode."""
    rooms = np.array(truth.rooms)
    n = len(rooms)
    by_moment = np.where(rooms[:, None] == rooms, 1.0 + np.arange(n) / n, 0.0)
    return Contributions(
        names=tuple(f"episode {i}" for i in range(n)),
        values=by_moment[0],
        standard_errors=np.full(n, np.nan),
        total=100.0,
        moments=np.column_stack((np.arange(n), np.zeros(n, dtype=np.int64))),
        members=np.arange(n),
        by_moment=by_moment,
        shown=0,
    )


def hypotheses(truth: KnownAbsence) -> Contributions:
    """Believe in the hypothesis that is true."""
    absent = np.array([[i == j for j in range(len(TERMS_OF_WAYS))] for i in range(-1, 3)])
    (named,) = np.flatnonzero((absent == [t in truth.terms for t in TERMS_OF_WAYS]).all(axis=1))
    return Contributions(
        names=("no term absent", *(f"{term} absent" for term in TERMS_OF_WAYS)),
        values=100.0 * np.eye(4)[named],
        standard_errors=np.zeros(4),
        total=100.0,
        absent=absent,
        term_names=TERMS_OF_WAYS,
        named=int(named),
        discount=0.99,
    )


def patched_units(truth: Any) -> Contributions:
    """Give everything to the unit that decides."""
    return Contributions(
        names=tuple(f"unit {i} of hidden layer 1" for i in range(N_UNITS)),
        values=100.0 * np.eye(N_UNITS)[truth.carrier],
        standard_errors=np.zeros(N_UNITS),
        total=100.0,
        units=np.array([(0, i, i + 1) for i in range(N_UNITS)]),
    )


def steered_concepts(truth: Any) -> Doses:
    """Give the known effect to the concept that is listened to, and none to the other one."""
    dose, turned = np.array([-1.0, 0.0, 1.0]), np.array([truth.effect / 2, 0.0])
    rising = turned[:, None] * dose
    return Doses(
        concept_names=tuple(f"input {i} (unnamed) is high" for i in (truth.used, truth.unused)),
        layers=np.zeros(2, dtype=np.int64),
        directions=np.zeros((2, N_UNITS)),
        rates=np.full(2, 0.5),
        doses=dose,
        output_names=("action 0", "action 1"),
        outputs=np.ones(2, dtype=np.int64),
        rises=np.ones(2, dtype=bool),
        shifts=np.stack((-rising, rising), axis=-1)[None],
        unit="percentage points",
        n_states=1,
        held_out=np.zeros(1, dtype=np.int64),
    )


def lags(truth: Any) -> Contributions:
    """Give everything to the step that is repeated."""
    return Contributions(
        names=tuple(map(str, range(6))),
        values=50.0 * np.eye(6)[truth.steps - 1],
        standard_errors=np.zeros(6),
        total=50.0,
    )


def rules(truth: Any) -> Rules:
    """Return the agent's own rule, or one example of each cluster."""
    if isinstance(truth, KnownClusters):
        return examples(truth)
    return Rules(
        rules=("its rule",),
        support=np.array([1]),
        precision=np.ones(1),
        conditions=(str(truth.predicate),),
        outcomes=np.array([1]),
        exhaustive=True,
    )


def known_orders(truth: Any) -> Orders:
    """Announce the true chance of both orders of two lamps, and of one alone."""
    orders = ("x[0] > 0.5", "x[0] > 0.5 then x[1] > 0.5", "x[1] > 0.5 then x[0] > 0.5")
    chances = [truth.probability(text) for text in orders]
    happened = np.ones((4, 3), dtype=bool)
    return Orders(orders, orders, np.array(chances), happened)


def kinds(truth: Any) -> Graph:
    """Tell the four rooms by their quarter of the square, and their true moves."""
    transitions = np.eye(5)
    transitions[:4, :4] = truth.moves
    sides = (("<=", "<="), (">", "<="), (">", ">"), ("<=", ">"))
    return Graph(
        node_names=("one", "two", "three", "four", "the end"),
        occupancy=np.array([0.25, 0.25, 0.25, 0.25, 0.0]),
        transitions=transitions,
        conditions=tuple(f"x[0] {a} 0.0 and x[1] {b} 0.0" for a, b in sides),
        values=np.array([7.0, 7.0, 7.0, 7.0, 0.0]),
    )


def examples(truth: KnownClusters) -> Rules:
    """Return the first recorded moment of each cluster."""
    places = np.array(truth.clusters)
    n = len(truth.actions)
    return Rules(
        rules=tuple(f"like cluster {cluster}" for cluster in range(n)),
        support=np.ones(n, dtype=np.int64),
        precision=np.ones(n),
        outcomes=np.array(truth.actions),
        held_out=np.arange(1, len(places), 2),
        examples=np.array([np.argwhere(places == cluster)[0] for cluster in range(n)]),
        likeness=INPUTS,
        scale=np.ones(4),
    )


def _own_sum(truth: Any) -> Surrogate:
    weights = np.stack([-truth.weights, truth.weights])
    return Surrogate(
        form="formula",
        rules=(),
        code="",
        n_parts=3,
        complexity=np.array([3]),
        returns=np.array([20.0]),
        input_names=tuple(map(str, range(len(truth.weights)))),
        features=np.array([-1]),
        thresholds=np.zeros(1),
        children=np.full((1, 2), -1),
        values=np.zeros((1, 2)),
        weights=weights[None],
    )


def components(truth: Any) -> Components:
    """Tell every part as it is."""
    return parts(truth) if isinstance(truth, KnownTerms) else spans(truth)


def parts(truth: Any) -> Components:
    """Give the action that pays most its true lead over the others in every step."""
    paid = truth.paid[np.arange(N_STEPS) % len(truth.paid)]
    whole = paid.sum(axis=2)
    known = Components(
        values=np.zeros((N_STEPS, N_ACTIONS, len(TERMS))),
        whole=whole,
        component_names=TERMS,
        output_names=tuple(map(str, range(N_ACTIONS))),
        chosen=whole.argmax(axis=1),
        steps=np.column_stack((np.zeros(N_STEPS, np.int64), np.arange(N_STEPS))),
        discount=DISCOUNT,
    )
    known.values[np.arange(N_STEPS), known.chosen] = truth.differences(known)
    return known


def spans(truth: Any, since: Any = (0, 4, 8, 12, 16), steps: Any = None) -> Components:
    """Tell what arrives in each span, in every step."""
    steps = np.arange(len(truth.amounts)) if steps is None else np.array(steps)
    known = Components(
        values=np.zeros((len(steps), 1, len(since))),
        whole=np.zeros((len(steps), 1)),
        component_names=tuple(map(str, since)),
        output_names=("return",),
        steps=np.column_stack((np.zeros_like(steps), steps)),
        discount=1.0,
        since=np.array(since),
    )
    known.values[:, 0] = truth.parts(known)
    return known


def team_credits(truth: Any) -> Contributions:
    """Give every member what it adds to an episode."""
    return Contributions(
        names=tuple(f"worker {i}" for i in range(len(truth.yields))),
        values=truth.shapley,
        standard_errors=np.zeros(len(truth.yields)),
        total=float(truth.shapley.sum()),
    )


def changes(truth: Any) -> CounterfactualStates:
    """Move what decides past the threshold, in every state."""
    return patches(truth) if isinstance(truth, DecidingPatch) else inputs_moved(truth)


def patches(truth: DecidingPatch) -> CounterfactualStates:
    """Take over the patch that decides from a state that is on the other side."""
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8)).astype(np.uint8)
    seen = images.repeat(2, 1).repeat(2, 2)[..., None]
    row, column = truth.pixel
    above = seen[:, row, column, 0] > truth.threshold
    changed = seen.copy()
    changed[:, row : row + 2, column : column + 2, 0] = np.where(above, 10, 250)[:, None, None]
    names = tuple(map(str, range(64)))
    return CounterfactualStates(
        observations=images.reshape(20, 64).astype(np.float64),
        changed=changed[:, ::2, ::2, 0].reshape(20, 64).astype(np.float64),
        found=np.ones(20, dtype=bool),
        chosen=above.astype(np.int64),
        wanted=1 - above.astype(np.int64),
        reach_steps=np.full(20, -1),
        input_names=names,
        output_names=("0", "1"),
        shape=seen.shape[1:],
        seen=seen,
        seen_changed=changed,
        swapped=np.arange(64) == np.full((20, 1), truth.patch),
    )


def inputs_moved(truth: Any) -> CounterfactualStates:
    """Move the input that decides just past the threshold."""
    observations = np.random.default_rng(0).uniform(-1, 1, (20, N_INPUTS))
    above = observations[:, truth.column] > truth.threshold
    changed = observations.copy()
    changed[:, truth.column] = truth.threshold + np.where(above, -1e-3, 1e-3)
    scales = np.full(N_INPUTS, 3**-0.5)
    return CounterfactualStates(
        observations=observations,
        changed=changed,
        found=np.ones(20, dtype=bool),
        chosen=above.astype(np.int64),
        wanted=1 - above.astype(np.int64),
        reach_steps=np.full(20, -1),
        input_names=tuple(map(str, range(N_INPUTS))),
        output_names=("0", "1"),
        scales=scales,
        sizes=(np.abs(changed - observations) / scales).sum(axis=1),
    )


def readings_of(truth: Any) -> Readings:
    """Read what the network holds, and nothing else, in 200 states."""
    happened = np.random.default_rng(0).random((200, 4)) < 0.5
    held = np.isin(np.arange(4), truth.held)
    return Readings(
        concept_names=tuple(f"input {i} (unnamed) is high" for i in range(4)),
        probabilities=np.where(held, happened, 0.0).astype(np.float64),
        true=happened,
        steps=np.column_stack((np.arange(200) // 20, np.arange(200) % 20)),
        layers=np.zeros(4, dtype=np.int64),
        controls=np.full(4, 0.5),
        fitted_steps=np.empty((0, 2), dtype=np.int64),
        fitted_labels=np.empty((0, 4), dtype=bool),
    )


def bands(truth: KnownTides, n_states: int = 20, ahead: int = 20) -> Bands:
    """Tell the true quantiles of some states."""
    now = np.random.default_rng(3).normal(size=(n_states, 3))
    return Bands(
        input_names=("east", "north", "height"),
        steps=np.column_stack((np.arange(n_states), np.zeros(n_states, np.int64))),
        observations=now,
        held_out=True,
        bands=truth.bands(now, ahead),
        standing_still=np.full((n_states, ahead, 3), 1.5),
        spreads=np.ones(3),
        followed=truth.futures(now, ahead)[:, 7],
        coverage=0.8,
    )


def outcomes(truth: Any) -> Amounts:
    """Tell the true amounts of all places but the exit, of going right and of going up."""
    places = np.array([divmod(i, SIDE) for i in range(SIDE * SIDE)], dtype=np.float64)
    n_states = len(places) - 1
    amounts = np.zeros((n_states, 2, len(places)))
    known = Amounts(
        event_names=tuple(map(str, range(len(places)))),
        amounts=amounts,
        standard_errors=amounts,
        returns=np.zeros((n_states, 2)),
        realised=np.full((n_states, len(places)), np.nan),
        choices=np.tile([RIGHT, UP], (n_states, 1)),
        steps=np.zeros((n_states, 2), dtype=np.int64),
        choice_names=("right", "up"),
        discount=DISCOUNT,
        horizon=1000,
        form="places",
        places=places,
        columns=np.empty(0, dtype=np.int64),
        bounds=np.empty(0),
        above=np.empty(0, dtype=bool),
        observations=places[:-1],
    )
    return replace(known, amounts=truth.amounts(known))


def subgoals(truth: KnownErrands) -> Graph:
    """Name the places of the key and the door, among all places."""
    grid = np.indices((5, 7, 2)).reshape(3, -1).T.astype(np.float64)
    regions = np.array(
        [int(np.flatnonzero((grid == one).all(axis=1))[0]) for one in truth.subgoals]
    )
    return Graph(
        node_names=("key", "door"),
        occupancy=np.array([0.1, 0.1]),
        transitions=np.array([[0.0, 1.0], [0.0, 0.0]]),
        centres=grid,
        spreads=np.ones(3),
        regions=regions,
        announced=np.where(grid[:, 2] > 0, 1, 0),
        within=np.full(len(grid), 30),
        frequencies=np.ones(len(grid)),
    )


def graphs(truth: Any) -> Graph:
    """Tell the kinds of states, the subgoals, or what causes what."""
    if isinstance(truth, KnownErrands):
        return subgoals(truth)
    return kinds(truth) if isinstance(truth, KnownQuarters) else causes(truth)


def causes(truth: Any) -> Graph:
    """Tell the true edges and the true chain."""
    effects = truth.edges.astype(np.float64)
    n_actions, n_nodes, _ = effects.shape
    return Graph(
        node_names=(*(f"level {i}" for i in range(n_nodes - 1)), "reward"),
        occupancy=np.full(n_nodes, np.nan),
        transitions=effects.mean(axis=0),
        form="causes",
        action_names=tuple(map(str, range(n_actions))),
        effects=effects,
        effect_lows=np.where(effects != 0, 0.5, np.nan),
        effect_highs=np.where(effects != 0, 1.5, np.nan),
        chain=np.array(truth.chain),
    )


def announcements(truth: Any, horizon: int = 5) -> Prediction:
    """Announce both bells with their true probabilities, in every fourth step of an episode."""
    at = np.arange(0, len(truth.rings) - 1, 4)
    told = np.array([[truth.within(int(t), b, horizon) for b in range(2)] for t in at])
    return Prediction(
        event_names=("bell 0 rings", "bell 1 rings"),
        probabilities=told,
        happened=told > 0.5,
        episodes=np.zeros(len(at), dtype=np.int64),
        steps=np.column_stack((np.zeros_like(at), at)),
        horizon=horizon,
        times=np.full(told.shape, np.nan),
        named=told.argmax(axis=1),
        base_rates=told.mean(axis=0),
        columns=np.array([1, 2]),
        bounds=np.array([0.5, 0.5]),
        above=np.array([True, True]),
    )


ORACLES = {
    Prediction: announcements,
    Amounts: outcomes,
    Bands: bands,
    Orders: known_orders,
    Readings: readings_of,
    Graph: graphs,
    CounterfactualStates: changes,
    Contributions: contributions,
    Doses: steered_concepts,
    Components: components,
    Attribution: attribution,
    Segments: segments,
    Summary: summary,
    Futures: futures,
    Rules: rules,
    Surrogate: surrogate,
    Certificates: certificates,
}


def oracle(task: PlantedTask[Any], setting: Setting[Any]) -> Any:
    """Return an explanation of the task's kind that is right."""
    return ORACLES[task.kind](setting.truth)
