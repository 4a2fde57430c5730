"""The stitching grid: walls, ways, what is logged and what is paid."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.histories import StitchingGrid

GRID = StitchingGrid()
UP, DOWN, LEFT, RIGHT = range(4)


def test_walls_lie_between_stem_and_arms() -> None:
    assert (GRID.start, GRID.top, GRID.goals.tolist()) == (12, 2, [10, 14])
    assert GRID.next_cells[12].tolist() == [7, 12, 12, 12]
    assert GRID.next_cells[2].tolist() == [2, 7, 1, 3]
    assert GRID.steps_to(10)[12] == 6
    walls = [6, 8, 11, 13]
    assert not set(np.delete(GRID.next_cells, walls, axis=0).reshape(-1)) & set(walls)


def test_observations_are_put_together_and_taken_apart() -> None:
    cells, colours, cues = np.array([0, 7, 14]), np.array([3, 0, 1]), np.array([2, 0, 1])
    together = GRID.observation(cells, colours, cues)
    assert together.max() < GRID.n_observations
    assert all(
        (a == b).all() for a, b in zip(GRID.parts(together), (cells, colours, cues), strict=True)
    )


def straight(step: int, tokens: np.ndarray) -> np.ndarray:
    cue = GRID.parts(tokens[:, 0])[2]
    sideways = np.where(cue == 0, LEFT, RIGHT)
    return sideways if step in (2, 3) else np.full(len(tokens), UP if step < 2 else DOWN)


def test_the_way_to_the_cued_goal_always_pays_and_the_other_never() -> None:
    assert GRID.success(straight, 50, stream(0, "t")) == 1.0

    def mirrored(step: int, tokens: np.ndarray) -> np.ndarray:
        return np.array([UP, DOWN, RIGHT, LEFT])[straight(step, tokens)]

    assert GRID.success(mirrored, 50, stream(0, "t")) == 0.0
    played = GRID.play(straight, 50, stream(0, "t"))
    assert (played.n_taken == 6).all()
    assert played.terminated.all()


def test_no_logged_episode_runs_all_the_way() -> None:
    data = GRID.logged(400, stream(0, "t"))
    first = GRID.parts(data.observations[:, 0])[0]
    assert set(first.tolist()) == {GRID.start, GRID.top}
    paid = data.rewards.sum(axis=1) > 0
    assert (first[paid] == GRID.top).all()
    assert paid[200:].mean() == pytest.approx(0.5, abs=0.1)
    assert not data.terminated[:200].any()


def test_the_cue_is_shown_once_and_colours_stay_for_an_episode() -> None:
    data = GRID.logged(100, stream(0, "t"))
    cells, colours, cues = GRID.parts(data.observations)
    assert set(cues[:, 0].tolist()) == {0, 1}
    assert (cues[:, 1:] == 2).all()
    back = (cells[:, 0] == cells[:, 2]) & (data.n_taken > 2)
    assert back.any()
    assert (colours[back, 0] == colours[back, 2]).all()


def test_bad_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="a height from 2"):
        StitchingGrid(height=1)
    with pytest.raises(InputError, match="noise from 0 to 1"):
        StitchingGrid(noise=2)
    with pytest.raises(InputError, match="at least two episodes"):
        GRID.logged(1, stream(0, "t"))
