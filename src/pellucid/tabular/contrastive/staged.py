"""Problems whose probabilities change with the step, as dense arrays, one per step."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.mdp import SUM_TOLERANCE


@dataclass(frozen=True, eq=False, kw_only=True)
class StagedMDP:
    """A Markov decision process of a fixed number of steps, each with its own probabilities.

    Dense and per step, as models of every step are learned; `pellucid.tabular.layered` makes one
    `FiniteMDP` of its three arrays.

    Args:
        transitions: Shape (steps, states, actions, states); the last axis sums to one.
        rewards: Shape (steps, states, actions), the expected reward of an action.
        initial: Shape (states,), the distribution of the first state.

    Raises:
        InputError: A shape does not fit, there is no state or action, a probability is negative or
            not a number, a row does not sum to one, or a reward is not finite. The message names
            the first row at fault and by how much.
    """

    transitions: Float[np.ndarray, "steps states actions next_states"]
    rewards: Float[np.ndarray, "steps states actions"]
    initial: Float[np.ndarray, " states"]

    def __post_init__(self) -> None:
        shape = self.rewards.shape
        if len(shape) != 3 or not self.rewards.size:
            raise InputError(f"expected rewards of shape (steps, states, actions), got {shape}")
        check_shape("transitions", self.transitions, (*shape, shape[1]))
        check_shape("initial", self.initial, shape[1:2])
        check_rows("transitions", self.transitions, ("step", "state", "action"))
        check_rows("initial", self.initial, ())
        check_finite("rewards", self.rewards, ("step", "state", "action"))

    @property
    def n_steps(self) -> int:
        """Steps of an episode."""
        return int(self.rewards.shape[0])

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.rewards.shape[1])

    @property
    def n_actions(self) -> int:
        """Number of actions."""
        return int(self.rewards.shape[2])


def plan(
    transitions: Float[np.ndarray, "steps states actions next_states"],
    rewards: Float[np.ndarray, "steps states actions"],
    *,
    most: float = np.inf,
) -> tuple[Int[np.ndarray, "steps states"], Float[np.ndarray, "steps states"]]:
    """Return the first best action and the best value of every state at every step.

    Args:
        transitions: Shape (steps, states, actions, states), of a true or a learned model.
        rewards: Shape (steps, states, actions), with any bonus already added.
        most: Values of actions are cut to [0, most], as optimism needs; infinite for no cut at all.
    """
    n_steps, n_states, _ = rewards.shape
    actions = np.zeros((n_steps, n_states), dtype=np.int64)
    values = np.zeros((n_steps, n_states))
    following = np.zeros(n_states)
    for step in range(n_steps - 1, -1, -1):
        q_values = rewards[step] + transitions[step] @ following
        if np.isfinite(most):
            np.clip(q_values, 0.0, most, out=q_values)
        actions[step] = q_values.argmax(axis=1)
        following = q_values.max(axis=1)
        values[step] = following
    return actions, values


def policy_value(mdp: StagedMDP, policy: Float[np.ndarray, "steps states actions"]) -> float:
    """Return the exact expected return of a policy from the initial distribution.

    Args:
        mdp: The problem.
        policy: Shape (steps, states, actions); rows sum to one.
    """
    values = np.zeros(mdp.n_states)
    for step in range(mdp.n_steps - 1, -1, -1):
        q_values = mdp.rewards[step] + mdp.transitions[step] @ values
        values = (policy[step] * q_values).sum(axis=1)
    return float(mdp.initial @ values)


def best_value(mdp: StagedMDP) -> float:
    """Return the largest expected return that any policy has from the initial distribution."""
    _, values = plan(mdp.transitions, mdp.rewards)
    return float(mdp.initial @ values[0])


def visit_chances(
    mdp: StagedMDP, policy: Float[np.ndarray, "steps states actions"]
) -> Float[np.ndarray, "steps states"]:
    """Return the chance of being in each state at each step; every step sums to one.

    Args:
        mdp: The problem.
        policy: Shape (steps, states, actions); rows sum to one.
    """
    chances = np.empty((mdp.n_steps, mdp.n_states))
    states = mdp.initial
    for step in range(mdp.n_steps):
        chances[step] = states
        pairs = states[:, None] * policy[step]
        states = np.einsum("sa,sat->t", pairs, mdp.transitions[step])
    return chances


# --- checks ---


def check_at_least(name: str, value: int, least: int) -> None:
    """Raise InputError if a size is too small."""
    if value < least:
        raise InputError(f"expected at least {least} {name}, got {value}")


def check_shape(name: str, array: np.ndarray, expected: tuple[int, ...]) -> None:
    """Raise InputError if an array has another shape than the others call for."""
    if np.shape(array) != expected:
        raise InputError(f"expected {name} of shape {expected}, got {np.shape(array)}")


def check_rows(name: str, array: np.ndarray, axes: tuple[str, ...]) -> None:
    """Raise InputError at the first row that is no distribution, with how far it is from one.

    Args:
        name: What the array is called.
        array: Probabilities along the last axis.
        axes: What the other axes are called.
    """
    wrong = np.argwhere(~(array >= 0))
    if len(wrong):
        position = tuple(map(int, wrong[0]))
        where = _where((*axes, "entry"), position)
        raise InputError(f"expected probabilities in {name}, got {array[position]} at {where}")
    sums = array.sum(axis=-1)
    off = np.argwhere(~(np.abs(sums - 1.0) <= SUM_TOLERANCE))
    if len(off):
        position = tuple(map(int, off[0]))
        excess = float(sums[position]) - 1.0
        where = f" at {_where(axes, position)}" if axes else ""
        raise InputError(
            f"expected rows of {name} that sum to 1, got one that is off by {excess:+.3g}{where}",
            hint=f"{len(off)} of {sums.size} rows are off" if sums.size > 1 else None,
        )


def check_finite(name: str, array: np.ndarray, axes: tuple[str, ...]) -> None:
    """Raise InputError at the first number that is not finite."""
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        position = tuple(map(int, wrong[0]))
        where = _where(axes, position)
        raise InputError(f"expected finite {name}, got {array[position]} at {where}")


def _where(axes: tuple[str, ...], position: tuple[int, ...]) -> str:
    return ", ".join(f"{axis} {index}" for axis, index in zip(axes, position, strict=True))
