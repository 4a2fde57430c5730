"""What the tests of certificates about inputs share: attacks on the choice by changed inputs."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.agents.flatten import unflat
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Certificates, Check
from pellucid.faithfulness.thresholds import (
    CERTIFICATE_ATTACKS,
    CERTIFIED_STATES,
    INSIDE,
    UNITS_FOR_WEAK,
)
from pellucid.types import HasGradients

GRADIENT_SHARE = 0.5
"""Share of the attacks that follow the gradient of the lead, if the agent has gradients."""
N_LINES = 24
"""Directions along which the breaking point of a state is looked for."""
SIZES = np.geomspace(2.0**-12, 16.0, 33)
"""Sizes that are tried along a line, the same for every state, so that none follows its radius."""
N_HALVINGS = 5


@dataclass(frozen=True, eq=False)
class CertifiedInputs:
    """Certified choices that can be tried by asking the agent.

    Args:
        rows: Shape (states, inputs), those tried, spread over all certified ones.
        radii: Shape (states,), above 0.
        actions: Shape (states,).
        scale: Shape (inputs,).
    """

    rows: Float[np.ndarray, "states inputs"]
    radii: Float[np.ndarray, " states"]
    actions: Int[np.ndarray, " states"]
    scale: Float[np.ndarray, " inputs"]


def certified_inputs(check: Check) -> CertifiedInputs:
    """Return the choices to try.

    Raises:
        CapabilityError: The certificates do not say in which unit inputs change.
    """
    content = check.finding.content
    assert isinstance(content, Certificates)
    if content.scale.shape != content.observations.shape[1:]:
        raise CapabilityError(
            "these certificates do not say in which unit inputs change",
            hint="certificates of inputs with a scale",
        )
    claimed = np.flatnonzero((content.radii > 0) & np.isfinite(content.radii))
    picked = np.unique(
        np.linspace(0, len(claimed) - 1, min(len(claimed), CERTIFIED_STATES)).astype(int)
    )
    tried = claimed[picked]
    return CertifiedInputs(
        content.observations[tried].astype(np.float64),
        content.radii[tried],
        content.actions[tried],
        content.scale,
    )


def share_broken(
    check: Check, found: CertifiedInputs, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " states"], int]:
    """Return the percentage of attacks within each radius that succeed, and attacks per state.

    Half of the attacks follow the gradient of the lead over each rival in turn, and from then on
    that at the place they are; the others are random corners and random points of the box.

    Raises:
        BudgetError: Less than one attack per state.
    """
    n_states = len(found.rows)
    affordable = check.meter.left.queries // 2 // max(1, n_states)
    n = min(CERTIFICATE_ATTACKS // max(1, n_states), affordable)
    if n < 1:
        raise BudgetError(
            f"attacks on {n_states} certificates need at least {2 * n_states} agent queries",
            hint=f"a larger budget: {CERTIFICATE_ATTACKS} agent queries are enough for this test",
        )
    broken = np.zeros(n_states)
    for place in range(n_states):
        inside = INSIDE * found.radii[place] * found.scale
        n_led = int(n * GRADIENT_SHARE) if "gradients" in check.agent.capabilities else 0
        led = _led(check, found, place, inside, n_led, rng)
        signs = rng.choice([-1.0, 1.0], (n - len(led), len(inside)))
        # every other one anywhere within the box and not in a corner of it
        signs[::2] *= rng.uniform(0.0, 1.0, signs[::2].shape)
        changes = np.concatenate([led, signs * inside])
        broken[place] = 100.0 * _changed(check, found, place, changes).mean()
    return broken, n


def breaking_points(
    check: Check, found: CertifiedInputs, rng: np.random.Generator
) -> Float[np.ndarray, " states"]:
    """Return the smallest change that was found to change the choice of each state.

    Along the gradient of the lead over each rival and along random corners, in the unit of the
    radii. A state whose choice nothing changed counts as the largest size tried.

    Raises:
        BudgetError: Less than five states can be tried.
    """
    per_state = N_LINES * (len(SIZES) + N_HALVINGS) + _n_rivals(check)
    n = min(len(found.rows), check.meter.left.queries // per_state)
    if n < min(UNITS_FOR_WEAK, len(found.rows)):
        raise BudgetError(
            f"the breaking points of {UNITS_FOR_WEAK} states need "
            f"{UNITS_FOR_WEAK * per_state} agent queries; {check.meter.left.queries} are left",
            hint=f"a larger budget: {CERTIFIED_STATES * per_state} agent queries are enough",
        )
    points = np.full(len(found.rows), np.nan)
    for place in range(n):
        lines = _lines(check, found, place, rng)
        points[place] = _first_break(check, found, place, lines)
    return points


def _first_break(
    check: Check, found: CertifiedInputs, place: int, lines: Float[np.ndarray, "lines inputs"]
) -> float:
    """Return the smallest size, over all lines, at which the choice changes."""
    sizes = SIZES
    grid = lines[:, None] * sizes[None, :, None]
    changed = _changed(check, found, place, grid.reshape(-1, lines.shape[1]))
    hit = changed.reshape(len(lines), len(sizes))
    if not hit.any():
        return float(sizes[-1])
    first = np.where(hit.any(axis=1), hit.argmax(axis=1), len(sizes))
    nearest = np.flatnonzero(first == first.min())
    high = np.full(len(nearest), sizes[first.min()])
    low = np.full(len(nearest), sizes[first.min() - 1] if first.min() else 0.0)
    for _ in range(N_HALVINGS):
        middle = 0.5 * (low + high)
        hit = _changed(check, found, place, lines[nearest] * middle[:, None])
        low, high = np.where(hit, low, middle), np.where(hit, middle, high)
    return float(high.min())


def _lines(
    check: Check, found: CertifiedInputs, place: int, rng: np.random.Generator
) -> Float[np.ndarray, "lines inputs"]:
    """Return corners of a box of radius 1: down each rival's lead, and random ones."""
    corners = rng.choice([-1.0, 1.0], (N_LINES, len(found.scale)))
    if "gradients" in check.agent.capabilities:
        slopes = _lead_slopes(check, found.rows[place : place + 1], found.actions[place])
        n_led = min(len(slopes), N_LINES // 2)
        corners[:n_led] = -np.sign(slopes[:n_led, 0])
    return np.asarray(corners * found.scale)


def _led(
    check: Check,
    found: CertifiedInputs,
    place: int,
    inside: Float[np.ndarray, " inputs"],
    n: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "changes inputs"]:
    """Return changes that go down the lead: from random places of the box to a corner of it."""
    if n < 1:
        return np.empty((0, len(inside)))
    starts = rng.uniform(-1.0, 1.0, (n, len(inside))) * inside
    starts[0] = 0.0
    slopes = _lead_slopes(check, found.rows[place] + starts, found.actions[place])
    rivals = np.arange(n) % len(slopes)
    return np.asarray(-np.sign(slopes[rivals, np.arange(n)]) * inside)


def _lead_slopes(
    check: Check, rows: Float[np.ndarray, "rows inputs"], action: int
) -> Float[np.ndarray, "rivals rows inputs"]:
    """Return the gradient of the lead of an action over each other one; one query per row."""
    space = check.agent.observation_space
    own = int(action) - int(check.agent.action_space.start)
    with torch.enable_grad():
        at = torch.tensor(rows.reshape(len(rows), *space.shape), requires_grad=True)
        outputs = cast(HasGradients, check.agent).torch_preferences(at)
        slopes = [
            torch.autograd.grad((outputs[:, own] - outputs[:, other]).sum(), at, retain_graph=True)[
                0
            ]
            for other in range(outputs.shape[1])
            if other != own
        ]
    return np.stack([s.detach().numpy().reshape(len(rows), -1) for s in slopes]).astype(np.float64)


def _n_rivals(check: Check) -> int:
    return max(1, int(check.agent.action_space.n) - 1)


def _changed(
    check: Check,
    found: CertifiedInputs,
    place: int,
    changes: Float[np.ndarray, "changes inputs"],
) -> np.ndarray:
    """Return which changes make the agent choose another action; one query each."""
    rows: Shaped[np.ndarray, changes * observation] = unflat(
        found.rows[place] + changes, check.agent.observation_space
    )
    return np.asarray(
        choose_actions(check.agent, rows, "greedy", ()).astype(np.int64) != found.actions[place]
    )
