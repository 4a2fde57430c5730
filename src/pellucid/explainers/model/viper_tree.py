"""A small tree that stands in for the agent, and the return that each size keeps (leaf A1p)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete
from jaxtyping import Bool, Float, Int

from pellucid.agents.acting import preference_unit, preferences
from pellucid.agents.flatten import flat, n_inputs
from pellucid.agents.tree import TreeAgent, actions_of
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError, EnvError
from pellucid.explanation import (
    Finding,
    Sentences,
    Surrogate,
    Task,
    explainer,
    fact,
)
from pellucid.explanation.trees import tree_code, tree_rules
from pellucid.kernels.cart import Cart, fit_cart
from pellucid.rollouts import Episodes, collect
from pellucid.rollouts.stand_ins import RandomAgent, collect_stand_in
from pellucid.seeds import derived_seed, episode_seeds, stream
from pellucid.stats import Estimate, mean_interval, paired_gap
from pellucid.types import Observations

LEAVES = (2, 4, 6, 8, 12, 16, 24, 32, 64)
"""Most leaves of the trees along the front."""
N_ROUNDS = 5
"""Rounds of DAgger: the largest tree acts, the agent labels."""
N_EPISODES, MIN_EPISODES = 20, 5
"""Episodes of each tree; as many as the budget pays for in every arm."""
STATES_PER_ROUND = 8_000
"""States that the agent labels after a round."""
AGREEMENT_STATES = 1_000
RETURN_LIMIT = 0.1
"""Share of the agent's return above random actions that a stand-in may lose."""
SAME_ACTION = 0.1
"""Share of its range by which a dimension of the same continuous action may differ."""
LEAST_PROBABILITY = 1e-6
"""Probabilities below count as this: one action that is never taken decides no weight."""


@dataclass
class _Data:
    """Labelled states."""

    inputs: list[Float[np.ndarray, "rows inputs"]] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)
    weights: list[Float[np.ndarray, " rows"]] = field(default_factory=list)

    def add(self, task: Task, observations: Observations) -> None:
        """Label states by the agent; costs one query each."""
        scores = preferences(task.agent, observations)
        unit = preference_unit(task.agent)
        self.inputs.append(flat(observations))
        self.targets.append(scores if unit == "mean action" else scores.argmax(axis=1))
        self.weights.append(state_weights(scores, unit))

    def fit(self, task: Task, max_leaves: int) -> Cart:
        """Return the tree of at most so many leaves."""
        space = task.agent.action_space
        return fit_cart(
            np.concatenate(self.inputs),
            np.concatenate(self.targets),
            np.concatenate(self.weights),
            max_leaves=max_leaves,
            n_classes=int(space.n) if isinstance(space, Discrete) else None,
            seed=derived_seed(task.seed, "viper-tree", "fit"),
        )


@dataclass(frozen=True)
class _Arm:
    """One tree on the common episodes."""

    tree: Cart
    episodes: Episodes
    interval: Estimate
    lost: Estimate


@dataclass(frozen=True)
class _Reference:
    """The agent on the common episodes, and the most that a tree may lose."""

    episodes: Episodes
    returns: Float[np.ndarray, " episodes"]
    limit: float


def state_weights(
    scores: Float[np.ndarray, "states outputs"], unit: str
) -> Float[np.ndarray, " states"]:
    """Return how much the choice matters in each state.

    The largest minus the smallest Q-value, or log-probability; 1 where there is neither.

    Args:
        scores: Shape (states, outputs), what `preferences` returns.
        unit: What `preference_unit` returns.

    Source: Bastani 2018 (VIPER), section 2.2.

    Example:
        >>> state_weights(np.array([[1.0, 4.0], [2.0, 2.0]]), "Q-value").tolist()
        [3.0, 0.0]
    """
    if unit not in ("Q-value", "probability"):
        return np.ones(len(scores))
    if unit == "probability":
        scores = np.log(np.maximum(scores, LEAST_PROBABILITY))
    return np.asarray(np.ptp(scores, axis=1))


@explainer(
    "viper-tree",
    leaf="A1p",
    kind=Surrogate,
    decisive="student_return",
    source="Bastani 2018 (VIPER); sample weights and not resampling, size-return front ours",
    question="Can a short rule list stand in for it?",
    sentences=Sentences(
        supported="A {k}-leaf tree can stand in: same choice in {p} % of the tree's own states. "
        "It earns {d} {unit} less ({lo} to {hi}), limit {r}.",
        weak="A {k}-leaf tree may stand in: same choice in {p} % of its own states; but what it "
        "loses ({lo} to {hi}) may exceed the limit {r}.",
        thin="A {k}-leaf tree may stand in: it earns {d} {unit} less ({lo} to {hi}), limit {r}; "
        "but {reason}.",
        failed="This tree is **not** the agent: it earns {d} {unit} less. Read it as a sketch.",
        not_measured="Whether a short rule list can stand in was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent computes these rules",
    ),
    needs=("environment",),
)
class ViperTree:
    """Distils the agent into trees of growing size and keeps the smallest that earns enough.

    DAgger: the largest tree acts, the agent labels the states that the tree gets into, and the
    next tree is fitted to all states so far. A state weighs what a wrong choice costs there: the
    range of the Q-values, or of the log-probabilities, or 1. Then one tree per size is fitted and
    run, all on the same seeds as the agent. Chosen is the smallest tree whose lost return, with
    its interval, is within the limit of a tenth of the agent's return above random actions; else
    the smallest whose mean is; else the best. Other episodes decide the badge. Deviations from
    VIPER: weights in place of resampling, every size and not only the best, common seeds.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: every tree is taken to last as long as the agent."""
        _check(task)
        n = _n_episodes(task)
        steps = _expected_steps(task) * n
        labelled = (N_ROUNDS + 1) * min(STATES_PER_ROUND, steps) + AGREEMENT_STATES
        return Cost(queries=steps + labelled, env_steps=(2 + N_ROUNDS + len(LEAVES)) * steps)

    def explain(self, task: Task) -> Finding:
        """Grow trees, run them, and keep one."""
        _check(task)
        n = _n_episodes(task)
        seeds = episode_seeds(derived_seed(task.seed, "viper-tree", "episodes"), n)
        reference = _reference(task, seeds)
        seeds = seeds[: len(reference.returns)]
        data = _Data()
        data.add(task, _spread(task, reference.episodes, _affordable_rows(task), "start"))
        arms, finished = _grow(task, data, reference, seeds)
        usable = [arm for arm in arms if arm.lost.measured]
        if arms and not usable:
            raise EnvError(
                f"no episode of a tree could be used: {_warnings([a.episodes for a in arms])[0]}"
            )
        if not usable:
            raise _too_small(task)
        chosen = usable[_choose(usable, reference.limit)]
        agreed = _agreement(task, chosen)
        content = _content(task, usable, chosen, reference)
        return Finding(
            question="Can a short rule list stand in for it?",
            content=content,
            facts={"k": fact(content.n_parts), "p": fact(agreed)},
            complete=finished,
            left_out=_left_out(len(seeds), 0 if finished else len(arms)),
            warnings=_warnings((reference.episodes, *(arm.episodes for arm in arms))),
        )


def _check(task: Task) -> None:
    if task.episodes.spec is None:
        raise CapabilityError(
            "a tree is judged by what it earns, and these are logs without an environment",
            hint="give the environment",
        )
    if not isinstance(task.agent.action_space, Discrete | Box):
        raise CapabilityError(
            f"a tree for actions of type {type(task.agent.action_space).__name__} is not defined",
            hint="supported: Discrete and Box action spaces",
        )
    n_inputs(task.agent.observation_space)
    if not task.episodes.used:
        raise DataError("there is no finished episode to explain", hint="collect episodes first")


def _expected_steps(task: Task) -> int:
    return max(1, round(float(np.mean([len(e) for e in task.episodes.used]))))


def _n_episodes(task: Task) -> int:
    """Return how many episodes every arm can have."""
    n_arms = 2 + N_ROUNDS + len(LEAVES)
    affordable = task.meter.left.env_steps // (n_arms * _expected_steps(task))
    return int(np.clip(affordable, MIN_EPISODES, N_EPISODES))


def _reference(task: Task, seeds: Sequence[int]) -> _Reference:
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
        seed=derived_seed(task.seed, "viper-tree", "policy"),
        policy=task.policy,
        meter=task.meter,
        names=episodes.names,
        jobs=task.jobs,
        episode_seeds=seeds,
    )
    lot = _run(task, RandomAgent(agent.observation_space, agent.action_space), seeds)
    n = min(len(own.attempted), len(lot.attempted))
    returns, random = _returns(own)[:n], _returns(lot)[:n]
    failure = next((e.failure for e in own.attempted if e.failure is not None), None)
    if n and not np.isfinite(returns).any() and failure is not None:
        raise EnvError(f"every episode of the agent failed: {failure.message}")
    if n < MIN_EPISODES or not own.used:
        raise _too_small(task)
    above = float(np.nanmean(returns) - np.nanmean(random)) if np.isfinite(random).any() else 0.0
    return _Reference(own, returns, RETURN_LIMIT * max(0.0, above))


def _affordable_rows(task: Task) -> int:
    """Return how many states can be labelled at first; a part stays for later rounds.

    Raises:
        BudgetError: None.
    """
    rows = min(STATES_PER_ROUND, task.meter.left.queries // 2)
    if rows < 1:
        raise _too_small(task)
    return rows


def _grow(
    task: Task, data: _Data, reference: _Reference, seeds: Sequence[int]
) -> tuple[list[_Arm], bool]:
    """Return every tree that was run, and whether all were; the last fits are to all the data."""
    arms: list[_Arm] = []
    n_arms = N_ROUNDS + len(LEAVES)
    for round_index in range(N_ROUNDS):
        arm = _try(task, data.fit(task, LEAVES[-1]), reference, seeds)
        if arm is None:
            return arms, False
        arms.append(arm)
        rows = min(STATES_PER_ROUND, task.meter.left.queries - AGREEMENT_STATES)
        if rows > 0 and arm.episodes.used:
            data.add(task, _spread(task, arm.episodes, rows, round_index))
        task.progress((round_index + 1) / n_arms)
    trees = {(tree.n_leaves, _key(tree)): tree for n in LEAVES for tree in [data.fit(task, n)]}
    for position, tree in enumerate(trees.values()):
        arm = _try(task, tree, reference, seeds)
        if arm is None:
            return arms, False
        arms.append(arm)
        task.progress((N_ROUNDS + position + 1) / n_arms)
    return arms, True


def _key(tree: Cart) -> bytes:
    return b"".join(part.tobytes() for part in tree)


def _try(task: Task, tree: Cart, reference: _Reference, seeds: Sequence[int]) -> _Arm | None:
    """Run a tree on the common seeds; None if the budget does not pay for all of them."""
    space = task.agent.action_space
    student = TreeAgent(tree, task.agent.observation_space, space)
    episodes = _run(task, student, seeds)
    if len(episodes.attempted) < len(seeds):
        return None
    returns = _returns(episodes)
    return _Arm(
        tree, episodes, mean_interval(returns), paired_gap(reference.returns, returns, "higher")
    )


def _run(task: Task, agent: Any, seeds: Sequence[int]) -> Episodes:
    return collect_stand_in(
        agent,
        task.episodes,
        episode_seeds=seeds,
        seed=derived_seed(task.seed, "viper-tree", "random"),
        meter=task.meter,
        jobs=task.jobs,
    )


def _returns(episodes: Episodes) -> Float[np.ndarray, " episodes"]:
    earned = [np.nan if e.failure is not None else e.total_reward for e in episodes.attempted]
    return np.array(earned, dtype=np.float64)


def _spread(task: Task, episodes: Episodes, n_most: int, name: str | int) -> Observations:
    """Return visited states, drawn without order if there are more than wanted."""
    visited = episodes.visited
    if len(visited) <= n_most:
        return visited
    rng = stream(task.seed, "viper-tree", "states", name)
    return np.asarray(visited[np.sort(rng.choice(len(visited), size=n_most, replace=False))])


def _choose(arms: Sequence[_Arm], limit: float) -> int:
    """Return the position of the tree to keep."""
    order = sorted(range(len(arms)), key=lambda i: (arms[i].tree.n_leaves, arms[i].lost.value))
    surely = [i for i in order if arms[i].lost.high < limit]
    likely = [i for i in order if arms[i].lost.value <= limit]
    best = sorted(order, key=lambda i: arms[i].lost.value)
    return (surely or likely or best)[0]


def _agreement(task: Task, arm: _Arm) -> float:
    """Return the percentage of the tree's own states in which the agent chooses the same."""
    # earlier rounds leave at least one query
    n = min(AGREEMENT_STATES, max(1, task.meter.left.queries))
    states = _spread(task, arm.episodes, n, "agreement")
    scores = preferences(task.agent, states)
    student = TreeAgent(arm.tree, task.agent.observation_space, task.agent.action_space)
    values = student.leaf_values(states)
    return 100.0 * float(same_choice(values, scores, task.agent.action_space).mean())


def same_choice(
    first: Float[np.ndarray, "states outputs"],
    second: Float[np.ndarray, "states outputs"],
    space: Any,
) -> Bool[np.ndarray, " states"]:
    """Return where two sets of preferences stand for the same action.

    Args:
        first: Shape (states, outputs).
        second: Shape (states, outputs).
        space: Discrete, or Box: there every dimension must be within a tenth of its range.
    """
    if isinstance(space, Discrete):
        return np.asarray(first.argmax(axis=1) == second.argmax(axis=1))
    one, two = (
        actions_of(v, space).reshape(len(v), -1).astype(np.float64) for v in (first, second)
    )
    low, high = (np.asarray(end, dtype=np.float64).ravel() for end in (space.low, space.high))
    width = np.where(np.isfinite(low) & np.isfinite(high), high - low, np.ptp(two, axis=0))
    return np.asarray((np.abs(one - two) <= SAME_ACTION * width).all(axis=1))


def _content(task: Task, arms: Sequence[_Arm], chosen: _Arm, reference: _Reference) -> Surrogate:
    names, space = task.episodes.names, task.agent.action_space
    actions: Int[np.ndarray, " outputs"] = np.empty(0, dtype=np.int64)
    if isinstance(space, Discrete):
        actions = int(space.start) + np.arange(int(space.n))
    front = sorted(arms, key=lambda a: (a.tree.n_leaves, -a.interval.value))
    words = names.inputs, names.actions, actions
    return Surrogate(
        form="tree",
        rules=tree_rules(chosen.tree, *words, names.input_units),
        code=tree_code(chosen.tree, *words),
        n_parts=chosen.tree.n_leaves,
        complexity=np.array([a.tree.n_leaves for a in front], dtype=np.int64),
        returns=np.array([a.interval.value for a in front]),
        input_names=names.inputs,
        return_lows=np.array([a.interval.low for a in front]),
        return_highs=np.array([a.interval.high for a in front]),
        picked=next(i for i, a in enumerate(front) if a is chosen),
        agent_return=float(np.nanmean(reference.returns)),
        return_limit=reference.limit,
        **chosen.tree._asdict(),
        actions=actions,
        output_names=names.actions,
        n_episodes=len(reference.returns),
    )


def _left_out(n_episodes: int, n_run: int) -> tuple[str, ...]:
    question = "Can a short rule list stand in for it?"
    sentences = []
    if n_episodes < N_EPISODES:
        sentences.append(
            f"{question} Trees were compared on {n_episodes} episodes in place of {N_EPISODES}."
        )
    if n_run:
        sentences.append(
            f"{question} The budget ended after {n_run} trees; larger ones were not run."
        )
    return tuple(sentences)


def _warnings(runs: Sequence[Episodes]) -> tuple[str, ...]:
    """Return one sentence on the episodes that failed; nothing if none did."""
    attempted = [e for run in runs for e in run.attempted]
    failures = [e.failure for e in attempted if e.failure is not None]
    if not failures:
        return ()
    left_out = f"{len(failures)} of {len(attempted)} episodes of the agent and of the trees failed"
    return (f"{left_out} and are left out; the first: {failures[0].message}",)


def _too_small(task: Task) -> BudgetError:
    steps = 3 * MIN_EPISODES * _expected_steps(task)
    return BudgetError(
        f"{MIN_EPISODES} episodes of the agent, of random actions and of a tree need more than "
        f"the {task.meter.allowed.env_steps} environment steps and {task.meter.allowed.queries} "
        "agent queries given",
        hint=f"a larger budget: about {2 * steps} of each for this method, and as much for its "
        "tests",
    )
