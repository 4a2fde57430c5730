"""Proofs about orders on a continuum of policies, where every finite sample could be expressed.

Each rests on a theorem, which its docstring names, and on premises about finitely many policies,
which `verify` checks on fractions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TypeAlias

from pellucid.tabular.objectives.exact import weighted_sum
from pellucid.tabular.objectives.exact_laws import ExactLaw, equal_laws, per_step

Point: TypeAlias = tuple[Fraction, ...]
"""Parameters of a family of policies, each in [0, 1]."""
Level: TypeAlias = tuple[Fraction, ...]
"""How good a policy is; compared lexicographically, so that one number is an ordinary value."""


@dataclass(frozen=True, eq=False)
class Family:
    """Policies given by parameters, and the order that is wanted of them.

    Args:
        law: The law of the policy at a point.
        level: How good it is.
    """

    law: Callable[[Point], ExactLaw]
    level: Callable[[Point], Level]


@dataclass(frozen=True, eq=False)
class Lexicographic:
    """No real-valued function gives a lexicographic order on a square.

    If f did, the intervals (f(x, 0), f(x, 1)) would be non-empty and disjoint for all x in [0, 1];
    each holds a rational number, and there are only countably many (Debreu 1954).

    Args:
        family: Of two parameters. Its level is the point itself: affine in the parameters, so that
            checking it at affinely independent points checks it everywhere.
    """

    family: Family
    group: str = "FPR"

    def verify(self) -> bool:
        """Return whether the level of every point is the point, from three points and one more."""
        corners = [_point(*p) for p in ((0, 0), (1, 0), (0, 1), (Fraction(1, 3), Fraction(1, 5)))]
        return all(self.family.level(point) == point for point in corners)

    def text(self) -> str:
        """Return the argument."""
        return (
            "the first parameter decides and the second breaks ties: a real-valued function would "
            "need uncountably many disjoint intervals, one for each value of the first"
        )


@dataclass(frozen=True, eq=False)
class NoLevelLines:
    """No function of one affine score of two parameters gives the order.

    The score is constant along some line through every point. Along each direction that enters
    the square at the first corner, and along each that enters it strictly at the second, the level
    changes; every direction is one of these, up to its sign. The level is affine in each parameter
    alone, so that its slope along an edge is a difference between corners, and the probabilities
    of the transitions of every step, hence every discounted return, are affine in both together.

    Args:
        family: Of two parameters, its level one number.
        corner: The first corner.
        next_corner: The second one, beside it.
    """

    family: Family
    corner: Point
    next_corner: Point
    group: str = "ONMR"

    def verify(self) -> bool:
        """Return whether the slopes at both corners have the signs that the argument needs."""
        differ = sum(a != b for a, b in zip(self.corner, self.next_corner, strict=True))
        strict, weak = self._slopes(self.corner), self._slopes(self.next_corner)
        return (
            differ == 1
            and self._affine_in_each()
            and self._score_is_affine()
            and strict[0] * strict[1] > 0
            and weak[0] * weak[1] >= 0
            and any(weak)
        )

    def text(self) -> str:
        """Return the argument."""
        return (
            "one expected return is constant along some line through every policy, and along no "
            f"line through {_shown(self.corner)} or {_shown(self.next_corner)} is the order level"
        )

    def _slopes(self, corner: Point) -> list[Fraction]:
        """Return the change of the level along both edges that leave a corner."""
        here = self.family.level(corner)[0]
        return [self.family.level(_flipped(corner, axis))[0] - here for axis in (0, 1)]

    def _score_is_affine(self) -> bool:
        """Check on a grid of three by three that every step's probabilities are affine."""
        at = {
            (x, y): per_step(law, len(law.edges), choices=False)
            for x, y in product((0, 1, 2), repeat=2)
            for law in [self.family.law((Fraction(x, 2), Fraction(y, 2)))]
        }
        origin = at[0, 0]
        weights = [Fraction(1), Fraction(1), Fraction(-1), Fraction(-1)]
        return not any(
            weighted_sum([at[x, y], origin, at[x, 0], at[0, y]], weights) for x, y in at
        ) and not any(
            weighted_sum([one, origin, half], [Fraction(1), Fraction(1), Fraction(-2)])
            for one, half in ((at[2, 0], at[1, 0]), (at[0, 2], at[0, 1]))
        )

    def _affine_in_each(self) -> bool:
        """Check the middle of each edge and of the square; enough for degree two in each."""
        half, found = Fraction(1, 2), []
        for x in (Fraction(0), half, Fraction(1)):
            ends = [self.family.level(_point(x, y))[0] for y in (0, 1)]
            found.append(self.family.level((x, half))[0] == sum(ends) / 2)
            ends = [self.family.level(_point(y, x))[0] for y in (0, 1)]
            found.append(self.family.level((half, x))[0] == sum(ends) / 2)
        return all(found)


@dataclass(frozen=True, eq=False)
class InteriorMaximum:
    """No function of one affine score makes an interior policy the only best one.

    In a family of two or more dimensions a line through the interior point keeps the score, and
    with it any function of the score, the same.

    Args:
        family: The probabilities of one decision, summing to one.
        point: An interior point; that it alone is best is a premise (for the entropy: Gibbs'
            inequality), and is compared with the others given.
        others: Points that affinely span the family.
    """

    family: Family
    point: Point
    others: Sequence[Point]
    group: str = "ONMR"

    def verify(self) -> bool:
        """Return whether the point is interior, in two dimensions, and above the others."""
        best = self.family.level(self.point)
        inside = all(0 < p < 1 for p in self.point) and sum(self.point) == 1
        return (
            inside
            and len(self.point) >= 3
            and all(self.family.level(other) < best for other in self.others)
        )

    def text(self) -> str:
        """Return the argument."""
        return (
            f"{_shown(self.point)} alone is best and has others around it in every direction, but "
            "one expected return is the same along some line through it"
        )


@dataclass(frozen=True, eq=False)
class Jump:
    """A path of policies that are level and whose limit is not.

    The value under a reward machine is continuous in the policy: it is discounted, on finitely
    many pairs of state and memory. So its limit along the path is its value at the end.

    Args:
        family: The policies.
        path: Points of the path for some t in (0, 1], t falling; on it the level is constant.
        end: Its limit at t = 0.
    """

    family: Family
    path: Callable[[Fraction], Point]
    end: Point
    group: str = "RM"

    def verify(self) -> bool:
        """Return whether the path is affine, leads to the end, and is level but for the end."""
        half = tuple((a + b) / 2 for a, b in zip(self.path(Fraction(1)), self.end, strict=True))
        levels = {self.family.level(self.path(Fraction(1, 2**k))) for k in range(8)}
        return (
            self.path(Fraction(0)) == self.end
            and self.path(Fraction(1, 2)) == half
            and len(levels) == 1
            and self.family.level(self.end) not in levels
        )

    def text(self) -> str:
        """Return the argument."""
        return (
            f"all policies on the way from {_shown(self.path(Fraction(1)))} to {_shown(self.end)} "
            "are level and the last one is not, but discounted values do not jump"
        )


@dataclass(frozen=True, eq=False)
class TouchingLevels:
    """Three levels whose scores would have to be disjoint intervals that cannot be.

    Two connected sets of policies, the middle level and the best, both come as near as one likes
    to a worst policy z, and the best one to every policy of the middle. One continuous score maps
    them to intervals that end in the score of z without holding it. If they lie on one side of it
    they overlap; they do lie on one side, because the best ones come near the middle ones.

    Args:
        family: Of two parameters; the first at 0 is the worst level, the second at 0 the middle.
    """

    family: Family
    group: str = "ONMR"

    def verify(self) -> bool:
        """Return whether the levels are as described and policies at the first edge are one."""
        zero, grid = Fraction(0), [Fraction(k, 4) for k in range(1, 5)]
        level, law = self.family.level, self.family.law
        worst, middle, best = level((zero, zero)), level((grid[0], zero)), level((grid[0], grid[0]))
        return (
            worst < middle < best
            and all(level((zero, q)) == worst for q in grid)
            and all(level((p, zero)) == middle for p in grid)
            and all(level((p, q)) == best for p in grid for q in grid)
            and all(equal_laws(law((zero, zero)), law((zero, q))) for q in grid)
        )

    def text(self) -> str:
        """Return the argument."""
        return (
            "middle and best policies both come as near as one likes to a worst one, and best ones "
            "to every middle one: the intervals of their expected returns overlap"
        )


def _point(*values: float | Fraction) -> Point:
    return tuple(Fraction(value) for value in values)


def _flipped(corner: Point, axis: int) -> Point:
    return tuple(1 - value if i == axis else value for i, value in enumerate(corner))


def _shown(point: Point) -> str:
    return f"({', '.join(map(str, point))})"
