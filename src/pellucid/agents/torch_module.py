"""Adapter for a torch module from observations to logits, Q-values or mean actions."""

import copy
import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn

from pellucid.agents.adapter import LoadRequest, StoredAgent, adapter, required_code
from pellucid.agents.logits import paired_logits
from pellucid.agents.row_tensors import elements_of
from pellucid.agents.sb3_table import ACTIVATIONS
from pellucid.agents.spaces import Spaces, describe, to_json
from pellucid.agents.torch_agent import (
    Head,
    Network,
    TorchAgent,
    checked_device,
)
from pellucid.agents.torch_value import (
    METHOD,
    PAIR,
    SUFFIX,
    all_layers,
    first_of,
    split_layers,
    value_of,
    value_source,
    works,
)
from pellucid.agents.undisturbed import placement, undisturbed
from pellucid.errors import AgentError, ArtifactError, InputError
from pellucid.io.artifacts import Weights, read_safetensors, read_state_dict
from pellucid.io.imports import import_object
from pellucid.types import Observations

NAME = "torch"
_HEADS: Mapping[str, tuple[Head, ...]] = {
    "Discrete": ("logits", "q_values"),
    "MultiDiscrete": ("logits",),
    "MultiBinary": ("logits",),
    "Box": ("mean",),
}
_PLAIN_LAYERS: Mapping[str, type[nn.Module]] = {**ACTIVATIONS, "Flatten": nn.Flatten}
_MAX_STORED_LAYERS = 256


@adapter(
    NAME,
    source="PyTorch",
    accepts=("a torch module", "weights.pth or .safetensors with --policy-class module:Class"),
    suffixes=(".pth", ".pt", ".safetensors"),
    type_names=("torch.nn.modules.module.Module",),
    capabilities={
        "logits": ("distribution", "sampling", "latent", "gradients", "layers"),
        "q_values": ("q_values", "latent", "gradients", "layers"),
        "mean": ("latent", "gradients", "layers"),
        "logits_and_value, or logits and get_value": (
            "distribution",
            "sampling",
            "value",
            "latent",
            "gradients",
            "layers",
        ),
        "mean_and_value, or mean and get_value": ("value", "latent", "gradients", "layers"),
    },
)
class TorchModule:
    """Loads modules and weight files, and rebuilds stored stacks of plain layers."""

    @staticmethod
    def load(request: LoadRequest) -> TorchAgent:
        """Return the agent in a module or a weight file.

        Raises:
            ArtifactError: The file is damaged, unsafe or does not fit the class.
            InputError: Class or environment are missing, or the outputs do not fit the actions.
            AgentError: The module fails on an observation of the environment.
        """
        if isinstance(request.source, str | Path):
            return _load_weights(Path(request.source), request)
        name = request.name or type(request.source).__name__
        card = {} if request.code is None else {"source": request.code}
        return _agent(request.source, request, name, card, "")

    @staticmethod
    def rebuild(stored: StoredAgent) -> TorchAgent:
        """Return an agent from its card and weights.

        Raises:
            ArtifactError: Card and weights do not fit each other.
            InputError: The network is not a stack of plain layers, and its code is not given.
        """
        policy = stored.card.get("policy")
        if not isinstance(policy, Mapping):
            raise ArtifactError(f"{stored.folder} does not describe its network")
        where = str(stored.folder)
        if policy.get("layers") is None:
            module = _from_code(stored, where)
        else:
            module = _stack(policy["layers"], stored.state_dict, where)
        _fill(module, Weights(stored.state_dict, ""), where)
        module.to(checked_device(stored.device))
        request = LoadRequest(module, spaces=stored.spaces, outputs=str(policy.get("outputs")))
        return _agent(module, request, str(stored.card["name"]), stored.card, stored.sha256)


def _load_weights(path: Path, request: LoadRequest) -> TorchAgent:
    if request.policy_class is None:
        raise InputError(
            f"{path} holds weights only; the class of the network is needed",
            hint="add --policy-class module:Class",
        )
    read = read_safetensors if path.suffix == ".safetensors" else read_state_dict
    weights = read(path)
    spaces = _required_spaces(request, str(path))
    cls = import_object(request.policy_class)
    module = _instance(cls, spaces, request.policy_class)
    _fill(module, weights, str(path))
    module.to(checked_device(request.device))
    card = {
        "source": request.policy_class,
        "origin": {"file": path.name, "sha256": weights.sha256},
    }
    return _agent(module, request, request.name or path.name, card, weights.sha256)


def _agent(
    module: nn.Module, request: LoadRequest, name: str, card: Mapping[str, Any], sha256: str
) -> TorchAgent:
    spaces = _required_spaces(request, name)
    head = _head(request.outputs, spaces, name)
    network = _network(module, head, request.outputs, spaces, name)
    outputs = f"{head}{SUFFIX}" if network.value_from == PAIR else head
    facts = {
        "name": name,
        "adapter": NAME,
        "framework": NAME,
        "algorithm": type(module).__name__,
        "policy": {
            "class": type(module).__name__,
            "outputs": outputs,
            "layers": _plain_form(module),
        },
        "observation_space": to_json(spaces.observation),
        "action_space": to_json(spaces.action),
        "versions": {"torch": str(torch.__version__)},
    }
    return TorchAgent(name, NAME, network, spaces, {**facts, **card}, sha256)


def _network(
    module: nn.Module, head: Head, stated: str | None, spaces: Spaces, name: str
) -> "PlainNetwork":
    source = value_source(module, stated)
    network = PlainNetwork(module, head, spaces, name, value_from=source if source == PAIR else "")
    network = replace(network, layer_paths=_layer_paths(network))
    space = spaces.observation
    zeros: Observations = np.zeros((2, *space.shape), space.dtype)
    rows = network.prepare(zeros, placement(module)[0])
    if not source or (source == METHOD and not works(module, rows, name, space)):
        return network
    met = network.layer_paths
    paths = (*met, *(path for path in all_layers(module) if path not in met))
    leading, valued = split_layers(module, paths, rows, source, name, space)
    return replace(network, value_from=source, layer_paths=leading, value_paths=valued)


def _required_spaces(request: LoadRequest, name: str) -> Spaces:
    if request.spaces is None:
        raise InputError(
            f"{name} needs an environment, which tells its spaces",
            hint="give env=…, such as --env LunarLander-v3",
        )
    return request.spaces


def _head(stated: str | None, spaces: Spaces, name: str) -> Head:
    fitting = _HEADS.get(type(spaces.action).__name__, ())
    integers = isinstance(spaces.action, gymnasium.spaces.Box) and spaces.action.dtype.kind != "f"
    if not fitting or integers:
        raise InputError(
            f"{name} is a torch module, which takes Discrete, MultiDiscrete or MultiBinary actions "
            "or a Box of real numbers; "
            f"the environment has {describe(spaces.action)}"
        )
    if stated is None:
        return fitting[0]
    with_value = stated.endswith(SUFFIX)
    for head in fitting:
        # Q-values are values already
        if head == stated.removesuffix(SUFFIX) and not (with_value and head == "q_values"):
            return head
    known = [*fitting, *(f"{head}{SUFFIX}" for head in fitting if head != "q_values")]
    raise InputError(
        f"outputs {stated!r} do not fit {describe(spaces.action)}; expected {' or '.join(known)}"
    )


@dataclass(frozen=True, eq=False)
class PlainNetwork:
    """A module from observations to outputs.

    Args:
        module: The module.
        head: What it returns.
        spaces: The environment's spaces.
        name: The agent, for messages.
        layer_paths: Paths of its weight layers in the order in which an observation meets them.
        value_from: Where it keeps its state value (`agents.torch_value`); empty for nowhere.
        value_paths: Paths of the weight layers that lead to the value alone.
    """

    module: nn.Module
    head: Head
    spaces: Spaces
    name: str
    layer_paths: tuple[str, ...] = ()
    value_from: str = ""
    value_paths: tuple[str, ...] = ()

    @property
    def offers(self) -> frozenset[str]:
        """`latent` if there is a weight layer to look at, `value` if told, `sampling` of logits."""
        offered = {"latent"} if self.layer_paths else set[str]()
        offered |= {"value"} if self.value_from else set[str]()
        return frozenset(offered | ({"sampling"} if self.head == "logits" else set()))

    def with_module(self, module: nn.Module) -> Network:
        """Return the same reading of another module."""
        return replace(self, module=module)

    def prepare(self, observations: Observations, device: torch.device) -> Tensor:
        """Return observations in the module's own precision."""
        tensor = torch.as_tensor(observations, device=device)
        # integers stay integers where they are names (Discrete), for embeddings
        return tensor if tensor.ndim == 1 else tensor.to(placement(self.module)[1])

    def outputs(self, observations: Tensor) -> Tensor:
        """Return what the module returns, checked; logits of `off` are added to those of `on`."""
        output = first_of(self.module(self._seen(observations)), self.value_from, self.name)
        if not isinstance(output, Tensor):
            raise AgentError(
                f"{self.name} returned a {type(output).__name__}, expected one tensor",
                hint="wrap it in a module that returns logits, Q-values or mean actions alone; "
                f"of a pair (outputs, value), say so: --outputs logits{SUFFIX}",
            )
        if output.device != observations.device:
            raise AgentError(
                f"{self.name} returned a tensor on {output.device}, expected {observations.device}"
            )
        n_rows, n_outputs = len(observations), self._n_outputs()
        if output.ndim == 0 or len(output) != n_rows or output.numel() != n_rows * n_outputs:
            raise AgentError(
                f"{self.name} returned outputs of shape {tuple(output.shape)}, "
                f"expected {(n_rows, n_outputs)}"
            )
        if not output.is_floating_point():
            raise AgentError(
                f"{self.name} returned outputs of type {output.dtype}, expected real numbers"
            )
        outputs = output.reshape(n_rows, n_outputs)
        binary = isinstance(self.spaces.action, gymnasium.spaces.MultiBinary)
        return paired_logits(outputs) if binary else outputs

    def greedy(self, outputs: Tensor) -> Tensor:
        """Return the first column with the largest output."""
        return outputs.argmax(dim=1)

    def latent(self, observations: Tensor) -> Tensor:
        """Return the input of the last weight layer."""
        seen: list[Tensor] = []
        layer = self.module.get_submodule(self.layer_paths[-1])
        hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            self.module(self._seen(observations))
        finally:
            hook.remove()
        return seen[-1].reshape(len(observations), -1)

    def value(self, observations: Tensor) -> Tensor:
        """Return what the module tells as its value, checked.

        Raises:
            NotImplementedError: It tells none; `offers` says so.
        """
        if not self.value_from:
            raise NotImplementedError("there is no state value; `offers` says so")
        space = self.spaces.observation
        return value_of(self.module, observations, self.value_from, self.name, space)

    def value_layers(self) -> list[nn.Module]:
        """Return the weight layers that lead to the value alone."""
        return [self.module.get_submodule(path) for path in self.value_paths]

    def layers(self) -> list[nn.Module]:
        """Return the weight layers."""
        return [self.module.get_submodule(path) for path in self.layer_paths]

    def path(self) -> Sequence[nn.Module]:
        """Return the module."""
        return [self.module]

    def counted(self) -> nn.Module:
        """Return the module."""
        return self.module

    def _seen(self, observations: Tensor) -> Any:
        return elements_of(observations, self.spaces.observation)

    def _n_outputs(self) -> int:
        action = self.spaces.action
        if isinstance(action, gymnasium.spaces.Discrete):
            return int(action.n)
        if isinstance(action, gymnasium.spaces.MultiDiscrete):
            return int(action.nvec.sum())
        return math.prod(action.shape)


def _layer_paths(network: PlainNetwork) -> tuple[str, ...]:
    """Return the paths of the weight layers in the order in which an observation meets them."""
    module, space = network.module, network.spaces.observation
    order: list[str] = []
    hooks = []
    paths = {id(part): path for path, part in module.named_modules()}

    def note(part: nn.Module, _inputs: Any) -> None:
        order.append(paths[id(part)])

    for part in module.modules():
        weight = part._parameters.get("weight")
        if weight is not None and weight.ndim >= 2:
            hooks.append(part.register_forward_pre_hook(note))
    zeros: Observations = np.zeros((2, *space.shape), dtype=space.dtype)
    try:
        with undisturbed(module), torch.no_grad():
            network.outputs(network.prepare(zeros, placement(module)[0]))
    except AgentError:
        raise
    except Exception as error:  # the module may be the user's own code
        lines = str(error).splitlines() or [""]
        raise AgentError(
            f"{network.name} fails on observations of {describe(space)}: "
            f"{type(error).__name__}: {lines[0][:160]}",
            hint="check that it was made for this environment",
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(dict.fromkeys(order))


# --- building and storing ---


def _instance(cls: Any, spaces: Spaces, name: str) -> nn.Module:
    try:
        takes_spaces = len(inspect.signature(cls).parameters) >= 2
        module = cls(spaces.observation, spaces.action) if takes_spaces else cls()
    except Exception as error:  # the user's class may raise anything
        raise InputError(
            f"{name} cannot be made: {type(error).__name__}: {error!s:.160}",
            hint="it is called with (observation_space, action_space), or with nothing",
        ) from error
    if not isinstance(module, nn.Module):
        raise InputError(f"{name} makes a {type(module).__name__}, expected a torch module")
    return module


def _fill(module: nn.Module, weights: Weights, where: str) -> None:
    try:
        module.load_state_dict(dict(weights.state_dict), strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise ArtifactError(
            f"{where}: its weights do not fit the network: {lines[min(1, len(lines) - 1)][:200]}"
        ) from None


def _plain_form(module: nn.Module) -> list[dict[str, Any]] | None:
    """Return a stack of plain layers in words, or None if it is something else."""
    if type(module) is not nn.Sequential or _has_hooks(module):
        return None
    found: list[dict[str, Any]] = []
    for part in module.children():
        kind = type(part).__name__
        if _has_hooks(part):
            return None
        if type(part) is nn.Linear:
            sizes = {"inputs": part.in_features, "outputs": part.out_features}
            found.append({"type": kind, **sizes, "bias": part.bias is not None})
        elif type(part) is _PLAIN_LAYERS.get(kind) and repr(part) == repr(type(part)()):
            found.append({"type": kind})
        else:
            return None
    return found


def _has_hooks(part: nn.Module) -> bool:
    return bool(part._forward_hooks or part._forward_pre_hooks)


def _stack(layers: Any, state_dict: Mapping[str, Tensor], where: str) -> nn.Module:
    if not isinstance(layers, list) or len(layers) > _MAX_STORED_LAYERS:
        raise ArtifactError(f"{where} does not describe its network as a list of layers")
    return nn.Sequential(
        *(_layer(entry, position, state_dict, where) for position, entry in enumerate(layers))
    )


def _from_code(stored: StoredAgent, where: str) -> nn.Module:
    code = required_code(stored)
    if isinstance(code, nn.Module):
        return copy.deepcopy(code)
    return _instance(code, stored.spaces, where)


def _layer(entry: Any, position: int, state_dict: Mapping[str, Tensor], where: str) -> nn.Module:
    kind = entry.get("type") if isinstance(entry, Mapping) else None
    if kind in _PLAIN_LAYERS:
        return _PLAIN_LAYERS[str(kind)]()
    if kind != "Linear" or not isinstance(entry, Mapping):
        raise ArtifactError(f"{where}: layer {position} is of the unknown type {kind!r:.60}")
    weight = state_dict.get(f"{position}.weight")
    sizes = (entry.get("outputs"), entry.get("inputs"))
    # compared before memory is set aside
    if weight is None or tuple(weight.shape) != sizes:
        raise ArtifactError(f"{where}: layer {position} does not fit its weights")
    return nn.Linear(
        weight.shape[1], weight.shape[0], bias=entry.get("bias") is True, dtype=weight.dtype
    )
