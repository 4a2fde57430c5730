"""How far a partition of histories is from a bisimulation, exactly, and what that can cost."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.histories.evaluating import Histories, all_histories
from pellucid.tabular.histories.pomdp import FinitePOMDP
from pellucid.tabular.histories.refinement import TokenPartition


@dataclass(frozen=True, eq=False)
class PartitionError:
    """How far a partition is from a bisimulation.

    Args:
        n_blocks: Blocks of all steps.
        loss: J: mean over histories and steps of the squared difference from the block's mean.
        loss_by_step: Shape (steps,): the same per step.
        error: Largest difference of any history from its block's mean.
    """

    n_blocks: int
    loss: float
    loss_by_step: Float[np.ndarray, " steps"]
    error: float


def bisimulation_gaps(
    rewards: Float[np.ndarray, "histories actions"],
    laws: Float[np.ndarray, "histories actions blocks"],
    blocks: Int[np.ndarray, " histories"],
    weights: Float[np.ndarray, " histories"],
) -> Float[np.ndarray, "histories actions"]:
    """Return how far each history is from the mean of its block.

    Gap in mean reward plus total variation of the law of the next block, per action.

    Args:
        rewards: Shape (histories, actions).
        laws: Shape (histories, actions, next blocks); rows sum to one.
        blocks: Shape (histories,), from 0.
        weights: Shape (histories,), not negative.

    Source: Hong 2024, section 5; differences of pairs there, from the mean here, as value
        iteration on blocks uses means.
    """
    joined = np.concatenate([rewards[..., None], laws], axis=2)
    n_blocks = int(blocks.max()) + 1
    sums = np.zeros((n_blocks, *joined.shape[1:]))
    np.add.at(sums, blocks, weights[:, None, None] * joined)
    total = np.bincount(blocks, weights, minlength=n_blocks)
    means = sums / np.where(total > 0, total, 1.0)[:, None, None]
    away = np.abs(joined - means[blocks])
    return np.asarray(away[..., 0] + 0.5 * away[..., 1:].sum(axis=2))


def partition_error(pomdp: FinitePOMDP, partition: TokenPartition) -> PartitionError:
    """Return exactly how far a partition is from a bisimulation, over histories of even actions.

    Args:
        pomdp: The problem.
        partition: Of its histories.

    Raises:
        InputError: There are more histories than can be listed.
    """
    levels = all_histories(pomdp)
    losses, error = np.zeros(pomdp.n_steps), 0.0
    for level in levels:
        rewards, laws = bisimulation_terms(pomdp, partition, level)
        blocks = partition.blocks(level.step, level.tokens)
        gaps = bisimulation_gaps(rewards, laws, blocks, level.chances).max(axis=1)
        losses[level.step] = float(level.chances @ gaps**2)
        error = max(error, float(gaps.max()))
    return PartitionError(partition.n_blocks, float(losses.mean()), losses, error)


def bisimulation_terms(
    pomdp: FinitePOMDP, partition: TokenPartition, level: Histories
) -> tuple[Float[np.ndarray, "histories actions"], Float[np.ndarray, "histories actions blocks"]]:
    """Return the mean reward of each action after each history, and the law of the next block.

    Args:
        pomdp: The problem.
        partition: Of its histories.
        level: Histories of one step; after the last one a single block follows.
    """
    beliefs = level.beliefs
    rewards = beliefs @ pomdp.mdp.rewards[level.step]
    if level.step + 1 == pomdp.n_steps:
        return rewards, np.ones((*rewards.shape, 1))
    return rewards, _next_laws(pomdp, partition, level.tokens, beliefs, level.step)


def suboptimality_rate(
    n_blocks: int, n_steps: int, n_episodes: int, *, concentrability: float = 1.0, error: float = 0
) -> float:
    """Return the rate of the theory: `sqrt(C H^3 |Z| / N) + H * error`, without its constants.

    For comparing partitions, or histories themselves with an error of 0, on one data set; as
    constants and logarithms are left out, it is no bound.

    Args:
        n_blocks: Blocks, or histories.
        n_steps: H.
        n_episodes: N.
        concentrability: C: how much rarer the best policy's blocks are in the data, at least 1.
        error: How far the partition is from a bisimulation.

    Raises:
        InputError: A number is below its smallest.

    Source: Hong 2024, theorems 4.1 and 5.1.
    """
    if min(n_blocks, n_steps, n_episodes) < 1 or concentrability < 1 or not error >= 0:
        raise InputError(
            "expected at least one block, step and episode, a concentrability of 1 or more and an "
            f"error of 0 or more, got {n_blocks}, {n_steps}, {n_episodes}, {concentrability} "
            f"and {error}"
        )
    return math.sqrt(concentrability * n_steps**3 * n_blocks / n_episodes) + n_steps * error


def _next_laws(
    pomdp: FinitePOMDP,
    partition: TokenPartition,
    tokens: Int[np.ndarray, "histories tokens"],
    beliefs: Float[np.ndarray, "histories states"],
    step: int,
) -> Float[np.ndarray, "histories actions blocks"]:
    n_next = sum(not node.children for node in partition.trees[step + 1])
    laws = np.zeros((len(tokens), pomdp.n_actions, n_next))
    rows = np.arange(len(tokens))
    for action in range(pomdp.n_actions):
        moved = beliefs @ pomdp.mdp.transitions[step, :, action]
        chances = moved @ pomdp.emissions[step + 1]
        for observation in range(pomdp.n_observations):
            pair = np.broadcast_to([action, observation], (len(tokens), 2))
            after = partition.blocks(step + 1, np.hstack([tokens, pair]))
            laws[rows, action, after] += chances[:, observation]  # one block per history
    return laws
