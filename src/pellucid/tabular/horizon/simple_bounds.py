"""The bound on the effective horizon that needs only means and ranges of returns."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.tabular.horizon.staging import Stages, Values

CONSTANT = 16
"""That of the authors' code; theorem 5.4 of the paper states 6 for non-negative rewards."""


@dataclass(frozen=True)
class Bottleneck:
    """Where telling the best action from the others takes the most episodes.

    Args:
        step: Counted from 0.
        state: The state.
        gap: How far the best suboptimal action's value is behind; infinite if all are best.
        variance: Bound on the variance of the returns that are compared, in squared return.
    """

    step: int
    state: int
    gap: float
    variance: float


@dataclass(frozen=True)
class HorizonAt:
    """A bound for one number of lookahead steps.

    Args:
        k: Lookahead steps.
        m: Episodes per sequence of k actions that are enough.
        horizon: `k + log_A(m)`.
        bottleneck: Where that many are needed.
    """

    k: int
    m: int
    horizon: float
    bottleneck: Bottleneck


@dataclass(frozen=True)
class SimpleBound:
    """Bounds for each number of lookahead steps that makes the greedy policy optimal.

    Args:
        levels: By number of lookahead steps, rising; empty if the horizon is 1.
        horizon: The least bound, at most the number of steps of an episode.
    """

    levels: tuple[HorizonAt, ...]
    horizon: float

    @property
    def tightest(self) -> HorizonAt | None:
        """The level with the least bound, None without any."""
        return min(self.levels, key=lambda level: level.horizon, default=None)


def simple_bound(staged: Stages) -> SimpleBound:
    """Return the bound on the effective horizon from gaps and ranges.

    `m_k = ceil(16 * variance / gap^2 * ln(2 T A^k))` at the state that needs the most, among
    those that actions better than every suboptimal one lead to.

    Args:
        staged: A deterministic problem with its exploration policy.

    Raises:
        InputError: An action has several next states.

    Source: Laidlaw 2023, theorem 5.4, in the form of the authors' code: constant 16 and values
    counted from those of the worst policy.
    """
    _ = staged.mdp.next_states  # refuses chance
    n_actions, horizon = staged.mdp.n_actions, staged.horizon
    values, variances = staged.explored, None
    levels: list[HorizonAt] = []
    least, k = float(horizon), 1
    while k < least:
        log_term = math.log(2 * horizon * float(n_actions) ** k)
        found = _hardest(staged, values, variances, log_term)
        if found is not None:
            m, bottleneck = found
            bound = k + _log_base(m, n_actions)
            levels.append(HorizonAt(k, m, bound, bottleneck))
            least = min(least, bound)
        variances = _next_variances(staged, variances)
        values = staged.next_iterate(values)
        k += 1
    return SimpleBound(tuple(levels), least)


def _hardest(
    staged: Stages, values: Values, variances: Values | None, log_term: float
) -> tuple[int, Bottleneck] | None:
    """Return the most episodes needed and where; None if an action that looks best is not."""
    states = staged.initial_states()
    worst: tuple[float, int, int] = (-math.inf, 0, 0)
    found = Bottleneck(0, 0, math.inf, 0.0)
    for step in range(staged.horizon):
        q_values, suboptimal = staged.q_values(values, step), staged.suboptimal(step)
        # -inf where no action is suboptimal
        rivals = np.where(suboptimal, q_values, -np.inf).max(axis=1)
        gaps = q_values.max(axis=1) - rivals
        if (gaps[states] <= 0).any():
            return None
        spread = _variances(staged, variances, step).max(axis=1)
        # a gap so small that its square is 0 leaves the number infinite, as it should
        with np.errstate(divide="ignore", invalid="ignore"):
            episodes = np.nan_to_num(CONSTANT * spread / gaps**2 * log_term, nan=0.0, posinf=np.inf)
        needed = np.where(states, np.maximum(1.0, np.ceil(episodes)), -np.inf)
        state = int(needed.argmax())
        # of equals the first state, and of its steps the first one
        candidate = (float(needed[state]), -state, -step)
        if candidate > worst:
            worst = candidate
            found = Bottleneck(step, state, float(gaps[state]), float(spread[state]))
        states = staged.reached_by(states, q_values > rivals[:, None])
    if not math.isfinite(worst[0]):
        return None
    return int(worst[0]), found


def _variances(
    staged: Stages, following: Values | None, step: int
) -> Float[np.ndarray, "states actions"]:
    """Return the variance bound of each action; `following` holds the largest one per state."""
    if following is None or step == staged.horizon - 1:
        worst = staged.q_values(staged.worst, step)
        explored = staged.q_values(staged.explored, step) - worst
        return np.asarray(explored * (staged.q_values(staged.best, step) - worst))
    return staged.mdp.expected_next(following[step + 1])


def _next_variances(staged: Stages, following: Values | None) -> Values:
    backed_up = np.zeros_like(staged.explored)
    for step in range(staged.horizon):
        backed_up[step] = _variances(staged, following, step).max(axis=1)
    return backed_up


def _log_base(value: int, base: int) -> float:
    # a single action leaves nothing to find out
    return math.log(value) / math.log(base) if base > 1 else 0.0
