"""Planted units: a network by hand, of which it is known what every hidden unit holds and does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from pellucid.agents import load_agent
from pellucid.explanation import Contributions, Readings
from pellucid.faithfulness.planted.drawn_inputs import DrawnInputs, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream
from pellucid.types import Agent

N_INPUTS, N_UNITS = 4, 6
READ_RIGHT = 0.9
"""Share of states in which concepts that the network holds must be read right."""
APART = 0.3
"""By which share of states those that it does not hold must be read worse: half is luck."""
HITS = 0.8
"""Share of seeds in which the unit that decides must be named."""
SILENT = 1.0
"""Percent of the way that units may be said to move preferences which nothing listens to."""


@dataclass(frozen=True)
class KnownUnits:
    """What a network holds, and what it uses.

    Args:
        held: Inputs that some hidden unit holds.
        missing: Inputs that none holds.
        carrier: The hidden unit that decides.
        decoys: Hidden units that hold the same, and that nothing listens to.
    """

    held: tuple[int, ...]
    missing: tuple[int, ...]
    carrier: int
    decoys: tuple[int, ...]


def by_hand(read: Sequence[int], carrier: int, decoys: Sequence[int]) -> nn.Module:
    """Return a network with one hidden layer that goes by its first input and holds a second one.

    The carrier and the decoys hold the first input of `read`, the others the second one; the
    preferences listen to the carrier alone.

    Args:
        read: Two inputs.
        carrier: A hidden unit.
        decoys: Others.
    """
    first = np.zeros((N_UNITS, N_INPUTS))
    first[:, read[1]] = 1.0
    for unit in (carrier, *decoys):
        first[unit] = np.eye(N_INPUTS)[read[0]]
    last = np.zeros((2, N_UNITS))
    last[:, carrier] = -4.0, 4.0
    layers = nn.Linear(N_INPUTS, N_UNITS), nn.Linear(N_UNITS, 2)
    with torch.no_grad():
        for layer, weight in zip(layers, (first, last), strict=True):
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.zero_()
    return nn.Sequential(layers[0], nn.Tanh(), layers[1])


def units(seed: int) -> Setting[KnownUnits]:
    """Return a network that decides by one unit, and holds the same in another one for nothing."""
    rng = stream(seed, "planted", "units")
    inputs, order = rng.permutation(N_INPUTS).tolist(), rng.permutation(N_UNITS).tolist()
    read, carrier, decoys = inputs[:2], order[0], order[1:2]
    spec = spec_of(DrawnInputs, n_inputs=N_INPUTS)
    with torch.random.fork_rng(devices=[]):  # building draws initial weights
        network = by_hand(read, carrier, decoys)
    agent: Agent = load_agent(network, env=spec, name="by hand", outputs="logits")
    return Setting(agent, spec, KnownUnits(tuple(read), tuple(inputs[2:]), carrier, tuple(decoys)))


# --- measures ---


def _share_right(content: Readings, inputs: Sequence[int]) -> float:
    """Return how often the concepts of some inputs are read right; NaN if they are not there."""
    names = [f"input {i} " for i in inputs]
    columns = [
        column
        for column, concept in enumerate(content.concept_names)
        if any(concept.startswith(name) for name in names) and concept.endswith("is high")
    ]
    return float(content.right[:, columns].mean()) if columns else np.nan


def held_right(content: Readings, truth: KnownUnits) -> float:
    """Return how often concepts are read right that the network holds."""
    return _share_right(content, truth.held)


def apart(content: Readings, truth: KnownUnits) -> float:
    """Return by how much concepts that it does not hold are read worse."""
    return _share_right(content, truth.held) - _share_right(content, truth.missing)


def other_concepts(content: Readings, truth: KnownUnits, rng: np.random.Generator) -> Readings:
    """Return readings of the same concepts in exchange for one another's."""
    del truth
    order = rng.permutation(len(content.concept_names))
    return replace(content, probabilities=content.probabilities[:, order])


def carrier_hit(content: Contributions, truth: KnownUnits) -> float:
    """Return 1 if the part that counts most is the unit that decides, else 0."""
    if not len(content.units):
        return np.nan
    layer, start, stop = content.units[int(np.argmax(content.values))].tolist()
    return float((layer, start, stop) == (0, truth.carrier, truth.carrier + 1))


def decoy_effect(content: Contributions, truth: KnownUnits) -> float:
    """Return how far the units are said to move preferences that hold the same for nothing."""
    if not len(content.units):
        return np.nan
    decoys = np.isin(content.units[:, 1], truth.decoys) & (content.units[:, 0] == 0)
    return float(np.abs(content.values[decoys]).max()) if decoys.any() else np.nan


def other_units(
    content: Contributions, truth: KnownUnits, rng: np.random.Generator
) -> Contributions:
    """Return the same contributions of other units."""
    del truth
    return replace(content, values=rng.permutation(content.values))


TASKS: tuple[PlantedTask[Any], ...] = (
    PlantedTask(
        name="held-concepts",
        kind=Readings,
        about="Two of four inputs reach the hidden layer of a network, the others do not.",
        set_up=units,
        measures=(
            Measure("held", "concepts it holds are read right", "higher", READ_RIGHT, held_right),
            Measure("apart", "and better than those it does not hold", "higher", APART, apart),
        ),
        meaningless=other_concepts,
        control="the readings of other concepts",
    ),
    PlantedTask(
        name="one-unit",
        kind=Contributions,
        about="One hidden unit decides, and another one holds the same for nothing.",
        set_up=units,
        measures=(
            Measure("hit", "the unit that decides counts most", "higher", HITS, carrier_hit),
            Measure("decoy", "% of the way said of the other one", "lower", SILENT, decoy_effect),
        ),
        meaningless=other_units,
        control="the same contributions of other units",
    ),
)
