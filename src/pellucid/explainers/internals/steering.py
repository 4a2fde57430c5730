"""Steering: what an agent does more of once a concept is turned up inside its network (leaf F2)."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.acting import preference_unit
from pellucid.agents.flatten import n_inputs
from pellucid.agents.hidden_layers import HiddenLayers, hidden_layers
from pellucid.agents.outputs import output_names
from pellucid.budget import Cost
from pellucid.errors import BudgetError, DataError
from pellucid.explainers.internals.concepts import OPTION, concepts_of, most_concepts, predicts
from pellucid.explainers.internals.steered_runs import PlannedRuns, planned_runs, steered_returns
from pellucid.explanation import Doses, Fact, Finding, Sentences, Task, explainer, fact
from pellucid.kernels.concept_steps import concept_step
from pellucid.kernels.probes import fit_probe
from pellucid.kernels.readability import readability
from pellucid.rollouts.clones import observations_at
from pellucid.rollouts.steered_states import (
    SteeredStates,
    most_moved,
    picked_among,
    steered_states,
    unit_of_points,
)

DOSES = (-2.0, -1.0, 0.0, 1.0, 2.0)
FITTED_EVERY = 3
"""Of so many episodes one is for making directions, and in the others they are steered along."""
LEAST_READ = 0.2
"""Share of the states in which the commoner label is wrong that a probe must win beyond it: what
cannot be read has no direction."""

_QUESTION = "What does it do more of once a concept is turned up inside it?"


class _Size(NamedTuple):
    """States that directions are made from, that choose what is named, and that are held out."""

    n_read: int
    n_choosing: int
    n_held_out: int


SIZES = (_Size(600, 200, 300), _Size(300, 100, 120), _Size(150, 40, 60))


@explainer(
    "steering",
    leaf="F2",
    kind=Doses,
    decisive="steering_shift",
    source="Turner 2023 (activation addition), along the probes of Alain 2017",
    question=_QUESTION,
    sentences=Sentences(
        supported="**{x}** drives its choice from hidden layer {layer}: from one dose down to one "
        "up, {a} {gains} {d} {points} ({lo} to {hi}). Meaningless directions, as far: {r}.",
        weak="**{x}** may drive its choice from hidden layer {layer}: from one dose down to one "
        "up, {a} {gains} {d} {points} ({lo} to {hi}). Meaningless directions do not "
        "clearly less: {r}.",
        thin="**{x}** may drive its choice from hidden layer {layer}: from one dose down to one "
        "up, {a} {gains} {d} {points} ({lo} to {hi}), meaningless directions {r}; but {reason}.",
        failed="That {x}, turned up in its hidden layer {layer}, drives its choice could not be "
        "shown: meaningless directions move it as much.",
        not_measured="Whether a concept inside its network drives its choice was not tested: "
        "{reason}. To test it: {need}.",
        does_not_say="that its layers come to hold such states by themselves, or that the concept "
        "has this effect in the world",
    ),
    needs=("layers",),
    options={"concepts": OPTION},
    on_record=True,
    runs_if_paid=True,
)
class Steering:
    """Adds the direction of a concept to a hidden layer, in doses, and tells what is chosen then.

    Directions come from every third episode: that of a linear probe, in the layer that reads the
    concept best across two folds of them. One dose is as far as states with the concept lie from
    states without it along that direction (`kernels.concept_steps`). Concepts are those of
    `explainers.internals.concepts`; those that no probe reads are left out. The value of a concept
    is by how many points its output moves from one dose down to one dose up, the mean over the
    other episodes with their standard error; its output is the one that moves most in the episodes
    for fitting, and the concept that is named is the one whose output moves most there.

    Where the environment can be run and the budget pays for it, some episodes are run with the
    agent steered along the named concept at every step, one arm per dose.

    Deviation from Turner 2023: directions of probes in place of differences of two prompts, and
    doses in the spread of the concept in place of a free coefficient.
    """

    def plan(self, task: Task) -> Cost:
        """Return what reading, steering and running take at most.

        Raises:
            BudgetError: It does not pay for 150 states to make directions from and 60 to steer in,
                or for all if there are fewer.
            CapabilityError: The agent shows no hidden layers, or its actions have no parts.
            DataError: There are less than four episodes.
        """
        hidden_layers(task.agent)
        n_inputs(task.agent.observation_space)
        preference_unit(task.agent)
        if len(task.episodes) < 4:
            raise DataError(
                f"directions are made from some episodes and steer others: four are needed, got "
                f"{len(task.episodes)}",
                hint="collect more episodes",
            )
        queries = _queries(task, _size(task))
        return Cost(queries=queries) + planned_runs(task, len(DOSES) - 1, kept=queries).cost

    def explain(self, task: Task) -> Finding:
        """Make the directions, steer along each, and run the one that is named."""
        size = _size(task)
        runs = planned_runs(task, len(DOSES) - 1, kept=_queries(task, size))
        layers = hidden_layers(task.agent)
        levers, unread = _levers(task, layers, size)
        content = _steered(task, layers, size, levers)
        lever = levers[content.named]
        changes = np.outer(DOSES, lever.step)
        returns = steered_returns(task, layers, lever.layer, changes, runs)
        return Finding(
            question=_QUESTION,
            content=replace(content, returns=returns),
            facts=_facts(content),
            warnings=_unread_words(unread),
            left_out=_left_out(task, size, runs) + _missing(returns),
        )


# --- directions ---


@dataclass(frozen=True)
class _Lever:
    name: str
    layer: int
    step: Float[np.ndarray, " units"]
    rate: float


def _levers(task: Task, layers: HiddenLayers, size: _Size) -> tuple[list[_Lever], list[str]]:
    """Return what each concept can be steered along, and the concepts that no probe reads.

    Raises:
        DataError: None is read.
    """
    steps = picked_among(_fitted_and_others(task)[0], size.n_read)
    seen = observations_at(task.episodes, steps)
    held = layers.activations(seen)
    first = (steps[:, 0] // FITTED_EVERY) % 2 == 0
    found: list[_Lever] = []
    unread: list[str] = []
    for name, labels in concepts_of(task, steps, seen).items():
        rate = float(labels.mean())
        read = [readability(units, labels, first) for units in held]
        layer = int(np.argmax(read))
        if read[layer] <= LEAST_READ * min(rate, 1.0 - rate):
            unread.append(name)
            continue
        units = held[layer]
        step = concept_step(fit_probe(units, labels).slopes, units, labels)
        found.append(_Lever(name, layer, step, rate))
    if not found:
        raise DataError(
            "no concept can be read from its hidden layers, so that none has a direction",
            hint="other concepts (the option concepts), or activation-patching, which needs none",
        )
    return found, unread


def _fitted_and_others(
    task: Task,
) -> tuple[Int[np.ndarray, "states 2"], Int[np.ndarray, "states 2"]]:
    """Return visited steps of the episodes that directions are made from, and of the others."""
    steps = task.episodes.visited_steps
    fitted = steps[:, 0] % FITTED_EVERY == 0
    return steps[fitted], steps[~fitted]


# --- steering ---


def _steered(task: Task, layers: HiddenLayers, size: _Size, levers: list[_Lever]) -> Doses:
    """Return what every concept moves at every dose; outputs and name are chosen elsewhere."""
    fitted, others = _fitted_and_others(task)
    rows = picked_among(fitted, size.n_choosing)
    choosing = steered_states(layers, task.agent, task.episodes, rows)
    rows = picked_among(others, size.n_held_out)
    held_out = steered_states(layers, task.agent, task.episodes, rows)
    chosen, sizes, shifts = [], [], []
    for number, lever in enumerate(levers):
        contrasts = choosing.contrast(lever.layer, lever.step)
        chosen.append(most_moved(contrasts))
        sizes.append(abs(float(contrasts[:, chosen[-1][0]].mean())))
        shifts.append(_response(held_out, lever))
        task.progress((number + 1) / len(levers))
    return Doses(
        concept_names=tuple(lever.name for lever in levers),
        unit=unit_of_points(task.agent.action_space),
        named=int(np.argmax(sizes)),
        layers=np.array([lever.layer for lever in levers], dtype=np.int64),
        directions=_padded([lever.step for lever in levers]),
        rates=np.array([lever.rate for lever in levers]),
        doses=np.array(DOSES),
        output_names=output_names(task.agent.action_space, task.episodes.names),
        outputs=np.array([output for output, _ in chosen], dtype=np.int64),
        rises=np.array([rises for _, rises in chosen], dtype=bool),
        shifts=np.stack(shifts, axis=1),
        n_states=len(rows),
        held_out=np.flatnonzero(np.arange(len(task.episodes)) % FITTED_EVERY),
    )


def _response(states: SteeredStates, lever: _Lever) -> Float[np.ndarray, "episodes doses outputs"]:
    doses = [states.shifts(lever.layer, dose * lever.step) if dose else None for dose in DOSES]
    nothing = np.zeros_like(next(moved for moved in doses if moved is not None))
    return np.stack([nothing if moved is None else moved for moved in doses], axis=1)


def _padded(steps: list[Float[np.ndarray, " units"]]) -> Float[np.ndarray, "concepts units"]:
    found = np.zeros((len(steps), max(len(step) for step in steps)))
    for row, step in zip(found, steps, strict=True):
        row[: len(step)] = step
    return found


# --- the answer ---


def _facts(content: Doses) -> dict[str, Fact]:
    named = content.named
    return {
        "x": fact(content.concept_names[named]),
        "layer": fact(int(content.layers[named]) + 1),
        "a": fact(content.output_names[int(content.outputs[named])]),
        "gains": fact("gains" if content.rises[named] else "loses"),
        "points": fact(content.unit),
        "k": fact(len(content.concept_names)),
        "n_states": fact(content.n_states),
    }


def _unread_words(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return (f"No probe reads these concepts, so none was turned up: {', '.join(names)}.",)


# --- what it costs ---


def _queries(task: Task, size: _Size) -> int:
    """Return the queries of reading and steering at most."""
    n_visited = len(task.episodes.visited)
    n_read, n_choosing, n_held_out = (min(n, n_visited) for n in size)
    each = n_choosing * 2 + n_held_out * (len(DOSES) - 1)
    reading = n_read * (2 if predicts(task) else 1) + n_choosing + n_held_out
    return reading + most_concepts(task) * each


def _size(task: Task) -> _Size:
    """Return the largest size that is paid for.

    Raises:
        BudgetError: None is.
    """
    left = task.meter.left.queries
    for size in SIZES:
        if _queries(task, size) <= left:
            return size
    need = _queries(task, SIZES[-1])
    raise BudgetError(
        f"steering along up to {most_concepts(task)} concepts in {SIZES[-1].n_held_out} states "
        f"takes up to {need} agent queries; {left} are left",
        hint=f"a larger budget: at least {need} queries for this method",
    )


def _missing(returns: Float[np.ndarray, "doses runs"]) -> tuple[str, ...]:
    n_missing = int(np.isnan(returns).sum())
    if not n_missing:
        return ()
    why = "failed or lasted longer than was paid for"
    return (f"{n_missing} of {returns.size} runs of the steered agent {why}.",)


def _left_out(task: Task, size: _Size, runs: PlannedRuns) -> tuple[str, ...]:
    found = []
    if _queries(task, size) < _queries(task, SIZES[0]):
        found.append(
            f"{_QUESTION} {size.n_held_out} states were steered, in place of {SIZES[0].n_held_out}."
        )
    if task.episodes.spec is not None and not runs.n_episodes:
        found.append("What it earns once it is steered was not run: the budget did not pay for it.")
    return tuple(found)
