"""Streams for many seeds at once are NumPy's own, bit for bit."""

import numpy as np
import pytest
from gymnasium.utils import seeding

from pellucid.envs.batched.seeding import generators
from pellucid.seeds import episode_seeds

EDGES = [0, 1, 2, 2**16, 2**31 - 1, 2**31, 2**32 - 1]


@pytest.mark.parametrize(
    "seeds",
    [EDGES * 3, EDGES, [], [7], episode_seeds(0, 300), range(40, 90), [2**32, *range(20)], [2**70]],
)
def test_every_stream_is_that_of_its_seed(seeds) -> None:
    made = generators(seeds)
    assert len(made) == len(seeds)
    for rng, seed in zip(made, seeds, strict=True):
        expected, _ = seeding.np_random(int(seed))
        assert type(rng) is type(expected)
        assert rng.bit_generator.state == expected.bit_generator.state
        assert rng.standard_normal(3).tolist() == expected.standard_normal(3).tolist()


def test_streams_do_not_share_their_state() -> None:
    first, second = generators(range(20))[:2], generators(range(20))[:2]
    first[0].random(100)
    assert first[1].random() == second[1].random()
    assert np.random.default_rng(0).random() == second[0].random()
