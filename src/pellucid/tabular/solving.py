"""Values, policies and visits of finite problems, for a horizon or for a discount.

With a horizon, arrays have a leading axis of steps, counted from 0 to horizon - 1. Without one,
values and policies do not depend on the step. The two have functions of their own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.sparse.linalg import spsolve

from pellucid.errors import InputError
from pellucid.kernels.bellman import optimal_backup
from pellucid.tabular.mdp import FiniteMDP


@dataclass(frozen=True, eq=False)
class StagedSolution:
    """The solution of a problem with a horizon.

    Args:
        mdp: The problem.
        values: Shape (horizon + 1, states): best return from a step on; zeros after the last.
        actions: Shape (horizon, states): the first action that is best.
    """

    mdp: FiniteMDP
    values: Float[np.ndarray, "steps_plus_one states"]
    actions: Int[np.ndarray, "steps states"]

    @property
    def value(self) -> float:
        """Expected return of the best policy from the initial distribution."""
        return float(self.mdp.initial @ self.values[0])

    def q_values(self, step: int) -> Float[np.ndarray, "states actions"]:
        """Return what each action is worth at a step if the best ones follow."""
        mdp = self.mdp
        return mdp.rewards + mdp.discount * mdp.expected_next(self.values[step + 1])


@dataclass(frozen=True, eq=False)
class Solution:
    """The solution of a discounted problem without a horizon.

    Args:
        mdp: The problem.
        q_values: Shape (states, actions).
        values: Shape (states,).
        actions: Shape (states,): the first action that is best.
        residual: Largest change that one more backup of the values would make.
        error_bound: How far `values` may be from the true ones: `residual / (1 - discount)`.
        n_sweeps: Backups over all states.
    """

    mdp: FiniteMDP
    q_values: Float[np.ndarray, "states actions"]
    values: Float[np.ndarray, " states"]
    actions: Int[np.ndarray, " states"]
    residual: float
    error_bound: float
    n_sweeps: int

    @property
    def value(self) -> float:
        """Expected discounted return of the best policy from the initial distribution."""
        return float(self.mdp.initial @ self.values)


# --- best policies ---


def backward_induction(mdp: FiniteMDP) -> StagedSolution:
    """Return the best values and actions of a problem with a horizon.

    Args:
        mdp: With a horizon.

    Raises:
        InputError: It has none.
    """
    horizon = _horizon(mdp)
    values = np.zeros((horizon + 1, mdp.n_states))
    actions = np.zeros((horizon, mdp.n_states), dtype=np.int64)
    for step in range(horizon - 1, -1, -1):
        _backup(mdp, values[step + 1], values[step], actions[step])
    return StagedSolution(mdp, values, actions)


def value_iteration(
    mdp: FiniteMDP, *, tolerance: float = 1e-10, max_sweeps: int = 1_000_000
) -> Solution:
    """Return the best values and actions of a discounted problem without a horizon.

    Args:
        mdp: Without a horizon.
        tolerance: Largest error of the values, in units of return. The default tells apart gaps
            that rewards given in single precision can make.
        max_sweeps: Backups after which it stops; the result says how far it came.

    Raises:
        InputError: The problem has a horizon.
    """
    _no_horizon(mdp)
    # two arrays that take turns
    values, following = np.zeros(mdp.n_states), np.zeros(mdp.n_states)
    actions = np.zeros(mdp.n_states, dtype=np.int64)
    limit = tolerance * (1 - mdp.discount)
    n_sweeps, residual = 0, np.inf
    while residual > limit and n_sweeps < max_sweeps:
        residual = _backup(mdp, values, following, actions)
        values, following = following, values
        n_sweeps += 1
    q_values = mdp.rewards + mdp.discount * mdp.expected_next(values)
    residual = float(np.abs(q_values.max(axis=1) - values).max())
    return Solution(
        mdp=mdp,
        q_values=q_values,
        values=values,
        actions=q_values.argmax(axis=1),
        residual=residual,
        error_bound=residual / (1 - mdp.discount),
        n_sweeps=n_sweeps,
    )


def _backup(
    mdp: FiniteMDP,
    values: Float[np.ndarray, " states"],
    out_values: Float[np.ndarray, " states"],
    out_actions: Int[np.ndarray, " states"],
) -> float:
    if isinstance(mdp.transitions, np.ndarray):
        q_values = mdp.rewards + mdp.discount * mdp.expected_next(values)
        q_values.argmax(axis=1, out=out_actions)
        q_values.max(axis=1, out=out_values)
        return float(np.abs(out_values - values).max())
    rows = mdp.transitions
    return optimal_backup(
        rows.indptr,
        rows.indices,
        rows.data,
        mdp.rewards,
        mdp.discount,
        values,
        out_values,
        out_actions,
    )


# --- given policies ---


def policy_values(
    mdp: FiniteMDP, policy: Float[np.ndarray, "states actions"]
) -> Float[np.ndarray, " states"]:
    """Return the values of a policy of a discounted problem, by solving the linear system.

    Args:
        mdp: Without a horizon.
        policy: Shape (states, actions); rows sum to one.
    """
    _no_horizon(mdp)
    chain, rewards = _under(mdp, policy)
    system = sparse.eye_array(mdp.n_states, format="csc") - mdp.discount * chain.tocsc()
    return np.asarray(spsolve(system, rewards)).reshape(-1)


def staged_policy_values(
    mdp: FiniteMDP, policy: Float[np.ndarray, "steps states actions"]
) -> Float[np.ndarray, "steps_plus_one states"]:
    """Return the values of a policy of a problem with a horizon, from every step on.

    Args:
        mdp: With a horizon.
        policy: Shape (horizon, states, actions), or (1, states, actions) if it does not change.
    """
    horizon = _horizon(mdp)
    per_step = np.broadcast_to(policy, (horizon, *mdp.rewards.shape))
    values = np.zeros((horizon + 1, mdp.n_states))
    for step in range(horizon - 1, -1, -1):
        q_values = mdp.rewards + mdp.discount * mdp.expected_next(values[step + 1])
        values[step] = (per_step[step] * q_values).sum(axis=1)
    return values


def occupancies(
    mdp: FiniteMDP, policy: Float[np.ndarray, "states actions"]
) -> Float[np.ndarray, "states actions"]:
    """Return the discounted number of visits of every pair; all of them sum to 1 / (1 - discount).

    Args:
        mdp: Without a horizon.
        policy: Shape (states, actions); rows sum to one.
    """
    _no_horizon(mdp)
    chain, _ = _under(mdp, policy)
    system = sparse.eye_array(mdp.n_states, format="csc") - mdp.discount * chain.T.tocsc()
    visits = np.asarray(spsolve(system, mdp.initial)).reshape(-1)
    return np.asarray(visits[:, None] * policy)


def staged_occupancies(
    mdp: FiniteMDP, policy: Float[np.ndarray, "steps states actions"]
) -> Float[np.ndarray, "steps states actions"]:
    """Return the probability of every pair at every step; each step sums to one.

    Args:
        mdp: With a horizon.
        policy: Shape (horizon, states, actions), or (1, states, actions) if it does not change.
    """
    horizon = _horizon(mdp)
    per_step = np.broadcast_to(policy, (horizon, *mdp.rewards.shape))
    visits = np.empty((horizon, *mdp.rewards.shape))
    states = mdp.initial
    for step in range(horizon):
        visits[step] = states[:, None] * per_step[step]
        states = mdp.next_distribution(visits[step])
    return visits


def greedy_policy(
    q_values: Float[np.ndarray, "*axes actions"],
) -> Float[np.ndarray, "*axes actions"]:
    """Return the deterministic policy that takes the first of the best actions."""
    return np.asarray(np.eye(q_values.shape[-1])[q_values.argmax(axis=-1)])


def uniform_policy(mdp: FiniteMDP) -> Float[np.ndarray, "states actions"]:
    """Return the policy that draws every action alike."""
    return np.full(mdp.rewards.shape, 1 / mdp.n_actions)


# --- comparisons of actions ---


def advantages(
    q_values: Float[np.ndarray, "*axes actions"],
    policy: Float[np.ndarray, "*axes actions"],
) -> Float[np.ndarray, "*axes actions"]:
    """Return how much better each action is than what the policy does on average."""
    return np.asarray(q_values - (policy * q_values).sum(axis=-1, keepdims=True))


def best_actions(
    q_values: Float[np.ndarray, "*axes actions"], *, tolerance: float
) -> Bool[np.ndarray, "*axes actions"]:
    """Return which actions are best, up to a tolerance that covers the error of the values."""
    return np.asarray(q_values >= q_values.max(axis=-1, keepdims=True) - tolerance)


def gaps(q_values: Float[np.ndarray, "*axes actions"]) -> Float[np.ndarray, "*axes"]:
    """Return how far the second-best action is behind the best one, per state.

    0 for a tie; infinite with a single action.
    """
    if q_values.shape[-1] == 1:
        return np.full(q_values.shape[:-1], np.inf)
    top = np.partition(q_values, -2, axis=-1)
    return np.asarray(top[..., -1] - top[..., -2])


# --- inside ---


def _under(
    mdp: FiniteMDP, policy: Float[np.ndarray, "states actions"]
) -> tuple[sparse.csr_array, Float[np.ndarray, " states"]]:
    """Return the Markov chain and the rewards of a policy."""
    if policy.shape != mdp.rewards.shape:
        raise InputError(f"expected a policy of shape {mdp.rewards.shape}, got {policy.shape}")
    pairs = np.arange(policy.size + 1, step=mdp.n_actions)
    weights = sparse.csr_array((policy.reshape(-1), np.arange(policy.size), pairs))
    return sparse.csr_array(weights @ mdp.csr), (policy * mdp.rewards).sum(axis=1)


def _horizon(mdp: FiniteMDP) -> int:
    if mdp.horizon is None:
        raise InputError("expected a problem with a horizon", hint="give FiniteMDP a horizon")
    return mdp.horizon


def _no_horizon(mdp: FiniteMDP) -> None:
    if mdp.horizon is not None:
        raise InputError(
            f"expected a problem without a horizon, got one of {mdp.horizon} steps",
            hint="backward_induction and the staged functions are for horizons",
        )
