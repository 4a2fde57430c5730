"""From what an environment shows to what a policy of Stable-Baselines3 takes.

The library turns images whose channels come last (`VecTransposeImage`), gives a policy of many
inputs a dict, and may stack frames. What an archive was trained on is told by the shapes that it
states; here they are matched with those of the environment.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from jaxtyping import Shaped
from torch import Tensor

from pellucid.agents.spaces import Spaces
from pellucid.envs.rows import RowSpace
from pellucid.envs.stacking import stacked_space, stacks_of
from pellucid.errors import DataError

TURNED = "channels_first"
"""Field of a card's policy: keys of the images whose channels are put first."""

_BOX = re.compile(r"Box\([^()]*, (\([^()]*\)), (\w+)\)", re.DOTALL)


@dataclass(frozen=True)
class Layout:
    """How observations of an environment become those of a policy.

    Args:
        space: The environment's observation space.
        turned: Keys of images whose channels are put first; the empty key is the whole observation.
    """

    space: Any
    turned: frozenset[str] = frozenset()

    @property
    def policy_space(self) -> Any:
        """The observation space of the policy, a new one."""
        if not isinstance(self.space, RowSpace):
            return _turned_space(self.space) if "" in self.turned else self.space
        parts: Mapping[str, Any] = self.space.original.spaces
        return spaces.Dict(
            {k: _turned_space(s) if k in self.turned else s for k, s in parts.items()}
        )

    def __call__(self, observations: Tensor) -> Tensor | dict[str, Tensor]:
        """Return observations as the policy takes them.

        Args:
            observations: Shape (batch, *observation); gradients flow through.
        """
        if not isinstance(self.space, RowSpace):
            return _turned(observations) if "" in self.turned else observations
        found = {}
        for part in self.space.parts:
            key = str(part.path[0])
            tensor = observations[:, part.columns].reshape(-1, *(part.space.shape or ()))
            found[key] = _turned(tensor) if key in self.turned else tensor
        return found


def layout_in_card(given: Spaces, turned: Any, where: str) -> Layout:
    """Return the layout that a card states.

    Args:
        given: The card's spaces.
        turned: Its list of keys.
        where: The card, for the message.

    Raises:
        DataError: It names something that is no image.
    """
    if isinstance(turned, list) and all(isinstance(key, str) for key in turned):
        for layout in _layouts(given.observation):
            if layout.turned == frozenset(turned):
                return layout
    raise DataError(f"{where}: {TURNED!r} names no images of its observations: {turned!r:.80}")


def layout_for(space: Any, saved: str) -> Layout | None:
    """Return the layout under which a policy's space reads as its archive states it, if any."""
    for layout in _layouts(space):
        if stated(layout.policy_space) == saved:
            return layout
    return None


def stacked_layout_for(space: Any, saved: str) -> Layout | None:
    """Return the same for an environment of which the policy saw several frames at once."""
    if isinstance(space, RowSpace):
        return None
    for wrapper in stacks_of(space):
        found = layout_for(stacked_space(space, wrapper), saved)
        if found is not None:
            return found
    return None


def stated(space: Any) -> str:
    """Return a space as text without the bounds, which may differ for one and the same agent."""
    if isinstance(space, spaces.Dict):
        inner = ", ".join(f"{key!r}: {stated(s)}" for key, s in space.spaces.items())
        return f"{{{inner}}}"
    if isinstance(space, spaces.Box):
        return f"Box({space.shape}, {space.dtype})"
    return str(space)


def stated_in(saved: Mapping[str, Any]) -> str | None:
    """Return a Box or Dict space in an archive in the form of `stated`; None for other kinds."""
    kind = str(saved.get(":type:")).rstrip("'>").rpartition(".")[2]
    if kind == "Box":
        shape = saved.get("_shape", saved.get("shape"))
        sound = isinstance(shape, list) and all(type(size) is int for size in shape)
        return f"Box({tuple(shape)}, {saved.get('dtype')})" if sound and shape is not None else None
    if kind == "Dict" and isinstance(saved.get("spaces"), str):
        text = str(saved["spaces"])[:1_000_000]
        return _BOX.sub(r"Box(\1, \2)", text.removeprefix("OrderedDict(").removesuffix(")"))
    return None


def fits_library(space: RowSpace) -> bool:
    """Whether a policy can take what the rows stand for: a dict of arrays, not nested."""
    known = spaces.Box | spaces.Discrete | spaces.MultiBinary | spaces.MultiDiscrete
    flat = isinstance(space.original, spaces.Dict)
    return flat and all(isinstance(part, known) for part in space.original.values())


def _layouts(space: Any) -> list[Layout]:
    if not isinstance(space, RowSpace):
        return [Layout(space), *([Layout(space, frozenset({""}))] if _is_image(space) else [])]
    if not isinstance(space.original, spaces.Dict):
        return []
    images = frozenset(key for key, part in space.original.items() if _is_image(part))
    return [Layout(space, images), Layout(space)] if images else [Layout(space)]


def _is_image(space: Any) -> bool:
    return isinstance(space, spaces.Box) and len(space.shape) == 3 and space.dtype == np.uint8


def _turned_space(space: Any) -> spaces.Box:
    def turned(end: Shaped[np.ndarray, "h w c"]) -> Shaped[np.ndarray, "c h w"]:
        return np.transpose(end, (2, 0, 1))

    return spaces.Box(turned(space.low), turned(space.high), dtype=space.dtype)


def _turned(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2)
