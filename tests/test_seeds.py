"""Named streams: equal for equal names, independent of each other and of the process."""

import numpy as np

from pellucid.seeds import derived_seed, episode_seeds, stream


def test_equal_paths_give_equal_streams_and_different_ones_differ():
    draws = {p: stream(3, *p).random() for p in [("a",), ("b",), ("a", 0), ("a", 1)]}
    assert len(set(draws.values())) == 4
    assert stream(3, "a", 1).random() == draws["a", 1]


def test_f43_a_stream_does_not_depend_on_the_hash_seed():
    # crc32 of the name, not hash(): this value must never change between processes or releases
    assert derived_seed(0, "background") == derived_seed(0, "background")
    assert derived_seed(0, "background") == int(
        np.random.SeedSequence(0, spawn_key=(0xBC68B450,)).generate_state(1)[0]
    )


def test_first_episodes_keep_their_seeds_when_more_are_asked_for():
    assert episode_seeds(7, 20)[:5] == episode_seeds(7, 5)
    assert len(set(episode_seeds(7, 1000))) == 1000
