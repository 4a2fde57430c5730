"""Steering shift: how far the concept named moves a choice, against directions without meaning."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.hidden_layers import HiddenLayers, hidden_layers
from pellucid.errors import BudgetError
from pellucid.explanation import Check, Doses, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.concept_steps import as_long_as, random_steps
from pellucid.kernels.probes import control_labels, fit_probe, state_types
from pellucid.rollouts.clones import observations_at, scaled_inputs
from pellucid.rollouts.logs import evenly
from pellucid.rollouts.steered_states import (
    SteeredStates,
    most_moved,
    picked_among,
    steered_states,
)
from pellucid.seeds import stream

MOST_READ = 600
"""States that probes of random labels are fitted to at most."""


@metric(
    "steering_shift",
    kind=Doses,
    label="choice moved in held-out states by turning the concept up inside",
    direction="higher",
    unit="episode",
    source="Turner 2023 (activation addition); Hewitt 2019, section 2 (control tasks)",
    targets=("action",),
)
def steering_shift(check: Check) -> tuple[Score, ...]:
    """Score the concept that is named by how far it moves its output, in episodes not used for it.

    Value of an episode: by how many points the output named rises (or falls, if that is said) from
    one dose down to one dose up, the mean over held-out states of the episode. The layer is moved
    again here, along the direction that is stored.

    Controls in the same states, 20 draws each, at the same layer and of the same length:
    `steering_shift.directions` is a random direction, `steering_shift.labels` that of a probe of
    random labels (one per type of state, as often true as the concept). Each is told to move what
    it moves most in the other episodes, as the concept is. The lower of the two decides.

    Raises:
        CapabilityError: The agent has no hidden layers.
        BudgetError: It does not pay for 40 held-out states, or for all if there are fewer.
    """
    content = check.finding.content
    assert isinstance(content, Doses)
    layers = hidden_layers(check.agent)
    bench = _bench(check, content, layers, _affordable(check, content))
    named = content.named
    sign = 1.0 if content.rises[named] else -1.0
    moved = bench.held_out.contrast(bench.layer, bench.step)
    value = sign * moved[:, int(content.outputs[named])]
    rng = stream(check.seed, "tests", "steering_shift", "directions")
    # the harder one first, which is quoted where both come out alike
    controls = {
        "labels": _of_random_labels(bench, float(content.rates[named]), check.seed),
        "directions": random_steps(bench.step, thresholds.STEERED_DIRECTIONS, rng),
    }
    info = steering_shift.info  # type: ignore[attr-defined]
    words = {"labels": "probes of random labels, as far", "directions": "random directions, as far"}
    against = {"directions": f"{info.label}, against random directions"}
    return tuple(
        paired_score(
            info,
            value,
            np.mean([bench.moved(step) for step in steps], axis=0),
            words[name],
            name=name,
            label=against.get(name),
            value_unit=content.unit,
        )
        for name, steps in controls.items()
    )


@dataclass(frozen=True)
class _Bench:
    """What directions are compared in.

    Args:
        layer: The hidden layer that is moved, from 0.
        step: Shape (units,), one dose of the concept.
        held: Shape (states, units), what it holds in the episodes that directions were made from.
        kinds: Shape (states,), types of these states.
        turning: States of the same episodes, which tell what a direction is said to move.
        held_out: States of the other episodes, in which it is measured.
    """

    layer: int
    step: Float[np.ndarray, " units"]
    held: Float[np.ndarray, "states units"]
    kinds: Int[np.ndarray, " states"]
    turning: SteeredStates
    held_out: SteeredStates

    def moved(self, step: Float[np.ndarray, " units"]) -> Float[np.ndarray, " episodes"]:
        """Return how far a direction moves what it moves most in the other episodes."""
        output, rises = most_moved(self.turning.contrast(self.layer, step))
        found = self.held_out.contrast(self.layer, step)[:, output]
        return found if rises else -found


def _rows(check: Check, content: Doses) -> tuple[np.ndarray, np.ndarray]:
    """Return visited steps of the episodes that directions were made from, and of the others."""
    steps = check.episodes.visited_steps
    held_out = np.isin(steps[:, 0], content.held_out)
    return steps[~held_out], steps[held_out]


def _affordable(check: Check, content: Doses) -> int:
    """Return the number of held-out states that are paid for.

    Raises:
        BudgetError: Not even the smallest.
    """
    known, others = _rows(check, content)
    need = 0
    for n_held_out in thresholds.STEERED_STATES:
        n, n_turning = min(n_held_out, len(others)), min(n_held_out // 2, len(known))
        passes = 2 * (2 * thresholds.STEERED_DIRECTIONS)
        need = min(MOST_READ, len(known)) + n * (3 + passes) + n_turning * (1 + passes)
        if need <= check.meter.left.queries:
            return n_held_out
    raise BudgetError(
        f"steering {n} held-out states along {2 * thresholds.STEERED_DIRECTIONS} directions "
        f"without meaning takes {need} agent queries; {check.meter.left.queries} are left",
        hint=f"a larger budget: at least {need} queries for this test",
    )


def _bench(check: Check, content: Doses, layers: HiddenLayers, n_held_out: int) -> _Bench:
    known, others = _rows(check, content)
    layer = int(content.layers[content.named])
    seen = observations_at(check.episodes, picked_among(known, MOST_READ))
    held = layers.activations(seen)[layer]
    inputs = scaled_inputs(check.episodes, seen)
    anchors = inputs[evenly(len(inputs), thresholds.STATE_TYPES)]

    def states(rows: Int[np.ndarray, "rows 2"], n: int) -> SteeredStates:
        return steered_states(layers, check.agent, check.episodes, picked_among(rows, n))

    return _Bench(
        layer,
        content.directions[content.named, : held.shape[1]],
        held,
        state_types(inputs, anchors),
        states(known, n_held_out // 2),
        states(others, n_held_out),
    )


def _of_random_labels(bench: _Bench, rate: float, seed: int) -> Float[np.ndarray, "steps units"]:
    """Return the directions of probes of random labels, as long as the step of the concept."""
    slopes = []
    for draw in range(thresholds.STEERED_DIRECTIONS):
        rng = stream(seed, "tests", "steering_shift", "labels", draw)
        slopes.append(fit_probe(bench.held, control_labels(bench.kinds, rate, rng)).slopes)
    return as_long_as(bench.step, np.array(slopes))
