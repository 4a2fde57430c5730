"""Planted patches: which part of an image an agent looks at is known."""

from typing import Any

import gymnasium
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pellucid.agents import load_agent
from pellucid.explanation import Attribution
from pellucid.explanation.groups import MAX_GRID
from pellucid.faithfulness.planted.drawn_inputs import spec_of
from pellucid.faithfulness.planted.features import MEASURES, PlantedInputs, relabelled
from pellucid.faithfulness.planted.task import PlantedTask, Setting
from pellucid.seeds import stream
from pellucid.types import Agent

SIDE = 2
"""Pixels of a patch along each side."""
N_PATCHES = MAX_GRID * MAX_GRID
WEIGHTS = (1.0, -0.8, 0.6)
"""Of the patches that are read, in turn."""


class DrawnImages(gymnasium.Env[Any, Any]):
    """Draws an image of 8 x 8 patches anew at every step; pays 1 for the right action.

    Each patch has one brightness from 0 to 255, independent of all others and of the past.

    Args:
        paid: One weight per patch: the right action is 1 where the weighted sum of brightness about
            the middle is above 0, else 0.
        n_steps: Steps of an episode.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012 - as in Gymnasium

    def __init__(
        self, paid: list[float], n_steps: int = 10, render_mode: str | None = None
    ) -> None:
        side = SIDE * MAX_GRID
        self.observation_space = gymnasium.spaces.Box(0, 255, (side, side, 1), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.render_mode = render_mode
        self._paid, self._n_steps, self._step = np.asarray(paid), n_steps, 0
        self._shown = np.zeros((MAX_GRID, MAX_GRID), np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw the first image."""
        super().reset(seed=seed, options=options)
        self._step = 0
        return self._drawn(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay for the right action and draw the next image."""
        centred = self._shown.reshape(-1) / 255.0 - 0.5
        reward = float(int(action) == int(centred @ self._paid > 0))
        self._step += 1
        return self._drawn(), reward, self._step >= self._n_steps, False, {}

    def render(self) -> Any:
        """Return the image in grey, each patch sixteen pixels wide."""
        return np.repeat(self._shown.repeat(16, 0).repeat(16, 1)[:, :, None], 3, axis=2)

    def _drawn(self) -> Any:
        self._shown = self.np_random.integers(0, 256, (MAX_GRID, MAX_GRID)).astype(np.uint8)
        return self._shown.repeat(SIDE, 0).repeat(SIDE, 1)[:, :, None]


class PatchReader(nn.Module):
    """A convolutional network that adds up the brightness of a few patches.

    One output per action: the weighted sum, and its opposite, the other way round.

    Args:
        weights: Shape (patches,).
    """

    def __init__(self, weights: Float[np.ndarray, " patches"]) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 1, SIDE, stride=SIDE)
        self.head = nn.Linear(N_PATCHES, 2)
        with torch.no_grad():
            self.patches.weight.fill_(1.0 / (255.0 * SIDE**2))
            self.patches.bias.fill_(-0.5)  # type: ignore[union-attr]
            self.head.weight.copy_(torch.as_tensor(np.stack([-weights, weights])))
            self.head.bias.zero_()

    def forward(self, images: Tensor) -> Tensor:
        """Return (batch, 2) for images of shape (batch, rows, columns, 1)."""
        found: Tensor = self.head(self.patches(images.permute(0, 3, 1, 2)).flatten(1))
        return found


def linear_image(seed: int) -> Setting[PlantedInputs]:
    """Return an agent that acts by a weighted sum of three patches of an image of 64."""
    order = stream(seed, "planted", "linear-image").permutation(N_PATCHES)
    read = tuple(map(int, order[: len(WEIGHTS)]))
    weights = np.zeros(N_PATCHES)
    weights[list(read)] = WEIGHTS
    spec = spec_of(DrawnImages, paid=weights.tolist())
    agent: Agent = load_agent(
        PatchReader(weights), env=spec, name="patch reader", outputs="q_values"
    )
    ignored = tuple(i for i in range(N_PATCHES) if i not in read)
    return Setting(agent, spec, PlantedInputs(read, ignored))


TASKS = (
    PlantedTask(
        name="linear-image",
        kind=Attribution,
        about="Acts by the brightness of 3 of 64 patches of an image.",
        set_up=linear_image,
        measures=MEASURES,
        meaningless=relabelled,
        control="the same numbers given to patches in random order",
    ),
)
