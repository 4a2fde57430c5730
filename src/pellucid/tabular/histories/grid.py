"""A maze whose two halves are logged in different episodes, with a cue to be remembered."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.histories.pomdp import HistoryPolicy
from pellucid.tabular.histories.trajectories import Trajectories

MOVES = np.array([[-1, 0], [1, 0], [0, -1], [0, 1]])
"""Up, down, left, right, as (rows, columns)."""
HIDDEN_CUE = 2
"""What is seen in place of the cue after the first step."""
N_CUES = 3
WIDTH = 5
"""Cells of the bar: arm, wall, stem, wall, arm."""


@dataclass(frozen=True, kw_only=True)
class StitchingGrid:
    """A stem that leads up to a bar, whose two arms lead down to a goal each, like the letter M.

    The first observation shows a cue, which says which of the goals pays 1; the other one pays 0,
    and both end the episode. Every observation shows the cell and its colour; colours are drawn
    anew for each episode and mean nothing. Logged episodes run from the start, at the foot of the
    stem, to its top, or from there to either goal: none runs all the way, and none that is paid
    holds the moves of the first half.

    Args:
        height: Cells of the stem and of each arm, at least 2.
        n_colours: Colours of cells.
        n_steps: Steps after which an episode is cut off.
        noise: Chance of an even draw in the logged actions.

    Raises:
        InputError: A size is too small, or the noise is no chance.

    Source: Hong 2024, section 7 describes such a data set; shape, cue and noise are ours.
    """

    height: int = 3
    n_colours: int = 4
    n_steps: int = 10
    noise: float = 0.3

    def __post_init__(self) -> None:
        if self.height < 2 or self.n_colours < 1 or self.n_steps < 1:
            raise InputError(
                f"expected a height from 2 with a colour and a step, got {self.height}, "
                f"{self.n_colours} and {self.n_steps}"
            )
        if not 0 <= self.noise <= 1:
            raise InputError(f"expected noise from 0 to 1, got {self.noise}")

    # --- where things are ---

    @property
    def n_actions(self) -> int:
        """Number of actions."""
        return len(MOVES)

    @property
    def n_observations(self) -> int:
        """Number of observations: cells times colours times what is seen of the cue."""
        return self.n_cells * self.n_colours * N_CUES

    @property
    def n_cells(self) -> int:
        """Number of cells, row by row, the walls between stem and arms included."""
        return self.height * WIDTH

    @property
    def start(self) -> int:
        """The cell that episodes of interest start in."""
        return (self.height - 1) * WIDTH + WIDTH // 2

    @property
    def top(self) -> int:
        """The cell in which logged episodes end or start."""
        return WIDTH // 2

    @property
    def goals(self) -> Int[np.ndarray, "2"]:
        """The cells of the goals of cue 0 and of cue 1."""
        return (self.height - 1) * WIDTH + np.array([0, WIDTH - 1])

    @cached_property
    def next_cells(self) -> Int[np.ndarray, "cells actions"]:
        """The cell that each action leads to; the same one where a wall is in the way."""
        rows, columns = np.divmod(np.arange(self.n_cells), WIDTH)
        row = np.clip(rows[:, None] + MOVES[:, 0], 0, self.height - 1)
        column = np.clip(columns[:, None] + MOVES[:, 1], 0, WIDTH - 1)
        wall = (row > 0) & (column % 2 == 1)
        return np.where(wall, np.arange(self.n_cells)[:, None], row * WIDTH + column)

    def steps_to(self, aim: int) -> Float[np.ndarray, " cells"]:
        """Return the fewest steps from each cell to one; a wall counts as a cell one can leave."""
        steps = np.where(np.arange(self.n_cells) == aim, 0.0, np.inf)
        for _ in range(self.n_cells):
            steps = np.minimum(steps, 1 + steps[self.next_cells].min(axis=1))
        return np.asarray(steps)

    def observation(
        self, cells: np.ndarray, colours: np.ndarray, cues: np.ndarray
    ) -> Int[np.ndarray, " episodes"]:
        """Return the number of an observation."""
        return np.asarray((cells * self.n_colours + colours) * N_CUES + cues)

    def parts(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the cell, the colour and the cue of observations."""
        rest, cues = np.divmod(observations, N_CUES)
        cells, colours = np.divmod(rest, self.n_colours)
        return cells, colours, cues

    # --- episodes ---

    def logged(self, n_episodes: int, rng: np.random.Generator) -> Trajectories:
        """Return logged episodes: half of them to the top, then half from there to a goal.

        Args:
            n_episodes: Episodes of both kinds together, at least 2.
            rng: Draws everything.

        Raises:
            InputError: There are fewer than two.
        """
        if n_episodes < 2:
            raise InputError(f"expected at least two episodes, got {n_episodes}")
        first = np.arange(n_episodes) < n_episodes // 2
        aims = np.where(first, self.top, self.goals[rng.integers(0, 2, n_episodes)])
        starts = np.where(first, self.start, self.top)

        ways = np.stack([self.steps_to(cell)[self.next_cells] for cell in range(self.n_cells)])

        def act(step: int, tokens: np.ndarray) -> np.ndarray:
            cells = self.parts(tokens[:, -1])[0]
            even = rng.random(n_episodes) < self.noise
            # ties between equally short ways are drawn
            shortest = ways[aims, cells] + 0.5 * rng.random((n_episodes, self.n_actions))
            return np.where(
                even, rng.integers(0, self.n_actions, n_episodes), shortest.argmin(axis=1)
            )

        return self._played(act, starts, np.where(first, self.top, -1), rng)

    def success(self, policy: HistoryPolicy, n_episodes: int, rng: np.random.Generator) -> float:
        """Return the share of episodes from the start in which a policy reaches the goal that pays.

        Args:
            policy: Takes a step and histories, returns the action of each.
            n_episodes: Episodes.
            rng: Draws cues and colours.
        """
        return float(self.play(policy, n_episodes, rng).rewards.sum(axis=1).mean())

    def play(
        self, policy: HistoryPolicy, n_episodes: int, rng: np.random.Generator
    ) -> Trajectories:
        """Return episodes of a policy from the start; rewards after the end are 0.

        Args:
            policy: Takes a step and histories, returns the action of each.
            n_episodes: Episodes.
            rng: Draws cues and colours.
        """
        starts = np.full(n_episodes, self.start)
        return self._played(policy, starts, np.full(n_episodes, -1), rng)

    # --- inside ---

    def _played(
        self,
        act: Callable[[int, np.ndarray], np.ndarray],
        starts: Int[np.ndarray, " episodes"],
        ends: Int[np.ndarray, " episodes"],
        rng: np.random.Generator,
    ) -> Trajectories:
        n, cells = len(starts), starts
        cues = rng.integers(0, 2, n)
        colours = rng.integers(0, self.n_colours, (n, self.n_cells))
        tokens = np.empty((n, 2 * self.n_steps + 1), dtype=np.int64)
        rewards = np.zeros((n, self.n_steps))
        lengths, terminated = np.full(n, self.n_steps), np.zeros(n, dtype=bool)
        running = np.ones(n, dtype=bool)
        rows = np.arange(n)
        for step in range(self.n_steps + 1):
            shown = cues if step == 0 else np.full(n, HIDDEN_CUE)
            tokens[:, 2 * step] = self.observation(cells, colours[rows, cells], shown)
            if step == self.n_steps:
                break
            tokens[:, 2 * step + 1] = act(step, tokens[:, : 2 * step + 1])
            cells = np.where(running, self.next_cells[cells, tokens[:, 2 * step + 1]], cells)
            rewards[:, step] = running & (cells == self.goals[cues])
            at_goal = running & (cells[:, None] == self.goals).any(axis=1)
            stopped = at_goal | (running & (cells == ends))
            lengths[stopped], terminated[at_goal] = step + 1, True
            running &= ~stopped
        return Trajectories(
            observations=tokens[:, ::2].copy(),
            actions=tokens[:, 1::2].copy(),
            rewards=rewards,
            n_observations=self.n_observations,
            n_actions=self.n_actions,
            lengths=lengths,
            terminated=terminated,
        )
