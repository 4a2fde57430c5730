"""Adapter for a folder with `card.json` and `weights.safetensors`: pellucid's own form of an agent.

The card says in plain words what the network is; the weights are tensors and nothing else. The
agent is rebuilt by the adapter that first loaded it, without the file that it came from.
"""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import registry
from pellucid.agents.adapter import HasFile, LoadRequest, StoredAgent, adapter
from pellucid.agents.function import NAME as FUNCTION
from pellucid.agents.metering import unmetered
from pellucid.agents.normalisation import (
    statistics_in,
    with_statistics,
    without_normalisation,
)
from pellucid.agents.spaces import Spaces, from_json, require_equal, to_json
from pellucid.agents.torch_agent import TorchAgent, weight_bytes
from pellucid.errors import ArtifactError, DataError, PluginError
from pellucid.io import strict_json
from pellucid.io.artifacts import read_safetensors
from pellucid.io.atomic import write_bytes, write_text
from pellucid.io.imports import import_object
from pellucid.io.records import check_stamp, stamp
from pellucid.types import Agent, Observations

NAME = "folder"
SCHEMA = 1
CARD = "card.json"
RANGES = "input_ranges"
"""In a card: lowest and highest value of each input, where the agent was before."""
MOST_RANGES = 512
WEIGHTS = "weights.safetensors"
_MAX_CARD_BYTES = 64 * 1024**2
_MAX_TEXT = 10_000
_TEXTS = ("name", "adapter", "framework", "algorithm", "purpose", "training", "source")


@adapter(
    NAME,
    source="pellucid",
    accepts=("a folder with card.json",),
    capabilities={"as the agent that was stored": ()},
)
class Folder:
    """Loads an agent that `save_agent` stored."""

    @staticmethod
    def load(request: LoadRequest) -> Agent:
        """Return the stored agent.

        Raises:
            DataError: The card is missing, damaged, or written by a newer version.
            ArtifactError: The weights are missing or damaged, or do not fit the card.
            InputError: The agent was made for other spaces than the environment's.
        """
        folder = Path(request.source)
        card = read_card(folder)
        where = str(folder / CARD)
        spaces = Spaces(
            from_json(card.get("observation_space"), where=where),
            from_json(card.get("action_space"), where=where),
        )
        if request.spaces is not None:
            require_equal(spaces, request.spaces, who=str(folder))
            spaces = request.spaces
        maker = _maker(card, where)
        state_dict, sha256 = _weights(card, folder)
        if request.name:
            card["name"] = request.name
        code = card.get("source") if card.get("source") in request.allowed else None
        stored = StoredAgent(
            card,
            state_dict,
            spaces,
            request.device,
            folder,
            sha256,
            None if code is None else import_object(str(code)),
        )
        agent: Agent = maker.rebuild(stored)
        statistics = statistics_in(card, spaces.observation, where=where)
        return agent if statistics is None else with_statistics(agent, statistics)


def save_agent(agent: Agent, folder: Path, *, seen: Observations | None = None) -> None:
    """Store an agent as `card.json` and `weights.safetensors`; the card is written last.

    An agent with a file of its own that is safe to open is stored as that file. An agent that is
    code has no weights. Its card names the code if it was loaded by name; it
    loads again only where that code is there and the user allows to import it.

    Args:
        agent: Any agent; a metered one is stored without its meter.
        folder: Made if it is missing.
        seen: Shape (states, *observation), what it has seen: the range of each input goes into the
            card, unless there is one already.
    """
    inner = unmetered(agent)
    card: dict[str, Any] = {**stamp(SCHEMA), "kind": "agent", **_facts(inner), "name": inner.name}
    if seen is not None and RANGES not in card:
        card |= ranges_of(seen)
    folder.mkdir(parents=True, exist_ok=True)
    inner = without_normalisation(inner)
    if isinstance(inner, TorchAgent):
        content = weight_bytes(inner.network.module)
        write_bytes(folder / WEIGHTS, content)
        card["weights"] = {"file": WEIGHTS, "sha256": hashlib.sha256(content).hexdigest()}
    elif isinstance(inner, HasFile):
        content = inner.file_content()
        write_bytes(folder / inner.file_name, content)
        card["file"] = {"name": inner.file_name, "sha256": hashlib.sha256(content).hexdigest()}
    write_text(folder / CARD, strict_json.dumps(card, indent=1) + "\n")


def ranges_of(seen: Observations) -> dict[str, Any]:
    """Return the lowest and highest value of each input as a card has them.

    Empty of images, of anything but numbers, and of nothing.
    """
    n_inputs = math.prod(seen.shape[1:])
    if not len(seen) or not 1 <= n_inputs <= MOST_RANGES or seen.dtype.kind not in "fiub":
        return {}
    rows = seen.reshape(len(seen), n_inputs).astype(np.float64)
    if not np.isfinite(rows).all():
        return {}
    ends = {"low": rows.min(axis=0).tolist(), "high": rows.max(axis=0).tolist()}
    return {RANGES: {**ends, "states": len(rows)}}


def read_card(folder: Path) -> dict[str, Any]:
    """Return the checked card in a folder.

    Raises:
        DataError: It is missing, damaged, or written by a newer version.
    """
    where = str(folder / CARD)
    card = strict_json.read(folder / CARD, max_bytes=_MAX_CARD_BYTES)
    if not isinstance(card, dict):
        raise DataError(f"{where} is not a table of fields")
    check_stamp(card, newest=SCHEMA, where=where)
    if card.get("kind") != "agent":
        raise DataError(f"{where} describes a {card.get('kind')!r:.40}, expected an agent")
    for key in _TEXTS:
        value = card.get(key, "")
        if not isinstance(value, str) or len(value) > _MAX_TEXT:
            raise DataError(f"{where}: {key!r} is not a text of at most {_MAX_TEXT} characters")
    if not card.get("name") or not card.get("adapter"):
        raise DataError(f"{where} lacks 'name' or 'adapter'")
    _check_recorded(card.get("recorded_return"), where)
    _check_ranges(card.get(RANGES), where)
    return card


def _facts(agent: Agent) -> dict[str, Any]:
    card = getattr(agent, "card", None)
    stale = ("schema", "pellucid", "kind", "weights", "file")
    if isinstance(card, Mapping) and card:
        return {key: value for key, value in card.items() if key not in stale}
    # an agent of the user's own class: what every agent tells
    return {
        "adapter": FUNCTION,
        "framework": agent.framework,
        "observation_space": to_json(agent.observation_space),
        "action_space": to_json(agent.action_space),
    }


def _weights(card: Mapping[str, Any], folder: Path) -> tuple[Mapping[str, Any], str]:
    stated = card.get("weights")
    if stated is None:
        return {}, ""
    weights = read_safetensors(folder / WEIGHTS)
    if not isinstance(stated, Mapping) or stated.get("sha256") != weights.sha256:
        raise ArtifactError(f"{folder / WEIGHTS} is not the file that {folder / CARD} names")
    return weights.state_dict, weights.sha256


def _check_recorded(recorded: Any, where: str) -> None:
    if recorded is None:
        return
    sound = (
        isinstance(recorded, Mapping)
        and all(_is_number(recorded.get(key)) for key in ("mean", "low", "high"))
        and type(recorded.get("n")) is int
        and isinstance(recorded.get("source"), str)
    )
    if not sound:
        raise DataError(
            f"{where}: 'recorded_return' needs the numbers mean, low, high and n, and a source"
        )


def _check_ranges(ranges: Any, where: str) -> None:
    if ranges is None:
        return
    ends: list[Any] = [None]
    if isinstance(ranges, Mapping):
        ends = [ranges.get("low"), ranges.get("high")]
    sound = (
        all(isinstance(end, list) and all(map(_is_number, end)) for end in ends)
        and len(ends[0]) == len(ends[-1]) <= MOST_RANGES
        and type(ranges.get("states")) is int
    )
    if not sound:
        raise DataError(
            f"{where}: {RANGES!r} needs the lists low and high, as long as each other, and states"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _maker(card: Mapping[str, Any], where: str) -> Any:
    name = card["adapter"]
    known = [n for n in registry.names("adapters") if n != NAME]
    if name not in known:
        raise DataError(f"{where} names the adapter {name!r:.60}; known: {', '.join(known)}")
    try:
        maker = registry.load("adapters", name)
    except PluginError as error:
        raise DataError(f"{where} names the adapter {name!r}, which fails: {error}") from None
    if not hasattr(maker, "rebuild"):
        raise DataError(f"{where} holds a {name} agent, which cannot be rebuilt from a folder")
    return maker
