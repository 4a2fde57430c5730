"""Lanes: episodes and futures on their way, and what their agent is handed and hands back."""

from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.agents.acting import raised
from pellucid.errors import AgentError, PellucidError
from pellucid.rollouts.allowed import allowed_in_place
from pellucid.rollouts.drawing import PolicyDraws
from pellucid.rollouts.episodes import Failure
from pellucid.rollouts.recorder import Recorder
from pellucid.seeds import stream
from pellucid.types import Actions, Agent, Context, Observations, Recurrent


class ObservationFilter(Protocol):
    """Changes what the agent sees; the environment and what is stored stay as they are.

    Must treat rows independently, since which rows come together is not fixed. To run in several
    processes it must be an object or function that another process can import.
    """

    def __call__(
        self,
        observations: Observations,
        episodes: Int[np.ndarray, " batch"],
        steps: Int[np.ndarray, " batch"],
    ) -> Observations:
        """Return what the agent sees instead.

        Args:
            observations: Shape (batch, *observation); a copy, free to change.
            episodes: Shape (batch,), index of each row's episode.
            steps: Shape (batch,), step of each row.
        """


@dataclass
class Lane:
    """One episode or future on its way.

    Args:
        index: Index of its episode.
        env: Its own environment, in the state of `step`; None if it could not be made.
        recorder: What has happened since it was started.
        observation: The current observation.
        draws: Draws its actions when the policy is sampled.
        step: Steps since `reset`, those before it was started included.
        end: Step at which it is left.
        limit: Step at which the environment must have ended; reaching it is a truncation.
        forced: Shape (k, *action), actions taken before the agent is asked. One that is forbidden
            where it comes gives way to the agent's own, or to a random one that is allowed.
        forced_at_random: Whether to a random one.
        done: Whether it is over.
        terminated: The environment ended it.
        truncated: A time limit ended it.
        failure: What stopped it.
        queries: Times the agent was asked.
        env_steps: Steps taken, those before it was started included.
        n_outside: Observations outside the declared range.
        first_outside: Step of the first of them.
        hidden: Shape (inputs,), what the agent does not see; None if it sees everything.
        key: What tells this lane's draws of hidden inputs from those of others.
        tells_masks: Whether its environment tells what is allowed.
        mask: Shape (actions,), what is allowed now; None if nobody says.
        memory: Shape (units,), what a recurrent agent carries over from earlier steps; None at the
            start of an episode, and for other agents.
        next_memory: The memory after the step that is being taken.
    """

    index: int
    env: Any
    recorder: Recorder
    observation: Any
    draws: PolicyDraws | None
    step: int
    end: int
    limit: int
    forced: Shaped[np.ndarray, "k *action"] | tuple[()] = ()
    forced_at_random: bool = False
    done: bool = False
    terminated: bool = False
    truncated: bool = False
    failure: Failure | None = None
    queries: int = 0
    env_steps: int = 0
    n_outside: int = 0
    first_outside: int = -1
    hidden: Bool[np.ndarray, " inputs"] | None = None
    key: tuple[int, ...] = ()
    tells_masks: bool = False
    mask: Bool[np.ndarray, " actions"] | None = None
    memory: Float[np.ndarray, " units"] | None = None
    next_memory: Float[np.ndarray, " units"] | None = None

    def fail(self, kind: str, message: str, step: int) -> None:
        """End it with a failure."""
        self.failure = Failure(kind, message, step)
        self.done = True

    @property
    def asks(self) -> bool:
        """Whether the next action is the agent's."""
        if len(self.recorder) >= len(self.forced):
            return True
        if self.mask is None or self.forced_at_random:
            return False
        start = int(self.env.action_space.start)
        return not self.mask[int(self.forced[len(self.recorder)]) - start]

    def forced_action(self) -> Shaped[np.ndarray, " *action"]:
        """Return the action that is taken without asking."""
        action = self.forced[len(self.recorder)]
        if self.mask is None or not self.forced_at_random:
            return np.asarray(action)[()]
        # of this place alone, so that arms that come here alike go on alike
        rng = stream(0, "allowed", *self.key, self.step, int(action))
        start = int(self.env.action_space.start)
        return allowed_in_place(action, self.mask, start, rng)[()]


def check_allowed(actions: Actions, lanes: list[Lane], *, who: str) -> None:
    """Check that an agent that is told which actions are allowed keeps to them.

    Raises:
        AgentError: It does not.
    """
    for lane, action in zip(lanes, actions, strict=True):
        assert lane.mask is not None
        if not lane.mask[int(action) - int(lane.env.action_space.start)]:
            raise AgentError(f"{who} chose the action {int(action)}, which is not allowed here")


def next_memories(
    agent: Agent, seen: Observations, lanes: list[Lane]
) -> Float[np.ndarray, "lanes units"]:
    """Return the memory of each lane after what was seen, checked.

    Raises:
        AgentError: The agent raised, or returned something else than one memory per lane.
    """
    try:
        memories = cast(Recurrent, agent).next_memory(seen)
    except PellucidError:
        raise
    except Exception as error:  # an agent may raise anything; it becomes a named failure
        raise raised(agent.name, error) from error
    assert lanes[0].memory is not None
    wanted = (len(lanes), *lanes[0].memory.shape)
    if not isinstance(memories, np.ndarray) or memories.shape != wanted:
        got = getattr(memories, "shape", type(memories).__name__)
        raise AgentError(f"{agent.name} returned a memory of {got}, expected an array of {wanted}")
    if not np.isfinite(memories).all():
        raise AgentError(f"{agent.name} remembers NaN or infinite numbers")
    return memories.astype(lanes[0].memory.dtype, copy=False)


def filtered(
    change: ObservationFilter | None, lanes: list[Lane], observations: Observations
) -> Observations:
    """Return what a filter makes of the observations of some lanes; the same if there is none."""
    if change is None:
        return observations
    episodes = np.array([lane.index for lane in lanes], dtype=np.int64)
    steps = np.array([lane.step for lane in lanes], dtype=np.int64)
    return change(observations, episodes, steps)


def context_of(lanes: list[Lane]) -> Context:
    """Return what the agent's answers in these lanes depend on beside the observations."""
    masks = [lane.mask for lane in lanes if lane.mask is not None]
    memories = [lane.memory for lane in lanes if lane.memory is not None]
    return Context(np.array(masks) if masks else None, np.array(memories) if memories else None)
