"""Concept probes: what can be read from the hidden layers of a network (leaf F2)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.agents.flatten import n_inputs
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.budget import Cost
from pellucid.errors import BudgetError, DataError
from pellucid.explainers.internals.concepts import OPTION, concepts_of, predicts
from pellucid.explanation import Finding, Readings, Sentences, Task, explainer, fact
from pellucid.kernels.probes import control_labels, fit_probe, state_types
from pellucid.kernels.readability import readability
from pellucid.rollouts.clones import observations_at, scaled_inputs
from pellucid.rollouts.logs import evenly
from pellucid.seeds import stream
from pellucid.stats import mean_interval

MOST_STATES, FEWEST_STATES = 1500, 200
FITTED_EVERY = 3
"""Of so many episodes one is for fitting, and the others are read: what is read is what counts."""
N_TYPES = 40
"""Types of states of the control tasks: the nearest of so many that probes are fitted to."""
CONTROL_TASKS = 10

_QUESTION = "Which concepts can be read from its hidden layers?"


@explainer(
    "concept-probes",
    leaf="F2",
    kind=Readings,
    decisive="probe_selectivity",
    source="Hewitt 2019 (control tasks); Alain 2017 (linear probes of hidden layers)",
    question=_QUESTION,
    sentences=Sentences(
        supported="Hidden layer {layer} holds **{x}** best: a probe reads it right in {y} % of "
        "states. Over {k} concepts, probes are right in {d} % of states ({lo} to {hi}), with "
        "random labels in {r} %.",
        weak="Hidden layer {layer} may hold **{x}** best. Over {k} concepts, probes are right in "
        "{d} % of states ({lo} to {hi}), not clearly more often than with random labels ({r} %).",
        thin="Hidden layer {layer} may hold **{x}** best. Over {k} concepts, probes are right in "
        "{d} % of states ({lo} to {hi}), with random labels in {r} %; but {reason}.",
        failed="That its hidden layers hold these concepts could not be shown: probes read them "
        "no better than random labels.",
        not_measured="Which concepts its hidden layers hold was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that it uses what can be read: activation-patching tests that",
    ),
    needs=("layers",),
    options={"concepts": OPTION},
    on_record=True,
)
class ConceptProbes:
    """Fits linear probes of concepts to each hidden layer, and reads episodes they never saw.

    Every third episode is for fitting, the others for reading. The layer of a concept is the one
    that reads it best within the episodes for fitting (two folds of them). Concepts are those of
    `explainers.internals.concepts`. Control tasks (Hewitt 2019) keep the share of true labels and
    give them at random to 40 types of states, the nearest of as many states in standardised inputs:
    a probe can only memorise them. Deviation from Hewitt 2019: there types are words, which recur
    as they are.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per state, two if the value is among the concepts.

        Raises:
            BudgetError: It does not pay for 200 states, or for all if there are fewer.
            CapabilityError: The agent shows no hidden layers.
            DataError: There are less than four episodes.
        """
        hidden_layers(task.agent)
        n_inputs(task.agent.observation_space)
        if len(task.episodes) < 4:
            raise DataError(
                f"probes are fitted to some episodes and read others: four are needed, got "
                f"{len(task.episodes)}",
                hint="collect more episodes",
            )
        each = 2 if predicts(task) else 1
        n_states = min(MOST_STATES, len(task.episodes.visited), task.meter.left.queries // each)
        least = min(FEWEST_STATES, len(task.episodes.visited))
        if n_states < least:
            raise BudgetError(
                f"reading {least} states takes {each * least} agent queries; "
                f"{task.meter.left.queries} are left",
                hint=f"a larger budget: at least {each * least} queries for this method",
            )
        return Cost(queries=each * n_states)

    def explain(self, task: Task) -> Finding:
        """Fit and read every concept."""
        n_states = self.plan(task).queries // (2 if predicts(task) else 1)
        steps = task.episodes.visited_steps[evenly(len(task.episodes.visited), n_states)]
        seen = observations_at(task.episodes, steps)
        held = hidden_layers(task.agent).activations(seen)
        concepts = concepts_of(task, steps, seen)
        labels = np.column_stack(list(concepts.values()))
        split = _Split(held, steps[:, 0], steps[:, 0] % FITTED_EVERY == 0)
        anchors = scaled_inputs(task.episodes, seen[split.fitting])
        kinds = state_types(
            scaled_inputs(task.episodes, seen), anchors[evenly(len(anchors), N_TYPES)]
        )
        found = []
        for number in range(len(concepts)):
            found.append(_read(task.seed, number, split, labels[:, number], kinds))
            task.progress((number + 1) / len(concepts))
        content = _content(tuple(concepts), steps, split.fitting, labels, found)
        gain = [read.gain for read in found]
        top = int(np.argmax(gain))
        read = mean_interval(_by_episode(100.0 * content.right[:, top], content.steps[:, 0]))
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(content.concept_names[top]),
                "layer": fact(int(content.layers[top]) + 1),
                "y": fact(read.value),
                "k": fact(len(concepts)),
                "n_states": fact(n_states),
            },
            left_out=_left_out(task, n_states),
        )


@dataclass(frozen=True)
class _Split:
    held: list[Float[np.ndarray, "states units"]]
    episodes: Int[np.ndarray, " states"]
    fitting: Bool[np.ndarray, " states"]


@dataclass(frozen=True)
class _Read:
    layer: int
    gain: float
    probabilities: Float[np.ndarray, " states"]
    control: float


def _read(
    seed: int,
    number: int,
    split: _Split,
    labels: Bool[np.ndarray, " states"],
    kinds: Int[np.ndarray, " states"],
) -> _Read:
    """Return how a concept is read, from the layer that reads it best in episodes for fitting."""
    fitting = split.fitting
    rate = float(labels[fitting].mean())
    first = (split.episodes[fitting] // FITTED_EVERY) % 2 == 0
    gains = [readability(held[fitting], labels[fitting], first) for held in split.held]
    layer = int(np.argmax(gains))
    held = split.held[layer]
    probe = fit_probe(held[fitting], labels[fitting])
    rights = []
    for draw in range(CONTROL_TASKS):
        drawn = control_labels(kinds, rate, stream(seed, "concept-probes", number, draw))
        control = fit_probe(held[fitting], drawn[fitting])
        rights.append(((control.probabilities(held[~fitting]) > 0.5) == drawn[~fitting]).mean())
    return _Read(layer, gains[layer], probe.probabilities(held[~fitting]), float(np.mean(rights)))


def _content(
    names: tuple[str, ...],
    steps: Int[np.ndarray, "states 2"],
    fitting: Bool[np.ndarray, " states"],
    labels: Bool[np.ndarray, "states concepts"],
    found: list[_Read],
) -> Readings:
    return Readings(
        concept_names=names,
        probabilities=np.column_stack([read.probabilities for read in found]),
        true=labels[~fitting],
        steps=steps[~fitting],
        layers=np.array([read.layer for read in found], dtype=np.int64),
        controls=np.array([read.control for read in found]),
        fitted_steps=steps[fitting],
        fitted_labels=labels[fitting],
    )


def _by_episode(
    values: Float[np.ndarray, " states"], episodes: Int[np.ndarray, " states"]
) -> Float[np.ndarray, " episodes"]:
    return np.array([values[episodes == episode].mean() for episode in np.unique(episodes)])


def _left_out(task: Task, n_states: int) -> tuple[str, ...]:
    full = min(MOST_STATES, len(task.episodes.visited))
    if n_states == full:
        return ()
    return (f"{_QUESTION} {n_states} states were looked at, in place of {full}.",)
