"""Proofs that some formalism cannot give an order, small enough to be checked on fractions.

A certificate holds what is claimed of the order and of the laws; `verify` recomputes the rest in
exact arithmetic. Nothing here was rounded, and no discount is left out unless it says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any, Literal, Protocol, TypeAlias

from pellucid.tabular.objectives.exact import Column, difference, weighted_sum
from pellucid.tabular.objectives.exact_laws import (
    ExactLaw,
    beginnings,
    discounted,
    equal_laws,
    long_run,
    per_step,
)
from pellucid.tabular.objectives.fitting import Contradiction, Wanted, spread

Linear: TypeAlias = Literal["FTR", "LAR", "MR", "RRL"]
"""Classes whose values are weighted sums of features of the law."""


class Certificate(Protocol):
    """Why a class of formalisms cannot give an order."""

    @property
    def group(self) -> str:
        """The class; those below it cannot give the order either."""

    def verify(self) -> bool:
        """Return whether every premise holds in exact arithmetic."""

    def text(self) -> str:
        """Return the argument in a sentence or two."""


@dataclass(frozen=True, eq=False)
class Balance:
    """Mixtures that a weighted sum of features cannot tell apart, and that the order does.

    Args:
        group: Whose features: probabilities of events (FTR), long-run frequencies (LAR),
            discounted visits (MR), those and draws from each action distribution (RRL).
        laws: What is ordered.
        wanted: The order.
        contradiction: The multipliers.
        discount: The one that it holds for; None for all at once.
    """

    group: Linear
    laws: tuple[ExactLaw, ...]
    wanted: Wanted
    contradiction: Contradiction
    discount: Fraction | None = None

    def verify(self) -> bool:
        """Return whether the multipliers are legal and weigh the features to exactly zero."""
        given = self.contradiction
        known = set(given.strict) <= set(self.wanted.better) and set(given.tied) <= set(
            self.wanted.ties
        )
        return known and given.positive() and not self._residue()

    def text(self) -> str:
        """Return which mixtures are alike and what the order says of them."""
        one, other = self._sides()
        facts = [f"{self._name(i)} over {self._name(j)}" for i, j in self.contradiction.strict]
        level = [f"{self._name(i)} level with {self._name(j)}" for i, j in self.contradiction.tied]
        said = " and ".join([*facts, *level])
        if self.contradiction.degree or one == other:
            alike = "the differences cancel, with weights that depend on the discount"
        else:
            alike = f"{one} {_ALIKE[self.group]} {other}"
        when = "" if self.discount is None else f" at discount {self.discount}"
        return f"no {_SAYS[self.group]} can rank {said}, because {alike}{when}"

    def _residue(self) -> dict[Any, Fraction]:
        pairs = self.contradiction.pairs
        used = sorted({index for pair, _ in pairs for index in pair})
        laws = [self.laws[index] for index in used]
        degree = self.contradiction.degree
        n_steps = sum(len(law.edges) for law in laws) + degree
        columns = dict(
            zip(used, features_of(self.group, laws, self.discount, n_steps), strict=True)
        )
        parts: list[Column] = []
        weights: list[Fraction] = []
        for (i, j), coefficients in pairs:
            gap = difference(columns[i], columns[j])
            for order, coefficient in enumerate(coefficients):
                parts.append(spread(gap, order, degree, n_steps) if degree else gap)
                weights.append(coefficient)
        return weighted_sum(parts, weights)

    def _sides(self) -> tuple[str, str]:
        sums: dict[int, Fraction] = {}
        for (i, j), coefficients in self.contradiction.pairs:
            sums[i] = sums.get(i, Fraction(0)) + coefficients[0]
            sums[j] = sums.get(j, Fraction(0)) - coefficients[0]
        return (
            self._mixture({i: c for i, c in sums.items() if c > 0}),
            self._mixture({i: -c for i, c in sums.items() if c < 0}),
        )

    def _mixture(self, weights: dict[int, Fraction]) -> str:
        total = sum(weights.values(), Fraction(0))
        shares = {i: weight / total for i, weight in weights.items()}
        below = lcm(*(share.denominator for share in shares.values()))
        if below == 1:
            return f"{self._name(next(iter(shares)))} alone"
        parts = [f"{int(s * below)}/{below} {self._name(i)}" for i, s in sorted(shares.items())]
        return f"the mixture of {' and '.join(parts)}"

    def _name(self, index: int) -> str:
        return self.laws[index].name


_ALIKE = {
    "FTR": "makes every event exactly as likely as",
    "LAR": "makes every transition exactly as often in the long run as",
    "MR": "makes every transition exactly as often as",
    "RRL": "makes every transition, and draws from every action distribution, exactly as often as",
}
_SAYS = {
    "FTR": "function of trajectories",
    "LAR": "limit average reward",
    "MR": "Markov reward",
    "RRL": "regularised reward",
}


def features_of(
    group: Linear, laws: Sequence[ExactLaw], discount: Fraction | None, n_steps: int
) -> list[Column]:
    """Return the features that the values of a class are weighted sums of, for each law.

    Args:
        group: The class.
        laws: The laws.
        discount: Of MR and RRL; None for the probabilities of each step.
        n_steps: How many steps without a discount.
    """
    choices = group == "RRL"
    if group == "LAR":
        return [long_run(law) for law in laws]
    if group == "FTR":
        found = beginnings(laws)
        return [{word: vector[i] for word, vector in found} for i in range(len(laws))]
    if discount is None:
        return [per_step(law, n_steps, choices=choices) for law in laws]
    return [discounted(law, discount, choices=choices) for law in laws]


@dataclass(frozen=True, eq=False)
class SameLaw:
    """Policies that behave alike, and an order that would put one above itself.

    Args:
        loop: Laws of which each is above or alike to the next one, and the last to the first:
            pairs of a law and whether it is alike to the next one (else above it).
    """

    loop: tuple[tuple[ExactLaw, bool], ...]
    group: str = "TLO"

    def verify(self) -> bool:
        """Return whether those said to be alike make every event equally likely."""
        return any(not alike for _, alike in self.loop) and all(
            equal_laws(law, following) for law, alike, following in self._links() if alike
        )

    def text(self) -> str:
        """Return the argument."""
        above = [f"{a.name} over {b.name}" for a, alike, b in self._links() if not alike]
        same = [f"{a.name} and {b.name}" for a, alike, b in self._links() if alike]
        return (
            f"nothing that sees only what happens can rank {' and '.join(above)}, because "
            f"{' as well as '.join(same)} make every event exactly as likely"
        )

    def _links(self) -> list[tuple[ExactLaw, bool, ExactLaw]]:
        following = [*self.loop[1:], self.loop[0]]
        return [(law, alike, n) for (law, alike), (n, _) in zip(self.loop, following, strict=True)]


@dataclass(frozen=True, eq=False)
class ThreeLevels:
    """Three strictly ordered laws of one trajectory each, which a formula holds on or not.

    Args:
        laws: From the worst to the best.
    """

    laws: tuple[ExactLaw, ExactLaw, ExactLaw]
    group: str = "LTL"

    def verify(self) -> bool:
        """Return whether each has one trajectory only."""
        return all(law.certain for law in self.laws)

    def text(self) -> str:
        """Return the argument."""
        worst, middle, best = (law.name for law in self.laws)
        return (
            f"{worst}, {middle} and {best} are each a single trajectory, on which a formula is "
            "true or false; two values cannot make three levels"
        )
