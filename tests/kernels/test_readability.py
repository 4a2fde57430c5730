"""Readability of what is held, and of what is not."""

import numpy as np

from pellucid.kernels.readability import readability


def test_what_is_held_is_read_always_and_noise_no_better_than_the_commoner_label() -> None:
    rng = np.random.default_rng(0)
    held = rng.normal(size=(600, 3))
    first = np.arange(600) % 2 == 0
    assert readability(held, held[:, 1] > 0, first) > 0.45
    # one in four is true: saying false is right in three of four
    assert abs(readability(held, rng.random(600) < 0.25, first)) < 0.05


def test_one_half_alone_tells_nothing() -> None:
    held = np.arange(6.0)[:, None]
    assert readability(held, held[:, 0] > 2, np.ones(6, dtype=bool)) == 0.0


def test_a_concept_of_one_half_of_the_rows_is_not_read_in_the_other() -> None:
    held = np.linspace(-1, 1, 40)[:, None]
    labels = held[:, 0] > 0
    first = np.arange(40) < 20
    # each half knows one label only, and says it of the other half
    assert readability(held, labels, first) == -0.5
