"""Pessimistic value iteration on whatever numbers stand for histories."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.histories.pomdp import HistoryPolicy, Tokens
from pellucid.tabular.histories.trajectories import UNSEEN, HistoryIndex, Trajectories


@dataclass(frozen=True, eq=False)
class PessimisticValues:
    """What pessimistic value iteration found.

    Args:
        q_values: Per step, shape (blocks, actions): lower bounds of values; below 0 where little
            was seen.
        counts: Per step, shape (blocks, actions): how often each pair was seen.
    """

    q_values: tuple[Float[np.ndarray, "blocks actions"], ...]
    counts: tuple[Float[np.ndarray, "blocks actions"], ...]

    @property
    def n_blocks(self) -> int:
        """Blocks of all steps."""
        return sum(len(values) for values in self.q_values)

    def actions(
        self, step: int, blocks: Int[np.ndarray, " histories"]
    ) -> Int[np.ndarray, " histories"]:
        """Return the first of the best actions in each block; the first of all in unseen ones."""
        best = self.q_values[step].argmax(axis=1)
        if not len(best):
            return np.zeros(len(blocks), dtype=np.int64)
        known = (blocks != UNSEEN) & (blocks < len(best))
        return np.where(known, best[np.where(known, blocks, 0)], 0)


def pessimistic_values(
    blocks: Int[np.ndarray, "episodes steps_plus_one"],
    data: Trajectories,
    *,
    bonus_scale: float = 1.0,
    value_range: float | None = None,
    confidence: float = 0.95,
    weights: Float[np.ndarray, " episodes"] | None = None,
) -> PessimisticValues:
    """Return lower bounds of the values of every block and action.

    `Q(z, a) = r + E V(z') - b` and `V(z) = max(0, max_a Q(z, a))` with
    `b = bonus_scale * value_range * sqrt(log(2 * pairs / (1 - confidence)) / max(n(z, a), 1))`;
    r and E are the means of the data, 0 where there is none.

    Args:
        blocks: Shape (episodes, steps + 1): the number that stands for each history, from 0 in
            every step; `HistoryIndex.numbers` for histories themselves. What lies past the end of
            an episode is not looked at.
        data: The episodes.
        bonus_scale: The theory's constant; 0 for plain value iteration.
        value_range: Largest return; the number of steps if None.
        confidence: Chance that all bounds hold together, if the scale is the theory's.
        weights: How often each episode counts; once if None.

    Raises:
        InputError: The blocks do not cover the data, a used one is negative, or the scale, the
            range or the confidence is none.

    Source: Hong 2024, section 4 (value iteration with a penalty, after Jin 2021).
    """
    _check(blocks, data, bonus_scale, confidence)
    most = float(data.n_steps) if value_range is None else value_range
    each = np.ones(data.n_episodes) if weights is None else np.asarray(weights, dtype=np.float64)
    n_blocks = [_size(blocks[data.n_seen > step, step]) for step in range(data.n_steps + 1)]
    n_pairs = max(sum(n_blocks[:-1]) * data.n_actions, 1)
    width = bonus_scale * most * math.sqrt(math.log(2 * n_pairs / (1 - confidence)))
    following = np.zeros(n_blocks[-1])
    q_values, counts = [], []
    for step in range(data.n_steps - 1, -1, -1):
        there = np.flatnonzero(data.n_taken > step)
        goes_on = there[data.n_seen[there] > step + 1]
        size = n_blocks[step] * data.n_actions
        pairs = blocks[:, step] * data.n_actions + np.where(
            data.taken[:, step], data.actions[:, step], 0
        )
        n = np.bincount(pairs[there], each[there], minlength=size)
        total = np.bincount(pairs[there], each[there] * data.rewards[there, step], minlength=size)
        later = each[goes_on] * following[blocks[goes_on, step + 1]]
        total += np.bincount(pairs[goes_on], later, minlength=size)
        q = total / np.where(n > 0, n, 1.0) - width / np.sqrt(np.maximum(n, 1.0))
        q = q.reshape(n_blocks[step], data.n_actions)
        following = np.maximum(q.max(axis=1, initial=-np.inf), 0.0)
        q_values.append(q)
        counts.append(n.reshape(q.shape))
    return PessimisticValues(tuple(q_values[::-1]), tuple(counts[::-1]))


def history_policy(values: PessimisticValues, index: HistoryIndex) -> HistoryPolicy:
    """Return the policy of values of histories; it takes the first action where it knows none."""

    def act(step: int, tokens: Tokens) -> Int[np.ndarray, " histories"]:
        return values.actions(step, index.find(step, tokens))

    return act


def _size(used: Int[np.ndarray, " episodes"]) -> int:
    return int(used.max()) + 1 if len(used) else 0


def _check(blocks: np.ndarray, data: Trajectories, bonus_scale: float, confidence: float) -> None:
    if blocks.shape != data.observations.shape:
        raise InputError(
            f"expected blocks of shape {data.observations.shape}, got {blocks.shape}",
            hint="one per observation, the one after the last action included",
        )
    used = np.arange(blocks.shape[1]) < data.n_seen[:, None]
    if (blocks[used] < 0).any():
        episode, step = map(int, np.argwhere(used & (blocks < 0))[0])
        raise InputError(
            f"expected blocks from 0, got {blocks[episode, step]} for episode {episode}, "
            f"step {step}"
        )
    if not bonus_scale >= 0 or not 0 < confidence < 1:
        raise InputError(
            f"expected a bonus scale from 0 and a confidence between 0 and 1, "
            f"got {bonus_scale} and {confidence}"
        )
