"""Moments at which an agent does something else for a while, and what follows on both sides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import preferences
from pellucid.agents.context import in_context
from pellucid.agents.outputs import action_parts
from pellucid.errors import CapabilityError, InputError
from pellucid.explanation.contract import Task
from pellucid.explanation.foils import checked_foil, likeliest_other
from pellucid.explanation.options import chosen_episode, whole_number
from pellucid.rollouts import Branch, Future, run_branches
from pellucid.rollouts.allowed import allowed_at
from pellucid.rollouts.failures import check_enough

MIN_PAIRS = 5
"""Fewest pairs of futures that say something."""


@dataclass(frozen=True)
class Parting:
    """A state from which two futures go: the agent's own action, and a foil that is held.

    Args:
        episode: Position of the episode.
        step: In it.
        own: What was done there, in the action space.
        foil: What is done instead.
        hold: Steps for which it is; after them the agent acts.
    """

    episode: int
    step: int
    own: Shaped[np.ndarray, " *action"]
    foil: Shaped[np.ndarray, " *action"]
    hold: int


def parting_episode(task: Task, *, hint: str = "give the environment") -> int:
    """Return the position of the episode in which something else is done.

    Args:
        task: Tells agent, episodes and options.
        hint: What to do where there is no environment.

    Raises:
        CapabilityError: These are logs, or actions have no other ones.
        DataError: There is no finished episode.
        InputError: The option does not fit.
    """
    if task.episodes.spec is None:
        raise CapabilityError(
            "futures need the environment, and these are logs without one", hint=hint
        )
    action_parts(task.agent.action_space)  # says so if its actions have no other ones
    return chosen_episode(task)


def parting_at(task: Task, position: int, step: int, *, hold_share: float) -> Parting:
    """Return the parting at a step, by the options `foil` and `hold`.

    Args:
        task: Tells agent, episodes and options.
        position: Of the episode.
        step: In it.
        hold_share: Share of the episode for which the foil is held, without the option.

    Raises:
        CapabilityError: Only one action is allowed there.
        InputError: An option does not fit.
    """
    episode = task.episodes[position]
    own = episode.actions[step]
    foil = task.options.get("foil")
    if foil is None:
        other = _likeliest_other(task, position, step, own)
    else:
        other = checked_foil(task.agent.action_space, foil)
    hold = whole_number(task, "hold")
    if hold is None:
        hold = max(1, round(hold_share * len(episode)))
    if hold < 1:
        raise InputError(f"the other action is held for at least 1 step, got hold {hold}")
    return Parting(position, step, own, other, min(hold, len(episode) - step))


def n_moments(task: Task, position: int, *, most: int, n_replicates: int) -> int:
    """Return how many moments to search, so that at most half the budget goes into searching.

    Args:
        task: Tells what is left.
        position: Of the episode.
        most: Moments.
        n_replicates: Pairs of futures of each.
    """
    left = task.meter.left
    pairs = min(left.env_steps, left.queries) // (4 * len(task.episodes[position]))
    return int(np.clip(pairs // n_replicates, 1, most))


def spread_steps(task: Task, position: int, steps: Iterable[int], n: int) -> Int[np.ndarray, " n"]:
    """Return steps, spread over those given, at which another action is allowed.

    Args:
        task: Tells agent and episodes.
        position: Of the episode.
        steps: To choose from.
        n: How many, at most.

    Raises:
        CapabilityError: Only one action is allowed at each.
    """
    open_steps = [step for step in steps if _has_choice(task, position, step)]
    if not open_steps:
        raise CapabilityError(
            "only one action is allowed at every moment of this episode",
            hint="another episode, with --episode",
        )
    places = np.linspace(0, len(open_steps) - 1, n).round().astype(int)
    return np.unique(np.array(open_steps)[places])


def parting_branches(
    partings: Sequence[Parting], n_replicates: int, *, first_replicate: int
) -> list[Branch]:
    """Return both arms of each parting, own action first, replicate by replicate."""
    branches = []
    for replicate in range(first_replicate, first_replicate + n_replicates):
        for p in partings:
            held = np.repeat(p.foil[None], p.hold, axis=0)
            branches.append(Branch(p.episode, p.step, p.own[None], replicate))
            branches.append(Branch(p.episode, p.step, held, replicate))
    return branches


def part(
    task: Task,
    partings: Sequence[Parting],
    n_replicates: int,
    *,
    first_replicate: int,
    keep_observations: bool = False,
) -> tuple[Future, ...]:
    """Run both arms of every parting, replicate by replicate, as far as the budget goes."""
    futures: tuple[Future, ...] = run_branches(
        task.agent,
        task.episodes,
        parting_branches(partings, n_replicates, first_replicate=first_replicate),
        meter=task.meter,
        policy=task.policy,
        jobs=task.jobs,
        seed=task.seed,
        progress=task.progress,
        keep_observations=keep_observations,
    )
    return tuple(futures)


def good_pairs(futures: Sequence[Future]) -> list[Future]:
    """Return the pairs of which neither future failed; both arms keep the same replicates.

    Raises:
        AgentError: The agent's failures have left too few pairs.
        EnvError: The environment's failures have.
    """
    pairs = zip(futures[0::2], futures[1::2], strict=True)
    good = [pair for pair in pairs if all(future.failure is None for future in pair)]
    check_enough(futures, len(good), MIN_PAIRS)
    return [future for pair in good for future in pair]


def preferences_at(task: Task, position: int, step: int) -> Float[np.ndarray, " outputs"]:
    """Return the agent's preferences in a recorded state, with what it knew there."""
    agent = in_context(task.agent, task.episodes.context_at(np.array([[position, step]])))
    observation = task.episodes[position].observations[step]
    found: Float[np.ndarray, " outputs"] = preferences(agent, observation[None])[0]
    return found


def _has_choice(task: Task, position: int, step: int) -> bool:
    space = task.agent.action_space
    discrete = isinstance(space, Discrete)
    return not discrete or len(allowed_at(task.episodes, position, step, space)) > 1


def _likeliest_other(
    task: Task, position: int, step: int, own: Shaped[np.ndarray, " *action"]
) -> np.ndarray:
    space = task.agent.action_space
    allowed = None
    if isinstance(space, Discrete):
        allowed = allowed_at(task.episodes, position, step, space)
        if len(allowed) == 1 and space.n > 1:
            raise CapabilityError(
                f"only one action is allowed at step {step}", hint="another moment, with --step"
            )
    return likeliest_other(space, own, partial(preferences_at, task, position, step), allowed)
