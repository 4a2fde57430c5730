"""Catch: a game of pixels, of which it is known which ones matter."""

from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Int, UInt8

LEFT, STAY, RIGHT = 0, 1, 2

CELLS = 12
"""Cells along each side of the board."""
CELL = 3
"""Pixels along each side of a cell: 36 pixels are the fewest that three usual convolutions take."""
N_BALLS = 8
FIRST_ROW, FALL = 1, 2
"""Row in which a ball appears, and rows that it falls per step: five steps to the paddle's row."""
REACH = 6
"""Columns between a new ball and the paddle at most: five steps, and the paddle's own half."""
HALF_PADDLE = 1
"""Cells of the paddle on either side of its middle."""

BACKGROUND, BALL, PADDLE = (16, 18, 30), (255, 214, 64), (80, 170, 255)
CLOUD_COLUMNS = (4, 8)
"""Cells of the top row between which the cloud drifts, above all balls."""

_ZOOM = 8


class CatchObjects:
    """Finds ball, paddle and cloud in images, for explanations of objects in place of pixels."""

    names = ("the ball", "the paddle", "the cloud")

    def __call__(
        self, observations: UInt8[np.ndarray, "batch height width 3"]
    ) -> Int[np.ndarray, "batch height width"]:
        """Return the number of the object that each pixel belongs to, -1 for none."""
        labels = np.full(observations.shape[:3], -1, dtype=np.int64)
        labels[:, :CELL][(observations[:, :CELL] != BACKGROUND).any(axis=3)] = 2
        for number, colour in enumerate((BALL, PADDLE)):
            labels[(observations == np.array(colour, np.uint8)).all(axis=3)] = number
        return labels


class Catch(gymnasium.Env[Any, Any]):
    """A ball falls straight down, and a paddle below moves left, stays or moves right.

    Observations are RGB images of 36 x 36 pixels, 12 x 12 cells. A ball appears below the top row
    in a random column that the paddle can just reach, and arrives after five steps; the paddle is
    three columns wide and moves one column per step. Pays 1 for a ball that is caught and -1 for
    one that is missed (`info["reward_terms"]` names both); after eight balls the episode ends, at
    step 40. The best return is 8.

    Ball and paddle say all that matters. The cloud in the top row drifts and changes its colour at
    random, and means nothing: an explanation that names it is wrong.

    Args:
        render_mode: `rgb_array` for pictures of 288 x 288 pixels, or None.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": ["rgb_array"],
        "render_fps": 8,
        "names": {"actions": ["move left", "stay", "move right"]},
        "groups": CatchObjects(),
    }

    def __init__(self, render_mode: str | None = None) -> None:
        side = CELLS * CELL
        self.observation_space = gymnasium.spaces.Box(0, 255, (side, side, 3), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(3)
        self.render_mode = render_mode
        self._ball = (0, 0)
        self._paddle = 0
        self._n_done = 0
        self._cloud, self._cloud_colour = CLOUD_COLUMNS[0], (0, 0, 0)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Put the paddle in the middle and drop the first ball."""
        super().reset(seed=seed, options=options)
        self._paddle = CELLS // 2
        self._n_done = 0
        self._drop()
        self._drift()
        return self._image(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Move the paddle, then let the ball fall."""
        moved = self._paddle + int(action) - STAY
        self._paddle = min(max(moved, HALF_PADDLE), CELLS - 1 - HALF_PADDLE)
        row, column = self._ball
        self._ball = (row + FALL, column)
        terms = {"caught": 0.0, "missed": 0.0}
        if row + FALL == CELLS - 1:
            caught = abs(column - self._paddle) <= HALF_PADDLE
            terms = {"caught": float(caught), "missed": -float(not caught)}
            self._n_done += 1
            if self._n_done < N_BALLS:
                self._drop()
        self._drift()
        over = self._n_done == N_BALLS
        return self._image(), sum(terms.values()), over, False, {"reward_terms": terms}

    def render(self) -> Any:
        """Return the present image, eight times as large."""
        if self.render_mode != "rgb_array":
            return None
        return self._image().repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)

    def _drop(self) -> None:
        low, high = max(0, self._paddle - REACH), min(CELLS - 1, self._paddle + REACH)
        self._ball = (FIRST_ROW, int(self.np_random.integers(low, high + 1)))

    def _drift(self) -> None:
        self._cloud = int(self.np_random.integers(*CLOUD_COLUMNS))
        self._cloud_colour = tuple(self.np_random.integers(60, 160, size=3).tolist())

    def _image(self) -> UInt8[np.ndarray, "height width 3"]:
        image: UInt8[np.ndarray, "height width 3"] = np.empty((CELLS, CELLS, 3), np.uint8)
        image[:] = BACKGROUND
        image[0, self._cloud] = self._cloud_colour
        image[CELLS - 1, self._paddle - HALF_PADDLE : self._paddle + HALF_PADDLE + 1] = PADDLE
        image[self._ball] = BALL
        return image.repeat(CELL, axis=0).repeat(CELL, axis=1)
