"""Seven ways in which a moment can be of interest, each measured where agent and episodes tell."""

from collections import Counter
from typing import NamedTuple, cast

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from pellucid.agents.acting import predicted_return, preference_unit, preferences
from pellucid.agents.context import in_context
from pellucid.agents.flatten import flat
from pellucid.agents.outputs import PER_PART, action_parts
from pellucid.errors import CapabilityError
from pellucid.kernels.interest import conduciveness, evenness, incongruity, scaled
from pellucid.rollouts.episodes import Episodes
from pellucid.seeds import stream
from pellucid.types import Agent, Gaussian, HasDistribution

NEIGHBOUR = 5
"""The nearest state of other episodes by which a state is familiar: one alone may be chance."""
MOST_REFERENCES, MOST_INPUTS, ROWS_AT_ONCE = 2000, 2048, 512
LEAST_REPEATS, LEAST_STATES = 5, 20
"""Times that a situation must recur, and states that must, for noise to be told."""


class Dimension(NamedTuple):
    """One way to be of interest.

    Args:
        name: What it is called.
        values: Shape (states,), one per visited state, NaN where it is not known; None if it was
            not measured at all.
        reason: Why it was not.
    """

    name: str
    values: Float[np.ndarray, " states"] | None
    reason: str = ""


def n_answers(agent: Agent) -> int:
    """Return how often each visited state is asked for `dimensions_of`."""
    return int(_tells(agent) != "") + int(_predicts_by_itself(agent))


def dimensions_of(agent: Agent, episodes: Episodes, *, seed: int) -> tuple[Dimension, ...]:
    """Return the dimensions of all visited states, measured or not.

    Args:
        agent: Asked `n_answers` times per visited state.
        episodes: At least one step.
        seed: Of the states with which others are compared.
    """
    bound = in_context(agent, episodes.visited_context)
    told = _tells(agent)
    outputs = _outputs(bound, told, episodes)
    values = _values(bound, outputs, told, episodes)
    return (
        *_of_values(values, episodes),
        _confidence(agent, outputs, told),
        _riskiness(agent, outputs, told),
        _stochasticity(episodes),
        _familiarity(episodes, seed),
    )


# --- what the agent tells ---


def _tells(agent: Agent) -> str:
    """Return what choices can be compared by: `probability`, `Q-value`, `std`, or nothing."""
    try:
        unit = preference_unit(agent).removesuffix(PER_PART)
    except CapabilityError:
        return ""
    if unit in ("probability", "Q-value"):
        return unit
    return "std" if unit == "mean action" and "distribution" in agent.capabilities else ""


def _predicts_by_itself(agent: Agent) -> bool:
    # the largest Q-value is a prediction that has been asked for already
    return "value" in agent.capabilities or (
        "q_values" in agent.capabilities and _tells(agent) != "Q-value"
    )


def _outputs(
    agent: Agent, told: str, episodes: Episodes
) -> Float[np.ndarray, "states outputs"] | None:
    """Return preferences, NaN for actions that were not allowed; or the spread of what is drawn."""
    if told == "":
        return None
    if told == "std":
        distribution = cast(HasDistribution, agent).distribution(episodes.visited)
        assert isinstance(distribution, Gaussian)
        return np.asarray(distribution.std, dtype=np.float64)
    found = preferences(agent, episodes.visited)
    masks = episodes.visited_context.masks
    return found if masks is None else np.where(masks, found, np.nan)


def _values(
    agent: Agent,
    outputs: Float[np.ndarray, "states outputs"] | None,
    told: str,
    episodes: Episodes,
) -> Float[np.ndarray, " states"] | None:
    if _predicts_by_itself(agent):
        return predicted_return(agent, episodes.visited)[:, 0]
    if told == "Q-value" and outputs is not None:
        return np.asarray(np.nanmax(outputs, axis=1))
    return None


# --- the dimensions ---


def _of_values(
    values: Float[np.ndarray, " states"] | None, episodes: Episodes
) -> tuple[Dimension, ...]:
    if values is None:
        reason = "the agent predicts no return"
        names = ("value", "goal conduciveness", "incongruity")
        return tuple(Dimension(name, None, reason) for name in names)
    ends = np.cumsum([len(episode) for episode in episodes.used])[:-1]
    percent = np.split(50 * (scaled(values) + 1), ends)
    following = [
        np.append(part[1:], 0.0 if episode.terminated else np.nan)
        for part, episode in zip(np.split(values, ends), episodes.used, strict=True)
    ]
    rewards = np.concatenate([episode.rewards for episode in episodes.used])
    return (
        Dimension("value", scaled(values)),
        Dimension("goal conduciveness", np.concatenate([conduciveness(p) for p in percent])),
        Dimension("incongruity", incongruity(values, rewards, np.concatenate(following))),
    )


def _confidence(
    agent: Agent, outputs: Float[np.ndarray, "states outputs"] | None, told: str
) -> Dimension:
    name = "confidence"
    if outputs is None or told == "Q-value":
        return Dimension(name, None, "the agent tells no probabilities of its actions")
    if told == "std":
        return Dimension(name, 0.0 - scaled(np.log(outputs).sum(axis=1)))
    parts = [outputs[:, part.columns] for part in action_parts(agent.action_space)]
    return Dimension(name, 1 - 2 * np.mean([evenness(part) for part in parts], axis=0))


def _riskiness(
    agent: Agent, outputs: Float[np.ndarray, "states outputs"] | None, told: str
) -> Dimension:
    name = "riskiness"
    if outputs is None or told == "std":
        return Dimension(name, None, "the agent does not tell what its other actions are worth")
    parts = [outputs[:, part.columns] for part in action_parts(agent.action_space)]
    ranges = np.mean([np.nanmax(part, axis=1) - np.nanmin(part, axis=1) for part in parts], axis=0)
    return Dimension(name, scaled(ranges) if told == "Q-value" else 2 * ranges - 1)


def _stochasticity(episodes: Episodes) -> Dimension:
    """Return how often something else than the usual followed the same state and action."""
    name = "stochasticity"
    before = [
        (e.observations[t].tobytes(), e.actions[t].tobytes())
        for e in episodes.used
        for t in range(len(e))
    ]
    after = [e.observations[t + 1].tobytes() for e in episodes.used for t in range(len(e))]
    outcomes: dict[tuple[bytes, bytes], Counter[bytes]] = {}
    for situation, outcome in zip(before, after, strict=True):
        outcomes.setdefault(situation, Counter())[outcome] += 1
    found = {
        situation: 1 - counts.most_common(1)[0][1] / counts.total()
        for situation, counts in outcomes.items()
        if counts.total() >= LEAST_REPEATS
    }
    values = np.array([found.get(situation, np.nan) for situation in before])
    if np.isfinite(values).sum() < LEAST_STATES:
        reason = f"too few states recurred {LEAST_REPEATS} times with the same action"
        return Dimension(name, None, reason)
    return Dimension(name, values)


def _familiarity(episodes: Episodes, seed: int) -> Dimension:
    """Return how near each state is to states of other episodes, in standardised inputs."""
    name = "familiarity"
    n_states, n_inputs = len(episodes.visited), int(np.prod(episodes.visited.shape[1:]))
    if len(episodes) < 2:
        return Dimension(name, None, "there is no other episode to compare with")
    if n_inputs > MOST_INPUTS:
        reason = f"observations have {n_inputs} numbers, and {MOST_INPUTS} can be compared"
        return Dimension(name, None, reason)
    rows = flat(episodes.visited)
    spread = rows.std(axis=0)
    rows = rows / np.where(spread > 0, spread, 1.0)
    of = episodes.visited_steps[:, 0]
    rng = stream(seed, "interestingness", "references")
    drawn = np.sort(rng.permutation(n_states)[:MOST_REFERENCES])
    nearest = np.empty(n_states)
    for start in range(0, n_states, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        distances = cdist(rows[part], rows[drawn])
        distances[of[part][:, None] == of[drawn]] = np.inf
        rank = min(NEIGHBOUR, len(drawn)) - 1
        nearest[part] = np.partition(distances, rank, axis=1)[:, rank]
    # an episode so long that others are hardly drawn has no fifth neighbour
    nearest[np.isinf(nearest)] = np.nan
    if np.isnan(nearest).all():
        return Dimension(name, None, "other episodes are too short to compare with")
    return Dimension(name, 0.0 - scaled(nearest))
