"""Adapter for Stable-Baselines3: PPO, A2C, DQN, SAC, TD3 and DDPG with its three policies.

The policy is Stable-Baselines3's own class, built anew from a table of known arguments and filled
with the archive's weights. No object in the archive is ever decoded; the spaces come from the
environment.
"""

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from pellucid.agents.adapter import LoadRequest, StoredAgent, adapter
from pellucid.agents.contextual import ContextualAgent
from pellucid.agents.normalisation import doubtful
from pellucid.agents.sb3_arguments import (
    PolicyArguments,
    arguments_in_archive,
    arguments_in_card,
    arguments_in_memory,
    find_algorithm,
)
from pellucid.agents.sb3_checks import (
    check_amount,
    check_extractor,
    check_saved_space,
    check_spaces,
    model_layout,
    saved_layout,
    unfitting,
)
from pellucid.agents.sb3_contrib_network import contrib_network_of
from pellucid.agents.sb3_contrib_table import KNOWN, check_sizes
from pellucid.agents.sb3_extractors import FLATTEN
from pellucid.agents.sb3_extractors import MODULE as EXTRACTOR_MODULE
from pellucid.agents.sb3_layout import TURNED, Layout, layout_in_card
from pellucid.agents.sb3_table import ACTIVATIONS, SUPPORTED, Algorithm
from pellucid.agents.spaces import Spaces, describe, require_equal, to_json
from pellucid.agents.torch_agent import TorchAgent, checked_device
from pellucid.errors import ArtifactError, InputError
from pellucid.io.artifacts import open_sb3_zip
from pellucid.io.imports import optional_import
from pellucid.types import Capability

NAME = "stable-baselines3"
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
    check_spaces(algorithm, spaces, where)
    if arguments.use_sde and type(spaces.action).__name__ != "Box":
        raise ArtifactError(
            f"{where} has use_sde=True, which takes Box actions; "
            f"the environment has {describe(spaces.action)}"
        )
    check_amount(arguments, state_dict, where)
    check_sizes(arguments, sum(tensor.numel() for tensor in state_dict.values()), where)
    check_extractor(arguments, seen, state_dict, where)
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
        raise unfitting(error, state_dict, where) from None
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
    layout = saved_layout(archive.data, request.spaces.observation, where)
    spaces = Spaces(layout.space, request.spaces.action)
    check_saved_space("actions", archive.data, spaces.action, where)
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
    layout = model_layout(model.observation_space, request.spaces, name)
    spaces = Spaces(layout.space, model.action_space)
    check_spaces(algorithm, spaces, name)
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
