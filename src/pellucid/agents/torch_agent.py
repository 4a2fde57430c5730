"""An agent whose choices come from a torch network, whatever framework made the network.

A forward pass never leaves a trace on the module; see `agents.undisturbed`.
"""

import copy
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

import gymnasium
import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from pellucid.agents.acting import CHUNK, check_actions, draw, forward_in_chunks, raised, softmax
from pellucid.agents.dense import close, dense_forward
from pellucid.agents.fronting import lacking
from pellucid.agents.logits import without_choice
from pellucid.agents.outputs import ActionPart, action_parts, is_one_choice
from pellucid.agents.redrawing import last_layers, redraw
from pellucid.agents.spaces import Spaces, has_gradients
from pellucid.agents.undisturbed import constant, placement, undisturbed
from pellucid.errors import AgentError, CapabilityError, InputError, PellucidError
from pellucid.io.arrays import dump_arrays
from pellucid.types import (
    Actions,
    Categorical,
    Distribution,
    Gaussian,
    MultiCategorical,
    Observations,
    PreferencesFn,
)

CHECKED_ROWS = 32
"""Rows of each size on which matrices are compared with the network that they are taken from."""

LARGE_OBSERVATION, LARGE_CHUNK = 1024, 32
"""Numbers of an observation beyond which passes have fewer rows, and how many these have."""

Head: TypeAlias = Literal[
    "logits", "q_values", "gaussian", "squashed_gaussian", "mean", "squashed_mean"
]
"""What a network's outputs are; the two Gaussians give means followed by standard deviations.

Where squashed, the action is tanh of the mean, scaled to the range of the action space.
"""

PassFn: TypeAlias = Callable[[Tensor], Tensor]
"""A pass through (a part of) a network."""


class Network(Protocol):
    """A module and how to read it. Can be sent to another process if the module can."""

    @property
    def module(self) -> nn.Module:
        """The module; it is never changed."""

    @property
    def head(self) -> Head:
        """What `outputs` returns."""

    @property
    def offers(self) -> frozenset[str]:
        """Which of `latent`, `value` and `sampling` work."""

    def with_module(self, module: nn.Module) -> "Network":
        """Return the same reading of another module of that form."""

    def prepare(self, observations: Observations, device: torch.device) -> Tensor:
        """Return observations as the tensor that the module takes."""

    def outputs(self, observations: Tensor) -> Tensor:
        """Return (batch, outputs) for (batch, *observation)."""

    def greedy(self, outputs: Tensor) -> Tensor:
        """Return the column that a discrete agent chooses in each row of outputs (of one part)."""

    def latent(self, observations: Tensor) -> Tensor:
        """Return what feeds the action head, (batch, units)."""

    def value(self, observations: Tensor) -> Tensor:
        """Return state values, (batch,) or (batch, 1)."""

    def layers(self) -> Sequence[nn.Module]:
        """Return the weight layers on the path from observation to action, in that order."""

    def value_layers(self) -> Sequence[nn.Module]:
        """Return the weight layers that lead to the value alone, in that order; may be none."""

    def path(self) -> Sequence[nn.Module]:
        """Return what observations pass, one after another, up to logits, Q-values or means."""

    def counted(self) -> nn.Module:
        """Return the part whose weights are counted: what is behind actions and values."""


@dataclass(frozen=True, eq=False)
class TorchAgent:
    """An agent made of a `Network`.

    Args:
        name: Short name for people.
        framework: The adapter and the algorithm.
        network: The network.
        spaces: The environment's spaces.
        card: What is known of the agent, as plain JSON values.
        file_sha256: Checksum of the file it came from; empty if it came from memory.
    """

    name: str
    framework: str
    network: Network
    spaces: Spaces
    card: Mapping[str, Any] = field(default_factory=dict)
    file_sha256: str = ""

    # --- what it is ---

    @property
    def observation_space(self) -> Any:
        """The space of one observation."""
        return self.spaces.observation

    @property
    def action_space(self) -> Any:
        """The space of one action."""
        return self.spaces.action

    @cached_property
    def capabilities(self) -> frozenset[str]:
        """What this agent offers beyond `act`."""
        heads = {
            "logits": {"distribution"},
            "gaussian": {"distribution"},
            "squashed_gaussian": {"distribution"},
            "q_values": {"q_values"},
            "mean": set[str](),
            "squashed_mean": set[str](),
        }
        found = set(heads[self.network.head])
        if has_gradients(self.observation_space):
            found.add("gradients")
        if self.network.layers():
            found.add("layers")
        return frozenset(found) | self.network.offers

    @property
    def n_parameters(self) -> int:
        """Number of weights behind actions and values."""
        return sum(p.numel() for p in self.network.counted().parameters())

    @property
    def n_layers(self) -> int:
        """Number of weight layers between observation and action."""
        return len(self.network.layers())

    @cached_property
    def sha256(self) -> str:
        """Checksum of the file it came from, else of the weights as `save_agent` stores them."""
        if self.file_sha256:
            return self.file_sha256
        return hashlib.sha256(weight_bytes(self.network.module)).hexdigest()

    # --- what it answers ---

    def act(self, observations: Observations) -> Actions:
        """Return the most-likely action for each observation, shape (batch, *action)."""
        outputs = self._outputs(observations)
        if self.network.head in ("logits", "q_values"):
            chosen = np.stack([self._greedy(outputs, part) for part in self._parts], axis=-1)
            actions = chosen.reshape(len(outputs), *self.action_space.shape)
            typed = actions.astype(self.action_space.dtype)
            return check_actions(typed, self.action_space, len(outputs), who=self.name)
        actions = self._scaled(outputs).reshape(len(outputs), *self.action_space.shape)
        return check_actions(actions, self.action_space, len(outputs), who=self.name)

    def distribution(self, observations: Observations) -> Distribution:
        """Return the distribution that actions are drawn from."""
        self._require("distribution")
        outputs = self._outputs(observations)
        if self.network.head == "logits":
            if is_one_choice(self.action_space):
                return Categorical(softmax(outputs), int(self.action_space.start))
            sizes, starts = zip(*((p.n_outputs, p.start) for p in self._parts), strict=True)
            return MultiCategorical(self._part_softmax(outputs), sizes, starts)
        mean, std = np.split(outputs.astype(np.float64), 2, axis=1)
        low, high = self._bounds()
        return Gaussian(mean, std, low, high, self.network.head == "squashed_gaussian")

    def q_values(self, observations: Observations) -> Float[np.ndarray, "batch actions"]:
        """Return Q(s, a), one column per action."""
        self._require("q_values")
        return self._outputs(observations).astype(np.float64)

    def value(self, observations: Observations) -> Float[np.ndarray, " batch"]:
        """Return V(s)."""
        self._require("value")
        return self._forward(self.network.value, observations).astype(np.float64).reshape(-1)

    def latent(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the activations that feed the action head."""
        self._require("latent")
        return self._forward(self.network.latent, observations).astype(np.float64)

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return one drawn action per row, using only that row's generator."""
        self._require("sampling")
        drawn = draw(self.distribution(observations), rngs)
        return drawn.reshape(len(drawn), *self.action_space.shape).astype(self.action_space.dtype)

    def torch_preferences(self, observations: Tensor) -> Tensor:
        """Return differentiable preferences: probabilities, Q-values or mean actions.

        Args:
            observations: Shape (batch, *observation), floating point; gradients flow to it and to
                nothing else, so that `backward` never touches the module's own gradients.

        Returns:
            Shape (batch, outputs), equal to `preferences` up to rounding.
        """
        self._require("gradients")
        module = self.network.module
        device, dtype = placement(module)
        with undisturbed(module), constant(module), torch.enable_grad():
            outputs = self.network.outputs(observations.to(device=device, dtype=dtype))
        if self.network.head == "logits":
            parts = [torch.softmax(outputs[:, p.columns], dim=1) for p in self._parts]
            return torch.cat(parts, dim=1)
        if self.network.head == "q_values":
            return outputs
        low, high = (torch.as_tensor(b, device=device, dtype=dtype) for b in self._bounds())
        mean = outputs[:, : len(low)]
        if self.network.head in ("squashed_gaussian", "squashed_mean"):
            return low + 0.5 * (torch.tanh(mean) + 1.0) * (high - low)
        return torch.maximum(torch.minimum(mean, high), low)

    def fast_preferences(self) -> PreferencesFn | None:
        """Return `preferences` by matrices as the weights are now; None unless layers are plain."""
        if not self._is_dense:
            return None
        return dense_forward(self.network.path(), self.preferred)

    @cached_property
    def _is_dense(self) -> bool:
        """Whether matrices say what the network says, on rows drawn within the space.

        Asked once for each agent, outside any budget, as loading is.
        """
        space, fast = self.observation_space, dense_forward(self.network.path(), self.preferred)
        if fast is None or not isinstance(space, gymnasium.spaces.Box):
            return False
        rng = np.random.default_rng(0)
        drawn = rng.normal(0.0, [[1.0], [100.0]], size=(CHECKED_ROWS, 2, math.prod(space.shape)))
        rows = drawn.reshape(-1, *space.shape).clip(space.low, space.high).astype(space.dtype)
        try:
            return close(fast(rows), self.preferred(self._outputs(rows)))
        except (AgentError, ValueError):  # not numbers, or shapes that do not fit
            return False

    def randomise_layers(self, n_layers: int, rng: np.random.Generator) -> "TorchAgent":
        """Return a copy whose last `n_layers` layers have weights drawn anew.

        A value head of its own is redrawn alongside, as many layers from its end, and as a whole
        where the path to the action is redrawn as a whole: else what the agent predicts would
        survive.

        Weights and biases of a layer are drawn from a normal distribution with mean 0 and the
        standard deviation of that layer's own weights (1 / sqrt(inputs) if they are all equal).

        Source: Adebayo et al. 2018, cascading randomisation.

        Args:
            n_layers: Counted from the action; at most `self.n_layers`.
            rng: Draws the weights.

        Raises:
            CapabilityError: There are fewer layers.
        """
        self._require("layers")
        if not 0 <= n_layers <= self.n_layers:
            raise CapabilityError(f"{self.name} has {self.n_layers} layers, not {n_layers}")
        network = self.network.with_module(copy.deepcopy(self.network.module))
        layers = network.layers()
        with torch.no_grad():
            for layer in reversed(layers[len(layers) - n_layers :]):
                redraw(layer, rng)
            for layer in reversed(last_layers(network.value_layers(), n_layers, len(layers))):
                redraw(layer, rng)
        name = f"{self.name}, last {n_layers} layers random"
        return replace(self, name=name, network=network, file_sha256="")

    # --- how ---

    def _require(self, capability: str) -> None:
        if capability not in self.capabilities:
            raise lacking(self, capability)

    def preferred(
        self, outputs: Shaped[np.ndarray, "batch outputs"]
    ) -> Float[np.ndarray, "batch outputs"]:
        """Return what `preferences` are where the network has these outputs."""
        usable = self._usable(outputs)
        if self.network.head == "logits":
            return self._part_softmax(usable)
        chosen = usable if self.network.head == "q_values" else self._scaled(usable)
        return chosen.astype(np.float64)

    @property
    def _chunk_rows(self) -> int:
        # one number for an agent, whoever asks how many rows; filling up with images is dear
        large = math.prod(self.observation_space.shape or ()) > LARGE_OBSERVATION
        return LARGE_CHUNK if large else CHUNK

    @cached_property
    def _parts(self) -> tuple[ActionPart, ...]:
        return action_parts(self.action_space)

    def _greedy(
        self, outputs: Shaped[np.ndarray, "batch outputs"], part: ActionPart
    ) -> Shaped[np.ndarray, " batch"]:
        columns = torch.from_numpy(np.ascontiguousarray(outputs[:, part.columns]))
        return np.asarray(self.network.greedy(columns).numpy() + part.start)

    def _part_softmax(
        self, logits: Shaped[np.ndarray, "batch outputs"]
    ) -> Float[np.ndarray, "batch outputs"]:
        return np.concatenate([softmax(logits[:, p.columns]) for p in self._parts], axis=1)

    def _outputs(self, observations: Observations) -> Shaped[np.ndarray, "batch outputs"]:
        return self._usable(self._forward(self.network.outputs, observations))

    def _usable(
        self, outputs: Shaped[np.ndarray, "batch outputs"]
    ) -> Shaped[np.ndarray, "batch outputs"]:
        if np.isfinite(outputs).all():
            return outputs
        unusable = ~np.isfinite(outputs)
        if self.network.head == "logits":
            parts = [without_choice(outputs[:, part.columns]) for part in self._parts]
            unusable = np.concatenate(parts, axis=1)
        if unusable.any():
            rows = np.flatnonzero(unusable.any(axis=1))
            raise AgentError(
                f"{self.name} returned NaN or infinite {self.network.head} for {len(rows)} of "
                f"{len(outputs)} observations, first in row {rows[0]}; expected finite numbers",
                hint="check the weights and the range of the observations",
            )
        return outputs

    def _forward(
        self, pass_fn: PassFn, observations: Observations
    ) -> Shaped[np.ndarray, "batch ..."]:
        module = self.network.module
        device, _ = placement(module)

        def one_chunk(rows: Observations) -> Any:
            result = pass_fn(self.network.prepare(rows, device))
            if len(result) != len(rows):
                raise AgentError(
                    f"{self.name} returned {len(result)} rows for {len(rows)} observations"
                )
            return result.cpu().numpy()

        batch = self._checked(observations)
        try:
            with undisturbed(module), torch.no_grad():
                return forward_in_chunks(one_chunk, batch, self._chunk_rows)
        except PellucidError:
            raise
        except Exception as error:  # the module may be the user's own code
            raise raised(self.name, error) from error

    def _checked(self, observations: Observations) -> Observations:
        batch = np.asarray(observations)
        if batch.shape[1:] != self.observation_space.shape or batch.ndim == 0:
            raise InputError(
                f"{self.name} expects observations of shape (batch, "
                f"{', '.join(map(str, self.observation_space.shape))}), got {batch.shape}"
            )
        return batch

    def _bounds(self) -> tuple[Float[np.ndarray, " dimensions"], Float[np.ndarray, " dimensions"]]:
        space = self.action_space
        return space.low.ravel().astype(np.float64), space.high.ravel().astype(np.float64)

    def _scaled(
        self, outputs: Shaped[np.ndarray, "batch outputs"]
    ) -> Shaped[np.ndarray, "batch dimensions"]:
        # in the network's own precision and in this order of operations: the very bytes that
        # Stable-Baselines3 returns
        low, high = self.action_space.low.ravel(), self.action_space.high.ravel()
        mean = outputs[:, : len(low)]
        if self.network.head not in ("squashed_gaussian", "squashed_mean"):
            clipped: Shaped[np.ndarray, "batch dimensions"] = np.clip(mean, low, high)
            return clipped
        squashed = torch.tanh(torch.from_numpy(mean)).numpy()
        scaled: Shaped[np.ndarray, "batch dimensions"] = low + (
            0.5 * (squashed + 1.0) * (high - low)
        )
        return scaled


def weight_arrays(module: nn.Module) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Return a module's weights and buffers as arrays by name.

    Raises:
        CapabilityError: One has a type that NumPy lacks.
    """
    try:
        return {k: v.detach().cpu().numpy() for k, v in module.state_dict().items()}
    except (TypeError, AttributeError) as error:
        raise CapabilityError(f"these weights cannot be stored: {error}") from None


def weight_bytes(module: nn.Module) -> bytes:
    """Return the content of the file in which `save_agent` stores a module's weights."""
    return dump_arrays(weight_arrays(module))


def checked_device(device: str) -> torch.device:
    """Return a device that exists.

    Raises:
        InputError: It is not a device, or not on this machine.
    """
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).cpu()  # "meta" has room for no numbers
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"device {device!r} cannot be used: {(str(error).splitlines() or [''])[0]:.120}",
            hint="use --device cpu",
        ) from None
    return found
