"""Statistics by which an agent's inputs were normalised while it learned, as numbers in a file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.agents.spaces import describe
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.io import strict_json
from pellucid.types import Observations

KEYS = ("mean", "var", "clip_obs", "epsilon")
_MAX_BYTES = 64 * 1024**2


@dataclass(frozen=True, eq=False)
class InputStatistics:
    """What `VecNormalize` keeps of the observations that it has seen.

    Args:
        mean: Shape (*observation,).
        var: Shape (*observation,), not negative.
        clip_obs: Normalised values are clipped to plus and minus this.
        epsilon: Added to the variance.
        source: Name of the file they come from.
    """

    mean: Float[np.ndarray, "*observation"]
    var: Float[np.ndarray, "*observation"]
    clip_obs: float
    epsilon: float
    source: str = "its card"

    def normalise(self, observations: Observations) -> Float[np.ndarray, "batch *observation"]:
        """Return clip((obs - mean) / sqrt(var + epsilon)) as 32-bit floats.

        In double precision and this order of operations: the very bytes that Stable-Baselines3
        returns.

        Source: Raffin et al. 2021, `VecNormalize.normalize_obs`.

        Args:
            observations: Shape (batch, *observation).
        """
        scaled = (observations - self.mean) / np.sqrt(self.var + self.epsilon)
        clipped = np.clip(scaled, -self.clip_obs, self.clip_obs)
        return np.asarray(clipped.astype(np.float32))

    def to_json(self) -> dict[str, Any]:
        """Return them as plain JSON values, from which `statistics_from` makes the same again."""
        return {
            "mean": self.mean.tolist(),
            "var": self.var.tolist(),
            "clip_obs": self.clip_obs,
            "epsilon": self.epsilon,
            "source": self.source,
        }

    @property
    def sha256(self) -> str:
        """Checksum of the numbers, whatever file they stand in."""
        numbers = {key: value for key, value in self.to_json().items() if key in KEYS}
        return hashlib.sha256(strict_json.dumps(numbers).encode()).hexdigest()


def read_statistics(path: Path, space: Any) -> InputStatistics:
    """Return the statistics in a JSON file, checked against the observations they are for.

    Args:
        path: Strict JSON with `mean` and `var` (lists in the shape of an observation), `clip_obs`
            and `epsilon`; nothing else.
        space: The environment's observation space.

    Raises:
        DataError: The file is missing, damaged, or lacks or has more than these.
        InputError: They are for observations of another shape.
        CapabilityError: Such observations cannot be normalised.
    """
    plain = strict_json.read(path, max_bytes=_MAX_BYTES)
    found = sorted(plain) if isinstance(plain, Mapping) else None
    if found != sorted(KEYS):
        held = "no table" if found is None else ", ".join(found)[:120] or "nothing"
        raise DataError(
            f"{path} holds {held}; expected {', '.join(KEYS)}",
            hint="name the vecnormalize.pkl as AGENT: the message has the command that writes them",
        )
    return statistics_from({**plain, "source": path.name}, space, where=str(path))


def statistics_from(plain: Any, space: Any, *, where: str) -> InputStatistics:
    """Return the statistics that `to_json` described.

    Args:
        plain: Plain JSON values.
        space: The observation space that they must fit.
        where: Named in messages.

    Raises:
        DataError: They are not such a description.
        InputError: They are for observations of another shape.
        CapabilityError: Such observations cannot be normalised.
    """
    if not isinstance(space, gymnasium.spaces.Box) or space.dtype.kind not in "fiu":
        raise CapabilityError(
            f"statistics of inputs are for Box observations, not {describe(space)}"
        )
    if space.dtype == np.uint8 and len(space.shape) == 3:
        raise CapabilityError(
            "statistics of inputs are for numbers, and these observations are images"
        )
    try:
        mean, var = (np.asarray(plain[key], dtype=np.float64) for key in ("mean", "var"))
        clip_obs, epsilon = (_number(plain[key]) for key in ("clip_obs", "epsilon"))
        source = str(plain.get("source", "its card"))[:200]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{where} does not hold statistics of inputs: {error!s:.120}") from None
    for key, values in (("mean", mean), ("var", var)):
        if values.shape != space.shape:
            raise InputError(
                f"{where}: {key} has the shape {values.shape}; "
                f"observations have the shape {space.shape}",
                hint="give the statistics that were saved with this agent",
            )
    positive = bool(np.all(var >= 0)) and bool(np.all(var + epsilon > 0))
    if not (np.isfinite(mean).all() and np.isfinite(var).all() and positive and clip_obs > 0):
        raise DataError(
            f"{where}: expected finite means, variances that are not negative and a clip_obs above "
            "zero"
        )
    return InputStatistics(mean, var, clip_obs, epsilon, source)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{value!r:.40} is not a finite number")
    return float(value)
