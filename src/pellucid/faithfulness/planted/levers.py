"""Planted levers: a network by hand that holds two concepts, and listens to one of them.

A probe reads both alike. Turning up the one moves the choice by an amount that is known in closed
form; turning up the other moves nothing.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from pellucid.agents import load_agent
from pellucid.explanation import Doses
from pellucid.faithfulness.planted.drawn_inputs import DrawnInputs, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.faithfulness.planted.units import N_INPUTS, N_UNITS, by_hand
from pellucid.seeds import stream
from pellucid.types import Agent

LOUDNESS = 0.25
"""By which the weights of the preferences are scaled: small enough that doses do not saturate."""
LOGIT = 8.0 * LOUDNESS
"""Difference of the two logits for each unit of what the carrier holds."""
HITS = 0.9
"""Share of seeds in which the concept that is listened to must be named."""
OFF = 5.0
"""Percentage points by which its effect may be told wrong."""
STILL = 6.0
"""Percentage points by which the concept that nothing listens to may be said to move a choice, a
tenth of the other one's effect: its probe, fitted to a few hundred states, hears a little of that
one too."""


@dataclass(frozen=True)
class KnownLevers:
    """What a network holds and listens to.

    Args:
        used: The input whose concept the preferences listen to.
        unused: The input whose concept is held for nothing.
        effect: Percentage points by which the second action gains from one dose of the first
            concept down to one dose up, the mean over inputs.
    """

    used: int
    unused: int
    effect: float


def true_effect() -> float:
    """Return by how many points the second action gains from one dose down to one dose up.

    The carrier holds `h = tanh x` with x even on -1 to 1. States above the median lie `D = 2 ln
    cosh 1` further than those below, which is one dose, however many other units hold the same. The
    second action has `1 / (1 + exp(-k h))`, k = `LOGIT`; the mean over x is by quadrature.
    """
    dose = 2.0 * math.log(math.cosh(1.0))
    nodes, weights = np.polynomial.legendre.leggauss(64)
    held = np.tanh(nodes)
    up, down = (1.0 / (1.0 + np.exp(-LOGIT * (held + way * dose))) for way in (1.0, -1.0))
    return float(100.0 * (up - down) @ weights / 2.0)


def levers(seed: int) -> Setting[KnownLevers]:
    """Return a network that holds two inputs, the first also for nothing, and goes by the first."""
    rng = stream(seed, "planted", "levers")
    inputs, order = rng.permutation(N_INPUTS).tolist(), rng.permutation(N_UNITS).tolist()
    spec = spec_of(DrawnInputs, n_inputs=N_INPUTS)
    with torch.random.fork_rng(devices=[]):  # building draws initial weights
        network = by_hand(inputs[:2], order[0], order[1:2])
    with torch.no_grad():
        for weights in list(network.parameters())[-2:]:
            weights.mul_(LOUDNESS)
    agent: Agent = load_agent(network, env=spec, name="by hand", outputs="logits")
    return Setting(agent, spec, KnownLevers(inputs[0], inputs[1], true_effect()))


# --- measures ---


def told_effect(content: Doses, column: int) -> float:
    """Return by how many points the second action is said to gain by an input's concept.

    NaN if nothing is said of it.
    """
    told = zip(content.concept_names, content.effects.mean(axis=0), content.outputs, strict=True)
    for name, value, output in told:
        if name.startswith(f"input {column} ") and name.endswith("is high"):
            return float(value if output == 1 else -value)
    return math.nan


def named_hit(content: Doses, truth: KnownLevers) -> float:
    """Return 1 if the concept that is listened to is named, else 0."""
    return float(content.concept_names[content.named].startswith(f"input {truth.used} "))


def used_error(content: Doses, truth: KnownLevers) -> float:
    """Return by how many points the effect of the concept that is listened to is told wrong."""
    return abs(told_effect(content, truth.used) - truth.effect)


def unused_effect(content: Doses, truth: KnownLevers) -> float:
    """Return by how many points the other concept is said to move the choice."""
    return abs(told_effect(content, truth.unused))


def other_concepts(content: Doses, truth: KnownLevers, rng: np.random.Generator) -> Doses:
    """Return the same effects of other concepts."""
    del truth
    order = rng.permutation(len(content.concept_names))
    return replace(content, concept_names=tuple(content.concept_names[i] for i in order))


TASKS: tuple[PlantedTask[Any], ...] = (
    PlantedTask(
        name="one-lever",
        kind=Doses,
        about="A network holds two concepts, and its choice listens to one of them.",
        set_up=levers,
        measures=(
            Measure("named", "the concept it listens to is named", "higher", HITS, named_hit),
            Measure("used", "points by which its effect is told wrong", "lower", OFF, used_error),
            Measure("unused", "points said of the other one", "lower", STILL, unused_effect),
        ),
        meaningless=other_concepts,
        control="the same effects of other concepts",
        n_episodes=60,
    ),
)
