"""Which choices are compared in which visited states: the agent's own, and another one."""

from functools import partial

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int

from pellucid.agents.acting import preferences
from pellucid.agents.context import in_context
from pellucid.agents.outputs import action_parts
from pellucid.errors import CapabilityError, InputError
from pellucid.explanation import Task
from pellucid.explanation.foils import checked_foil, likeliest_other
from pellucid.explanation.options import chosen_episode, chosen_step
from pellucid.rollouts import Episodes
from pellucid.rollouts.allowed import allowed_at
from pellucid.rollouts.choices import Choices

_GOLDEN = (np.sqrt(5.0) - 1) / 2
"""Its multiples, modulo 1, are spread evenly however many there are."""


def spread_states(episodes: Episodes, most: int) -> Int[np.ndarray, "states 2"]:
    """Return states of different episodes as far as there are enough, at different shares of them.

    Args:
        episodes: At least one, with steps.
        most: How many states.
    """
    lengths = np.array([len(e) for e in episodes.used])
    n_states = min(most, int(lengths.sum()))
    n_rounds = -(-n_states // len(lengths))
    order = np.linspace(0, len(lengths) - 1, min(n_states, len(lengths))).round().astype(np.int64)
    found: dict[tuple[int, int], None] = {}
    for number in range(n_rounds * len(order)):
        episode = int(order[number % len(order)])
        share = (0.5 + number * _GOLDEN) % 1.0
        found[episode, int(share * lengths[episode])] = None
    return np.array(sorted(list(found)[:n_states]), dtype=np.int64)


def asked_states(task: Task, most: int) -> tuple[Int[np.ndarray, "states 2"], int]:
    """Return the states that are looked at, and which of them the user asked for; -1 for none.

    Raises:
        DataError: There is no finished episode.
        InputError: The episode or step is not there.
    """
    position = chosen_episode(task)
    step = chosen_step(task, position)
    states = spread_states(task.episodes, most)
    if step is None:
        return states, -1
    wanted = np.array([[position, step]])
    others = states[~(states == wanted).all(axis=1)]
    # an asked state alone would leave nothing to test the method on
    return np.concatenate((wanted, others[: most - 1])), 0


def compared(
    task: Task, states: Int[np.ndarray, "states 2"], shown: int, horizon: int
) -> tuple[Choices, int]:
    """Return the own and the other choice of each state that has one, and the shown state's place.

    Args:
        task: Its option `foil` names the other choice; else it is the likeliest one.
        states: Shape (states, 2).
        shown: Which one was asked for; -1 for none.
        horizon: Steps that futures last.

    Raises:
        CapabilityError: No state has another choice, or actions have no parts that could differ.
        InputError: The foil is no action, or the agent's own one in the state that was asked for.
    """
    space, episodes = task.agent.action_space, task.episodes
    action_parts(space)  # says so if its actions have no other ones
    agent = in_context(task.agent, episodes.context_at(states))
    seen = np.stack([episodes[int(e)].observations[int(t)] for e, t in states])
    told: Float[np.ndarray, "states outputs"] = preferences(agent, seen)
    foil = task.options.get("foil")
    named = None if foil is None else checked_foil(space, foil)
    kept, pairs = [], []
    for row, (episode, step) in enumerate(states.tolist()):
        own = episodes[episode].actions[step]
        if named is not None:
            other = named
        else:
            allowed = None
            if isinstance(space, Discrete):
                allowed = allowed_at(episodes, episode, step, space)
                if len(allowed) < 2:
                    continue
            other = likeliest_other(space, own, partial(_row, told, row), allowed)
        if np.array_equal(own, other):
            if row == shown:
                raise InputError(
                    f"{foil!r:.40} is the agent's own choice at step {step}",
                    hint="choose another foil or another --step",
                )
            continue
        kept.append(row)
        pairs.append(np.stack((own, np.asarray(other, dtype=np.asarray(own).dtype))))
    if not kept:
        raise CapabilityError(
            "no state that was looked at has another choice", hint="another foil, or other episodes"
        )
    place = kept.index(shown) if shown in kept else -1
    return Choices(states[kept], np.stack(pairs), horizon), place


def _row(told: Float[np.ndarray, "states outputs"], row: int) -> Float[np.ndarray, " outputs"]:
    return np.asarray(told[row])
