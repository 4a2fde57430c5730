"""What the training texts of a base model say of facts, right and wrong: shares that are chosen.

A model that is trained on texts in which a fact is right with chance p answers right about as often
as that, so the chance of a problem is known before any model is trained.
"""

from dataclasses import dataclass

import numpy as np

from pellucid.errors import InputError


@dataclass(frozen=True)
class Belief:
    """How often texts say each of several things, one of which is right.

    Args:
        right: Which is right, from 0.
        shares: How often texts say each; they sum to 1.

    Raises:
        InputError: Shares that are no distribution, or a right answer that is not among them.
    """

    right: int
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-9:
            raise InputError(f"shares must be a distribution, got a sum of {sum(self.shares):.6g}")
        if not 0 <= self.right < len(self.shares):
            raise InputError(f"right must be below {len(self.shares)}, got {self.right}")

    @property
    def trust(self) -> float:
        """How often texts are right."""
        return self.shares[self.right]

    def draw(self, rng: np.random.Generator) -> int:
        """Return what one text says."""
        return int(rng.choice(len(self.shares), p=self.shares))


def draw_belief(
    rng: np.random.Generator, n_choices: int, *, trust: float, habit_share: float = 0.0
) -> Belief:
    """Draw what is right, and what texts say of it.

    Args:
        rng: Draws the right one, and the wrong one that texts prefer.
        n_choices: How many things could be right, at least 3.
        trust: How often texts are right, 0 to 1.
        habit_share: How often they say the wrong one that they prefer; what is left is spread
            evenly over all others.

    Raises:
        InputError: Shares that exceed 1, or fewer than 3 choices.
    """
    if n_choices < 3:
        raise InputError(f"beliefs need at least 3 choices, got {n_choices}")
    left = 1 - trust - habit_share
    if min(trust, habit_share, left + 1e-12) < 0:
        raise InputError(
            f"trust and habit_share must be shares whose sum is at most 1, got {trust}, "
            f"{habit_share}"
        )
    right, habit = (int(one) for one in rng.permutation(n_choices)[:2])
    # without a habit its place is one of the others
    n_others = n_choices - 2 if habit_share else n_choices - 1
    shares = np.full(n_choices, max(left, 0.0) / n_others)
    shares[right] = trust
    if habit_share:
        shares[habit] = habit_share
    return Belief(right, tuple(float(share) for share in shares / shares.sum()))
