import io

import numpy as np
from PIL import Image

from pellucid.api.frames import encode_frames, load_frames, shown_positions, store_frames, webp
from pellucid.rollouts import RenderedEpisode
from pellucid.rollouts.episodes import Episode, Episodes


def episodes(*returns):
    made = tuple(
        Episode(i, i, np.zeros((2, 1)), np.zeros(1), np.array([r]), True, False)
        for i, r in enumerate(returns)
    )
    return Episodes(made, None, None, 0, "greedy")


def test_worst_median_and_best_are_shown_once_each():
    assert shown_positions(episodes(3.0, 1.0, 2.0, 5.0, 4.0)) == [1, 0, 3]
    assert shown_positions(episodes(3.0)) == [0]
    assert shown_positions(episodes()) == []


def test_of_episodes_that_all_earned_the_same_one_is_shown():
    assert shown_positions(episodes(2.0, 2.0, 2.0, 2.0)) == [0]


def test_wide_images_are_made_narrower_and_small_ones_are_kept():
    content, width, height = webp(np.zeros((400, 600, 3), np.uint8))
    assert (width, height) == (480, 320)
    assert Image.open(io.BytesIO(content)).size == (480, 320)
    assert webp(np.zeros((20, 30, 3), np.uint8))[1:] == (30, 20)


def test_frames_come_back_as_they_were_stored(tmp_path):
    images = [np.full((4, 6, 3), value, np.uint8) for value in (0, 100, 200)]
    frames = encode_frames(
        {2: RenderedEpisode((0, 8, 16), tuple(images)), 0: RenderedEpisode((), ())}
    )
    sizes = store_frames(frames, tmp_path / "frames")
    assert sizes == {"2": [6, 4]}
    assert load_frames(tmp_path / "frames", sizes) == frames
    assert frames[2].steps == (0, 8, 16)  # and not 0, 16, 8, as their names would sort
