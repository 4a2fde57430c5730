"""What the choices of shown episodes rested on, step by step, stored beside their frames."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from pellucid.agents.acting import predicted_return, preference_unit, preferences
from pellucid.agents.context import in_context
from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Meter
from pellucid.errors import BudgetError, CapabilityError, DataError, PellucidError, TimeLimitError
from pellucid.io.arrays import load_arrays, save_arrays
from pellucid.report.record import EpisodeSteps
from pellucid.rollouts import Episodes
from pellucid.types import Agent, Gaussian, HasDistribution, Observations

FILE = "steps.safetensors"
UNITS = ("probability", "Q-value", "mean action", "choice")
"""What preferences can be; stored by position."""
_ARRAYS = ("preferences", "values", "spreads", "ends")


class Views(NamedTuple):
    """What could be told of each shown episode.

    Args:
        steps: By position in `episodes.used`.
        reason: Why something is missing, one sentence; empty if nothing is.
    """

    steps: dict[int, EpisodeSteps]
    reason: str = ""


def view_steps(
    agent: Agent, episodes: Episodes, positions: Sequence[int], *, meter: Meter
) -> Views:
    """Ask the agent what its choices in some episodes rested on.

    Args:
        agent: The agent that acted in them.
        episodes: Its episodes.
        positions: Positions in `episodes.used`.
        meter: Pays two queries per step if the agent predicts its return, else one.
    """
    asked = MeteredAgent(agent, meter)
    found: dict[int, EpisodeSteps] = {}
    for position in positions:
        try:
            meter.check_time()
            episode = episodes[position]
            found[position] = _steps(
                in_context(asked, episode.context), episode.observations[: len(episode)]
            )
        except CapabilityError:
            return Views(found)  # nothing to tell apart, such as several discrete actions at once
        except TimeLimitError:
            return Views(found, "The time limit left out what some choices rested on.")
        except BudgetError:
            return Views(found, "The budget of queries left out what some choices rested on.")
        except PellucidError as error:
            return Views(found, f"What some choices rested on is not known: {error}.")
    return Views(found)


def store_steps(steps: Mapping[int, EpisodeSteps], folder: Path) -> None:
    """Write what `view_steps` found."""
    arrays: dict[str, np.ndarray] = {}
    for position, shown in steps.items():
        for name in _ARRAYS:
            arrays[f"{position}.{name}"] = getattr(shown, name)
        arrays[f"{position}.kind"] = np.array([UNITS.index(shown.unit), shown.start])
    if arrays:
        folder.mkdir(exist_ok=True)
        save_arrays(folder / FILE, arrays)


def load_steps(folder: Path) -> dict[int, EpisodeSteps]:
    """Read what `store_steps` wrote; empty if there is nothing, as in runs from before.

    Raises:
        DataError: The file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    arrays = load_arrays(path)
    try:
        positions = sorted({int(name.partition(".")[0]) for name in arrays})
        return {position: _read(arrays, position) for position in positions}
    except (KeyError, ValueError, IndexError) as error:
        raise DataError(f"{path} is damaged: {error}", hint="start again with --fresh") from error


def _read(arrays: Mapping[str, np.ndarray], position: int) -> EpisodeSteps:
    unit, start = arrays[f"{position}.kind"].tolist()
    preferred, values, spreads, ends = (arrays[f"{position}.{name}"] for name in _ARRAYS)
    return EpisodeSteps(preferred, UNITS[unit], values, spreads, ends, start)


def _steps(agent: MeteredAgent, observations: Observations) -> EpisodeSteps:
    unit = preference_unit(agent)
    if unit not in UNITS:
        raise CapabilityError(f"its action has several parts, and {unit} is not drawn over time")
    preferred = preferences(agent, observations)
    forecasts = {"value", "q_values"} & agent.capabilities
    values = np.empty(0)
    if unit == "Q-value":
        values = preferred.max(axis=1)  # asked once: the largest of them is what it expects
    elif forecasts:
        values = predicted_return(agent, observations)[:, 0]
    nothing = np.empty((0, 0))
    if unit != "mean action":
        start = int(getattr(agent.action_space, "start", 0))
        return EpisodeSteps(preferred, unit, values, nothing, nothing, start)
    space = agent.action_space
    ends = np.stack((space.low.ravel(), space.high.ravel())).astype(np.float64)
    return EpisodeSteps(
        preferred,
        unit,
        values,
        _spreads(agent, observations),
        ends if np.isfinite(ends).all() else nothing,
    )


def _spreads(agent: MeteredAgent, observations: Observations) -> np.ndarray:
    """Return the standard deviation of each action dimension; empty where it is of no action."""
    if "distribution" not in agent.capabilities:
        return np.empty((0, 0))
    drawn = cast(HasDistribution, agent).distribution(observations)
    if not isinstance(drawn, Gaussian) or drawn.squashed:
        return np.empty((0, 0))
    return np.asarray(drawn.std, dtype=np.float64).reshape(len(observations), -1)
