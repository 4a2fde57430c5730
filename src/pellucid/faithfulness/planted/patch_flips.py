"""Planted patch: which part of an image has to change for another choice is known."""

from dataclasses import dataclass, replace

import numpy as np

from pellucid.explanation import CounterfactualStates
from pellucid.explanation.groups import MAX_GRID
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.images import N_PATCHES, SIDE, DrawnImages
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

EXACT = 0.9
"""Share of states whose change must be that of the patch alone."""


@dataclass(frozen=True)
class DecidingPatch:
    """What decides the choice: one patch, and whether it is brighter than a threshold."""

    patch: int
    threshold: float

    @property
    def pixel(self) -> tuple[int, int]:
        """Row and column of its first pixel."""
        row, column = divmod(self.patch, MAX_GRID)
        return SIDE * row, SIDE * column


def patch_rule(seed: int) -> Setting[DecidingPatch]:
    """Return an agent that chooses by whether one of 64 patches is brighter than a threshold.

    So the smallest change of any state takes over that patch, and nothing else.
    """
    rng = stream(seed, "planted", "patch-rule")
    truth = DecidingPatch(int(rng.integers(N_PATCHES)), float(rng.uniform(80.0, 175.0)))
    row, column = truth.pixel
    spec = spec_of(DrawnImages, paid=[0.0] * N_PATCHES)
    agent = agent_of("patch rule", lambda images: images[:, row, column, 0] > truth.threshold, spec)
    return Setting(agent, spec, truth)


def right_patch(content: CounterfactualStates, truth: DecidingPatch) -> float:
    """Return the share of states of which the patch that decides changes alone, and flips."""
    if not len(content.found) or not content.swapped.size:
        return np.nan
    row, column = truth.pixel
    sides = [
        images[:, row, column, 0] > truth.threshold
        for images in (content.seen, content.seen_changed)
    ]
    alone = content.swapped.sum(axis=1) == 1
    right = content.found & alone & content.swapped[:, truth.patch] & (sides[0] != sides[1])
    return float(right.mean())


def other_patches(
    content: CounterfactualStates, truth: DecidingPatch, rng: np.random.Generator
) -> CounterfactualStates:
    """Return as many random patches of each state in place of those that were named."""
    del truth
    return replace(content, swapped=rng.permuted(content.swapped, axis=1))


TASKS: tuple[PlantedTask[DecidingPatch], ...] = (
    PlantedTask(
        name="patch-rule",
        kind=CounterfactualStates,
        about="Chooses by whether 1 of 64 patches of an image is brighter than a threshold.",
        set_up=patch_rule,
        measures=(
            Measure("change", "states with the smallest change", "higher", EXACT, right_patch),
        ),
        meaningless=other_patches,
        control="as many random patches",
    ),
)
