"""Which histories a representation takes for the same, what that hides, and what it changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.errors import InputError
from pellucid.kernels.ranks import spearman
from pellucid.tabular.histories.network import distances, value_gaps


@dataclass(frozen=True, eq=False)
class MergedHistories:
    """A history, the other one that its representation is nearest to, and how they differ.

    Args:
        row: The history.
        other: The nearest one that is not equal to it.
        distance: Of their representations: mean absolute difference.
        differing: Positions of the tokens in which they differ.
        reward_gaps: Shape (actions,): absolute gap in mean reward.
        next_gaps: Shape (actions,): total variation between the laws of what follows.
        text: The same in words.
    """

    row: int
    other: int
    distance: float
    differing: tuple[int, ...]
    reward_gaps: Float[np.ndarray, " actions"]
    next_gaps: Float[np.ndarray, " actions"]
    text: str


@dataclass(frozen=True)
class SwapTest:
    """What happens to decisions if each history is replaced by its nearest neighbour.

    Args:
        changed: Share of decisions that change.
        changed_at_random: The same for a history drawn at random, as the control.
        value_gap: Mean largest gap in values between a history and its neighbour.
        value_gap_at_random: The same for a history drawn at random.
        n: Histories.
    """

    changed: float
    changed_at_random: float
    value_gap: float
    value_gap_at_random: float
    n: int


def nearest_merged(
    row: int,
    representations: Float[np.ndarray, "histories units"],
    tokens: Int[np.ndarray, "histories tokens"],
    rewards: Float[np.ndarray, "histories actions"],
    laws: Float[np.ndarray, "histories actions blocks"],
) -> MergedHistories:
    """Return the history that one is nearest to in a representation, and how they differ.

    Args:
        row: Which history to explain.
        representations: Shape (histories, units); one-hot blocks for a partition.
        tokens: Shape (histories, 2 * step + 1).
        rewards: Shape (histories, actions), mean rewards, true or estimated: `bisimulation_terms`.
        laws: Shape (histories, actions, blocks), of what follows.

    Raises:
        InputError: Arrays are not of the same histories, there is no such row, or no other
            history differs from it.
    """
    n = len(tokens)
    if not len(representations) == len(rewards) == len(laws) == n or not 0 <= row < n:
        raise InputError(
            f"expected arrays of the same histories and one of their rows, got "
            f"{len(representations)}, {n}, {len(rewards)}, {len(laws)} and row {row}"
        )
    unlike = (tokens != tokens[row]).any(axis=1)
    if not unlike.any():
        raise InputError("expected a history that differs from the one to explain, got none")
    here = np.broadcast_to(representations[row], representations.shape)
    away = np.where(unlike, distances(representations, here), np.inf)
    other = int(away.argmin())
    differing = tuple(map(int, np.flatnonzero(tokens[row] != tokens[other])))
    reward_gaps = np.abs(rewards[row] - rewards[other])
    next_gaps = 0.5 * np.abs(laws[row] - laws[other]).sum(axis=1)
    text = (
        f"History {row} is nearest to history {other} (distance {away[other]:.3g}). They differ in "
        f"{_named(differing)}; mean rewards differ by at most {reward_gaps.max():.3g}, the law of "
        f"what follows by at most {next_gaps.max():.3g} in total variation."
    )
    return MergedHistories(row, other, float(away[other]), differing, reward_gaps, next_gaps, text)


def swap_test(
    representations: Float[np.ndarray, "histories units"],
    q_values: Float[np.ndarray, "histories actions"],
    rng: np.random.Generator,
    *,
    tokens: Int[np.ndarray, "histories tokens"] | None = None,
) -> SwapTest:
    """Return how often decisions change if a history is replaced by its nearest neighbour.

    A representation that keeps what matters changes few decisions and values, far fewer than
    histories drawn at random do.

    Args:
        representations: Shape (histories, units), at least two.
        q_values: Shape (histories, actions): of the policy that is tested, or the true values.
        rng: Draws the histories of the control.
        tokens: Shape (histories, 2 * step + 1); if given, equal histories are not neighbours.

    Raises:
        InputError: There are fewer than two histories, or one without a neighbour.
    """
    n = len(representations)
    if n < 2 or len(q_values) != n:
        raise InputError(f"expected two histories or more with values, got {n} and {len(q_values)}")
    same: Bool[np.ndarray, "histories histories"] = np.eye(n, dtype=bool)
    if tokens is not None:
        numbers = np.unique(tokens, axis=0, return_inverse=True)[1].reshape(-1)
        same = numbers[:, None] == numbers[None]
    if same.all(axis=1).any():
        raise InputError("expected histories that differ, got only equal ones")
    nearest = np.empty(n, dtype=np.int64)
    for row in range(n):
        here = np.broadcast_to(representations[row], representations.shape)
        away = np.where(same[row], np.inf, distances(representations, here))
        nearest[row] = away.argmin()
    random = (np.arange(n) + rng.integers(1, n, n)) % n
    actions = q_values.argmax(axis=1)
    return SwapTest(
        changed=float((actions != actions[nearest]).mean()),
        changed_at_random=float((actions != actions[random]).mean()),
        value_gap=float(value_gaps(q_values, q_values[nearest]).mean()),
        value_gap_at_random=float(value_gaps(q_values, q_values[random]).mean()),
        n=n,
    )


def loss_return_correlation(losses: Sequence[float], returns: Sequence[float]) -> float:
    """Return Spearman's correlation of J with the return over checkpoints; NaN if either is flat.

    If J says how good a representation is for acting, it is negative.

    Args:
        losses: J of each checkpoint, at least three.
        returns: Return of each checkpoint.

    Raises:
        InputError: There are fewer than three, or not equally many.
    """
    if len(losses) < 3 or len(losses) != len(returns):
        raise InputError(
            f"expected three checkpoints or more with a loss and a return each, "
            f"got {len(losses)} and {len(returns)}"
        )
    first, second = np.array([losses], dtype=np.float64), np.array([returns], dtype=np.float64)
    return float(spearman(first, second)[0])


def _named(positions: tuple[int, ...]) -> str:
    names = [f"{'action' if p % 2 else 'observation'} {p // 2}" for p in positions]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
