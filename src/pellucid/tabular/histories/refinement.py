"""A partition of histories that is refined until the data shows no difference inside a block."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.histories.pessimism import PessimisticValues
from pellucid.tabular.histories.pomdp import HistoryPolicy, Tokens
from pellucid.tabular.histories.trajectories import Trajectories

LEAF = -1
"""Token of a node that is not split."""


@dataclass(frozen=True)
class Node:
    """One question about a history.

    Args:
        token: Position of the observation or action that is asked for; -1 for a block.
        block: Number of the block, if it is one.
        children: Node of each answer, in order of the answers; unused for a block.
    """

    token: int
    block: int = 0
    children: tuple[int, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """How much histories of one block can differ in what follows them, as far as the data says.

    A difference is the gap in mean reward plus the total variation of the next blocks, between
    histories that differ in one token. Radii are for all tests of a step together; blocks depend
    on the data too, which radii do not cover.

    Args:
        n_blocks: Blocks of all steps.
        gap: Largest difference that was measured.
        error: Largest difference that the data leaves possible: the gap plus its radii.
        n_tests: Differences that were measured.
        n_untested: Differences that could not be, as one side had no data.
    """

    n_blocks: int
    gap: float
    error: float
    n_tests: int
    n_untested: int


@dataclass(frozen=True, eq=False)
class TokenPartition:
    """Blocks of histories, told apart by questions about single observations and actions.

    Args:
        trees: Per step, the questions; the first node is the root.
        certificate: How alike the histories of a block are; None if it was not found from data.
    """

    trees: tuple[tuple[Node, ...], ...]
    certificate: Certificate | None = None

    @property
    def n_blocks(self) -> int:
        """Blocks of all steps."""
        return sum(node.token == LEAF for tree in self.trees for node in tree)

    def blocks(self, step: int, tokens: Tokens) -> Int[np.ndarray, " histories"]:
        """Return the block of each history of a step, from 0 in every step."""
        tree, at = self.trees[step], np.zeros(len(tokens), dtype=np.int64)
        for number, node in enumerate(tree):  # children come after their parents
            if node.token != LEAF:
                here = at == number
                at[here] = np.array(node.children)[tokens[here, node.token]]
        return np.array([node.block for node in tree])[at]

    def asked(self, step: int) -> tuple[int, ...]:
        """Return the positions of the tokens that blocks of a step depend on."""
        return tuple(sorted({node.token for node in self.trees[step] if node.token != LEAF}))

    def of(self, data: Trajectories) -> Int[np.ndarray, "episodes steps_plus_one"]:
        """Return the block of every history of a data set; 0 past an episode's end."""
        found = np.zeros(data.observations.shape, dtype=np.int64)
        for step in range(data.n_steps + 1):
            there = data.n_seen > step
            if step < len(self.trees):
                found[there, step] = self.blocks(step, data.tokens(step)[there])
        return found


def partition_policy(values: PessimisticValues, partition: TokenPartition) -> HistoryPolicy:
    """Return the policy of values of blocks."""

    def act(step: int, tokens: Tokens) -> Int[np.ndarray, " histories"]:
        return values.actions(step, partition.blocks(step, tokens))

    return act


def token_partition(
    asked: Sequence[Sequence[int]], *, n_observations: int, n_actions: int
) -> TokenPartition:
    """Return the partition by the values of given tokens.

    Args:
        asked: Per step, positions of tokens: 2 k for the observation, 2 k + 1 for the action of
            step k. `[(0,)] * n_steps` keeps the first observation alone.
        n_observations: Number of observations.
        n_actions: Number of actions.

    Raises:
        InputError: A step has no such token.
    """
    trees = []
    for step, tokens in enumerate(asked):
        wrong = [token for token in tokens if not 0 <= token <= 2 * step]
        if wrong:
            raise InputError(f"expected tokens from 0 to {2 * step} at step {step}, got {wrong[0]}")
        nodes, open_nodes = [Node(LEAF)], [0]
        for token in tokens:
            n_values = n_actions if token % 2 else n_observations
            grown: list[int] = []
            for number in open_nodes:
                children = tuple(range(len(nodes), len(nodes) + n_values))
                nodes[number] = Node(token, children=children)
                nodes += [Node(LEAF)] * n_values
                grown += children
            open_nodes = grown
        trees.append(_numbered(nodes))
    return TokenPartition(tuple(trees))


def refine(data: Trajectories, *, confidence: float = 0.95) -> TokenPartition:
    """Return the coarsest partition inside whose blocks the data shows no difference.

    Steps are refined from the last to the first. Each begins as one block; a block is split by the
    token whose values differ most, beyond their confidence radii, in mean reward or in the law of
    the next block of some action. Radii are Hoeffding's for rewards in [0, 1] and those of
    Weissman 2003 for laws.

    Args:
        data: Episodes with rewards in [0, 1]; the last observation of one that was cut off counts
            for its law alone.
        confidence: Chance that no test of a step splits what is alike.

    Returns:
        The partition with its certificate. Differences that show only in two tokens together, as
        in an exclusive or, are not found.

    Raises:
        InputError: A reward is outside [0, 1], or the confidence is not between 0 and 1.

    Source: Hong 2024, section 5 gives the condition; the refinement is ours.
    """
    used = data.rewards[data.taken]
    if used.min() < 0 or used.max() > 1 or not 0 < confidence < 1:
        raise InputError(
            f"expected rewards from 0 to 1 and a confidence between 0 and 1, "
            f"got {used.min():g} to {used.max():g} and {confidence}"
        )
    last = np.zeros(data.n_episodes, dtype=np.int64)
    trees: list[tuple[Node, ...]] = []
    grown_steps = []
    following, n_next = last, 1
    for step in range(data.n_steps - 1, -1, -1):
        sides = _Sides.of(data, step, following, n_next, confidence)
        tree, found = _grown(sides, data)
        partition = TokenPartition((tree,))
        following = partition.blocks(0, data.tokens(step))
        n_next = partition.n_blocks
        trees.append(tree)
        grown_steps.append(found)
    trees.reverse()
    certificate = Certificate(
        n_blocks=sum(node.token == LEAF for tree in trees for node in tree),
        gap=max(found.gap for found in grown_steps),
        error=max(found.error for found in grown_steps),
        n_tests=sum(found.n_tests for found in grown_steps),
        n_untested=sum(found.n_untested for found in grown_steps),
    )
    return TokenPartition(tuple(trees), certificate)


# --- inside ---


@dataclass(frozen=True, eq=False)
class _Sides:
    """What was seen at one step: histories, actions, rewards, next blocks; the end is a block."""

    tokens: Tokens
    actions: Int[np.ndarray, " visits"]
    rewards: Float[np.ndarray, " visits"]
    following: Int[np.ndarray, " visits"]
    n_next: int
    n_actions: int
    log_tests: float

    @classmethod
    def of(
        cls, data: Trajectories, step: int, following: np.ndarray, n_next: int, confidence: float
    ) -> "_Sides":
        there = data.n_taken > step
        ended = (data.n_seen <= step + 1)[there]
        pairs = data.n_observations**2 + data.n_actions**2
        n_tests = (2 * step + 1) * pairs * data.n_actions * 2
        return cls(
            data.tokens(step)[there],
            data.actions[there, step],
            data.rewards[there, step],
            np.where(ended, n_next, following[there]),
            n_next + 1,
            data.n_actions,
            math.log(2 * n_tests / (1 - confidence)),
        )


@dataclass
class _Found:
    gap: float = 0.0
    error: float = 0.0
    n_tests: int = 0
    n_untested: int = 0


def _grown(sides: _Sides, data: Trajectories) -> tuple[tuple[Node, ...], _Found]:
    nodes, found = [Node(LEAF)], _Found()
    waiting = [(0, np.arange(len(sides.tokens)))]
    while waiting:
        number, rows = waiting.pop(0)
        best, best_excess = LEAF, 0.0
        tests = [_tested(sides, rows, token) for token in range(sides.tokens.shape[1])]
        for token, (gaps, radii, _) in enumerate(tests):
            excess = float((gaps - radii).max(initial=-np.inf))
            if excess > best_excess:
                best, best_excess = token, excess
        if best == LEAF:
            for gaps, radii, n_untested in tests:
                # rewards and laws of one comparison add up
                found.gap = max(found.gap, float(gaps.sum(axis=0).max(initial=0.0)))
                total = (gaps + radii).sum(axis=0).max(initial=0.0)
                found.error = max(found.error, float(total))
                found.n_tests += gaps.size
                found.n_untested += n_untested
            continue
        n_values = data.n_actions if best % 2 else data.n_observations
        children = tuple(range(len(nodes), len(nodes) + n_values))
        nodes[number] = Node(best, children=children)
        nodes += [Node(LEAF)] * n_values
        for value, child in enumerate(children):
            waiting.append((child, rows[sides.tokens[rows, best] == value]))
    return _numbered(nodes), found


def _tested(
    sides: _Sides, rows: Int[np.ndarray, " visits"], token: int
) -> tuple[Float[np.ndarray, "two tests"], Float[np.ndarray, "two tests"], int]:
    """Return gaps and radii, of rewards and of laws, between all values of a token."""
    values, row_values = np.unique(sides.tokens[rows, token], return_inverse=True)
    shape = (len(values), sides.n_actions)
    pairs = row_values * sides.n_actions + sides.actions[rows]
    size = shape[0] * shape[1]
    n = np.bincount(pairs, minlength=size).reshape(shape)
    rewards = np.bincount(pairs, sides.rewards[rows], minlength=size).reshape(shape)
    cells = pairs * sides.n_next + sides.following[rows]
    hits = np.bincount(cells, minlength=size * sides.n_next).reshape(*shape, sides.n_next)
    seen = np.maximum(n, 1)
    means, laws = rewards / seen, hits / seen[..., None]
    reward_radii = np.sqrt(sides.log_tests / (2 * seen))
    law_radii = np.sqrt((sides.n_next * math.log(2) + sides.log_tests) / (2 * seen))
    first, second = np.triu_indices(len(values), 1)
    tested = (n[first] > 0) & (n[second] > 0)
    gaps = np.stack(
        [
            np.abs(means[first] - means[second])[tested],
            0.5 * np.abs(laws[first] - laws[second]).sum(axis=-1)[tested],
        ]
    )
    radii = np.stack(
        [
            (reward_radii[first] + reward_radii[second])[tested],
            (law_radii[first] + law_radii[second])[tested],
        ]
    )
    return gaps, radii, int((~tested).sum())


def _numbered(nodes: list[Node]) -> tuple[Node, ...]:
    leaves = iter(range(len(nodes)))
    return tuple(Node(LEAF, block=next(leaves)) if node.token == LEAF else node for node in nodes)
