"""Runs episodes in an environment that takes all of them forward in one NumPy step.

What is stored is bit for bit what `lockstep` stores of as many single environments: the same
actions, checks, counts and failures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.envs.batched import BatchedEnv, BatchedStep
from pellucid.errors import AgentError
from pellucid.rollouts.checks import ObservationRules, observation_rules, space_layout
from pellucid.rollouts.collected import Collected
from pellucid.rollouts.drawing import PolicyDraws
from pellucid.rollouts.episodes import Episode, Failure
from pellucid.rollouts.lanes import ObservationFilter
from pellucid.types import Actions, Agent, Observations, PolicyMode

_FIRST_CAPACITY = 64


@dataclass
class BatchedRun:
    """Episodes that start together and run until each of them is over.

    Args:
        agent: Asked for actions; not metered.
        policy: Whether actions are most-likely or sampled.
        env: Has one row per episode.
        spaces: Observation and action space.
        limit: Steps after which an episode is cut off.
        seed: Of the run, for drawn actions.
        observe: Changes what the agent sees.
    """

    agent: Agent
    policy: PolicyMode
    env: BatchedEnv
    spaces: tuple[Any, Any]
    limit: int
    seed: int
    observe: ObservationFilter | None = None
    _rules: ObservationRules = field(init=False)

    def __post_init__(self) -> None:
        self._rules = observation_rules(self.spaces[0])

    def run(self, assigned: Sequence[tuple[int, int]]) -> list[Collected]:
        """Return what happened in each episode.

        Args:
            assigned: Index and seed of each, one per row.
        """
        rows = _Rows(assigned, *map(space_layout, self.spaces))
        everyone = np.arange(len(assigned))
        draws = [PolicyDraws(self.seed, index) for index, _ in assigned if self.policy == "sampled"]
        first = self.env.reset(everyone, [seed for _, seed in assigned])
        rows.observations[0] = first
        live = everyone[~self._check(everyone, first, rows, -1)]
        step = 0
        while len(live):
            rows.reserve(step + 1)
            live = self._advance(live, step, rows, draws)
            step += 1
        return [rows.collected(row) for row in range(len(assigned))]

    def _advance(
        self, live: Int[np.ndarray, " live"], step: int, rows: "_Rows", draws: list[PolicyDraws]
    ) -> Int[np.ndarray, " live"]:
        """Take one step in the live rows; return those that are not over."""
        seen = rows.observations[step, live]
        if self.observe is not None:
            steps = np.full(len(live), step, dtype=np.int64)
            seen = self.observe(seen, rows.indices[live], steps)
        rows.queries[live] += 1
        live, actions = self._ask(live, seen, step, rows, draws)
        if not len(live):
            return live
        rows.env_steps[live] += 1
        taken = self.env.step(live, actions)
        good = _paid(live, taken, rows, step)
        good[good] = ~self._check(live[good], taken.observations[good], rows, step)
        kept, at_limit = live[good], step + 1 >= self.limit
        rows.keep(kept, step, actions[good], taken, good)
        rows.truncated[kept] = at_limit
        over = rows.terminated[kept] | at_limit
        return np.asarray(kept[~over])

    def _ask(
        self,
        live: Int[np.ndarray, " live"],
        seen: Observations,
        step: int,
        rows: "_Rows",
        draws: list[PolicyDraws],
    ) -> tuple[Int[np.ndarray, " answered"], Actions]:
        """Return which rows the agent answered, and its actions in them."""
        rngs = [draws[row].at(step) for row in live.tolist()] if draws else []
        try:
            return live, choose_actions(self.agent, seen, self.policy, rngs)
        except AgentError as error:
            if len(live) == 1:
                rows.failures[int(live[0])] = Failure("agent", str(error), step)
                return live[:0], rows.actions[0, :0]
        # one row may have spoilt the batch: ask row by row, so that the others go on
        each = [
            self._ask(live[i : i + 1], seen[i : i + 1], step, rows, draws) for i in range(len(live))
        ]
        answered, actions = zip(*each, strict=True)
        return np.concatenate(answered), np.concatenate(actions)

    def _check(
        self,
        live: Int[np.ndarray, " live"],
        observations: Shaped[np.ndarray, "live *observation"],
        rows: "_Rows",
        step: int,
    ) -> Bool[np.ndarray, " live"]:
        """Return which rows end because of what they show; -1 is the step of `reset`."""
        rules = self._rules
        if rules.all_inside(observations):
            return np.zeros(len(live), dtype=bool)
        bad, outside = rules.not_a_number(observations), rules.outside(observations)
        for i in np.flatnonzero(bad | outside).tolist():
            row = int(live[i])
            if bad[i]:
                rows.failures[row] = Failure("environment", "the observation holds NaN", step)
            elif rules.strict:
                message = "the observation is outside its space"
                rows.failures[row] = Failure("environment", message, step)
            else:
                rows.n_outside[row] += 1
                if rows.first_outside[row] < 0:
                    rows.first_outside[row] = step + 1
        return bad | outside if rules.strict else bad


class _Rows:
    """What is kept of every row; step t of all rows lies side by side."""

    def __init__(
        self,
        assigned: Sequence[tuple[int, int]],
        observation_layout: tuple[tuple[int, ...], np.dtype[Any]],
        action_layout: tuple[tuple[int, ...], np.dtype[Any]],
    ) -> None:
        n = len(assigned)
        self.assigned = assigned
        self.indices = np.array([index for index, _ in assigned], dtype=np.int64)
        shape, dtype = observation_layout
        self.observations = np.empty((_FIRST_CAPACITY + 1, n, *shape), dtype)
        shape, dtype = action_layout
        self.actions = np.empty((_FIRST_CAPACITY, n, *shape), dtype)
        self.rewards = np.empty((_FIRST_CAPACITY, n))
        self.terms: dict[str, np.ndarray] = {}
        self.lengths, self.queries, self.env_steps, self.n_outside = np.zeros((4, n), np.int64)
        self.first_outside = np.full(n, -1)
        self.terminated, self.truncated = np.zeros((2, n), dtype=bool)
        self.failures: dict[int, Failure] = {}

    def reserve(self, n_steps: int) -> None:
        """Make room for so many steps."""
        if n_steps <= len(self.rewards):
            return
        self.observations = _doubled(self.observations)
        self.actions, self.rewards = _doubled(self.actions), _doubled(self.rewards)
        self.terms = {name: _doubled(values) for name, values in self.terms.items()}

    def keep(
        self,
        live: Int[np.ndarray, " live"],
        step: int,
        actions: Shaped[np.ndarray, "live *action"],
        taken: BatchedStep,
        good: Bool[np.ndarray, " stepped"],
    ) -> None:
        """Keep one step of the rows that are good."""
        self.actions[step, live] = actions
        self.rewards[step, live] = taken.rewards[good]
        self.observations[step + 1, live] = taken.observations[good]
        for name, values in taken.terms.items():
            if name not in self.terms:
                self.terms[name] = np.empty_like(self.rewards)
            self.terms[name][step, live] = values[good]
        self.terminated[live] = taken.terminated[good]
        self.lengths[live] = step + 1

    def collected(self, row: int) -> Collected:
        """Return the episode of a row."""
        index, seed = self.assigned[row]
        length = int(self.lengths[row])
        names = self.terms if length else {}
        episode = Episode(
            index=index,
            seed=seed,
            observations=self.observations[: length + 1, row].copy(),
            actions=self.actions[:length, row].copy(),
            rewards=self.rewards[:length, row].copy(),
            terminated=bool(self.terminated[row]),
            truncated=bool(self.truncated[row]),
            terms={name: self.terms[name][:length, row].copy() for name in names},
            failure=self.failures.get(row),
        )
        return Collected(
            episode,
            int(self.queries[row]),
            int(self.env_steps[row]),
            int(self.n_outside[row]),
            int(self.first_outside[row]),
        )


def _paid(
    live: Int[np.ndarray, " live"], taken: BatchedStep, rows: _Rows, step: int
) -> Bool[np.ndarray, " live"]:
    """Return which rows were paid a finite reward; the others end."""
    good: Bool[np.ndarray, " live"] = np.isfinite(taken.rewards)
    for i in np.flatnonzero(~good).tolist():
        message = f"step: the reward is {float(taken.rewards[i])}"
        rows.failures[int(live[i])] = Failure("environment", message, step)
    return good


def _doubled(values: np.ndarray) -> np.ndarray:
    larger = np.empty((2 * len(values), *values.shape[1:]), values.dtype)
    larger[: len(values)] = values
    return larger
