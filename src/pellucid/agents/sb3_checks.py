"""What must fit before a policy of Stable-Baselines3 is built: spaces, layouts and sizes."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from torch import Tensor

from pellucid.agents.sb3_arguments import PolicyArguments
from pellucid.agents.sb3_extractors import FLATTEN, NATURE
from pellucid.agents.sb3_layout import (
    Layout,
    fits_library,
    layout_for,
    stacked_layout_for,
    stated,
    stated_in,
)
from pellucid.agents.sb3_table import SUPPORTED, Algorithm
from pellucid.agents.spaces import Spaces, describe, mismatch, to_json
from pellucid.envs.rows import RowSpace, as_array_space
from pellucid.errors import ArtifactError, InputError

_NUMBER = re.compile(r"[-+]?(?:inf|\d+\.?\d*(?:e[-+]?\d+)?)")


def check_spaces(algorithm: Algorithm, spaces: Spaces, where: str) -> None:
    """Refuse spaces that an algorithm of the library does not take.

    Args:
        algorithm: Which one.
        spaces: The environment's.
        where: The file or model, for the message.

    Raises:
        InputError: It does not take them.
    """
    kind = type(spaces.action).__name__
    if kind not in algorithm.actions:
        raise InputError(
            f"{where} is {algorithm.name}, which takes {' or '.join(algorithm.actions)} actions "
            f"here; the environment has {describe(spaces.action)}"
        )
    if kind.startswith("Multi") and len(spaces.action.shape) != 1:
        raise InputError(
            f"{where}: Stable-Baselines3 takes one row of choices as an action; "
            f"the environment has {describe(spaces.action)}",
            hint="flatten the actions with a wrapper",
        )
    seen = spaces.observation
    if isinstance(seen, RowSpace) and not fits_library(seen):
        raise InputError(
            f"{where}: Stable-Baselines3 takes a dict of arrays, not nested; "
            f"the environment has {describe(seen)}"
        )
    parts = [part.space for part in seen.parts] if isinstance(seen, RowSpace) else [seen]
    for what, space in (("actions", spaces.action), *(("observations", p) for p in parts)):
        if np.any(getattr(space, "start", 0)):
            raise InputError(
                f"{where}: Stable-Baselines3 counts {what} from 0; "
                f"the environment has {describe(space)}",
                hint=f"shift the {what} with a wrapper",
            )
    to_json(spaces.observation)


def saved_layout(data: Mapping[str, Any], space: Any, where: str) -> Layout:
    """Return how the environment's observations become those that the archive states.

    The returned layout's space is the environment's own, or that of the frames which the agent saw
    at once.

    Raises:
        ArtifactError: The archive does not tell its observations in plain text.
        InputError: No way leads from one to the other.
    """
    saved = data.get("observation_space")
    text = stated_in(saved) if isinstance(saved, Mapping) else None
    if text is None:
        check_saved_space("observations", data, space, where)
        return Layout(space)
    found = layout_for(space, text) or stacked_layout_for(space, text)
    if found is None:
        raise mismatch(where, "observations", text[:200], describe(space))
    return found


def model_layout(policy_space: Any, wanted: Spaces | None, name: str) -> Layout:
    """Return how the environment's observations become those of a model object.

    Args:
        policy_space: The model's observation space.
        wanted: The environment's spaces; None to take the model's own.
        name: Of the model, for the message.

    Raises:
        InputError: No way leads from one to the other.
    """
    if wanted is None:
        return Layout(as_array_space(policy_space))
    text = stated(policy_space)
    found = layout_for(wanted.observation, text) or stacked_layout_for(wanted.observation, text)
    if found is None:
        raise mismatch(name, "observations", describe(policy_space), describe(wanted.observation))
    return found


def check_saved_space(what: str, data: Mapping[str, Any], space: Any, where: str) -> None:
    """Refuse a space that is not the one an archive states; of actions also other bounds.

    Args:
        what: `observations` or `actions`.
        data: The archive's plain fields.
        space: The environment's.
        where: The file, for the message.

    Raises:
        ArtifactError: The archive does not tell its space in plain text.
        InputError: The spaces differ.
    """
    saved = data.get("observation_space" if what == "observations" else "action_space")
    if not isinstance(saved, Mapping) or ":type:" not in saved:
        raise ArtifactError(
            f"{where} does not tell its {what} in plain text",
            hint="load and save it again with a current Stable-Baselines3",
        )
    kind = str(saved[":type:"]).rstrip("'>").rpartition(".")[2][:40]
    shape = saved.get("_shape", saved.get("shape"))
    found = f"{kind} of shape {_tuple_text(shape)}, {str(saved.get('dtype'))[:20]}"
    fits = kind == type(space).__name__
    if kind == "Discrete":
        found = f"Discrete with {saved.get('n')!s:.20} values"
        fits = fits and str(saved.get("n")) == str(int(space.n))
    elif kind == "MultiDiscrete":
        found = f"MultiDiscrete with {saved.get('nvec')!s:.80} values"
        numbers = [int(text) for text in re.findall(r"\d+", str(saved.get("nvec"))[:10_000])]
        # also the order counts: it decides which input is which
        fits = fits and shape == list(space.shape) and numbers == space.nvec.ravel().tolist()
    elif kind == "MultiBinary":
        fits = fits and shape == list(space.shape)
    elif kind == "Box":
        fits = fits and shape == list(space.shape) and saved.get("dtype") == str(space.dtype)
    if not fits:
        raise mismatch(where, what, found, describe(space))
    if kind == "Box" and what == "actions":
        _check_saved_bounds(saved, space, where)


def _check_saved_bounds(saved: Mapping[str, Any], space: Any, where: str) -> None:
    # bounds are stored as printed, to eight digits and cut short when long: compared where they
    # are complete, because SAC scales and PPO clips to them
    for end in ("low", "high"):
        printed = str(saved.get(end, ""))
        numbers = [float(text) for text in _NUMBER.findall(printed)]
        bound = getattr(space, end).ravel()
        if "..." in printed or len(numbers) != len(bound):
            continue
        if not np.allclose(numbers, bound, rtol=1e-5, atol=1e-6):
            raise mismatch(where, "action bounds", f"{end} {printed[:80]}", f"{end} {bound}"[:80])


def check_amount(arguments: PolicyArguments, state_dict: Mapping[str, Tensor], where: str) -> None:
    """Refuse layer sizes that the stored weights do not fill, before memory is set aside.

    Raises:
        ArtifactError: They do not.
    """
    stored = sum(tensor.numel() for tensor in state_dict.values())
    arch = arguments.net_arch
    branches: Sequence[list[int]] = list(arch.values()) if isinstance(arch, dict) else [arch or []]
    for units in branches:
        wanted = sum(before * after for before, after in pairwise(units))
        if wanted > stored or sum(units) > stored:
            raise ArtifactError(
                f"{where} names layers of {units} units, but holds {stored} weights only"
            )


def check_extractor(
    arguments: PolicyArguments, seen: Any, state_dict: Mapping[str, Tensor], where: str
) -> None:
    """Refuse images or features that the stored weights are not for, before memory is set aside.

    Raises:
        ArtifactError: They are not for them.
    """
    if arguments.extractor == FLATTEN:
        return
    images = list(seen.spaces.values()) if hasattr(seen, "spaces") else [seen]
    if arguments.extractor == NATURE and not (
        len(images) == 1 and len(getattr(images[0], "shape", ())) == 3
    ):
        raise ArtifactError(
            f"{where} has a convolutional network, which takes one image; "
            f"the environment has {describe(seen)}"
        )
    stored = sum(tensor.numel() for tensor in state_dict.values())
    numbers = [v for v in arguments.extractor_options.values() if not isinstance(v, bool)]
    if sum(numbers) > stored:
        raise ArtifactError(f"{where} names {max(numbers)} features, but holds {stored} weights")


def unfitting(error: RuntimeError, state_dict: Mapping[str, Tensor], where: str) -> ArtifactError:
    """Return the error to raise where weights do not load into the network that was built."""
    if any(name.startswith("mlp_extractor.shared_net") for name in state_dict):
        return ArtifactError(
            f"{where} shares layers between policy and value, as Stable-Baselines3 did before 1.8",
            hint="train it again with a current Stable-Baselines3",
        )
    lines = [line.strip() for line in str(error).splitlines()]
    first = lines[1] if len(lines) > 1 else lines[0]
    return ArtifactError(
        f"{where}: its weights do not fit its own description of the network: {first[:200]}",
        hint=f"supported: {SUPPORTED}",
    )


def _tuple_text(shape: Any) -> str:
    sound = isinstance(shape, list) and len(shape) < 9
    return str(tuple(shape)) if sound else f"{shape!r:.40}"
