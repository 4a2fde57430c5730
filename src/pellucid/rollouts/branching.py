"""Futures: what follows from a stored step if other actions are taken.

Everything counterfactual goes through here. Two modes: `same_noise` is what would have happened
with the noise that did happen; `fresh_noise` re-seeds after returning to the step, replicate r
alike for every arm, so that differences between arms are paired and have a standard error.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from pellucid.agents.context import is_empty, unbound
from pellucid.agents.metering import unmetered
from pellucid.budget import Cost, Meter
from pellucid.envs.resolve import make_env, step_limit
from pellucid.envs.spec import EnvSpec
from pellucid.errors import BudgetError
from pellucid.rollouts.branch_checks import checked_branches
from pellucid.rollouts.checks import space_layout
from pellucid.rollouts.collecting import PART, Progress, part_size
from pellucid.rollouts.drawing import PolicyDraws
from pellucid.rollouts.episodes import Episode, Episodes, Failure
from pellucid.rollouts.generators import reseed
from pellucid.rollouts.hidden import HiddenInputs
from pellucid.rollouts.lanes import Lane
from pellucid.rollouts.lockstep import Lockstep, close
from pellucid.rollouts.recorder import Recorder
from pellucid.rollouts.snapshots import (
    SnapshotWay,
    WayKind,
    clone,
    noise_seed,
    probing_bound,
    remembered_way,
    replay,
    snapshot_way,
)
from pellucid.rollouts.workers import run_parts
from pellucid.seeds import derived_seed
from pellucid.types import Agent, PolicyMode


@dataclass(frozen=True)
class Branch:
    """A future to be run.

    Args:
        episode: Position in `episodes.used`.
        step: The step from which it differs.
        forced: Shape (k, *action), actions from that step on; then the agent acts. k may be 0.
        noise: None for `same_noise`, r for replicate r of `fresh_noise`.
        horizon: Steps from `step` on, forced ones included; None until the episode ends.
        hidden: Shape (inputs,), inputs that the agent does not see from `step` on: at every step
            they have the values of a visited state, drawn anew for each replicate and alike for
            all arms. None if it sees everything.
        random: Whether the forced actions stand for random ones. One that the environment does not
            allow where it comes gives way to a random allowed one, else to the agent's own.
        shown: Shape (*observation), what the agent sees at `step` in place of the observation; the
            environment stays as it was. None for what there is to see.
    """

    episode: int
    step: int
    forced: Shaped[np.ndarray, "k *action"]
    noise: int | None
    horizon: int | None = None
    hidden: Bool[np.ndarray, " inputs"] | None = None
    random: bool = False
    shown: Shaped[np.ndarray, "*observation"] | None = None


@dataclass(frozen=True)
class Future:
    """What followed.

    Args:
        rewards: Shape (n,), from the branching step on.
        actions: Shape (n, *action), forced ones included.
        terms: Reward terms by name, each of shape (n,); empty if none are reported.
        terminated: The environment ended it.
        truncated: A time limit ended it. Neither is set when the horizon ended it.
        failure: What stopped it; such a future enters no number.
        replayed_steps: Environment steps spent on returning to the step, 0 if another future of
            the same state paid for them.
        observations: Shape (n + 1, *observation), the branching state first; None unless asked
            for.
    """

    rewards: Float[np.ndarray, " n"]
    actions: Shaped[np.ndarray, "n *action"]
    terms: Mapping[str, Float[np.ndarray, " n"]] = field(default_factory=dict)
    terminated: bool = False
    truncated: bool = False
    failure: Failure | None = None
    replayed_steps: int = 0
    observations: Shaped[np.ndarray, "n_and_one *observation"] | None = None

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def total_reward(self) -> float:
        """The undiscounted return from the branching step on."""
        return float(self.rewards.sum())


def run_branches(
    agent: Agent,
    episodes: Episodes,
    branches: Sequence[Branch],
    *,
    meter: Meter,
    policy: PolicyMode = "greedy",
    jobs: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
    keep_observations: bool = False,
) -> tuple[Future, ...]:
    """Return the futures of the first branches, as many as the budget pays for, in order.

    A time limit of the meter ends it early too, between parts of the work.

    Branches of one state that follow each other share the way back to it where the environment can
    be copied. With a sampled policy, replicate r draws alike in every arm at every step, and under
    `same_noise` the agent draws as it did in the episode.

    Args:
        agent: Acts after the forced actions.
        episodes: Where the branches start.
        branches: What to run.
        meter: Pays: one environment step per step, replayed ones included, and one query per step
            that the agent chose.
        policy: Whether the agent's actions are most-likely or sampled.
        jobs: Processes; results are the same for any number.
        seed: Of fresh noise, of sampled actions, of hidden inputs and of the probes.
        progress: Told the share of the branches that is done.
        keep_observations: Whether futures hold their observations.

    Raises:
        InputError: A branch does not fit its episode or the action space, or its first forced
            action is not allowed there.
        CapabilityError: The environment cannot return to a step; the message says what is missing.
    """
    if not branches:
        return ()
    try:
        way = snapshot_way(episodes, meter=meter, seed=seed)
    except BudgetError:
        return ()
    if episodes.spec is None:  # `snapshot_way` has refused; this tells the type checker
        return ()
    if "recurrent" in agent.capabilities and episodes.visited_context.memory is None:
        raise unbound(agent.name, "what it saw at earlier steps, which these episodes do not hold")
    branches = checked_branches(episodes, episodes.spec, branches)
    task = _BranchTask(
        unmetered(agent),
        episodes.spec,
        way.kind,
        way.limit,
        policy,
        episodes.seed,
        seed,
        keep_observations,
        _hiding(episodes, branches, seed),
    )
    futures: list[Future] = []
    while len(futures) < len(branches):
        wave = _affordable(episodes, branches[len(futures) :], way, meter.left)
        if not wave:
            break
        parts = _parts(episodes, wave, jobs, part_size(meter))
        with closing(run_parts(task, parts, jobs)) as results:
            for part in results:
                meter.charge(
                    queries=sum(f.queries for f in part), env_steps=sum(f.env_steps for f in part)
                )
                futures += [f.future for f in part]
                if progress is not None:
                    progress(len(futures) / len(branches))
                if meter.time_is_up:
                    break
    return tuple(futures)


def branching_cost(episodes: Episodes, branches: Sequence[Branch]) -> Cost:
    """Return the most that `run_branches` can use, probing included if it is still to be done."""
    if not branches or episodes.spec is None:
        return Cost()
    way = remembered_way(episodes)
    asks_always = not is_empty(episodes.visited_context)
    known = way if isinstance(way, SnapshotWay) else None
    limit = known.limit if known is not None else _limit(episodes)
    total = Cost(env_steps=probing_bound(episodes))
    previous: Branch | None = None
    for branch in branches:
        total += _bound(branch, previous, known, limit, asks_always)
        previous = branch
    return total


# --- planning ---


def _bound(
    branch: Branch,
    previous: Branch | None,
    way: SnapshotWay | None,
    limit: int,
    asks_always: bool,
) -> Cost:
    # a recurrent agent sees forced steps too, and a forced action that is not allowed gives way
    length = _end(branch, limit) - branch.step
    shared = way is not None and way.kind != "replay" and _same_state(branch, previous)
    replayed = 0 if shared else branch.step
    n_asked = length if asks_always else max(0, length - len(branch.forced))
    return Cost(n_asked, replayed + length)


def _affordable(
    episodes: Episodes, branches: Sequence[Branch], way: SnapshotWay, left: Cost
) -> Sequence[Branch]:
    total = Cost()
    asks_always = not is_empty(episodes.visited_context)
    previous: Branch | None = None
    for count, branch in enumerate(branches):
        total += _bound(branch, previous, way, way.limit, asks_always)
        if not total.fits(left):
            return branches[:count]
        previous = branch
    return branches


def _end(branch: Branch, limit: int) -> int:
    return limit if branch.horizon is None else min(limit, branch.step + branch.horizon)


def _same_state(branch: Branch, previous: Branch | None) -> bool:
    return previous is not None and (branch.episode, branch.step) == (
        previous.episode,
        previous.step,
    )


def _limit(episodes: Episodes) -> int:
    remembered: int | None = vars(episodes).get("_step_limit")
    if remembered is None:
        assert episodes.spec is not None
        env = make_env(episodes.spec)
        remembered = step_limit(env)
        close(env)
        vars(episodes)["_step_limit"] = remembered
    return remembered


def _hiding(episodes: Episodes, branches: Sequence[Branch], seed: int) -> HiddenInputs | None:
    if all(branch.hidden is None for branch in branches):
        return None  # the pool of states is not sent to other processes for nothing
    return HiddenInputs(episodes.visited, derived_seed(seed, "hidden inputs"))


# --- running ---


@dataclass(frozen=True)
class _Group:
    """Branches of one state, with what is needed to return to it."""

    episode: Episode
    step: int
    branches: tuple[Branch, ...]
    memory: Float[np.ndarray, " units"] | None


@dataclass(frozen=True)
class _RunFuture:
    future: Future
    queries: int
    env_steps: int


def _parts(
    episodes: Episodes, wave: Sequence[Branch], jobs: int, most: int = PART
) -> list[list[_Group]]:
    # groups stay whole, so that what is shared, and thus the cost, never depends on `jobs`
    groups: list[list[Branch]] = []
    for branch in wave:
        if groups and _same_state(branch, groups[-1][-1]):
            groups[-1].append(branch)
        else:
            groups.append([branch])
    size = most if jobs == 1 else max(1, min(most, len(wave) // (4 * jobs)))
    parts: list[list[_Group]] = [[]]
    for members in groups:
        if sum(len(g.branches) for g in parts[-1]) >= size:
            parts.append([])
        first = members[0]
        episode = _up_to(episodes[first.episode], first.step)
        memories = episodes[first.episode].memories
        memory = None if memories is None else memories[first.step]
        parts[-1].append(_Group(episode, first.step, tuple(members), memory))
    return parts


def _up_to(episode: Episode, step: int) -> Episode:
    # only what a replay needs is sent to another process
    return replace(
        episode,
        observations=episode.observations[: step + 1],
        actions=episode.actions[:step],
        rewards=episode.rewards[:step],
        terms={},
        masks=None,
        memories=None,
    )


@dataclass(frozen=True)
class _BranchTask:
    agent: Agent
    spec: EnvSpec
    kind: WayKind
    limit: int
    policy: PolicyMode
    run_seed: int
    seed: int
    keep_observations: bool
    hide: HiddenInputs | None

    def __call__(self, groups: list[_Group]) -> list[_RunFuture]:
        probe = make_env(self.spec)
        observation_space, action_space = probe.observation_space, probe.action_space
        close(probe)
        items = [(g, b) for g, group in enumerate(groups) for b in range(len(group.branches))]
        start = _Starter(self, groups, observation_space, action_space)
        done: dict[tuple[int, int], _RunFuture] = {}

        def finished(item: tuple[int, int], lane: Lane) -> None:
            done[item] = _as_future(lane, start.replayed[item], self.keep_observations)

        lockstep = Lockstep(self.agent, self.policy, observation_space, hide=self.hide)
        try:
            lockstep.run(items, start, finished)
        finally:
            start.drop_base()
        return [done[item] for item in items]


class _Starter:
    """Makes the environments of branches; keeps the one from which a group is copied."""

    def __init__(
        self, task: _BranchTask, groups: list[_Group], observation_space: Any, action_space: Any
    ) -> None:
        self._task = task
        self._groups = groups
        self._layouts = space_layout(observation_space), space_layout(action_space)
        self._base: Any = None
        self.replayed: dict[tuple[int, int], int] = {}

    def __call__(self, item: tuple[int, int]) -> Lane:
        group = self._groups[item[0]]
        branch = group.branches[item[1]]
        task = self._task
        env = self._env(item, group)
        index, step = group.episode.index, branch.step
        if branch.noise is not None:
            reseed(env, noise_seed(task.seed, branch.noise, index, step))
        draws = self._draws(branch, index) if task.policy == "sampled" else None
        recorder = Recorder(*self._layouts, keep_observations=task.keep_observations)
        observation = np.array(group.episode.observations[step])
        recorder.start(observation)
        end = _end(branch, task.limit)
        if branch.shown is not None:
            observation = np.array(branch.shown)
        lane = Lane(index, env, recorder, observation, draws, step, end, task.limit, branch.forced)
        lane.env_steps = self.replayed[item]
        lane.hidden = branch.hidden
        # 0 is `same_noise`, which has no replicates
        lane.key = (index, step, 0 if branch.noise is None else 1 + branch.noise)
        lane.forced_at_random, lane.memory = branch.random, group.memory
        return lane

    def _draws(self, branch: Branch, index: int) -> PolicyDraws:
        if branch.noise is None:
            return PolicyDraws(self._task.run_seed, index)  # those that the episode had
        return PolicyDraws(self._task.seed, index, branch.step, branch.noise)

    def _env(self, item: tuple[int, int], group: _Group) -> Any:
        task = self._task
        shared = task.kind != "replay" and len(group.branches) > 1
        self.replayed[item] = 0 if shared and item[1] > 0 else group.step
        if not shared:
            return replay(task.spec, group.episode, group.step)[0]
        if item[1] == 0:
            self.drop_base()
            self._base = replay(task.spec, group.episode, group.step)[0]
        return clone(task.kind, self._base, task.spec, group.episode.seed)

    def drop_base(self) -> None:
        """Close the environment from which the last group was copied."""
        if self._base is not None:
            close(self._base)
            self._base = None


def _as_future(lane: Lane, replayed: int, keep_observations: bool) -> _RunFuture:
    recorder = lane.recorder
    future = Future(
        rewards=recorder.rewards,
        actions=recorder.actions,
        terms=recorder.terms,
        terminated=lane.terminated,
        truncated=lane.truncated,
        failure=lane.failure,
        replayed_steps=replayed,
        observations=recorder.observations if keep_observations else None,
    )
    return _RunFuture(future, lane.queries, lane.env_steps)
