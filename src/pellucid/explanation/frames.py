"""Contents as tables, one row per smallest part."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pellucid.errors import CapabilityError
from pellucid.explanation.content import (
    Amounts,
    Attribution,
    Bands,
    Certificates,
    Components,
    Content,
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
from pellucid.explanation.text_trace import TextTrace
from pellucid.stats import mean_interval


def content_frame(content: Content | None) -> pd.DataFrame:
    """Return a content as a table.

    Args:
        content: Any content kind.

    Raises:
        CapabilityError: There is no content: the explanation could not be made.
    """
    if content is None:
        raise CapabilityError(
            "expected an explanation with a content, got one that could not be made",
            hint="its `reason` says why, its `need` what would allow it",
        )
    return _FRAMES[content.kind](content)


def _attribution(c: Attribution) -> pd.DataFrame:
    n_states, n_inputs, n_outputs = c.values.shape
    state, item, output = (
        grid.ravel() for grid in np.indices((n_states, n_inputs, n_outputs), dtype=np.int64)
    )
    return pd.DataFrame(
        {
            "episode": c.steps[state, 0],
            "step": c.steps[state, 1],
            "input": np.array(c.input_names, dtype=object)[item],
            "output": np.array(c.output_names, dtype=object)[output],
            "observed": c.observations[state, item],
            "value": c.values.ravel(),
            "standard_error": c.standard_errors.ravel(),
            "chosen": c.chosen[state] == output,
        }
    )


def _segments(c: Segments) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "episode": c.episode,
            "start": c.starts,
            "stop": c.stops,
            "drop": c.drops,
            "standard_error": c.standard_errors,
            "chosen": np.arange(len(c.drops)) == c.chosen,
            "quantity": c.quantity,
        }
    )


def _futures(c: Futures) -> pd.DataFrame:
    n_arms, n_replicates = c.returns.shape
    arm, replicate = (grid.ravel() for grid in np.indices((n_arms, n_replicates)))
    columns: dict[str, Any] = {
        "arm": np.array(c.arms, dtype=object)[arm],
        "replicate": replicate,
        "return": c.returns.ravel(),
        "length": c.lengths.ravel(),
        "ended": c.ended.ravel(),
    }
    terms = {f"term: {name}": c.terms[:, :, i].ravel() for i, name in enumerate(c.term_names)}
    outcomes = {
        f"outcome: {name}": c.outcomes[:, :, i].ravel() for i, name in enumerate(c.outcome_names)
    }
    return pd.DataFrame(columns | terms | outcomes)


def _surrogate(c: Surrogate) -> pd.DataFrame:
    return pd.DataFrame({"rule": c.rules})


def _counterfactual_states(c: CounterfactualStates) -> pd.DataFrame:
    n_states, n_inputs = c.observations.shape
    state, item = (grid.ravel() for grid in np.indices((n_states, n_inputs)))
    outputs = np.array(c.output_names, dtype=object)
    frame = pd.DataFrame(
        {
            "state": state,
            "input": np.array(c.input_names, dtype=object)[item],
            "observed": c.observations.ravel(),
            "changed": c.changed.ravel(),
            "found": c.found[state],
            "chosen": outputs[c.chosen[state]],
            "wanted": outputs[c.wanted[state]],
            "reach_steps": c.reach_steps[state],
        }
    )
    known = {"size": c.sizes, "nearest": c.nearest, "plausibility": c.plausibility}
    return frame.assign(**{name: v[state] for name, v in known.items() if len(v) == n_states})


def _components(c: Components) -> pd.DataFrame:
    state, output, component = (grid.ravel() for grid in np.indices(c.values.shape))
    return pd.DataFrame(
        {
            "state": state,
            "output": np.array(c.output_names, dtype=object)[output],
            "component": np.array(c.component_names, dtype=object)[component],
            "value": c.values.ravel(),
            "whole": c.whole[state, output],
        }
    )


def _rules(c: Rules) -> pd.DataFrame:
    frame = pd.DataFrame({"rule": c.rules, "support": c.support, "precision": c.precision})
    if not len(c.examples):
        return frame
    return frame.assign(episode=c.examples[:, 0], step=c.examples[:, 1])


def _prediction(c: Prediction) -> pd.DataFrame:
    state, event = (grid.ravel() for grid in np.indices(c.probabilities.shape))
    return pd.DataFrame(
        {
            "state": state,
            "event": np.array(c.event_names, dtype=object)[event],
            "probability": c.probabilities.ravel(),
            "happened": c.happened.ravel(),
        }
    )


def _amounts(c: Amounts) -> pd.DataFrame:
    state, choice, event = (grid.ravel() for grid in np.indices(c.amounts.shape))
    return pd.DataFrame(
        {
            "episode": c.steps[state, 0],
            "step": c.steps[state, 1],
            "choice": choice,
            "event": np.array(c.event_names, dtype=object)[event],
            "amount": c.amounts.ravel(),
            "standard_error": c.standard_errors.ravel(),
        }
    )


def _bands(c: Bands) -> pd.DataFrame:
    state, ahead, item = (grid.ravel() for grid in np.indices(c.bands.shape[:3]))
    return pd.DataFrame(
        {
            "episode": c.steps[state, 0],
            "step": c.steps[state, 1],
            "ahead": ahead + 1,
            "input": np.array(c.input_names, dtype=object)[item],
            "low": c.bands[..., 0].ravel(),
            "median": c.bands[..., 1].ravel(),
            "high": c.bands[..., 2].ravel(),
            "followed": c.followed.ravel(),
        }
    )


def _orders(c: Orders) -> pd.DataFrame:
    episode, order = (grid.ravel() for grid in np.indices(c.happened.shape))
    return pd.DataFrame(
        {
            "episode": episode,
            "order": np.array(c.order_names, dtype=object)[order],
            "probability": c.probabilities[order],
            "happened": c.happened.ravel(),
        }
    )


def _readings(c: Readings) -> pd.DataFrame:
    state, concept = (grid.ravel() for grid in np.indices(c.probabilities.shape))
    return pd.DataFrame(
        {
            "episode": c.steps[state, 0],
            "step": c.steps[state, 1],
            "concept": np.array(c.concept_names, dtype=object)[concept],
            "layer": c.layers[concept],
            "probability": c.probabilities.ravel(),
            "true": c.true.ravel(),
        }
    )


def _certificates(c: Certificates) -> pd.DataFrame:
    columns = {"state": np.arange(len(c.radii)), "radius": c.radii, "norm": c.norm}
    named = {"name": c.state_names, "choice": c.choices, "rival": c.rivals}
    return pd.DataFrame(columns | {name: words for name, words in named.items() if words})


def _graph(c: Graph) -> pd.DataFrame:
    if c.form == "causes":
        return _causes(c)
    source, target = (grid.ravel() for grid in np.indices(c.transitions.shape))
    nodes = np.array(c.node_names, dtype=object)
    return pd.DataFrame(
        {
            "from": nodes[source],
            "to": nodes[target],
            "probability": c.transitions.ravel(),
            "occupancy": c.occupancy[source],
        }
    )


def _causes(c: Graph) -> pd.DataFrame:
    actions, source, target = np.nonzero(c.effects)
    nodes = np.array(c.node_names, dtype=object)
    at = (actions, source, target)
    return pd.DataFrame(
        {
            "action": np.array(c.action_names, dtype=object)[actions],
            "from": nodes[source],
            "to": nodes[target],
            "effect": c.effects[at],
            "low": c.effect_lows[at],
            "high": c.effect_highs[at],
        }
    )


def _summary(c: Summary) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"episode": c.steps[:, 0], "step": c.steps[:, 1], "importance": c.importance}
    )
    if c.reasons:
        frame["reason"] = c.reasons
    return frame.assign(**{name: c.profile[:, i] for i, name in enumerate(c.dimension_names)})


def _contributions(c: Contributions) -> pd.DataFrame:
    return pd.DataFrame({"name": c.names, "value": c.values, "standard_error": c.standard_errors})


def _doses(c: Doses) -> pd.DataFrame:
    concepts, doses, outputs = np.indices(c.shifts.shape[1:]).reshape(3, -1)
    moved = c.shifts.reshape(len(c.shifts), -1)
    told = [mean_interval(column) for column in moved.T]
    rows = pd.DataFrame(
        {
            "concept": np.array(c.concept_names, dtype=object)[concepts],
            "layer": c.layers[concepts] + 1,
            "dose": c.doses[doses],
            "moves": np.array(c.output_names, dtype=object)[outputs],
            "unit": c.unit,
        }
    )
    gained = (c.returns - c.returns[c.doses == 0.0]).T if c.returns.size else np.empty((0, 0))
    told += [mean_interval(column) for column in gained.T]
    runs = pd.DataFrame(
        {
            "concept": c.concept_names[c.named],
            "layer": c.layers[c.named] + 1,
            "dose": c.doses[: gained.shape[1]],
            "moves": "return",
            "unit": "return",
        }
    )
    found = pd.concat([rows, runs], ignore_index=True)
    return found.assign(
        value=[e.value for e in told], low=[e.low for e in told], high=[e.high for e in told]
    )


def _text_trace(c: TextTrace) -> pd.DataFrame:
    prompts = np.array(c.prompts, dtype=object)
    return pd.DataFrame({"prompt": prompts[c.step_prompts], "step": c.steps, "effect": c.effects})


_FRAMES: Mapping[str, Callable[[Any], pd.DataFrame]] = {
    Attribution.kind: _attribution,
    Segments.kind: _segments,
    Futures.kind: _futures,
    Surrogate.kind: _surrogate,
    CounterfactualStates.kind: _counterfactual_states,
    Components.kind: _components,
    Rules.kind: _rules,
    Prediction.kind: _prediction,
    Amounts.kind: _amounts,
    Bands.kind: _bands,
    Orders.kind: _orders,
    Readings.kind: _readings,
    Certificates.kind: _certificates,
    Graph.kind: _graph,
    Summary.kind: _summary,
    Contributions.kind: _contributions,
    Doses.kind: _doses,
    TextTrace.kind: _text_trace,
}
