"""Behaviour cloning in finite problems, and how far the clone is from the expert.

Source: Tiapkin et al. 2024 (Demonstration-Regularized RL), sec. 3. Policies depend on the step.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import staged_occupancies


def draw_demonstrations(
    mdp: FiniteMDP,
    policy: Float[np.ndarray, "steps states actions"],
    n_trajectories: int,
    rng: np.random.Generator,
) -> Int[np.ndarray, "steps states actions"]:
    """Return how often each pair occurs at each step of sampled trajectories, without rewards.

    All trajectories are advanced together: at each step the number that takes each action, and
    then the number that reaches each next state, is drawn from a multinomial distribution, which
    gives the same law of counts as running them one by one.

    Args:
        mdp: With a horizon.
        policy: Shape (horizon, states, actions).
        n_trajectories: At least 1.
        rng: Draws them.

    Raises:
        InputError: There is no trajectory to draw, or the policy is not one of this problem.
    """
    if n_trajectories < 1:
        raise InputError(f"expected at least 1 demonstration, got {n_trajectories}")
    _check_policy(mdp, policy)
    counts = np.zeros(policy.shape, dtype=np.int64)
    here = rng.multinomial(n_trajectories, mdp.initial)
    for step in range(len(policy)):
        counts[step] = rng.multinomial(here, policy[step])
        leaving = counts[step].reshape(-1)
        pairs = np.flatnonzero(leaving)
        rows = mdp.dense.reshape(-1, mdp.n_states)[pairs]
        here = rng.multinomial(leaving[pairs], rows).sum(axis=0)
    return counts


def clone_policy(
    counts: Int[np.ndarray, "steps states actions"],
) -> Float[np.ndarray, "steps states actions"]:
    """Return the cloned policy: `(count of the pair + 1) / (count of the state + actions)`.

    That is maximum likelihood with the regulariser `-log pi(a|s)` for every pair, which keeps the
    divergence from the expert finite. States without demonstrations are left even.

    Args:
        counts: Shape (steps, states, actions).

    Example:
        >>> clone_policy(np.array([[[3, 0]]])).tolist()
        [[[0.8, 0.2]]]
    """
    return np.asarray((counts + 1) / (counts.sum(axis=2, keepdims=True) + counts.shape[2]))


@dataclass(frozen=True, eq=False)
class CloningError:
    """How far a clone is from the expert.

    Args:
        trajectory_kl: Divergence of the expert's trajectories from the clone's, in nats.
        per_state: Shape (steps, states): what each state at each step adds to it.
    """

    trajectory_kl: float
    per_state: Float[np.ndarray, "steps states"]


def cloning_error(
    mdp: FiniteMDP,
    expert: Float[np.ndarray, "steps states actions"],
    clone: Float[np.ndarray, "steps states actions"],
) -> CloningError:
    """Return the divergence `E_expert sum_h KL(expert_h || clone_h)`, exactly.

    Args:
        mdp: With a horizon.
        expert: Shape (horizon, states, actions).
        clone: Likewise; above 0 wherever the expert is.

    Raises:
        InputError: A policy is not one of this problem.
    """
    _check_policy(mdp, expert)
    _check_policy(mdp, clone)
    visits = staged_occupancies(mdp, expert)
    ratio = np.log(np.where(expert > 0, expert, 1.0)) - np.log(np.where(expert > 0, clone, 1.0))
    per_state = (visits * ratio).sum(axis=2)
    return CloningError(float(per_state.sum()), per_state)


def cloning_bound(n_trajectories: int, *, n_states: int, n_actions: int, horizon: int) -> float:
    """Return the order of the divergence that demonstrations guarantee, `S A H log(2 e^4 N) / N`.

    The constants of the published bound are larger (6 and a second logarithm); this is its shape.
    """
    size = n_states * n_actions * horizon
    return float(size * (np.log(2 * n_trajectories) + 4) / n_trajectories)


def _check_policy(mdp: FiniteMDP, policy: Float[np.ndarray, "steps states actions"]) -> None:
    wanted = (mdp.horizon, *mdp.rewards.shape)
    if policy.shape != wanted:
        raise InputError(f"expected a policy of shape {wanted}, got {policy.shape}")
    off = np.argwhere(np.abs(policy.sum(axis=2) - 1) > 1e-9)
    if len(off):
        step, state = map(int, off[0])
        total = float(policy[step, state].sum())
        raise InputError(
            f"expected the policy of state {state} at step {step} to sum to 1, got {total:.12g}"
        )
