"""Statements about what is better than what: read, checked for cycles, and closed under logic."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from pellucid.errors import InputError
from pellucid.registry import unknown_name
from pellucid.tabular.objectives.fitting import Wanted

_TOKEN = re.compile(r"\s*(?:(?P<sign>[>=<])|(?P<name>[^\s>=<]+))")


@dataclass(frozen=True)
class Preferences:
    """An order over named items, strict preferences and ties, not necessarily of all pairs.

    Args:
        names: The items that it speaks of.
        wanted: The statements, by position in `names`.
    """

    names: tuple[str, ...]
    wanted: Wanted

    def levels(self) -> list[int]:
        """Return a level per item, larger for better ones, that agrees with every statement."""
        return levels_of(len(self.names), self.wanted)

    def above(self) -> set[tuple[int, int]]:
        """Return every pair of which the first follows to be better."""
        return closure(len(self.names), self.wanted)


def parse_preferences(lines: Sequence[str], known: Sequence[str]) -> Preferences:
    """Read statements such as `A > B = C` and `C > D`.

    Args:
        lines: One chain of names and signs each.
        known: The names that exist.

    Raises:
        InputError: A line is no chain (its position is named), or the statements contradict each
            other (the cycle is shown).
        UnknownNameError: A name does not exist.
    """
    better: list[tuple[str, str]] = []
    ties: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        words = _words(line, number)
        for (left, _), (sign, _), (right, _) in zip(
            words[::2], words[1::2], words[2::2], strict=False
        ):
            pair = (left, right) if sign != "<" else (right, left)
            (ties if sign == "=" else better).append(pair)
        for name, _ in words[::2]:
            if name not in known:
                raise unknown_name("policy or trajectory", name, list(known))
    names = tuple(name for name in known if any(name in pair for pair in (*better, *ties)))
    place = {name: i for i, name in enumerate(names)}
    wanted = Wanted(
        tuple(dict.fromkeys((place[a], place[b]) for a, b in better)),
        tuple(dict.fromkeys((place[a], place[b]) for a, b in ties if a != b)),
    )
    loop = cycle(len(names), wanted)
    if loop:
        raise InputError(
            f"the order has a cycle: {shown_loop(loop, names)}",
            hint="an objective gives a total preorder, which has none",
        )
    return Preferences(names, wanted)


def shown_loop(loop: Sequence[tuple[int, bool]], names: Sequence[str]) -> str:
    """Return a cycle as `A > B = C > A`."""
    parts = [f"{names[i]} {'=' if tied else '>'} " for i, tied in loop]
    return "".join(parts) + names[loop[0][0]]


def cycle(n_items: int, wanted: Wanted) -> list[tuple[int, bool]]:
    """Return a cycle with a strict step, if there is one, as items and whether the next is tied.

    Shortest ones first, so that what is shown is as short as can be.
    """
    onward: dict[int, list[tuple[int, bool]]] = {i: [] for i in range(n_items)}
    for i, j in wanted.better:
        onward[i].append((j, False))
    for i, j in wanted.ties:
        onward[i].append((j, True))
        onward[j].append((i, True))
    loops = []
    for i, j in wanted.better:
        back = _path(onward, j, i)
        if back is not None:
            loops.append([(i, False), *back])
    return min(loops, key=len, default=[])


def closure(n_items: int, wanted: Wanted) -> set[tuple[int, int]]:
    """Return the pairs of which the first is better by some chain of statements."""
    reach = [[False] * n_items for _ in range(n_items)]
    strict = [[False] * n_items for _ in range(n_items)]
    for i in range(n_items):
        reach[i][i] = True
    for i, j in wanted.better:
        reach[i][j] = strict[i][j] = True
    for i, j in wanted.ties:
        reach[i][j] = reach[j][i] = True
    for k in range(n_items):
        for i in range(n_items):
            for j in range(n_items):
                if reach[i][k] and reach[k][j]:
                    reach[i][j] = True
                    strict[i][j] = strict[i][j] or strict[i][k] or strict[k][j]
    return {(i, j) for i in range(n_items) for j in range(n_items) if strict[i][j]}


def levels_of(n_items: int, wanted: Wanted) -> list[int]:
    """Return a level per item that agrees with all statements, which must have no cycle."""
    above = closure(n_items, wanted)
    tied = {frozenset(pair) for pair in wanted.ties}
    levels = [0] * n_items
    for _ in range(n_items):
        for i, j in above:
            levels[i] = max(levels[i], levels[j] + 1)
        for pair in tied:
            top = max(levels[i] for i in pair)
            for i in pair:
                levels[i] = top
    return levels


def merged(
    n_items: int, wanted: Wanted, alike: Callable[[int, int], bool]
) -> tuple[Wanted, list[tuple[int, int]]]:
    """Return an order with further ties between items that are alike, and those ties.

    Args:
        n_items: Number of items.
        wanted: The order.
        alike: Whether two items cannot be told apart.
    """
    same = [pair for pair in combinations(range(n_items), 2) if alike(*pair)]
    return Wanted(wanted.better, (*wanted.ties, *same)), same


def _path(
    onward: dict[int, list[tuple[int, bool]]], start: int, goal: int
) -> list[tuple[int, bool]] | None:
    """Return the shortest way as items with the kind of the step that leaves them."""
    before: dict[int, tuple[int, bool]] = {}
    queue, seen = [start], {start}
    while queue:
        at = queue.pop(0)
        if at == goal:
            way: list[tuple[int, bool]] = []
            while at != start:
                previous, tied = before[at]
                way.append((previous, tied))
                at = previous
            return way[::-1]
        for following, tied in onward[at]:
            if following not in seen:
                seen.add(following)
                before[following] = (at, tied)
                queue.append(following)
    return None


def _words(line: str, number: int) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for match in _TOKEN.finditer(line.rstrip()):
        kind = str(match.lastgroup)
        word, position = match.group(kind), match.start(kind) + 1
        expected = "name" if len(found) % 2 == 0 else "sign"
        if kind != expected:
            what = "a name" if expected == "name" else "'>', '=' or '<'"
            raise InputError(
                f"order, line {number}, position {position}: expected {what}, got {word!r}",
                hint="write chains such as A > B = C",
            )
        found.append((word, position))
    if len(found) < 3 or len(found) % 2 == 0:
        raise InputError(
            f"order, line {number}: expected a chain such as A > B = C, got {line!r:.200}"
        )
    return found
