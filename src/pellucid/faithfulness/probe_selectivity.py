"""Probe selectivity: how often probes are right, against probes of random labels."""

import numpy as np

from pellucid.agents.hidden_layers import hidden_layers
from pellucid.errors import BudgetError
from pellucid.explanation import Check, Readings, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.probes import control_labels, fit_probe, state_types
from pellucid.rollouts.clones import observations_at, scaled_inputs
from pellucid.rollouts.logs import evenly
from pellucid.seeds import stream


@metric(
    "probe_selectivity",
    kind=Readings,
    label="concepts that probes read right in episodes they never saw",
    direction="higher",
    unit="episode",
    source="Hewitt 2019, section 2 (selectivity)",
    targets=("action",),
)
def probe_selectivity(check: Check) -> tuple[Score, ...]:
    """Score probes by how often they are right, against probes of random labels.

    Value of an episode that no probe was fitted to: the percentage of its states in which what a
    probe reads is true, the mean over concepts. Control in the same states: probes of the same form
    on the same layer, fitted to labels that are as often true and fixed at random for each of 40
    types of states, 10 draws per concept, none of which the explanation used. Layers were chosen in
    the episodes for fitting alone.

    Raises:
        CapabilityError: The agent has no hidden layers.
        BudgetError: The states cannot be looked at once more.
    """
    content = check.finding.content
    assert isinstance(content, Readings)
    controls = _controls(check, content)
    episodes = content.steps[:, 0]
    right, control = (
        np.array([100.0 * part[episodes == episode].mean() for episode in np.unique(episodes)])
        for part in (content.right, controls)
    )
    score = paired_score(
        probe_selectivity.info,  # type: ignore[attr-defined]
        right,
        control,
        "probes of random labels, one per type of state",
        value_unit="% of states",
        bounds=(0.0, 100.0),
    )
    return (score,)


def _controls(check: Check, content: Readings) -> np.ndarray:
    """Return how often probes of random labels are right, shape (states, concepts)."""
    fitted, read = content.fitted_steps, content.steps
    steps = np.concatenate([fitted, read])
    if len(steps) > check.meter.left.queries:
        raise BudgetError(
            f"reading the states again takes {len(steps)} agent queries; "
            f"{check.meter.left.queries} are left",
            hint=f"a larger budget: at least {len(steps)} queries for this test",
        )
    seen = observations_at(check.episodes, steps)
    held = hidden_layers(check.agent).activations(seen)
    inputs = scaled_inputs(check.episodes, seen)
    own = inputs[: len(fitted)]
    kinds = state_types(inputs, own[evenly(len(own), thresholds.STATE_TYPES)])
    right = np.zeros((len(read), len(content.layers)))
    for concept, layer in enumerate(content.layers.tolist()):
        units, rate = held[layer], float(content.fitted_labels[:, concept].mean())
        for draw in range(thresholds.CONTROL_TASKS):
            rng = stream(check.seed, "tests", "probe_selectivity", concept, draw)
            labels = control_labels(kinds, rate, rng)
            probe = fit_probe(units[: len(fitted)], labels[: len(fitted)])
            said = probe.probabilities(units[len(fitted) :]) > 0.5
            right[:, concept] += (said == labels[len(fitted) :]) / thresholds.CONTROL_TASKS
    return right
