"""Collects episodes: assigned before they run, each in a fresh environment, same bytes always.

Every episode starts in a new instance because a used one may differ (Box2D keeps what it has
simulated). Episodes are kept in the order in which they were assigned, never in the order in which
they end: keeping the first finished prefers short ones.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from pellucid.agents.context import needs_context
from pellucid.agents.metering import unmetered
from pellucid.budget import Meter
from pellucid.envs.batched import batched_like
from pellucid.envs.names import Names
from pellucid.envs.resolve import make_env, step_limit
from pellucid.envs.spec import EnvSpec
from pellucid.errors import EnvError, InputError
from pellucid.kernels.returns import terms_add_up, terms_error
from pellucid.rollouts.allowed import ALL_ALLOWED, tells_masks
from pellucid.rollouts.batched import BatchedRun
from pellucid.rollouts.checks import BadStepError, ObservationRules, observation_rules, space_layout
from pellucid.rollouts.collected import Collected
from pellucid.rollouts.drawing import PolicyDraws
from pellucid.rollouts.episodes import Episode, Episodes
from pellucid.rollouts.lanes import Lane, ObservationFilter
from pellucid.rollouts.lockstep import LANES, Lockstep, one_line
from pellucid.rollouts.recorder import Recorder
from pellucid.rollouts.workers import run_parts
from pellucid.seeds import episode_seeds as seeds_of_run
from pellucid.types import Agent, PolicyMode

logger = logging.getLogger(__name__)

PART = 256
"""Episodes or futures that one process is given at a time."""
TIMED_PART = 16
"""The same where there is a time limit, which is looked at between them."""

Progress: TypeAlias = Callable[[float], None]
"""`progress(share)`, called in the main process with the share of the work that is done."""


def collect(
    agent: Agent,
    spec: EnvSpec,
    *,
    n_episodes: int,
    seed: int,
    policy: PolicyMode = "greedy",
    meter: Meter,
    names: Names,
    jobs: int = 1,
    observe: ObservationFilter | None = None,
    remember: ObservationFilter | None = None,
    episode_seeds: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> Episodes:
    """Return what the agent does in its environment.

    One step costs one query and one environment step. Episodes run in waves; a wave holds no more
    episodes than the rest of the budget pays for if each lasts to the step limit, so that the
    budget is never exceeded and no episode is cut short by it.

    Args:
        agent: Chooses actions.
        spec: Makes the environment.
        n_episodes: How many to attempt.
        seed: Of the run; episode i has the i-th of `seeds.episode_seeds(seed, n)` and, if the
            policy is sampled, has the draws `PolicyDraws(seed, i)`.
        policy: Most-likely (`greedy`) or drawn (`sampled`) actions.
        meter: Pays.
        names: Stored with the episodes.
        jobs: Processes; results are the same for any number.
        observe: Changes what the agent sees, not what happens and not what is stored.
        remember: Changes what a recurrent agent remembers of a step, not what it acts on.
        episode_seeds: In place of the derived seeds, one per episode, for paired runs.
        progress: Told the share of the episodes that is done.

    Returns:
        The first episodes of the run, as many as budget and time limit paid for. One in which the
        agent or the environment failed is kept up to that step, with the failure.

    Raises:
        InputError: An argument is out of range, or the environment cannot be made.
    """
    if n_episodes < 0 or jobs < 1:
        raise InputError(f"n_episodes must be >= 0 and jobs >= 1, got {n_episodes} and {jobs}")
    seeds = list(episode_seeds) if episode_seeds is not None else seeds_of_run(seed, n_episodes)
    if len(seeds) != n_episodes:
        raise InputError(f"expected {n_episodes} episode seeds, got {len(seeds)}")
    bound = _step_bound(spec)
    task = _CollectTask(unmetered(agent), spec, seed, policy, observe, remember)
    done: list[Collected] = []
    while len(done) < n_episodes:
        affordable = min(meter.left.queries, meter.left.env_steps) // bound
        wave = range(len(done), min(n_episodes, len(done) + affordable))
        if not wave:
            break
        parts = _parts([(i, seeds[i]) for i in wave], jobs, part_size(meter))
        with closing(run_parts(task, parts, jobs)) as results:
            for part in results:
                meter.charge(
                    queries=sum(c.queries for c in part), env_steps=sum(c.env_steps for c in part)
                )
                done += part
                if progress is not None:
                    progress(len(done) / n_episodes)
                if meter.time_is_up:
                    break
    attempted = tuple(c.episode for c in done)
    warnings = (
        *_range_warnings(done),
        *_terms_warnings(attempted, names.reward_unit),
        *_mask_warnings(agent, spec),
    )
    for warning in warnings:
        logger.warning(warning)
    return Episodes(attempted, spec, names, seed, policy, warnings)


def part_size(meter: Meter) -> int:
    """Return how many episodes or futures may run between two looks at the clock."""
    return PART if meter.time_limit is None else TIMED_PART


@dataclass(frozen=True)
class _CollectTask:
    agent: Agent
    spec: EnvSpec
    seed: int
    policy: PolicyMode
    observe: ObservationFilter | None
    remember: ObservationFilter | None

    def __call__(self, assigned: list[tuple[int, int]]) -> list[Collected]:
        probe = make_env(self.spec)
        observation_space, action_space = probe.observation_space, probe.action_space
        batch, limit = batched_like(probe, len(assigned)), step_limit(probe)
        alone = _sees_all(self.agent, probe)
        probe.close()
        spaces = observation_space, action_space
        if batch is not None and alone:
            run = BatchedRun(self.agent, self.policy, batch, spaces, limit, self.seed, self.observe)
            return run.run(assigned)
        start = _Starter(self.spec, self.seed, self.policy, observation_space, action_space)
        collected: dict[int, Collected] = {}

        def finished(item: tuple[int, int], lane: Lane) -> None:
            collected[item[0]] = _as_collected(item, lane)

        lockstep = Lockstep(
            self.agent, self.policy, observation_space, self.observe, remember=self.remember
        )
        lockstep.run(assigned, start, finished)
        return [collected[index] for index, _ in assigned]


def _sees_all(agent: Agent, env: Any) -> bool:
    """Whether an agent's answers there depend on nothing but what it observes.

    An agent that could be handed allowed actions, and is handed none, is asked as it is.
    """
    told = {"masks", "recurrent"} & agent.capabilities or tells_masks(env)
    return not (told and needs_context(agent))


class _Starter:
    def __init__(
        self,
        spec: EnvSpec,
        seed: int,
        policy: PolicyMode,
        observation_space: Any,
        action_space: Any,
    ) -> None:
        self._spec = spec
        self._seed = seed
        self._policy = policy
        self._rules = observation_rules(observation_space)
        self._layouts = space_layout(observation_space), space_layout(action_space)

    def __call__(self, item: tuple[int, int]) -> Lane:
        index, episode_seed = item
        draws = PolicyDraws(self._seed, index) if self._policy == "sampled" else None
        lane = Lane(index, None, Recorder(*self._layouts), None, draws, step=0, end=0, limit=0)
        try:
            lane.env = make_env(self._spec)
            lane.end = lane.limit = step_limit(lane.env)
            lane.observation = reset(lane.env, episode_seed, self._rules)
        except EnvError as error:
            lane.fail("environment", str(error), -1)
        else:
            lane.recorder.start(lane.observation)
        return lane


def reset(env: Any, seed: int, rules: ObservationRules) -> Any:
    """Reset an environment and return its first observation, ready to be stored.

    Raises:
        EnvError: It raised, or returned something else.
    """
    try:
        result = env.reset(seed=seed)
    except Exception as error:  # an environment may raise anything; it becomes one line
        raise EnvError(f"reset raised {one_line(error)}") from error
    if not isinstance(result, tuple) or len(result) != 2:
        raise EnvError(f"reset must return observation and info, got {type(result).__name__}")
    try:
        # a copy: it must not change when the environment goes on
        return np.array(rules.stored(result[0]))
    except BadStepError as error:
        raise EnvError(f"reset: {error}") from None


def _as_collected(item: tuple[int, int], lane: Lane) -> Collected:
    recorder = lane.recorder
    episode = Episode(
        index=item[0],
        seed=item[1],
        observations=recorder.observations,
        actions=recorder.actions,
        rewards=recorder.rewards,
        terminated=lane.terminated,
        truncated=lane.truncated,
        terms=recorder.terms,
        failure=lane.failure,
        masks=recorder.masks,
        memories=recorder.memories,
    )
    return Collected(episode, lane.queries, lane.env_steps, lane.n_outside, lane.first_outside)


def _parts(
    items: list[tuple[int, int]], jobs: int, most: int = PART
) -> list[list[tuple[int, int]]]:
    # two parts per process, so that one long episode does not leave the others idle; in one
    # process large parts, whose lanes are refilled as episodes end
    size = most if jobs == 1 else max(1, min(LANES, most, -(-len(items) // (2 * jobs))))
    return [items[i : i + size] for i in range(0, len(items), size)]


def _step_bound(spec: EnvSpec) -> int:
    env = make_env(spec)
    try:
        return step_limit(env)
    finally:
        env.close()


def _range_warnings(done: list[Collected]) -> tuple[str, ...]:
    outside = [c for c in done if c.n_outside]
    if not outside:
        return ()
    first = outside[0]
    n_outside = sum(c.n_outside for c in outside)
    warning = (
        f"{_counted(n_outside, 'observation')} in {_counted(len(outside), 'episode')} left the "
        "range that the environment declares, first in episode "
        f"{first.episode.index} at step {first.first_outside}"
    )
    return (warning,)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _mask_warnings(agent: Agent, spec: EnvSpec) -> tuple[str, ...]:
    if "masks" not in agent.capabilities:
        return ()
    env = make_env(spec)
    try:
        return () if tells_masks(env) else (ALL_ALLOWED,)
    finally:
        env.close()


def _terms_warnings(attempted: tuple[Episode, ...], unit: str) -> tuple[str, ...]:
    used = [e for e in attempted if e.failure is None and e.terms]
    errors = [terms_error(e.terms, e.rewards) for e in used]
    off = [x for x, e in zip(errors, used, strict=True) if not terms_add_up(x, e.rewards)]
    if not off:
        return ()
    warning = (
        f"The reward terms do not add up to the reward in {len(off)} of {len(used)} episodes: off "
        f"by up to {max(off):.3g} {unit} in one episode; they are not used"
    )
    return (warning,)
