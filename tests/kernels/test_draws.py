"""Draws by index: uniform, independent of batching, different for every index."""

import numpy as np
import pytest

from pellucid.kernels.draws import indexed_draws


def test_a_draw_depends_on_its_indices_alone():
    episodes, steps = np.repeat(np.arange(4), 50), np.tile(np.arange(50), 4)
    whole = indexed_draws(7, episodes, steps, below=1000)
    order = np.random.default_rng(0).permutation(200)
    assert (indexed_draws(7, episodes[order], steps[order], below=1000) == whole[order]).all()
    assert (indexed_draws(7, episodes[60:61], steps[60:61], below=1000) == whole[60]).all()


def test_other_seeds_episodes_and_steps_give_other_draws():
    episodes, steps = np.repeat(np.arange(30), 30), np.tile(np.arange(30), 30)
    big = 2**40
    whole = indexed_draws(0, episodes, steps, below=big)
    assert len(np.unique(whole)) == 900  # (2, 3) and (3, 2) differ as well
    assert not np.intersect1d(whole, indexed_draws(1, episodes, steps, below=big)).size


def test_draws_are_uniform():
    n = 10_000
    draws = indexed_draws(3, np.zeros(n, dtype=int), np.arange(n), below=10)
    counts = np.bincount(draws, minlength=10)
    assert counts.min() > 1000 - 4 * 30
    assert counts.max() < 1000 + 4 * 30
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.04


def test_known_values_never_change():
    # stored runs are scored again with the same draws
    draws = indexed_draws(0, np.array([0, 0, 1]), np.array([0, 1, 0]), below=2**32)
    assert draws.tolist() == [4291843458, 628814867, 2009613696]


def test_nothing_to_draw_from_is_refused():
    with pytest.raises(ValueError, match="at least one outcome"):
        indexed_draws(0, np.array([0]), below=0)
