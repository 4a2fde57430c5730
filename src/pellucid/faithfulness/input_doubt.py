"""Whether an agent sees the inputs that it was made for; if not, no badge is more than weak.

An agent that learned on normalised inputs and sees raw ones is another agent: what is measured of
it says little of the one that was meant.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from pellucid.agents.flatten import flat
from pellucid.agents.metering import unmetered
from pellucid.agents.normalisation import stated
from pellucid.faithfulness import thresholds
from pellucid.rollouts.episodes import Episodes
from pellucid.types import Agent


class KnownInputs(NamedTuple):
    """What is known of the inputs that a network was made for.

    Args:
        mean: Shape (inputs,).
        var: Shape (inputs,).
        source: Where that is known from, in words.
    """

    mean: Float[np.ndarray, " inputs"]
    var: Float[np.ndarray, " inputs"]
    source: str


def input_doubt(agent: Agent, episodes: Episodes) -> str:
    """Return why the agent may not see the inputs that it was made for; empty for no doubt.

    Its card may say that it learned on normalised inputs whose statistics are missing. Else the
    visited states are held against what is known of its inputs.

    Args:
        agent: Any agent.
        episodes: What it did.
    """
    state, reason = stated(agent)
    if state == "unknown":
        because = f" ({reason})" if reason else ""
        return f"it learned on normalised inputs, and their statistics are missing{because}"
    known = known_inputs(agent)
    # after `--normalize` the network sees other numbers than the environment shows
    if state or known is None or not len(episodes) or episodes.visited.dtype.kind not in "biuf":
        return ""
    position = elsewhere(known, flat(episodes.visited))
    if position is None:
        return ""
    names = episodes.names.inputs
    name = names[position] if position < len(names) else "an input"
    return (
        f"its inputs are not those that it was made for: {name} has another range here than "
        f"{known.source} tells"
    )


def normalised(agent: Agent, episodes: Episodes) -> str:
    """Return `yes`, `no` or `unknown`; see `Explanation.normalised`."""
    if input_doubt(agent, episodes):
        return "unknown"
    return stated(agent)[0] or "no"


def known_inputs(agent: Agent) -> KnownInputs | None:
    """Return what is known of the inputs that a network was made for; None if nothing is.

    Its card may tell it, under `input_statistics`, as `mean` and `var`. Else a network that begins
    with batch normalisation has kept it.
    """
    inner: Any = unmetered(agent)
    card = getattr(inner, "card", {})
    told = card.get("input_statistics") if isinstance(card, Mapping) else None
    if isinstance(told, Mapping):
        return _usable(told.get("mean"), told.get("var"), "its card")
    network = getattr(inner, "network", None)
    first = _first_layer(network.path()) if network is not None else None
    if first is None or not type(first).__name__.startswith("BatchNorm"):
        return None
    mean, var = getattr(first, "running_mean", None), getattr(first, "running_var", None)
    if mean is None or var is None:
        return None
    return _usable(mean.detach().cpu().numpy(), var.detach().cpu().numpy(), "its first layer")


def elsewhere(known: KnownInputs, rows: Float[np.ndarray, "states inputs"]) -> int | None:
    """Return the first input whose visited range is another than known; None if there is none.

    Its mean lies more than `OTHER_INPUTS` standard deviations away, or its values spread that many
    times as far. A narrower range is none: episodes need not visit all that was seen in training.

    Args:
        known: Mean and variance per input.
        rows: Visited observations.
    """
    if rows.shape[1] != len(known.mean) or not len(rows):
        return None
    far = thresholds.OTHER_INPUTS * np.sqrt(known.var)
    moved = np.abs(rows.mean(axis=0) - known.mean) > far
    spread = rows.std(axis=0) > far
    found = np.flatnonzero(moved | spread)
    return int(found[0]) if len(found) else None


def _usable(mean: Any, var: Any, source: str) -> KnownInputs | None:
    try:
        pair = [np.asarray(part, dtype=np.float64).ravel() for part in (mean, var)]
    except (TypeError, ValueError):
        return None
    sound = len(pair[0]) == len(pair[1]) and np.isfinite(pair).all() and np.all(pair[1] > 0)
    return KnownInputs(pair[0], pair[1], source) if sound else None


def _first_layer(path: Any) -> Any:
    """Return the first part without parts that does more than lay inputs out."""
    for module in path:
        for part in module.modules():
            parts = any(True for _ in part.children())
            if not parts and type(part).__name__ not in ("Flatten", "Identity", "FlattenExtractor"):
                return part
    return None
