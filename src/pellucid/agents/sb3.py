"""Adapter for Stable-Baselines3: PPO, A2C, DQN, SAC, TD3 and DDPG with its three policies.

The policy is Stable-Baselines3's own class, built anew from a table of known arguments and filled
with the archive's weights. No object in the archive is ever decoded; the spaces come from the
environment.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.agents.adapter import LoadRequest, StoredAgent, adapter
from pellucid.agents.contextual import ContextualAgent
from pellucid.agents.normalisation import doubtful
from pellucid.agents.sb3_contrib_network import contrib_network_of
from pellucid.agents.sb3_contrib_table import KNOWN, check_sizes
from pellucid.agents.sb3_extractors import FLATTEN, NATURE
from pellucid.agents.sb3_extractors import MODULE as EXTRACTOR_MODULE
from pellucid.agents.sb3_layout import (
    TURNED,
    Layout,
    fits_library,
    layout_for,
    layout_in_card,
    stacked_layout_for,
    stated,
    stated_in,
)
from pellucid.agents.sb3_table import (
    ACTIVATIONS,
    SUPPORTED,
    Algorithm,
    PolicyArguments,
    arguments_in_archive,
    arguments_in_card,
    arguments_in_memory,
    find_algorithm,
)
from pellucid.agents.spaces import Spaces, describe, mismatch, require_equal, to_json
from pellucid.agents.torch_agent import TorchAgent, checked_device
from pellucid.envs.rows import RowSpace, as_array_space
from pellucid.errors import ArtifactError, InputError
from pellucid.io.artifacts import open_sb3_zip
from pellucid.io.imports import optional_import
from pellucid.types import Capability

NAME = "stable-baselines3"
_NUMBER = re.compile(r"[-+]?(?:inf|\d+\.?\d*(?:e[-+]?\d+)?)")
_DETERMINISTIC: tuple[Capability, ...] = ("latent", "gradients", "layers")
_ACTOR_SDE: tuple[Capability, ...] = ("distribution", *_DETERMINISTIC)
_ACTOR: tuple[Capability, ...] = ("sampling", *_ACTOR_SDE)


@adapter(
    NAME,
    source="Raffin et al. 2021",
    accepts=(
        "file.zip of PPO, A2C, DQN, SAC, TD3 or DDPG with MlpPolicy, CnnPolicy or MultiInputPolicy",
        "such a model object",
    ),
    suffixes=(".zip",),
    type_names=("stable_baselines3.common.base_class.BaseAlgorithm",),
    needs=("stable-baselines3",),
    capabilities={
        "PPO": (*_ACTOR, "value"),
        "A2C": (*_ACTOR, "value"),
        "DQN": ("q_values", "latent", "gradients", "layers"),
        "SAC": _ACTOR,
        "TD3": _DETERMINISTIC,
        "DDPG": _DETERMINISTIC,
        # the held noise matrix ties the draws of successive steps together: no sampling
        "PPO with use_sde": (*_ACTOR_SDE, "value"),
        "A2C with use_sde": (*_ACTOR_SDE, "value"),
        "SAC with use_sde": _ACTOR_SDE,
    },
)
class StableBaselines3:
    """Loads archives and model objects, and rebuilds stored agents."""

    @staticmethod
    def load(request: LoadRequest) -> TorchAgent:
        """Return the agent in an archive or a model object.

        Raises:
            ArtifactError: The archive is damaged, unsafe or not supported.
            InputError: It does not fit the environment, or no environment was given.
        """
        if isinstance(request.source, str | Path):
            return _load_archive(Path(request.source), request)
        return _adapt_model(request.source, request)

    @staticmethod
    def rebuild(stored: StoredAgent) -> TorchAgent:
        """Return an agent from its card and weights.

        Raises:
            ArtifactError: Card and weights do not fit each other.
        """
        where = str(stored.folder)
        algorithm = KNOWN.get(str(stored.card.get("algorithm")))
        policy = stored.card.get("policy")
        if algorithm is None or not isinstance(policy, Mapping):
            raise ArtifactError(
                f"{where} holds the algorithm {stored.card.get('algorithm')!r:.60}; "
                f"supported: {SUPPORTED}"
            )
        stated = {key: value for key, value in policy.items() if key != TURNED}
        arguments = arguments_in_card(algorithm, stated, where)
        layout = layout_in_card(stored.spaces, policy.get(TURNED, []), where)
        module = build_policy(
            algorithm, arguments, stored.spaces, stored.state_dict, where, stored.device, layout
        )
        name = str(stored.card["name"])
        return _agent(algorithm, module, stored.spaces, name, stored.card, stored.sha256, layout)


def build_policy(
    algorithm: Algorithm,
    arguments: PolicyArguments,
    spaces: Spaces,
    state_dict: Mapping[str, Tensor],
    where: str,
    device: str = "cpu",
    layout: Layout | None = None,
) -> nn.Module:
    """Return Stable-Baselines3's own policy with the given weights.

    Args:
        algorithm: Which one.
        arguments: From the table.
        spaces: The environment's.
        state_dict: Weights by name; every one must have its place.
        where: The file, for the message.
        device: Where the weights go.
        layout: From the environment's observations to the policy's; the same if not given.

    Raises:
        ArtifactError: Weights and arguments do not fit each other.
        InputError: The algorithm does not take these spaces.
    """
    seen = (layout or Layout(spaces.observation)).policy_space
    _check_spaces(algorithm, spaces, where)
    if arguments.use_sde and type(spaces.action).__name__ != "Box":
        raise ArtifactError(
            f"{where} has use_sde=True, which takes Box actions; "
            f"the environment has {describe(spaces.action)}"
        )
    _check_amount(algorithm, arguments, spaces, state_dict, where)
    check_sizes(arguments, sum(tensor.numel() for tensor in state_dict.values()), where)
    _check_extractor(arguments, seen, state_dict, where)
    library = optional_import(algorithm.policy_module, extra="sb3")
    given: dict[str, Any] = dict(arguments.options)
    if arguments.net_arch is not None:
        given["net_arch"] = arguments.net_arch
    if arguments.extractor != FLATTEN:
        extractors = optional_import(EXTRACTOR_MODULE, extra="sb3")
        given["features_extractor_class"] = getattr(extractors, arguments.extractor)
        given["features_extractor_kwargs"] = dict(arguments.extractor_options)
    # building draws initial weights, which must not move the caller's random state
    with torch.random.fork_rng(devices=[]):
        policy = getattr(library, algorithm.policy_class)(
            # a copy: the library draws a sample image from it
            copy.deepcopy(seen),
            spaces.action,
            lambda _: 0.0,
            activation_fn=ACTIVATIONS[arguments.activation],
            **given,
        )
        if arguments.use_sde:
            # noise made without a graph, because tensors in one cannot be copied
            with torch.no_grad():
                policy.reset_noise()
    try:
        policy.load_state_dict(dict(state_dict), strict=True)
    except RuntimeError as error:
        raise _unfitting(error, state_dict, where) from None
    module = cast(nn.Module, policy.to(checked_device(device)))
    module.train(False)
    return module


def _load_archive(path: Path, request: LoadRequest) -> TorchAgent:
    where = str(path)
    archive = open_sb3_zip(path)
    algorithm = find_algorithm(archive.data, where, KNOWN)
    arguments = arguments_in_archive(algorithm, archive.data, where)
    if request.spaces is None:
        raise InputError(
            f"{where} needs an environment: its spaces are not read from the file",
            hint="name the one it was trained in, such as --env LunarLander-v3",
        )
    layout = _saved_layout(archive.data, request.spaces.observation, where)
    spaces = Spaces(layout.space, request.spaces.action)
    _check_saved_space("actions", archive.data, spaces.action, where)
    module = build_policy(
        algorithm, arguments, spaces, archive.state_dict, where, request.device, layout
    )
    versions = {"stable-baselines3": archive.version} if archive.version else {}
    name = request.name or path.name
    card = _card(algorithm, arguments, spaces, name, versions, layout)
    card["origin"] = {"file": path.name, "sha256": archive.sha256}
    # on-policy algorithms keep raw observations only beside normalised ones, the others always
    on_policy = "gae_lambda" in archive.data
    if on_policy and archive.data.get("_last_original_obs") is not None:
        card |= doubtful("the archive says that it was trained in a VecNormalize")
    return _agent(algorithm, module, spaces, name, card, archive.sha256, layout)


def _adapt_model(model: Any, request: LoadRequest) -> TorchAgent:
    kinds = [f"{cls.__module__}.{cls.__qualname__}" for cls in type(model).__mro__]
    algorithm = next((a for a in KNOWN.values() if a.object_type in kinds), None)
    name = request.name or type(model).__name__
    policy_class = type(model.policy)
    policy_type = f"{policy_class.__module__}.{policy_class.__qualname__}"
    known = () if algorithm is None else tuple(algorithm.policies)
    if (
        algorithm is None
        or policy_class.__module__ != algorithm.policy_module
        or policy_class.__qualname__ not in known
    ):
        raise InputError(
            f"{name} is a {kinds[0]} with {policy_type}; supported: {SUPPORTED}",
            hint="wrap it in a function from observations to actions",
        )
    arguments = arguments_in_memory(
        algorithm,
        model.policy_kwargs,
        name,
        use_sde=bool(model.use_sde),
        policy_class=policy_class.__qualname__,
    )
    layout = _model_layout(model.observation_space, request.spaces, name)
    spaces = Spaces(layout.space, model.action_space)
    _check_spaces(algorithm, spaces, name)
    if request.spaces is not None:
        require_equal(spaces, replace(request.spaces, observation=layout.space), who=name)
        spaces = replace(request.spaces, observation=layout.space)
    versions = {"stable-baselines3": optional_import("stable_baselines3", extra="sb3").__version__}
    card = _card(algorithm, arguments, spaces, name, versions, layout)
    module = model.policy
    if arguments.use_sde:
        # a model keeps its noise in a graph, which can be neither copied nor sent to a process
        device = str(model.device)
        weights = module.state_dict()
        module = build_policy(algorithm, arguments, spaces, weights, name, device, layout)
    return _agent(algorithm, module, spaces, name, card, "", layout)


def _agent(
    algorithm: Algorithm,
    module: nn.Module,
    spaces: Spaces,
    name: str,
    card: Mapping[str, Any],
    sha256: str,
    layout: Layout,
) -> TorchAgent:
    network = contrib_network_of(algorithm, module, spaces, layout)
    kind = ContextualAgent if hasattr(network, "needs") else TorchAgent
    return kind(name, f"{algorithm.library} {algorithm.name}", network, spaces, card, sha256)


def _card(
    algorithm: Algorithm,
    arguments: PolicyArguments,
    spaces: Spaces,
    name: str,
    versions: Mapping[str, str],
    layout: Layout,
) -> dict[str, Any]:
    turned = {TURNED: sorted(layout.turned)} if layout.turned else {}
    return {
        "name": name,
        "adapter": algorithm.library,
        "framework": f"{algorithm.library} {algorithm.name}",
        "algorithm": algorithm.name,
        "policy": {**arguments.to_json(), **turned},
        "observation_space": to_json(spaces.observation),
        "action_space": to_json(spaces.action),
        "versions": dict(versions),
    }


# --- what must fit ---


def _check_spaces(algorithm: Algorithm, spaces: Spaces, where: str) -> None:
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


def _saved_layout(data: Mapping[str, Any], space: Any, where: str) -> Layout:
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
        _check_saved_space("observations", data, space, where)
        return Layout(space)
    found = layout_for(space, text) or stacked_layout_for(space, text)
    if found is None:
        raise mismatch(where, "observations", text[:200], describe(space))
    return found


def _model_layout(policy_space: Any, wanted: Spaces | None, name: str) -> Layout:
    if wanted is None:
        return Layout(as_array_space(policy_space))
    text = stated(policy_space)
    found = layout_for(wanted.observation, text) or stacked_layout_for(wanted.observation, text)
    if found is None:
        raise mismatch(name, "observations", describe(policy_space), describe(wanted.observation))
    return found


def _check_saved_space(what: str, data: Mapping[str, Any], space: Any, where: str) -> None:
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


def _check_amount(
    algorithm: Algorithm,
    arguments: PolicyArguments,
    spaces: Spaces,
    state_dict: Mapping[str, Tensor],
    where: str,
) -> None:
    """Refuse layer sizes that the stored weights do not fill, before memory is set aside."""
    stored = sum(tensor.numel() for tensor in state_dict.values())
    arch = arguments.net_arch
    branches: Sequence[list[int]] = list(arch.values()) if isinstance(arch, dict) else [arch or []]
    for units in branches:
        wanted = sum(before * after for before, after in pairwise(units))
        if wanted > stored or sum(units) > stored:
            raise ArtifactError(
                f"{where} names layers of {units} units, but holds {stored} weights only"
            )


def _check_extractor(
    arguments: PolicyArguments, seen: Any, state_dict: Mapping[str, Tensor], where: str
) -> None:
    """Refuse images or features that the stored weights are not for, before memory is set aside."""
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


def _unfitting(error: RuntimeError, state_dict: Mapping[str, Tensor], where: str) -> ArtifactError:
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
