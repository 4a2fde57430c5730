"""What explainers share that let a readable program stand in: labels, roll-outs and the choice.

An explainer brings a family of programs: one that acts while states are gathered, and a front of
sizes. Here they are run on the same episodes as the agent, and the smallest that earns enough is
kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int

from pellucid.agents.acting import preferences
from pellucid.agents.context import in_context, take
from pellucid.agents.flatten import n_inputs
from pellucid.agents.outputs import action_parts, is_one_choice
from pellucid.agents.program import ProgramAgent
from pellucid.agents.spaces import describe
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError, EnvError
from pellucid.explainers.model.labelling import Labels, label, same_choice
from pellucid.explanation import Finding, Surrogate, Task, fact
from pellucid.explanation.programs import surrogate_of
from pellucid.kernels.programs import Program
from pellucid.rollouts import Episodes, collect
from pellucid.rollouts.remembered import remembered_along
from pellucid.rollouts.stand_ins import RandomAgent, collect_stand_in
from pellucid.seeds import derived_seed, episode_seeds, stream
from pellucid.stats import Estimate, mean_interval, paired_gap
from pellucid.types import Context, Observations

N_EPISODES, MIN_EPISODES = 20, 5
"""Episodes of each stand-in; as many as the budget pays for in every arm."""
STATES_PER_ROUND = 8_000
"""States that the agent labels after a round."""
AGREEMENT_STATES = 1_000
RETURN_LIMIT = 0.1
"""Share of the agent's return above random actions that a stand-in may lose."""


@dataclass(frozen=True)
class Family:
    """Programs of one kind.

    Args:
        method: Name of the explainer, for seeds.
        question: Its question.
        form: `tree` or `formula`.
        acting: Returns the program that acts while states are gathered.
        front: Returns programs of growing size.
        n_front: Most programs that `front` returns.
        n_rounds: Rounds of DAgger: the acting program acts, the agent labels.
        size: Size of a program along the front.
        noun: What its programs are called in sentences, in the plural.
    """

    method: str
    question: str
    form: str
    acting: Callable[[Labels], Program]
    front: Callable[[Labels], Sequence[Program]]
    n_front: int
    n_rounds: int
    size: Callable[[Program], int] = lambda program: program.n_leaves
    noun: str = "trees"


@dataclass(frozen=True)
class Arm:
    """One program on the common episodes."""

    program: Program
    size: int
    episodes: Episodes
    interval: Estimate
    lost: Estimate


@dataclass(frozen=True)
class Reference:
    """The agent on the common episodes, and the most that a stand-in may lose."""

    episodes: Episodes
    returns: Float[np.ndarray, " episodes"]
    limit: float


class _States(NamedTuple):
    """States, and what the agent's answers in them depend on."""

    observations: Observations
    context: Context


@dataclass
class _Gathered:
    """Labelled states, in the order in which they were met."""

    parts: list[Labels] = field(default_factory=list)

    def add(self, task: Task, states: "_States") -> None:
        """Label states by the agent; costs one query each."""
        self.parts.append(label(task, states.observations, states.context))

    def all(self) -> Labels:
        first = self.parts[0]
        return Labels(
            np.concatenate([p.inputs for p in self.parts]),
            np.concatenate([p.scores for p in self.parts]),
            np.concatenate([p.weights for p in self.parts]),
            first.n_actions,
        )


def plan_distilling(task: Task, *, n_front: int, n_rounds: int) -> Cost:
    """Return the expected work: every stand-in is taken to last as long as the agent.

    Args:
        task: What would be explained.
        n_front: As in `Family`.
        n_rounds: As in `Family`.

    Raises:
        CapabilityError: There is no environment, or the actions are of another type.
        DataError: There is no finished episode.
    """
    check_task(task)
    n_arms = 2 + n_rounds + n_front
    steps = _expected_steps(task) * _n_episodes(task, n_arms)
    # a recurrent agent is shown whole episodes, to find what it would remember in them
    shown = steps if "recurrent" in task.agent.capabilities else 0
    labelled = (n_rounds + 1) * (min(STATES_PER_ROUND, steps) + shown) + AGREEMENT_STATES + shown
    return Cost(queries=steps + labelled, env_steps=n_arms * steps)


def distil(task: Task, family: Family) -> Finding:
    """Fit programs of growing size, run them, and keep one.

    DAgger: the acting program acts, the agent labels the states that it gets into, and the next one
    is fitted to all states so far. Then the front is run, all on the same seeds as the agent. Kept
    is the smallest program whose lost return, with its interval, is within the limit of a tenth of
    the agent's return above random actions; else the smallest whose mean is; else the best.

    Args:
        task: What is explained.
        family: The programs.

    Raises:
        BudgetError: Less than five episodes of each, or no state can be labelled.
        CapabilityError: As `plan_distilling`.
        EnvError: Every episode failed.
    """
    check_task(task)
    n = _n_episodes(task, 2 + family.n_rounds + family.n_front)
    seeds = episode_seeds(derived_seed(task.seed, family.method, "episodes"), n)
    reference = _reference(task, family, seeds)
    seeds = seeds[: len(reference.returns)]
    gathered = _Gathered()
    rows = _affordable_rows(task, family)
    gathered.add(task, _spread(task, family, reference.episodes, rows, "start"))
    arms, finished = _grow(task, family, gathered, reference, seeds)
    usable = [arm for arm in arms if arm.lost.measured]
    if arms and not usable:
        raise EnvError(
            f"no episode of a stand-in could be used: {_warnings([a.episodes for a in arms])[0]}"
        )
    if not usable:
        raise _too_small(task, family)
    chosen = usable[_choose(usable, reference.limit)]
    agreed = _agreement(task, family, chosen)
    content = _content(task, family, usable, chosen, reference)
    return Finding(
        question=family.question,
        content=content,
        facts={"k": fact(chosen.size), "p": fact(agreed)},
        complete=finished,
        left_out=_left_out(family, len(seeds), 0 if finished else len(arms)),
        warnings=_warnings((reference.episodes, *(arm.episodes for arm in arms))),
    )


def check_task(task: Task) -> None:
    """Refuse what no program can stand in for.

    Args:
        task: What would be explained.

    Raises:
        CapabilityError: There is no environment, or the actions are of another type.
        DataError: There is no finished episode.
    """
    if task.episodes.spec is None:
        raise CapabilityError(
            "a stand-in is judged by what it earns, and these are logs without an environment",
            hint="give the environment; the explainer shapley works on logs alone",
        )
    space = task.agent.action_space
    quantities = all(part.kind == "quantity" for part in action_parts(space))
    if not quantities and not is_one_choice(space):
        raise CapabilityError(
            f"a stand-in for actions of type {describe(space)} is not defined",
            hint="supported: one choice (Discrete), or quantities alone (Box)",
        )
    n_inputs(task.agent.observation_space)
    if not task.episodes.used:
        raise DataError("there is no finished episode to explain", hint="collect episodes first")


def _expected_steps(task: Task) -> int:
    return max(1, round(float(np.mean([len(e) for e in task.episodes.used]))))


def _n_episodes(task: Task, n_arms: int) -> int:
    """Return how many episodes every arm can have."""
    affordable = task.meter.left.env_steps // (n_arms * _expected_steps(task))
    return int(np.clip(affordable, MIN_EPISODES, N_EPISODES))


def _reference(task: Task, family: Family, seeds: Sequence[int]) -> Reference:
    """Run the agent and random actions on the common seeds.

    Raises:
        BudgetError: Less than five episodes of each.
    """
    episodes, agent = task.episodes, task.agent
    assert episodes.spec is not None
    own = collect(
        agent,
        episodes.spec,
        n_episodes=len(seeds),
        seed=derived_seed(task.seed, family.method, "policy"),
        policy=task.policy,
        meter=task.meter,
        names=episodes.names,
        jobs=task.jobs,
        episode_seeds=seeds,
    )
    lot = RandomAgent(agent.observation_space, agent.action_space)
    drawn = _run(task, family, lot, seeds)
    n = min(len(own.attempted), len(drawn.attempted))
    returns, random = _returns(own)[:n], _returns(drawn)[:n]
    failure = next((e.failure for e in own.attempted if e.failure is not None), None)
    if n and not np.isfinite(returns).any() and failure is not None:
        raise EnvError(f"every episode of the agent failed: {failure.message}")
    if n < MIN_EPISODES or not own.used:
        raise _too_small(task, family)
    above = float(np.nanmean(returns) - np.nanmean(random)) if np.isfinite(random).any() else 0.0
    return Reference(own, returns, RETURN_LIMIT * max(0.0, above))


def _affordable_rows(task: Task, family: Family) -> int:
    """Return how many states can be labelled at first; a part stays for later rounds.

    Raises:
        BudgetError: None.
    """
    rows = min(STATES_PER_ROUND, task.meter.left.queries // 2)
    if rows < 1:
        raise _too_small(task, family)
    return rows


def _grow(
    task: Task, family: Family, gathered: _Gathered, reference: Reference, seeds: Sequence[int]
) -> tuple[list[Arm], bool]:
    """Return every program that was run, and whether all were; all states make the front."""
    arms: list[Arm] = []
    n_arms = family.n_rounds + family.n_front
    for round_index in range(family.n_rounds):
        arm = _try(task, family, family.acting(gathered.all()), reference, seeds)
        if arm is None:
            return arms, False
        arms.append(arm)
        rows = min(STATES_PER_ROUND, task.meter.left.queries - AGREEMENT_STATES)
        if rows > 0 and arm.episodes.used:
            gathered.add(task, _spread(task, family, arm.episodes, rows, round_index))
        task.progress((round_index + 1) / n_arms)
    different = {_key(program): program for program in family.front(gathered.all())}
    for position, program in enumerate(different.values()):
        arm = _try(task, family, program, reference, seeds)
        if arm is None:
            return arms, False
        arms.append(arm)
        task.progress((family.n_rounds + position + 1) / n_arms)
    return arms, True


def _key(program: Program) -> tuple[Any, ...]:
    arrays = (*program.tree, program.weights)
    return (program.n_leaves, program.terms, *(part.tobytes() for part in arrays))


def _try(
    task: Task, family: Family, program: Program, reference: Reference, seeds: Sequence[int]
) -> Arm | None:
    """Run a program on the common seeds; None if the budget does not pay for all of them."""
    space = task.agent.action_space
    student = ProgramAgent(program, task.agent.observation_space, space)
    episodes = _run(task, family, student, seeds)
    if len(episodes.attempted) < len(seeds):
        return None
    returns = _returns(episodes)
    lost = paired_gap(reference.returns, returns, "higher")
    return Arm(program, family.size(program), episodes, mean_interval(returns), lost)


def _run(task: Task, family: Family, agent: Any, seeds: Sequence[int]) -> Episodes:
    return collect_stand_in(
        agent,
        task.episodes,
        episode_seeds=seeds,
        seed=derived_seed(task.seed, family.method, "random"),
        meter=task.meter,
        jobs=task.jobs,
    )


def _returns(episodes: Episodes) -> Float[np.ndarray, " episodes"]:
    earned = [np.nan if e.failure is not None else e.total_reward for e in episodes.attempted]
    return np.array(earned, dtype=np.float64)


def _spread(
    task: Task, family: Family, episodes: Episodes, n_most: int, name: str | int
) -> _States:
    """Return visited states, drawn without order if there are more than wanted.

    What a recurrent agent would remember in another one's episodes is found by showing it them
    from their start; that takes one query per step, so that fewer states may come.
    """
    episodes = remembered_along(task.agent, episodes, task.meter)
    visited = episodes.visited
    rows = np.arange(len(visited))
    if len(visited) > n_most:
        rng = stream(task.seed, family.method, "states", name)
        rows = np.sort(rng.choice(len(visited), size=n_most, replace=False))
    return _States(np.asarray(visited[rows]), take(episodes.visited_context, rows))


def _choose(arms: Sequence[Arm], limit: float) -> int:
    """Return the position of the program to keep."""
    order = sorted(range(len(arms)), key=lambda i: (arms[i].size, arms[i].lost.value))
    surely = [i for i in order if arms[i].lost.high < limit]
    likely = [i for i in order if arms[i].lost.value <= limit]
    best = sorted(order, key=lambda i: arms[i].lost.value)
    return (surely or likely or best)[0]


def _agreement(task: Task, family: Family, arm: Arm) -> float:
    """Return the percentage of the program's own states in which the agent chooses the same."""
    # earlier rounds leave at least one query
    n = min(AGREEMENT_STATES, max(1, task.meter.left.queries))
    states = _spread(task, family, arm.episodes, n, "agreement")
    scores = preferences(in_context(task.agent, states.context), states.observations)
    student = ProgramAgent(arm.program, task.agent.observation_space, task.agent.action_space)
    values = in_context(student, states.context).leaf_values(states.observations)
    return 100.0 * float(same_choice(values, scores, task.agent.action_space).mean())


def _content(
    task: Task, family: Family, arms: Sequence[Arm], chosen: Arm, reference: Reference
) -> Surrogate:
    names, space = task.episodes.names, task.agent.action_space
    actions: Int[np.ndarray, " outputs"] = np.empty(0, dtype=np.int64)
    if isinstance(space, Discrete):
        actions = int(space.start) + np.arange(int(space.n))
    front = sorted(arms, key=lambda a: (a.size, -a.interval.value))
    return surrogate_of(
        chosen.program,
        form=family.form,
        n_parts=chosen.size,
        names=names,
        actions=actions,
        complexity=np.array([a.size for a in front], dtype=np.int64),
        returns=np.array([a.interval.value for a in front]),
        return_lows=np.array([a.interval.low for a in front]),
        return_highs=np.array([a.interval.high for a in front]),
        picked=next(i for i, a in enumerate(front) if a is chosen),
        agent_return=float(np.nanmean(reference.returns)),
        return_limit=reference.limit,
        n_episodes=len(reference.returns),
    )


def _left_out(family: Family, n_episodes: int, n_run: int) -> tuple[str, ...]:
    sentences = []
    if n_episodes < N_EPISODES:
        sentences.append(
            f"{family.question} {family.noun.capitalize()} were compared on {n_episodes} episodes "
            f"in place of {N_EPISODES}."
        )
    if n_run:
        sentences.append(
            f"{family.question} The budget ended after {n_run} {family.noun}; larger ones were "
            "not run."
        )
    return tuple(sentences)


def _warnings(runs: Sequence[Episodes]) -> tuple[str, ...]:
    """Return one sentence on the episodes that failed; nothing if none did."""
    attempted = [e for run in runs for e in run.attempted]
    failures = [e.failure for e in attempted if e.failure is not None]
    if not failures:
        return ()
    share = f"{len(failures)} of {len(attempted)} episodes of the agent and of its stand-ins failed"
    return (f"{share} and are left out; the first: {failures[0].message}",)


def _too_small(task: Task, family: Family) -> BudgetError:
    steps = 3 * MIN_EPISODES * _expected_steps(task)
    return BudgetError(
        f"{MIN_EPISODES} episodes of the agent, of random actions and of {family.noun} need more "
        f"than the {task.meter.allowed.env_steps} environment steps and "
        f"{task.meter.allowed.queries} agent queries given",
        hint=f"a larger budget: about {2 * steps} of each for this method, and as much for its "
        "tests",
    )
