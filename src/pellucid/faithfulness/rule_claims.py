"""What rules say of an agent's choices, compared with what it chose."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.errors import CapabilityError
from pellucid.explanation import Rules
from pellucid.kernels.predicates import holds, parse_predicate


class Agreement(NamedTuple):
    """How right rules are, in percent of choices.

    Args:
        values: Shape (episodes,), NaN where they say nothing of any state.
        controls: Shape (episodes,), the same if they were told of these states in random order.
    """

    values: Float[np.ndarray, " episodes"]
    controls: Float[np.ndarray, " episodes"]


def rule_claims(
    content: Rules,
    rows: Float[np.ndarray, "states inputs"],
    choices: Int[np.ndarray, " states"],
    episodes: Int[np.ndarray, " states"],
) -> Agreement:
    """Return how often rules are right of choices, episode by episode.

    Exhaustive rules say of every state that the output is chosen there, or that it is not. States
    of both kinds count alike in all, so that never saying it of a rare choice is right of half.
    Other rules say which output is chosen where the first one holds, and nothing of other states.

    The control is the mean over all orders of the states: told at random as often as they are, the
    output is right as often as it is chosen, and its absence as often as it is not.

    Args:
        content: The rules, with conditions and outcomes.
        rows: Shape (states, inputs).
        choices: Shape (states,), the output that was chosen.
        episodes: Shape (states,).

    Raises:
        CapabilityError: The rules are words only, or say nothing of any of the states.
    """
    if not content.conditions or len(content.outcomes) != len(content.conditions):
        raise CapabilityError(
            "the rules are words only, without conditions that could be checked",
            hint="rules with conditions and outcomes",
        )
    inside = _covered(content, rows)
    true = choices == content.outcomes[0]
    if content.exhaustive:
        said = inside.mean()
        right, by_chance = inside == true, np.where(true, said, 1 - said)
        weights = _balanced(true)
    else:
        if not inside.any():
            raise CapabilityError(
                "no state of the test is one that the rules speak of", hint="more episodes"
            )
        right, by_chance = true, np.full(len(true), true.mean())
        weights = inside.astype(np.float64)
    return Agreement(
        _by_episode(right.astype(np.float64), weights, episodes),
        _by_episode(by_chance, weights, episodes),
    )


def _covered(content: Rules, rows: Float[np.ndarray, "states inputs"]) -> Bool[np.ndarray, " s"]:
    """Return where any rule holds; rules that are not exhaustive answer for the first one."""
    asked = content.conditions if content.exhaustive else content.conditions[:1]
    return np.asarray(np.any([holds(parse_predicate(text), rows) for text in asked], axis=0))


def _balanced(true: Bool[np.ndarray, " states"]) -> Float[np.ndarray, " states"]:
    n_true = int(true.sum())
    if n_true in (0, len(true)):
        return np.ones(len(true))
    return np.where(true, 0.5 / n_true, 0.5 / (len(true) - n_true))


def _by_episode(
    shares: Float[np.ndarray, " states"],
    weights: Float[np.ndarray, " states"],
    episodes: Int[np.ndarray, " states"],
) -> Float[np.ndarray, " episodes"]:
    total = np.bincount(episodes, weights)
    found = np.bincount(episodes, weights * shares)
    there = np.bincount(episodes) > 0
    with np.errstate(invalid="ignore"):
        values: Float[np.ndarray, " episodes"] = 100.0 * found / np.where(total > 0, total, np.nan)
    return values[there]
