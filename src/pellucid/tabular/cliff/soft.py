"""Entropy-regularised policies: no cliff, at the price of return.

Source: Xu 2025 (The Policy Cliff), prop. 4.5. Deviation: its bound on the total variation is
`change / (2 * temperature * (1 - discount))`; the one here is the hyperbolic tangent of that, which
is never larger and which a two-armed bandit attains.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.kernels.divergences import soft_choice, soft_maximum
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import policy_values, uniform_policy


@dataclass(frozen=True, eq=False)
class SoftSolution:
    """The solution of a discounted problem that pays for staying near a reference policy.

    Args:
        mdp: The problem.
        temperature: Price of one nat of divergence from the reference, in units of reward.
        q_values: Shape (states, actions).
        values: Shape (states,).
        policy: Shape (states, actions), the only best policy.
        error_bound: How far `values` may be from the true ones.
    """

    mdp: FiniteMDP
    temperature: float
    q_values: Float[np.ndarray, "states actions"]
    values: Float[np.ndarray, " states"]
    policy: Float[np.ndarray, "states actions"]
    error_bound: float

    @property
    def plain_value(self) -> float:
        """Expected discounted return of the policy, without the price."""
        return float(self.mdp.initial @ policy_values(self.mdp, self.policy))


def soft_value_iteration(
    mdp: FiniteMDP,
    temperature: float,
    *,
    reference: Float[np.ndarray, "states actions"] | None = None,
    tolerance: float = 1e-10,
    max_sweeps: int = 1_000_000,
) -> SoftSolution:
    """Return the best policy when divergence from a reference is charged.

    Args:
        mdp: A discounted problem without a horizon.
        temperature: Above 0.
        reference: Shape (states, actions); uniform if None, which is entropy regularisation up to
            a constant.
        tolerance: Largest error of the values, in units of return.
        max_sweeps: Backups after which it stops.

    Raises:
        InputError: The temperature is not above 0, or the problem has a horizon.
    """
    if not temperature > 0:
        raise InputError(f"expected a temperature above 0, got {temperature}")
    if mdp.horizon is not None:
        raise InputError(f"expected a problem without a horizon, got one of {mdp.horizon} steps")
    base = uniform_policy(mdp) if reference is None else reference
    values, residual, sweep = np.zeros(mdp.n_states), np.inf, 0
    q_values = mdp.rewards
    while residual > tolerance * (1 - mdp.discount) and sweep < max_sweeps:
        q_values = mdp.rewards + mdp.discount * mdp.expected_next(values)
        following = soft_maximum(q_values, temperature, base)
        residual = float(np.abs(following - values).max())
        values, sweep = following, sweep + 1
    policy = soft_choice(q_values, temperature, base)
    bound = residual * mdp.discount / (1 - mdp.discount)
    return SoftSolution(mdp, temperature, q_values, values, policy, bound)


def variation_bound(change: float, *, temperature: float, discount: float) -> float:
    """Return how far the policy can move, per state, if rewards change.

    Args:
        change: Largest change of a reward.
        temperature: Above 0, in units of reward.
        discount: Below 1.

    Returns:
        Total variation, from 0 to 1: `tanh(change / (2 * temperature * (1 - discount)))`.
    """
    return math.tanh(change / (2 * temperature * (1 - discount)))


def temperature_for(change: float, *, variation: float, discount: float) -> float:
    """Return the least temperature at which rewards may change so much and the policy so little.

    Args:
        change: Largest change of a reward, above 0.
        variation: Largest allowed total variation, between 0 and 1.
        discount: Below 1.

    Raises:
        InputError: The variation is not between 0 and 1, or the change is not above 0.

    Example:
        >>> round(temperature_for(0.1, variation=0.1, discount=0.0), 4)
        0.4983
    """
    if not 0 < variation < 1:
        raise InputError(f"expected a total variation between 0 and 1, got {variation}")
    if not change > 0:
        raise InputError(f"expected a change of rewards above 0, got {change}")
    return change / (2 * (1 - discount) * math.atanh(variation))


@dataclass(frozen=True, eq=False)
class StabilityCurve:
    """What stability costs: return and guaranteed variation at each temperature.

    Args:
        temperatures: Shape (points,).
        returns: Shape (points,), expected discounted return without the price.
        best_return: Return of the best policy.
        bounds: Shape (points,), largest possible total variation for the change of rewards.
        change: The change of rewards that the bounds speak of.
    """

    temperatures: Float[np.ndarray, " points"]
    returns: Float[np.ndarray, " points"]
    best_return: float
    bounds: Float[np.ndarray, " points"]
    change: float


def stability_curve(
    mdp: FiniteMDP,
    temperatures: Float[np.ndarray, " points"],
    *,
    change: float,
    best_return: float,
) -> StabilityCurve:
    """Return the trade of return against stability.

    Args:
        mdp: A discounted problem without a horizon.
        temperatures: Shape (points,), above 0.
        change: How far rewards may be off.
        best_return: Return of the best policy, from `value_iteration`.
    """
    returns = [soft_value_iteration(mdp, float(t)).plain_value for t in temperatures]
    bounds = [
        variation_bound(change, temperature=float(t), discount=mdp.discount) for t in temperatures
    ]
    return StabilityCurve(temperatures, np.array(returns), best_return, np.array(bounds), change)
