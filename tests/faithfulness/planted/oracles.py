"""Explanations that know the planted truth, one per kind of content."""

from typing import Any

import numpy as np

from pellucid.explanation import (
    Attribution,
    Certificates,
    Components,
    Contributions,
    CounterfactualStates,
    Futures,
    Graph,
    Prediction,
    Rules,
    Segments,
    Summary,
    Surrogate,
)
from pellucid.faithfulness.planted.components import N_ACTIONS, N_STEPS, TERMS, KnownTerms
from pellucid.faithfulness.planted.flips import N_INPUTS
from pellucid.faithfulness.planted.task import PlantedTask, Setting
from pellucid.faithfulness.planted.teams import KnownYields

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
    return team_credits(truth) if isinstance(truth, KnownYields) else lags(truth)


def lags(truth: Any) -> Contributions:
    """Give everything to the step that is repeated."""
    return Contributions(
        names=tuple(map(str, range(6))),
        values=50.0 * np.eye(6)[truth.steps - 1],
        standard_errors=np.zeros(6),
        total=50.0,
    )


def rules(truth: Any) -> Rules:
    """Return the agent's own rule."""
    return Rules(
        rules=("its rule",),
        support=np.array([1]),
        precision=np.ones(1),
        conditions=(str(truth.predicate),),
        outcomes=np.array([1]),
        exhaustive=True,
    )


def prediction(truth: Any) -> Prediction:
    """Announce the true chance of both orders of two lamps, and of one alone."""
    orders = ("x[0] > 0.5", "x[0] > 0.5 then x[1] > 0.5", "x[1] > 0.5 then x[0] > 0.5")
    chances = [truth.probability(text) for text in orders]
    return Prediction(
        event_names=orders,
        probabilities=np.tile(chances, (4, 1)),
        happened=np.ones((4, 3), dtype=bool),
        orders=orders,
    )


def graph(truth: Any) -> Graph:
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
    """Move the input that decides just past the threshold, in every state."""
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


ORACLES = {
    CounterfactualStates: changes,
    Contributions: contributions,
    Components: components,
    Attribution: attribution,
    Segments: segments,
    Summary: summary,
    Futures: futures,
    Graph: graph,
    Prediction: prediction,
    Rules: rules,
    Surrogate: surrogate,
    Certificates: certificates,
}


def oracle(task: PlantedTask[Any], setting: Setting[Any]) -> Any:
    """Return an explanation of the task's kind that is right."""
    return ORACLES[task.kind](setting.truth)
