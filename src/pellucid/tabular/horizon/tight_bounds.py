"""The bound on the effective horizon from the chance that planning at random goes wrong."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.kernels.best_of_binomials import binomial_bounds
from pellucid.kernels.best_of_means import (
    Bounds,
    bennett_bounds,
    bernstein_bounds,
    berry_esseen_bounds,
    most_probable,
)
from pellucid.tabular.horizon.returns import Moments, return_moments
from pellucid.tabular.horizon.staging import Stages

MAX_SEQUENCES = 1000
"""Most action sequences that are told apart at a state; longer ones are not looked at."""
MAX_COMPARISONS = 3_000_000
"""Most pairs of sequences, over all states, that are compared one by one; above, one threshold per
state serves all its sequences."""
MAX_BINOMIAL = 1_000_000
"""Most episodes per sequence for which binomial chances are computed."""
LARGEST_M = 10**100
"""Episodes per sequence that count as never enough."""
SEARCH_PRECISION = 0.01
"""Relative precision to which the least number of episodes is found."""
FAILURE = 0.5
"""Chance of a suboptimal plan that is allowed."""


@dataclass(frozen=True)
class TightLevel:
    """The bound for one number of lookahead steps.

    Args:
        k: Lookahead steps.
        m: Episodes per sequence of k actions that are enough, to 1 % too many; None if no number
            is known to be.
        horizon: `k + log_A(m)`; infinite without m.
        env_steps: `T^2 A^k m`, a bound on environment steps; infinite without m.
    """

    k: int
    m: int | None
    horizon: float
    env_steps: float


@dataclass(frozen=True)
class TightBound:
    """Bounds for each number of lookahead steps that could be the best one.

    Args:
        levels: By lookahead steps, rising from 1.
        returns_known: Whether the moments of returns were used; they are not if returns are too
            many.
    """

    levels: tuple[TightLevel, ...]
    returns_known: bool

    @property
    def tightest(self) -> TightLevel:
        """The level with the least effective horizon."""
        return min(self.levels, key=lambda level: level.horizon)


def tight_bound(staged: Stages, *, max_sequences: int = MAX_SEQUENCES) -> TightBound:
    """Return the bound on the effective horizon by dynamic programming over failures.

    The chance of leaving the optimal states is bounded backwards from the last step. At each state
    the sample means of all sequences of k actions are compared, and of four families of bounds the
    best one is taken.

    Args:
        staged: A deterministic problem with one first state, and its exploration policy.
        max_sequences: Most sequences of k actions; k = 1 is always looked at.

    Raises:
        InputError: An action has several next states.

    Source: Laidlaw 2023, appendix C.
    """
    moments = return_moments(staged)
    n_actions = staged.mdp.n_actions
    levels = [_level(staged, 1, _least_episodes(_Cases(staged, 1, moments), LARGEST_M))]
    least, k = levels[0].horizon, 2
    while k < min(least, staged.horizon + 1) and n_actions**k <= max_sequences:
        # only fewer episodes than these make more lookahead the better choice
        worthwhile = int(n_actions ** (least - k)) if math.isfinite(least) else LARGEST_M
        m = _least_episodes(_Cases(staged, k, moments), worthwhile)
        if m is not None:
            levels.append(_level(staged, k, m))
            least = min(least, levels[-1].horizon)
        k += 1
    return TightBound(tuple(levels), moments is not None)


def tight_level(staged: Stages, k: int, *, as_published: bool = False) -> TightLevel:
    """Return the bound for one number of lookahead steps.

    Args:
        staged: A deterministic problem with one first state, and its exploration policy.
        k: Lookahead steps.
        as_published: Compute chances of payment as the authors' code does, to compare with
            published numbers: it leaves out that no episode pays and so says too little.
    """
    cases = _Cases(staged, k, return_moments(staged), as_published)
    return _level(staged, k, _least_episodes(cases, LARGEST_M))


def failure_bound(staged: Stages, k: int, m: int) -> float:
    """Return a bound on the chance that planning at random with m episodes is not optimal.

    Args:
        staged: A deterministic problem with one first state, and its exploration policy.
        k: Lookahead steps.
        m: Episodes per sequence of k actions.
    """
    return _failure(_Cases(staged, k, return_moments(staged)), m)


def _level(staged: Stages, k: int, m: int | None) -> TightLevel:
    n_actions = staged.mdp.n_actions
    if m is None:
        return TightLevel(k, None, math.inf, math.inf)
    log_m = math.log(m) / math.log(n_actions) if n_actions > 1 else 0.0
    return TightLevel(k, m, k + log_m, float(n_actions**k * m * staged.horizon**2))


def _least_episodes(cases: "_Cases", most: int) -> int | None:
    """Return the least number of episodes that is enough, None if it is above `most`."""
    enough, too_few = most, 0
    if enough < 1 or _failure(cases, enough) > FAILURE:
        return None
    while enough > too_few + 1 and enough - too_few > SEARCH_PRECISION * enough:
        middle = math.isqrt(enough * (too_few + 1))
        if _failure(cases, middle) <= FAILURE:
            enough = middle
        else:
            too_few = middle
    return enough


def _failure(cases: "_Cases", m: int) -> float:
    """Return the bound on the chance of failure; costly bounds only if cheap ones do not do."""
    cheap = cases.failure(m, thorough=False)
    if cheap <= FAILURE or cases.exact(m):
        return cheap
    return cases.failure(m, thorough=True)


class _Cases:
    """The comparisons that optimal states pose, step by step.

    Args:
        staged: The problem.
        k: Lookahead steps.
        moments: Of returns, None if they are not known.
        as_published: See `tight_level`.
    """

    def __init__(
        self, staged: Stages, k: int, moments: Moments | None, as_published: bool = False
    ) -> None:
        self._staged, self._k, self._as_published = staged, k, as_published
        self._n_sequences = staged.mdp.n_actions**k
        self._tables = [staged.explored, staged.best, staged.worst]
        self._knows_returns = moments is not None
        if moments is not None:
            self._tables += [moments.variances, moments.thirds]
        self._reward = _only_reward(staged)
        self._states: list[Int[np.ndarray, " n"]] = []
        self._suboptimal: list[Bool[np.ndarray, "n actions"]] = []
        optimal = staged.initial_states()
        for step in range(staged.horizon):
            suboptimal = staged.suboptimal(step)
            self._states.append(np.flatnonzero(optimal))
            self._suboptimal.append(suboptimal[optimal])
            optimal = staged.reached_by(optimal, ~suboptimal)
        n_cases = sum(map(len, self._states))
        self._comparable = n_cases * self._n_sequences**2 <= MAX_COMPARISONS

    def exact(self, m: int) -> bool:
        """Whether chances are computed and not bounded, so that no bound can be better."""
        return self._k == 1 and self._reward > 0 and m <= MAX_BINOMIAL

    def failure(self, m: int, *, thorough: bool) -> float:
        """Return the bound at the first state, going back from the last step.

        Args:
            m: Episodes per sequence.
            thorough: Whether sequences are compared one by one.
        """
        mdp = self._staged.mdp
        following = np.zeros(mdp.n_states)
        for step in range(self._staged.horizon - 1, -1, -1):
            states = self._states[step]
            # of an action: 1 if it is suboptimal, else what goes wrong after it
            wrong = np.where(self._suboptimal[step], 1.0, following[mdp.next_states[states]])
            bound = wrong.max(axis=1)
            open_ones = np.flatnonzero(wrong.min(axis=1) < bound)
            if len(open_ones):
                worths = np.repeat(wrong[open_ones], self._n_sequences // mdp.n_actions, axis=1)
                for low, high in self._bounds(step, states[open_ones], m, thorough):
                    found = most_probable(low, high, worths)
                    bound[open_ones] = np.minimum(bound[open_ones], found)
            following = np.zeros(mdp.n_states)
            following[states] = bound
        return float(mdp.initial @ following)

    def _bounds(
        self, step: int, states: Int[np.ndarray, " n"], m: int, thorough: bool
    ) -> Iterator[Bounds]:
        means, best, worst, *spreads = self._statistics(step, states)
        if self.exact(m):
            yield binomial_bounds(means / self._reward, m, as_published=self._as_published)
            return
        # both factors are non-negative but for rounding
        variances = np.maximum(0.0, (best - means) * (means - worst))
        ranges = best - worst
        yield bennett_bounds(means, variances, ranges, float(m))
        if thorough and self._comparable:
            yield bernstein_bounds(means, variances, ranges, float(m))
            if self._knows_returns:
                yield berry_esseen_bounds(means, spreads[0], spreads[1], float(m))

    def _statistics(
        self, step: int, states: Int[np.ndarray, " n"]
    ) -> list[Float[np.ndarray, "n sequences"]]:
        """Return mean, largest and smallest return of each sequence, and moments where known."""
        mdp, last = self._staged.mdp, self._staged.horizon
        reached = states[:, None]
        paid = np.zeros((len(states), 1))
        for ahead in range(self._k):
            if step + ahead < last:
                paid = (paid[:, :, None] + mdp.rewards[reached]).reshape(len(states), -1)
            else:
                paid = np.repeat(paid, mdp.n_actions, axis=1)
            reached = mdp.next_states[reached].reshape(len(states), -1)
        found = [table[min(step + self._k, last)][reached] for table in self._tables]
        return [*(paid + one for one in found[:3]), *found[3:]]


def _only_reward(staged: Stages) -> float:
    """Return the reward if an episode can hold at most one and all are alike, else 0."""
    highest = float(staged.best.max())
    rewards = staged.mdp.rewards
    alike = ((rewards == 0) | (rewards == highest)).all()
    return highest if alike and highest > 0 else 0.0
