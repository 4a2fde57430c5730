"""Finite classes of policies that take one action per step and state, as arrays."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int, UInt

from pellucid.errors import InputError
from pellucid.kernels.bitsets import packed_choices

MOST_ENTRIES = 500_000_000
"""Largest number of stored actions of a class, one byte each."""

Policy: TypeAlias = "Int[np.ndarray, '...'] | Callable[[int, int], int]"
"""Actions of shape (states,) or (steps, states), or a function of the step and the state."""


@dataclass(frozen=True, eq=False)
class PolicyClass:
    """Policies to choose from.

    Args:
        actions: Shape (policies, steps, states), the action that each takes; 8-bit integers.
        n_actions: Actions of a state.
        names: One per policy; empty if they have none.

    Raises:
        InputError: The array is empty or of another shape, or holds an action that does not exist.
    """

    actions: UInt[np.ndarray, "policies steps states"]
    n_actions: int
    names: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        actions = np.asarray(self.actions)
        if actions.ndim != 3 or not actions.size:
            raise InputError(
                f"expected actions of shape (policies, steps, states), got {actions.shape}"
            )
        if actions.dtype.kind not in "iu":
            raise InputError(f"expected whole numbers as actions, got {actions.dtype}")
        if not 1 <= self.n_actions <= 255:
            raise InputError(f"expected 1 to 255 actions, got {self.n_actions}")
        if actions.min() < 0 or actions.max() >= self.n_actions:
            policy, step, state = map(
                int, np.argwhere((actions < 0) | (actions >= self.n_actions))[0]
            )
            raise InputError(
                f"expected actions from 0 to {self.n_actions - 1}, got "
                f"{actions[policy, step, state]} for policy {policy}, step {step}, state {state}"
            )
        if self.names and len(self.names) != len(actions):
            raise InputError(f"expected {len(actions)} policy names, got {len(self.names)}")
        stored = np.ascontiguousarray(actions, dtype=np.uint8)
        object.__setattr__(self, "actions", stored)

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def n_steps(self) -> int:
        """Steps of an episode."""
        return int(self.actions.shape[1])

    @property
    def n_states(self) -> int:
        """Number of states per step."""
        return int(self.actions.shape[2])

    @cached_property
    def bits(self) -> UInt[np.ndarray, "words choices"]:
        """The set of policies behind every choice, as `packed_choices` lays it out."""
        return packed_choices(self.actions.reshape(len(self), -1), self.n_actions)

    def name(self, policy: int) -> str:
        """Return what a policy is called."""
        return self.names[policy] if self.names else f"policy {policy}"

    def subset(self, policies: Sequence[int] | Int[np.ndarray, " policies"]) -> "PolicyClass":
        """Return a class of some of the policies, in the order given."""
        chosen = np.asarray(policies)
        names = tuple(self.names[policy] for policy in chosen) if self.names else ()
        return PolicyClass(self.actions[chosen], self.n_actions, names)


# --- classes with known spanning capacities ---


def singletons(n_steps: int, n_states: int) -> PolicyClass:
    """Return the policies that take action 1 in at most one state of one step, else action 0."""
    return l_tons(n_steps, n_states, 1)


def l_tons(n_steps: int, n_states: int, most: int) -> PolicyClass:
    """Return the policies that take action 1 in at most `most` places, else action 0.

    Policy 0 never does; those with fewer places come first, in the order of steps, then of states.

    Args:
        n_steps: Steps of an episode.
        n_states: States per step.
        most: Largest number of places, pairs of a step and a state.

    Raises:
        InputError: There would be too many policies.
    """
    n_places = n_steps * n_states
    _check_size(sum(comb(n_places, k) for k in range(most + 1)), n_places)
    chosen = [places for k in range(most + 1) for places in combinations(range(n_places), k)]
    actions = np.zeros((len(chosen), n_places), dtype=np.uint8)
    for policy, places in enumerate(chosen):
        actions[policy, list(places)] = 1
    return PolicyClass(actions.reshape(-1, n_steps, n_states), 2)


def all_policies(n_steps: int, n_states: int, n_actions: int) -> PolicyClass:
    """Return every policy: the tabular class.

    Raises:
        InputError: There would be too many policies.
    """
    n_places = n_steps * n_states
    n_policies = n_actions**n_places
    _check_size(n_policies, n_places)
    digits = n_actions ** np.arange(n_places - 1, -1, -1)
    numbers = np.arange(n_policies)
    actions = np.stack([(numbers // d % n_actions).astype(np.uint8) for d in digits], axis=1)
    return PolicyClass(actions.reshape(-1, n_steps, n_states), n_actions)


# --- classes that people can read ---


def threshold_trees(
    features: Float[np.ndarray, "states features"], depth: int, *, n_steps: int, n_actions: int
) -> PolicyClass:
    """Return every decision tree of at most that depth, each behaviour once.

    A node compares one feature with a threshold between two of its values. Trees do not look at the
    step.

    Args:
        features: Shape (states, features).
        depth: Most comparisons on the way to a leaf.
        n_steps: Steps of an episode.
        n_actions: Actions of a state.

    Raises:
        InputError: A feature is not finite, or there would be too many trees.
    """
    if not np.isfinite(features).all():
        raise InputError("expected finite features")
    left = np.unique(
        [column <= value for column in features.T for value in np.unique(column)[:-1]], axis=0
    ).reshape(-1, len(features))
    trees = np.repeat(np.arange(n_actions, dtype=np.uint8)[:, None], len(features), axis=1)
    for _ in range(depth):
        _check_size(len(left) * len(trees) ** 2, len(features))
        grown = [np.where(side, trees[:, None], trees[None]) for side in left]
        flat = np.concatenate([trees, *(pair.reshape(-1, len(features)) for pair in grown)])
        trees = np.unique(flat, axis=0)
    return PolicyClass(np.repeat(trees[:, None], n_steps, axis=1), n_actions)


def linear_policies(
    features: Float[np.ndarray, "states features"],
    n_draws: int,
    rng: np.random.Generator,
    *,
    n_steps: int,
    n_actions: int,
) -> PolicyClass:
    """Return policies that take the action of the highest score, linear in the features.

    Args:
        features: Shape (states, features); a column of ones gives scores an offset.
        n_draws: Sets of normal weights drawn; behaviours that are drawn twice are kept once.
        rng: Draws them.
        n_steps: Steps of an episode; weights do not depend on the step.
        n_actions: Actions of a state.
    """
    weights = rng.normal(size=(n_draws, features.shape[1], n_actions))
    actions = np.unique(np.argmax(features @ weights, axis=2), axis=0).astype(np.uint8)
    return PolicyClass(np.repeat(actions[:, None], n_steps, axis=1), n_actions)


def from_policies(
    policies: Sequence[Policy],
    *,
    n_steps: int,
    n_states: int,
    n_actions: int,
    names: Sequence[str] = (),
) -> PolicyClass:
    """Return a class of policies of your own, such as trees, rules or programs.

    Args:
        policies: Each an array of actions of shape (states,) or (steps, states), or a function that
            takes the step and the state and returns the action.
        n_steps: Steps of an episode.
        n_states: States per step.
        n_actions: Actions of a state.
        names: One per policy; empty if they have none.

    Raises:
        InputError: An array does not fit, or an action does not exist.

    Example:
        >>> rules = [lambda step, state: int(state > 1), np.array([0, 1, 0])]
        >>> made = from_policies(rules, n_steps=2, n_states=3, n_actions=2)
        >>> made.actions.tolist()
        [[[0, 0, 1], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]]]
    """
    shape = (n_steps, n_states)
    rows = list(_tabulated(policies, shape))
    if not rows:
        raise InputError("expected at least one policy, got none")
    return PolicyClass(np.stack(rows), n_actions, tuple(names))


def _tabulated(
    policies: Sequence[Policy], shape: tuple[int, int]
) -> Iterator[Int[np.ndarray, "steps states"]]:
    for position, policy in enumerate(policies):
        if callable(policy):
            values: Any = [[policy(step, s) for s in range(shape[1])] for step in range(shape[0])]
        else:
            values = policy
        array = np.asarray(values)
        if array.shape not in (shape, shape[1:]):
            raise InputError(
                f"expected actions of shape {shape} or {shape[1:]} for policy {position}, "
                f"got {array.shape}"
            )
        yield np.broadcast_to(array, shape)


def _check_size(n_policies: int, n_places: int) -> None:
    if n_policies * n_places > MOST_ENTRIES:
        raise InputError(
            f"expected at most {MOST_ENTRIES:,} actions in all, got {n_policies:,} policies "
            f"of {n_places:,} each",
            hint="a smaller class: fewer states, a lower depth or fewer places",
        )
