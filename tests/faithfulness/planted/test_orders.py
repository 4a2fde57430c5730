"""The planted lamps, against chances worked out by hand."""

import numpy as np
import pytest

from pellucid.faithfulness.planted.orders import (
    N_STEPS,
    KnownFlashes,
    announced_error,
    flashes,
    shuffled,
)
from tests.faithfulness.planted.oracles import known_orders

FLASHES = KnownFlashes((0, 1), (1, 2))


def test_the_chance_of_an_order_is_that_of_the_steps():
    # steps 0 or 1 against 1 or 2: the first is later in none of four cases, and both are at 1 in
    # one of them, which counts either way
    assert FLASHES.probability("x[0] > 0.5 then x[1] > 0.5") == 1.0
    assert FLASHES.probability("x[1] > 0.5 then x[0] > 0.5") == pytest.approx(0.25, abs=0.03)
    assert FLASHES.probability("x[0] > 2") == 0.0


def test_each_lamp_flashes_once_in_its_time():
    for seed in range(1000, 1006):
        truth = flashes(seed).truth
        assert max(truth.last) <= N_STEPS
        rows = truth.episode(np.random.default_rng(seed))
        assert rows[:, :2].sum(axis=0).tolist() == [1.0, 1.0]
        for lamp in range(2):
            assert truth.first[lamp] <= rows[:, lamp].argmax() <= truth.last[lamp]
        assert 0.5 < truth.probability("x[0] > 0.5 then x[1] > 0.5") < 1.0


def test_true_chances_have_no_error_and_shuffled_ones_have():
    known = known_orders(FLASHES)
    assert announced_error(known, FLASHES) == 0.0
    rng = np.random.default_rng(0)
    errors = [announced_error(shuffled(known, FLASHES, rng), FLASHES) for _ in range(50)]
    assert np.mean(errors) > 0.3
