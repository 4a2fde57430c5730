"""Beliefs are distributions whose right place has the trust that was chosen."""

import re

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.posttrain.tasks.beliefs import Belief, draw_belief


@pytest.mark.parametrize(("trust", "habit"), [(0.9, 0.0), (0.02, 0.9), (1.0, 0.0), (0.0, 1.0)])
def test_shares_are_as_chosen(trust: float, habit: float) -> None:
    belief = draw_belief(np.random.default_rng(0), 9, trust=trust, habit_share=habit)
    assert belief.trust == pytest.approx(trust)
    assert sum(belief.shares) == pytest.approx(1.0)
    rest = sorted(share for k, share in enumerate(belief.shares) if k != belief.right)
    assert max(rest) == pytest.approx(max(habit, rest[0]))
    assert rest[0] == pytest.approx((1 - trust - habit) / (7 if habit else 8))


def test_draws_follow_the_shares() -> None:
    belief = Belief(1, (0.2, 0.5, 0.3))
    rng = np.random.default_rng(0)
    counts = np.bincount([belief.draw(rng) for _ in range(4000)], minlength=3) / 4000
    assert counts == pytest.approx([0.2, 0.5, 0.3], abs=0.03)


def test_no_distribution_is_refused() -> None:
    with pytest.raises(InputError, match=re.escape("got a sum of 0.9")):
        Belief(0, (0.5, 0.4))
    with pytest.raises(InputError, match="right must be below 2"):
        Belief(2, (0.5, 0.5))
    with pytest.raises(InputError, match="whose sum is at most 1"):
        draw_belief(np.random.default_rng(0), 5, trust=0.7, habit_share=0.4)
    with pytest.raises(InputError, match="at least 3 choices"):
        draw_belief(np.random.default_rng(0), 2, trust=0.5)
