"""Spanning capacity: how many choices a class can reach at one step of a deterministic problem.

It says how many episodes per accuracy a generative model needs to choose the best of the class.
Source: Li 2025 (Agnostic Reinforcement Learning), ch. 3; Jia 2023, def. 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import comb

import numpy as np

from pellucid.errors import InputError
from pellucid.tabular.agnostic.policies import PolicyClass

MOST_NODES = 50_000
"""Sets of policies looked at before bounds are returned in place of the exact number."""

_Sets = tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True)
class Capacity:
    """A spanning capacity between two bounds, which are equal if it is known exactly.

    Args:
        low: Reached in some deterministic problem that was found.
        high: Reached in none.
    """

    low: int
    high: int

    @property
    def exact(self) -> bool:
        """Whether both bounds are equal."""
        return self.low == self.high


def spanning_capacity(policies: PolicyClass, *, most_nodes: int = MOST_NODES) -> Capacity:
    """Return how many pairs of state and action some deterministic problem lets the class reach.

    The largest number over all steps and all deterministic problems with the states of the class.
    The published recursion walks trees in which no state is met twice. It may exceed what finitely
    many states allow, so it gives an upper bound, and a search over problems the lower one. Where
    policies leave the most common actions in few places, a second upper bound is quick to find:
    paths differ by where they leave them.

    Args:
        policies: The class.
        most_nodes: Work after which each of the two searches stops.

    Raises:
        InputError: `most_nodes` is not positive.
    """
    if most_nodes < 1:
        raise InputError(f"expected to look at one set at least, got {most_nodes}")
    search = _Search(policies, most_nodes)
    best = Capacity(0, 0)
    for depth in range(1, policies.n_steps + 1):
        found = search.at_depth(depth)
        best = Capacity(max(best.low, found.low), max(best.high, found.high))
    return best


class _Search:
    """Sets of policies as the bits of Python's integers."""

    def __init__(self, policies: PolicyClass, most_nodes: int) -> None:
        self.sets = _choice_sets(policies)
        self.n_states, self.n_actions = policies.n_states, policies.n_actions
        self.everyone = (1 << len(policies)) - 1
        self.most_departures = _most_departures(policies)
        self.most_nodes = most_nodes

    def at_depth(self, depth: int) -> Capacity:
        """Return the capacity at one step, counted from 1."""
        limit = min(
            self.n_states * self.n_actions,
            self.n_actions**depth,
            self.everyone.bit_count(),
            sum(
                comb(depth, k) * (self.n_actions - 1) ** k
                for k in range(min(depth, self.most_departures) + 1)
            ),
        )
        quick = self._reached(depth, limit, self._spread, self.most_nodes // 100)
        if quick.exact:
            return quick
        left = self.most_nodes

        @cache
        def tree(members: int, step: int) -> int:
            """Return how many choices a tree from this step on lets these policies reach."""
            nonlocal left
            left -= 1
            if left < 0:
                raise _TooMuchError
            # no more than one choice per member, nor more than all actions at every node
            ceiling = min(members.bit_count(), self.n_actions ** (depth - step))
            best = 0
            for of_state in self.sets[step]:
                groups = [members & taking for taking in of_state if members & taking]
                if step == depth - 1:
                    best = max(best, len(groups))
                else:
                    best = max(best, sum(tree(group, step + 1) for group in groups))
                if best == ceiling:
                    break
            return best

        try:
            high = min(limit, tree(self.everyone, 0))
        except _TooMuchError:
            high, ranked = limit, self._spread
        else:
            ranked = tree
        found = self._reached(depth, high, ranked, self.most_nodes)
        return Capacity(max(quick.low, found.low), found.high)

    def _spread(self, members: int, step: int) -> int:
        """Return how many actions a set of policies takes in the state where it takes most."""
        return max(sum(bool(members & taking) for taking in s) for s in self.sets[step])

    def _reached(
        self, depth: int, high: int, ranked: Callable[[int, int], int], most_nodes: int
    ) -> Capacity:
        """Search the problems with these states for one in which most choices are reached."""
        left = most_nodes
        best = 0

        def visit(step: int, groups: tuple[int, ...]) -> None:
            """Give each group a state; groups in one state go on as one."""
            placed: dict[int, int] = {}

            def place(position: int) -> None:
                nonlocal left, best
                left -= 1
                if left < 0 or best >= high:
                    return
                if position == len(groups):
                    after = tuple(
                        members & taking
                        for state, members in placed.items()
                        for taking in self.sets[step][state]
                        if members & taking
                    )
                    if step == depth - 1:
                        best = max(best, len(after))
                    else:
                        visit(step + 1, tuple(sorted(set(after), reverse=True)))
                    return
                for state in self._order(groups[position], step, depth, placed, ranked):
                    before = placed.get(state)
                    placed[state] = groups[position] | (before or 0)
                    place(position + 1)
                    if before is None:
                        del placed[state]
                    else:
                        placed[state] = before

            place(0)

        visit(0, (self.everyone,))
        # a search that came to its end has seen every problem
        return Capacity(best, high if left < 0 else best)

    def _order(
        self,
        members: int,
        step: int,
        depth: int,
        placed: dict[int, int],
        ranked: Callable[[int, int], int],
    ) -> list[int]:
        """Return the states for a group, the most promising first: unused, then rich in choices."""

        def promise(state: int) -> tuple[bool, int]:
            groups = [members & taking for taking in self.sets[step][state] if members & taking]
            ahead = (
                len(groups)
                if step == depth - 1
                else sum(ranked(group, step + 1) for group in groups)
            )
            return state in placed, -ahead

        try:
            return sorted(range(self.n_states), key=promise)
        except _TooMuchError:
            return sorted(range(self.n_states), key=lambda state: state in placed)


class _TooMuchError(Exception):
    """The tree search looked at more sets than allowed."""


def _most_departures(policies: PolicyClass) -> int:
    """Return in how many places, at most, a policy does not take the most common action."""
    counts = [(policies.actions == action).sum(axis=0) for action in range(policies.n_actions)]
    common = np.argmax(counts, axis=0)
    return int((policies.actions != common).reshape(len(policies), -1).sum(axis=1).max())


def _choice_sets(policies: PolicyClass) -> _Sets:
    """Return the set of policies behind each step, state and action."""
    n_steps, n_states, n_actions = policies.n_steps, policies.n_states, policies.n_actions
    columns = policies.bits.T
    numbers = [int.from_bytes(column.astype("<u8").tobytes(), "little") for column in columns]
    return tuple(
        tuple(
            tuple(
                numbers[
                    (step * n_states + state) * n_actions : (step * n_states + state + 1)
                    * n_actions
                ]
            )
            for state in range(n_states)
        )
        for step in range(n_steps)
    )
