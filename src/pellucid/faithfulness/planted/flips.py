"""Planted flips: how far a state is from one in which the agent chooses otherwise is known."""

from dataclasses import dataclass, replace

import numpy as np

from pellucid.explanation import CounterfactualStates
from pellucid.faithfulness.planted.drawn_inputs import DrawnInputs, agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.faithfulness.state_flip import random_change
from pellucid.seeds import stream

N_INPUTS = 6
EXACT = 0.9
"""Share of states whose change must be the right one."""
LONGER = 0.05
"""Share of the needed change by which the one found may be longer."""
SHORTEST = 0.01
"""Of an input's range, the way to the threshold that every change may be longer by."""


@dataclass(frozen=True)
class Threshold:
    """What decides the choice: one input, and whether it is above a threshold."""

    column: int
    threshold: float


def threshold_rule(seed: int) -> Setting[Threshold]:
    """Return an agent that chooses by whether one of six inputs is above a threshold.

    So the smallest change of any state moves that input to the threshold, and nothing else.
    """
    rng = stream(seed, "planted", "threshold-rule")
    column, threshold = int(rng.integers(N_INPUTS)), float(rng.uniform(-0.6, 0.6))
    spec = spec_of(DrawnInputs, n_inputs=N_INPUTS)
    agent = agent_of("threshold rule", lambda rows: rows[:, column] > threshold, spec)
    return Setting(agent, spec, Threshold(column, threshold))


def right_change(content: CounterfactualStates, truth: Threshold) -> float:
    """Return the share of states whose change is the smallest one that flips the choice.

    It changes the input that decides alone, past the threshold, and is at most a twentieth longer
    than the way to it (and a hundredth of the input's range, where that way is short).
    """
    if not len(content.found):
        return np.nan
    before, after = content.observations, content.changed
    alone = (after != before).sum(axis=1) == 1
    old, new = before[:, truth.column], after[:, truth.column]
    flipped = (old > truth.threshold) != (new > truth.threshold)
    needed, made = np.abs(truth.threshold - old), np.abs(new - old)
    short = made <= (1 + LONGER) * needed + 2 * SHORTEST
    return float((content.found & alone & flipped & short).mean())


def other_change(
    content: CounterfactualStates, truth: Threshold, rng: np.random.Generator
) -> CounterfactualStates:
    """Return random changes of as many inputs and of the same sizes."""
    del truth
    drawn = content.changed.copy()
    for state in np.flatnonzero(content.found):
        drawn[state] = random_change(
            content.observations[state],
            content.scales,
            int(content.n_changed[state]),
            float(content.sizes[state]),
            rng,
        )
    return replace(content, changed=drawn)


TASKS: tuple[PlantedTask[Threshold], ...] = (
    PlantedTask(
        name="threshold-rule",
        kind=CounterfactualStates,
        about="Chooses by whether 1 of 6 inputs is above a threshold.",
        set_up=threshold_rule,
        measures=(
            Measure("change", "states with the smallest change", "higher", EXACT, right_change),
        ),
        meaningless=other_change,
        control="random changes of the same sizes",
    ),
)
