"""Runs many episodes or futures side by side, with one forward pass per step for all of them.

Which of them run side by side never changes a byte of any: each has its own fresh environment and
its own generator, and forward passes are padded to a fixed size (`agents.acting`).
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
from jaxtyping import Bool

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context
from pellucid.envs.reward_terms import RewardTermsError
from pellucid.errors import AgentError, InputError
from pellucid.rollouts.allowed import allowed_now, tells_masks
from pellucid.rollouts.checks import (
    BadStepError,
    ObservationRules,
    checked_flag,
    checked_reward,
    observation_rules,
)
from pellucid.rollouts.hidden import HiddenInputs
from pellucid.rollouts.lanes import (
    Lane,
    ObservationFilter,
    check_allowed,
    context_of,
    filtered,
    next_memories,
)
from pellucid.types import Agent, Observations, PolicyMode, Recurrent

logger = logging.getLogger(__name__)

LANES = 64
"""How many environments run side by side; more would only take memory."""

_MESSAGE_LENGTH = 300


LaneStarter: TypeAlias = Callable[[Any], Lane]


@dataclass
class Lockstep:
    """Runs lanes side by side, starting the next one as soon as one is over.

    Args:
        agent: Asked for actions; not metered.
        policy: Whether actions are most-likely or sampled.
        observation_space: Of the environment.
        observe: Changes what the agent sees.
        lanes: How many run side by side.
        hide: Replaces what lanes hide; only needed if one of them does.
        remember: Changes what a recurrent agent remembers of a step, and not what it acts on.
    """

    agent: Agent
    policy: PolicyMode
    observation_space: Any
    observe: ObservationFilter | None = None
    lanes: int = LANES
    hide: HiddenInputs | None = None
    remember: ObservationFilter | None = None
    _rules: ObservationRules = field(init=False)
    _recurrent: bool = field(init=False)
    _masked: bool = field(init=False)

    def __post_init__(self) -> None:
        self._rules = observation_rules(self.observation_space)
        self._recurrent = "recurrent" in self.agent.capabilities
        self._masked = "masks" in self.agent.capabilities

    def run(
        self,
        items: Iterable[Any],
        start: LaneStarter,
        finished: Callable[[Any, Lane], None],
    ) -> None:
        """Run every item to its end.

        Args:
            items: What to run, in order.
            start: Makes the lane of an item; a lane may be over at once.
            finished: Called with an item and its lane when it is over, in any order. The
                environment of the lane is closed already.
        """
        waiting = deque(items)
        live: list[tuple[Any, Lane]] = []
        try:
            while True:
                while waiting and len(live) < self.lanes:
                    item = waiting.popleft()
                    lane = start(item)
                    _refuse_shared(lane, [other for _, other in live])
                    live.append((item, lane))
                    if not lane.done:
                        self._enter(lane)
                        self._check_batch([lane], [lane.observation])
                if not live:
                    return
                self._advance([lane for _, lane in live if not lane.done])
                for item, lane in live:
                    if lane.done:
                        close(lane.env)
                        finished(item, lane)
                live = [(item, lane) for item, lane in live if not lane.done]
        finally:
            for _, lane in live:
                close(lane.env)

    def _enter(self, lane: Lane) -> None:
        if self._recurrent and lane.memory is None:
            lane.memory = cast(Recurrent, self.agent).initial_memory
        lane.tells_masks = tells_masks(lane.env)
        if self._masked and not lane.tells_masks:
            lane.mask = np.ones(int(self.agent.action_space.n), dtype=bool)
        self._look_at_masks(lane)

    def _look_at_masks(self, lane: Lane) -> None:
        if lane.tells_masks:
            try:
                lane.mask = allowed_now(lane.env)
            except BadStepError as error:
                lane.fail("environment", str(error), lane.step)

    # --- one step of every lane ---

    def _advance(self, lanes: list[Lane]) -> None:
        if not lanes:
            return
        results = []
        stepped = []
        for lane, action in self._choose(lanes):
            result = self._step(lane, action)
            if result is not None:
                stepped.append(lane)
                results.append((action, *result))
        if not stepped:
            return
        bad = self._check_batch(stepped, [result[1] for result in results])
        for lane, result, is_bad in zip(stepped, results, bad, strict=True):
            if not is_bad:
                _keep(lane, *result)
            if not lane.done:
                self._look_at_masks(lane)

    def _choose(self, lanes: list[Lane]) -> list[tuple[Lane, Any]]:
        asking = [lane for lane in lanes if lane.asks]
        chosen: list[tuple[Lane, Any]] = []
        if len(asking) < len(lanes):
            forced = [lane for lane in lanes if not lane.asks]
            if self._recurrent:
                # what it sees there it remembers, also if the action is not its own
                self._pass_memory(forced, self._seen(forced), charged=True)
            chosen = [(lane, lane.forced_action()) for lane in forced if not lane.done]
        if asking:
            seen = self._seen(asking)
            for lane in asking:
                lane.queries += 1
            actions = self._ask(asking, seen)
            if self._recurrent:
                self._pass_memory(asking, seen, charged=False)
            chosen += [
                (lane, action)
                for lane, action in zip(asking, actions, strict=True)
                if not lane.done
            ]
        return chosen

    def _seen(self, lanes: list[Lane]) -> Observations:
        observations = np.empty((len(lanes), *self._rules.shape), self._rules.dtype)
        for row, lane in enumerate(lanes):
            observations[row] = lane.observation
        if self.hide is not None:
            observations = self._hidden(lanes, observations, self.hide)
        return filtered(self.observe, lanes, observations)

    def _hidden(
        self, lanes: list[Lane], observations: Observations, hide: HiddenInputs
    ) -> Observations:
        rows = [row for row, lane in enumerate(lanes) if lane.hidden is not None]
        if not rows:
            return observations
        hidden = np.array([lanes[row].hidden for row in rows], dtype=bool)
        keys = np.array([(*lanes[row].key, lanes[row].step) for row in rows], dtype=np.int64)
        observations[rows] = hide(observations[rows], hidden, keys)
        return observations

    def _ask(self, lanes: list[Lane], observations: Observations) -> list[Any]:
        # of this step: a row that is asked again, alone, draws the same
        rngs = [lane.draws.at(lane.step) for lane in lanes if lane.draws is not None]
        try:
            agent = in_context(self.agent, context_of(lanes))
            actions = choose_actions(agent, observations, self.policy, rngs)
            if self._masked:
                check_allowed(actions, lanes, who=self.agent.name)
            return list(actions)
        except AgentError as error:
            if len(lanes) == 1:
                lanes[0].fail("agent", str(error), lanes[0].step)
                return [None]
        # one row may have spoilt the batch: ask row by row, so that the others go on
        return [self._ask([lane], observations[row : row + 1])[0] for row, lane in enumerate(lanes)]

    def _pass_memory(self, lanes: list[Lane], seen: Observations, *, charged: bool) -> None:
        """Set the memory after this step; the query of a lane that was asked pays for it too."""
        for lane in lanes:
            lane.queries += charged
        rows = [row for row, lane in enumerate(lanes) if not lane.done]
        live = [lanes[row] for row in rows]
        if not live:
            return
        try:
            agent = in_context(self.agent, context_of(live))
            remembered = filtered(self.remember, live, seen[rows])
            for lane, memory in zip(live, next_memories(agent, remembered, live), strict=True):
                lane.next_memory = memory
        except AgentError as error:
            if len(live) == 1:
                live[0].fail("agent", str(error), live[0].step)
                return
            for lane, row in zip(live, rows, strict=True):
                self._pass_memory([lane], seen[row : row + 1], charged=False)

    def _step(self, lane: Lane, action: Any) -> tuple[Any, ...] | None:
        lane.env_steps += 1
        try:
            # a copy: environments are known to clip the array that they are given
            result = lane.env.step(action.copy())
        except RewardTermsError as error:
            lane.fail("reward", f"the reward terms {error}", lane.step)
            return None
        except Exception as error:  # an environment may raise anything; it becomes data
            lane.fail("environment", f"step raised {one_line(error)}", lane.step)
            return None
        try:
            observation, reward, terminated, truncated, info = _unpacked(result)
            return (
                self._rules.stored(observation),
                checked_reward(reward),
                checked_flag(terminated, "terminated"),
                checked_flag(truncated, "truncated"),
                info.get("reward_terms"),
            )
        except BadStepError as error:
            lane.fail("environment", f"step: {error}", lane.step)
            return None

    def _check_batch(self, lanes: list[Lane], rows: list[Any]) -> Bool[np.ndarray, " lanes"]:
        batch = np.empty((len(rows), *self._rules.shape), self._rules.dtype)
        for row, observation in enumerate(rows):
            batch[row] = observation
        if self._rules.all_inside(batch):
            return np.zeros(len(rows), dtype=bool)
        bad = self._rules.not_a_number(batch)
        outside = self._rules.outside(batch)
        for row in np.flatnonzero(bad | outside).tolist():
            _report(lanes[row], bool(bad[row]), self._rules.strict)
        return bad | outside if self._rules.strict else bad


def _report(lane: Lane, not_a_number: bool, strict: bool) -> None:
    step = lane.step if lane.env_steps else -1
    if not_a_number:
        lane.fail("environment", "the observation holds NaN", step)
    elif strict:
        lane.fail("environment", "the observation is outside its space", step)
    else:
        lane.n_outside += 1
        if lane.first_outside < 0:
            lane.first_outside = lane.step + 1 if lane.env_steps else lane.step


def _keep(
    lane: Lane,
    action: Any,
    observation: Any,
    reward: float,
    terminated: bool,
    truncated: bool,
    terms: Mapping[str, float] | None,
) -> None:
    try:
        lane.recorder.step(action, reward, observation, terms, lane.mask, lane.memory)
    except TypeError as error:
        lane.fail("reward", f"the reward terms must map names to numbers: {error}", lane.step)
        return
    lane.observation = observation
    lane.memory = lane.next_memory
    lane.step += 1
    lane.terminated = terminated
    # an environment that swallows its own limit is cut off here
    lane.truncated = truncated or (lane.step >= lane.limit and not terminated)
    lane.done = terminated or lane.truncated or lane.step >= lane.end


def _unpacked(result: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
    if not isinstance(result, tuple) or len(result) != 5:
        got = f"{len(result)} values" if isinstance(result, tuple) else type(result).__name__
        raise BadStepError(
            f"expected observation, reward, terminated, truncated and info, got {got}"
        )
    if not isinstance(result[4], dict):
        raise BadStepError(f"expected info to be a dict, got {type(result[4]).__name__}")
    return result


def _refuse_shared(lane: Lane, others: Iterable[Lane]) -> None:
    if lane.env is None:
        return
    if any(lane.env.unwrapped is other.env.unwrapped for other in others):
        raise InputError(
            "the factory gave the same environment twice",
            hint="it must make a new environment at each call",
        )


def close(env: Any) -> None:
    """Close an environment; one that fails to close has done its work already."""
    if env is None:
        return
    try:
        env.close()
    except Exception as error:
        logger.info("closing the environment raised %s", one_line(error))


def one_line(error: BaseException) -> str:
    """Return the type and message of an exception in one line."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= _MESSAGE_LENGTH else text[: _MESSAGE_LENGTH - 1] + "…"
