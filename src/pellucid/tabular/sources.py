"""Finite problems from tables of transitions, from Gymnasium's toy-text games and from stages."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from pellucid.errors import CapabilityError, InputError
from pellucid.tabular.mdp import FiniteMDP

END = -1
"""Next state of an action that ends the episode."""

Outcome: TypeAlias = tuple[float, int, float, bool]
"""Probability, next state, reward, and whether the episode ends."""


def from_table(
    next_states: Int[np.ndarray, "states actions"],
    rewards: Float[np.ndarray, "states actions"],
    *,
    horizon: int | None = None,
    discount: float = 1.0,
    start: int = 0,
    action_names: tuple[str, ...] = (),
    state_names: tuple[str, ...] = (),
) -> FiniteMDP:
    """Return a deterministic problem; a last state is added in which ended episodes stay.

    Args:
        next_states: Shape (states, actions); -1 where the action ends the episode.
        rewards: Shape (states, actions).
        horizon: Steps of an episode.
        discount: Weight of the next step.
        start: The first state.
        action_names: One per action; empty if they have none.
        state_names: One per state and one for the end; empty if they have none.

    Raises:
        InputError: A next state does not exist, or the arrays are not those of a problem.
    """
    n_states = len(next_states)
    if next_states.shape != rewards.shape or next_states.ndim != 2:
        raise InputError(
            f"expected next states and rewards of one shape (states, actions), "
            f"got {next_states.shape} and {rewards.shape}"
        )
    wrong = np.argwhere((next_states < END) | (next_states >= n_states))
    if len(wrong):
        state, action = map(int, wrong[0])
        raise InputError(
            f"expected next states from 0 to {n_states - 1}, or -1 for the end, "
            f"got {next_states[state, action]} for state {state}, action {action}"
        )
    if not 0 <= start < n_states:
        raise InputError(f"expected a first state from 0 to {n_states - 1}, got {start}")
    n_actions = next_states.shape[1]
    with_end = np.vstack([next_states, np.full((1, n_actions), END)])
    columns = np.where(with_end == END, n_states, with_end).reshape(-1)
    rows = np.arange(columns.size + 1)
    shape = (columns.size, n_states + 1)
    return FiniteMDP(
        transitions=sparse.csr_array((np.ones(columns.size), columns, rows), shape=shape),
        rewards=np.vstack([rewards, np.zeros((1, n_actions))]).astype(np.float64),
        initial=(np.arange(n_states + 1) == start).astype(np.float64),
        discount=discount,
        horizon=horizon,
        action_names=action_names,
        state_names=state_names,
    )


def from_toy_text(
    env: Any,
    *,
    horizon: int | None = None,
    discount: float = 1.0,
    action_names: tuple[str, ...] = (),
) -> FiniteMDP:
    """Return the problem of a Gymnasium environment that shows its outcomes as `P[state][action]`.

    A last state is added in which ended episodes stay: the table goes on as if they had not ended.
    States that no policy reaches are kept, so that states keep their numbers; `restricted` leaves
    them out.

    Args:
        env: FrozenLake, CliffWalking, Taxi, or another one with such a table.
        horizon: Steps of an episode; without one a discount below 1 is needed.
        discount: Weight of the next step.
        action_names: One per action; empty if they have none.

    Raises:
        CapabilityError: The environment has no such table.
        InputError: The table is not that of a problem.
    """
    base = env.unwrapped
    table: Mapping[int, Mapping[int, list[Outcome]]] | None = getattr(base, "P", None)
    if table is None:
        raise CapabilityError(
            f"{type(base).__name__} has no table of outcomes `P[state][action]`",
            hint="FrozenLake, CliffWalking and Taxi have one",
        )
    n_states, n_actions = len(table), len(table[0])
    first = np.asarray(base.initial_state_distrib, dtype=np.float64)
    shape = ((n_states + 1) * n_actions, n_states + 1)
    chances = sparse.lil_array(shape)
    rewards = np.zeros((n_states + 1, n_actions))
    for state, actions in table.items():
        for action, outcomes in actions.items():
            for probability, next_state, reward, ends in outcomes:
                chances[state * n_actions + action, n_states if ends else next_state] += probability
                rewards[state, action] += probability * reward
    chances[n_states * n_actions :, n_states] = 1.0
    return FiniteMDP(
        transitions=sparse.csr_array(chances),
        rewards=rewards,
        initial=np.append(first / first.sum(), 0.0),
        discount=discount,
        horizon=horizon,
        state_names=_state_names(base, n_states),
        action_names=action_names,
    )


def layered(
    transitions: Float[np.ndarray, "steps states actions next_states"],
    rewards: Float[np.ndarray, "steps states actions"],
    initial: Float[np.ndarray, " states"],
) -> FiniteMDP:
    """Return a problem whose probabilities change with the step as one in which they do not.

    State `step * states + s` stands for s at that step; the last state is the end.

    Args:
        transitions: Shape (steps, states, actions, states); those of the last step change nothing.
        rewards: Shape (steps, states, actions).
        initial: Shape (states,).

    Raises:
        InputError: The arrays are not those of a problem.
    """
    horizon, n_states, n_actions = rewards.shape
    if transitions.shape != (*rewards.shape, n_states):
        raise InputError(
            f"expected transitions of shape {(*rewards.shape, n_states)}, got {transitions.shape}"
        )
    n_all, n_pairs = horizon * n_states + 1, n_states * n_actions
    # the last step and the end lead to the end
    ends = sparse.csr_array(
        (
            np.ones(n_pairs + n_actions),
            (np.arange(n_pairs + n_actions), np.full(n_pairs + n_actions, n_all - 1)),
        ),
        shape=(n_pairs + n_actions, n_all),
    )
    steps = [
        sparse.hstack(
            [
                sparse.csr_array((n_pairs, (step + 1) * n_states)),
                sparse.csr_array(transitions[step].reshape(n_pairs, n_states)),
                sparse.csr_array((n_pairs, n_all - (step + 2) * n_states)),
            ]
        )
        for step in range(horizon - 1)
    ]
    paid = np.vstack([rewards.reshape(-1, n_actions), np.zeros((1, n_actions))])
    return FiniteMDP(
        transitions=sparse.csr_array(sparse.vstack([*steps, ends])),
        rewards=paid,
        initial=np.concatenate([initial, np.zeros(n_all - n_states)]),
        horizon=horizon,
    )


# --- names of states ---


def _state_names(base: Any, n_states: int) -> tuple[str, ...]:
    namer = _NAMERS.get(type(base).__name__)
    return (*(namer(base, state) for state in range(n_states)), "the end") if namer else ()


def _frozen_lake(base: Any, state: int) -> str:
    row, column = divmod(state, int(base.ncol))
    return f"row {row}, column {column}"


def _cliff_walking(base: Any, state: int) -> str:
    row, column = np.unravel_index(state, base.shape)
    return f"row {row}, column {column}"


def _taxi(base: Any, state: int) -> str:
    row, column, passenger, destination = base.decode(state)
    stops = ("red", "green", "yellow", "blue")
    where = "in the taxi" if passenger == len(stops) else f"at {stops[passenger]}"
    return f"taxi at row {row}, column {column}, passenger {where}, to {stops[destination]}"


_NAMERS: Mapping[str, Callable[[Any, int], str]] = {
    "FrozenLakeEnv": _frozen_lake,
    "CliffWalkingEnv": _cliff_walking,
    "TaxiEnv": _taxi,
}
