"""Planted leads: by how much inputs may change before a linear agent chooses otherwise."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from pellucid.agents import load_agent
from pellucid.explanation import Certificates
from pellucid.faithfulness.planted.drawn_inputs import DrawnInputs, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

SOUND = 1.0
"""Least share of radii that may not be larger than the true one: none may."""
TIGHT = 0.8
"""Least mean share of the true radius that must be certified."""
ROUNDING = 1e-5
"""The agent computes in single precision."""
N_INPUTS, N_ACTIONS = 5, 3


@dataclass(frozen=True)
class KnownLeads:
    """What a linear agent computes.

    Args:
        weight: Shape (inputs, actions).
        bias: Shape (actions,).
    """

    weight: Float[np.ndarray, "inputs actions"]
    bias: Float[np.ndarray, " actions"]

    def radii(
        self, rows: Float[np.ndarray, "states inputs"], scale: Float[np.ndarray, " inputs"]
    ) -> Float[np.ndarray, " states"]:
        """Return the largest change of all inputs, in units of `scale`, that leaves each choice.

        The lead of a over b falls fastest in one corner of the box, by the radius times the sum of
        `scale_i |w_ia - w_ib|`; the radius is the lead over that sum, the smallest over all b.
        """
        outputs = rows @ self.weight + self.bias
        own = outputs.argmax(axis=1)
        leads = outputs[np.arange(len(rows)), own, None] - outputs
        falls = scale @ np.abs(self.weight[:, own, None] - self.weight[:, None, :]).reshape(
            len(self.weight), -1
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = leads / falls.reshape(leads.shape)
        sizes[np.arange(len(rows)), own] = np.inf
        return np.asarray(sizes.min(axis=1))


def linear_lead(seed: int) -> Setting[KnownLeads]:
    """Return a network of a single layer, whose radius is known in every state."""
    rng = stream(seed, "planted", "linear-lead")
    weight = rng.normal(size=(N_INPUTS, N_ACTIONS)).round(2)
    bias = (0.2 * rng.normal(size=N_ACTIONS)).round(2)
    layer = torch.nn.Linear(N_INPUTS, N_ACTIONS)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.T))
        layer.bias.copy_(torch.from_numpy(bias))
    spec = spec_of(DrawnInputs, n_inputs=N_INPUTS, n_choices=N_ACTIONS)
    agent = load_agent(torch.nn.Sequential(layer), env=spec, name="linear lead")
    return Setting(agent, spec, KnownLeads(weight, bias))


# --- measures ---


def sound(content: Certificates, truth: KnownLeads) -> float:
    """Return the share of states whose radius is at most the true one."""
    found, true = _pairs(content, truth)
    return float((found <= true + ROUNDING).mean()) if len(found) else np.nan


def tight(content: Certificates, truth: KnownLeads) -> float:
    """Return the mean of the smaller of both radii as a share of the larger."""
    found, true = _pairs(content, truth)
    if not len(found):
        return np.nan
    share = np.minimum(found, true) / np.maximum(np.maximum(found, true), ROUNDING)
    return float(share.mean())


def permuted(content: Certificates, truth: KnownLeads, rng: np.random.Generator) -> Certificates:
    """Return the same radii of other states."""
    del truth
    return replace(content, radii=rng.permutation(content.radii))


def _pairs(
    content: Certificates, truth: KnownLeads
) -> tuple[Float[np.ndarray, " states"], Float[np.ndarray, " states"]]:
    """Return found and true radii; none of certificates about anything but inputs."""
    if content.about != "inputs" or len(content.scale) != N_INPUTS:
        return np.empty(0), np.empty(0)
    rows = content.observations.astype(np.float64)
    return content.radii, truth.radii(rows, content.scale)


TASKS: tuple[PlantedTask[KnownLeads], ...] = (
    PlantedTask(
        name="linear-lead",
        kind=Certificates,
        about="How far the inputs of a linear agent may be off is known in every state.",
        set_up=linear_lead,
        measures=(
            Measure("sound", "radii not above the true ones", "higher", SOUND, sound),
            Measure("tight", "share of the true radius", "higher", TIGHT, tight),
        ),
        meaningless=permuted,
        control="the same radii of other states",
    ),
)
