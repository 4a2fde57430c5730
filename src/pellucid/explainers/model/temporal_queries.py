"""Temporal queries: does it do these tasks in this order, and if it does not, what fails (A2q)."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Float

from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.explainers.model.predicate_states import MOST_INPUTS, defined_predicates
from pellucid.explanation import Fact, Finding, Orders, Sentences, Task, explainer, fact
from pellucid.explanation.groups import image_layout
from pellucid.explanation.predicate_words import predicate_words
from pellucid.kernels.boolean_cover import smallest_cover
from pellucid.kernels.cart import shortest_between
from pellucid.kernels.order_checking import count_moves, reach_probability
from pellucid.kernels.orders import (
    Order,
    done_along,
    done_in_turn,
    parse_order,
    steps_done,
    task_bits,
)
from pellucid.kernels.predicates import (
    Predicate,
    all_of,
    columns_of,
    compare,
    holds,
    negated,
)
from pellucid.kernels.splitting_states import cells_of, choose_comparisons
from pellucid.rollouts.episodes import Episode
from pellucid.rollouts.stand_ins import RandomAgent, collect_stand_in
from pellucid.seeds import derived_seed
from pellucid.stats import Estimate, proportion_interval

FEASIBLE = 0.5
"""Probability below which it is told what fails, and which order does not."""
RANDOM_EPISODES = 20
MOST_CONDITIONS = 2
"""Comparisons that tell where a task that fails holds, or whether one is still to come."""

_QUESTION = "Does it do these tasks in this order?"


@explainer(
    "temporal-queries",
    leaf="A2q",
    kind=Orders,
    decisive="order_announcements",
    source="Boggess 2023 (temporal queries over an abstract process), checked by value iteration "
    "as Baier 2008; measure and control ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="It does {order} in {p} % of episodes ({plow} to {phigh}){fails}{repair}. "
        "Announced of fresh episodes, this misses by {d} ({lo} to {hi}), shuffled by {r}.",
        weak="It may do {order} in {p} % of episodes{fails}{repair}. Announced of fresh episodes, "
        "this misses by {d} ({lo} to {hi}), not clearly less than shuffled ({r}).",
        thin="It may do {order} in {p} % of episodes{fails}{repair}. Announced of fresh episodes, "
        "this misses by {d} ({lo} to {hi}), shuffled by {r}; but {reason}.",
        failed="We could not show whether it does {order}: announced of fresh episodes, the "
        "probabilities miss no less than shuffled ones.",
        not_measured="Whether it does tasks in order was not tested: {reason}. To test it: {need}.",
        does_not_say="that it means to do them, nor that one task is needed for the next",
    ),
    options={
        "order": "tasks such as `near then held also lit`: predicates, `also` for any order",
        "predicates": "predicates that tasks can be named after, each `name = height < 0.5`",
    },
)
class TemporalQueries:
    """How likely an agent does some tasks in order, what fails if it does not, and what would work.

    Each state of the recorded episodes, last ones included, becomes the set of tasks that hold in
    it and of those that are done, with up to two comparisons of inputs per task that tell best
    whether it is still to come. How often one set follows another makes an abstract process. Under
    the agent's own choices it does all tasks, those before a `then` first, with the probability
    that is the share of its episodes; the interval is Wilson's. Below one half, the task at which
    most is lost is named, with the ranges of the other inputs where it holds; the likeliest order
    of the same tasks is the repair; and episodes of random actions extend the process, in which
    value iteration tells what other choices could reach. Asked for nothing, it orders two
    milestones: inputs that tell late steps from early ones best, each cut in its middle.

    Deviations from Boggess 2023: one agent, no PCTL but orders of tasks, random in place of guided
    rollouts, and every probability has an interval. Choices are combined over sets, so that what
    other choices could reach is a guess of the abstract process and no bound.
    """

    def plan(self, task: Task) -> Cost:
        """Return the steps of the episodes of random actions.

        Raises:
            CapabilityError: The agent sees images.
            DataError: There are no episodes.
            PredicateError: The order cannot be read.
        """
        if not len(task.episodes) or not len(task.episodes.visited):
            raise DataError("there is no finished episode to ask", hint="collect episodes first")
        shape = task.episodes.visited.shape[1:]
        if image_layout(shape) is not None or int(np.prod(shape)) > MOST_INPUTS:
            raise CapabilityError(
                f"tasks told by {int(np.prod(shape))} inputs of an image say nothing to people",
                hint="use highlights, which shows moments",
            )
        _asked(task)
        longest = max(len(episode) for episode in task.episodes.used)
        steps = min(RANDOM_EPISODES * longest, task.meter.left.env_steps)
        return Cost() if task.episodes.spec is None else Cost(env_steps=steps)

    def explain(self, task: Task) -> Finding:
        """Check the order, and say what fails if it does not work."""
        self.plan(task)
        order = _asked(task)
        events = _events(task, order)
        asked = events[len(order.stages) - 1]
        failing = _failing(task, order, events) if asked.share.value < FEASIBLE else None
        happened = np.array([e.happened for e in events]).T
        content = Orders(
            order_names=tuple(_words(task, e.order) for e in events),
            orders=tuple(str(e.order) for e in events),
            probabilities=np.array([e.share.value for e in events]),
            happened=happened,
        )
        return Finding(
            question=f"Does it do {_words(task, order)}?",
            content=content,
            facts=_facts(task, order, events, failing),
        )


# --- what is asked ---


def _asked(task: Task) -> Order:
    given = task.options.get("order")
    if given is None:
        return _usual(task)
    if not isinstance(given, str):
        raise InputError(f"the option order must be a text, got {given!r:.80}")
    known = {n.name: n.predicate for n in defined_predicates(task) if n.name}
    order = parse_order(given, task.episodes.names.inputs, known)
    n_inputs = flat(task.episodes.visited[:1]).shape[1]
    if max(c for t in order.tasks for c in (-1, *columns_of(t))) >= n_inputs:
        raise InputError(f"a task reads an input beyond the {n_inputs} that there are")
    return order


def _usual(task: Task) -> Order:
    """Return two milestones, in the order in which they are mostly reached.

    Each input is cut in its middle, and its milestone is the side on which episodes do not start.
    Those come first that tell late from early steps best and start alike in all episodes.
    """
    used = task.episodes.used
    rows = flat(task.episodes.visited)
    limits = np.array([_middle(column) for column in rows.T])
    varies = np.isfinite(limits)
    if not varies.any():
        raise CapabilityError(
            "no input ever varies, so that no task is known",
            hint="tasks of yours, with the option order",
        )
    late = np.concatenate([np.arange(len(e)) >= len(e) / 2 for e in used])
    above = rows > limits
    lean = np.where(varies, np.abs(above[late].mean(axis=0) - above[~late].mean(axis=0)), -1.0)
    starts = (flat(np.stack([e.observations[0] for e in used])) > limits).mean(axis=0)
    alike = np.abs(2.0 * starts - 1.0)
    order = np.lexsort((-lean, -(lean * alike)))
    picked = [int(c) for c in order[:2] if varies[c]]
    tasks = [compare(c, "<=" if starts[c] > 0.5 else ">", float(limits[c])) for c in picked]
    return Order(tuple((one,) for one in sorted(tasks, key=lambda t: _reached(t, used))))


def _reached(one: Predicate, used: Sequence[Episode]) -> float:
    """Return the median share of an episode after which a task is first done."""
    shares = []
    for episode in used:
        held = holds(one, flat(episode.observations))
        shares.append(held.argmax() / len(held) if held.any() else 1.0)
    return float(np.median(shares))


def _middle(column: Float[np.ndarray, " states"]) -> float:
    """Return a number with about half of the values above it; NaN if there is one value."""
    values, counts = np.unique(column[np.isfinite(column)], return_counts=True)
    if len(values) < 2:
        return math.nan
    below = counts.cumsum()[:-1]
    cut = int(np.abs(below - len(column) / 2).argmin())
    return shortest_between(float(values[cut]), float(values[cut + 1]))


# --- what happened ---


class _Event(NamedTuple):
    """An order, in which episodes it was done, and in which share of them."""

    order: Order
    happened: Bool[np.ndarray, " episodes"]
    share: Estimate


def _event(order: Order, happened: Bool[np.ndarray, " episodes"]) -> _Event:
    return _Event(order, happened, proportion_interval(int(happened.sum()), len(happened)))


def _events(task: Task, order: Order) -> list[_Event]:
    """Return the first stage, the first two, …, and the likeliest other order if it is likelier."""
    rows = [flat(episode.observations) for episode in task.episodes.used]
    done = np.array([steps_done(order, r) for r in rows])
    events = [_event(Order(order.stages[: n + 1]), done[:, n]) for n in range(len(order.stages))]
    if events[-1].share.value >= FEASIBLE:
        return events
    held = [task_bits(order.tasks, r) for r in rows]
    best = int(done[:, -1].sum())
    repaired: _Event | None = None
    turns = itertools.permutations(range(len(order.tasks)))
    for turn in sorted(turns, key=_n_swapped):
        happened = np.array([done_in_turn(h, turn) for h in held])
        if happened.sum() > best:
            best = int(happened.sum())
            repaired = _event(Order(tuple((order.tasks[i],) for i in turn)), happened)
    return events if repaired is None else [*events, repaired]


def _n_swapped(turn: Sequence[int]) -> int:
    return sum(a > b for a, b in itertools.combinations(turn, 2))


# --- what fails ---


class _Failing(NamedTuple):
    """The task at which most is lost, where it holds, and what other choices could reach."""

    words: str
    where: str
    reachable: float


def _failing(task: Task, order: Order, events: Sequence[_Event]) -> _Failing:
    reached = [1.0, *(e.share.value for e in events[: len(order.stages)])]
    kept = [b / a if a > 0 else 1.0 for a, b in itertools.pairwise(reached)]
    stage = order.stages[int(np.argmin(kept))]
    names = task.episodes.names.inputs
    words = " also ".join(predicate_words(one, names) for one in stage)
    rows = np.concatenate([flat(e.observations) for e in task.episodes.used])
    return _Failing(words, _where(all_of(list(stage)), rows, names), _elsewhere(task, order))


def _where(
    predicate: Predicate, rows: Float[np.ndarray, "states inputs"], names: Sequence[str]
) -> str:
    """Return where a task holds, by the inputs that it does not read."""
    labels = holds(predicate, rows)
    if not labels.any():
        return f"never holds ({len(rows)} states)"
    others = rows.copy()
    others[:, sorted(columns_of(predicate))] = 0.0
    chosen = choose_comparisons(others, labels, most=MOST_CONDITIONS)
    cells = cells_of(others, chosen)
    values, inverse = np.unique(cells, return_inverse=True)
    share = np.bincount(inverse, labels) / np.bincount(inverse)
    on = share >= min(0.5, float(share.max()))
    cover = smallest_cover(values[on], values[~on], len(chosen))
    if not chosen or not cover or cover[0].mask == 0:
        return "holds wherever the other inputs are"
    cube = cover[0]
    parts = [
        c if cube.value >> bit & 1 else negated(c)
        for bit, c in enumerate(chosen)
        if cube.mask >> bit & 1
    ]
    return f"holds where {predicate_words(all_of(parts), names)}"


def _elsewhere(task: Task, order: Order) -> float:
    """Return what other choices could reach, random episodes included; NaN if that is not known."""
    episodes = task.episodes
    if not isinstance(task.agent.action_space, Discrete) or episodes.spec is None:
        return math.nan
    seeds = [
        derived_seed(task.seed, "temporal-queries", "random", i) for i in range(RANDOM_EPISODES)
    ]
    extra = collect_stand_in(
        RandomAgent(task.agent.observation_space, task.agent.action_space),
        episodes,
        episode_seeds=seeds,
        seed=derived_seed(task.seed, "temporal-queries", "draws"),
        meter=task.meter,
        jobs=task.jobs,
    )
    if not len(extra):
        return math.nan
    used = [episode for source in (episodes, extra) for episode in source.used if len(episode)]
    return _best_choices(task, order, used)


def _still_to_come(
    order: Order, rows: Float[np.ndarray, "states inputs"], lengths: Sequence[int]
) -> list[Predicate]:
    """Return comparisons that tell whether each task holds now or later in the episode."""
    found: dict[str, Predicate] = {}
    ends = np.cumsum(lengths)[:-1]
    for one in order.tasks:
        held = np.split(holds(one, rows), ends)
        coming = np.concatenate([np.logical_or.accumulate(h[::-1])[::-1] for h in held])
        for comparison in choose_comparisons(rows, coming, most=MOST_CONDITIONS):
            found.setdefault(str(comparison), comparison)
    known = {str(one) for one in order.tasks}
    return [comparison for text, comparison in found.items() if text not in known]


def _best_choices(task: Task, order: Order, used: Sequence[Episode]) -> float:
    """Return the largest probability of an order in the abstract process of some episodes."""
    space = task.agent.action_space
    rows = np.concatenate([flat(episode.observations) for episode in used])
    lengths = [len(episode) + 1 for episode in used]
    bits = task_bits((*order.tasks, *_still_to_come(order, rows, lengths)), rows)
    n_tasks = len(order.tasks)
    cells = [
        held << n_tasks | done_along(order, held & (1 << n_tasks) - 1)
        for held in np.split(bits, np.cumsum(lengths)[:-1])
    ]
    known = np.unique(np.concatenate(cells))
    process = count_moves(
        [np.searchsorted(known, c) for c in cells],
        [np.asarray(e.actions, dtype=np.int64) - int(space.start) for e in used],
        int(space.n),
        len(known),
    )
    full = (1 << n_tasks) - 1
    return reach_probability(process, (known & full) == full)


# --- the answer ---


def _facts(
    task: Task, order: Order, events: Sequence[_Event], failing: _Failing | None
) -> dict[str, Fact]:
    share = events[len(order.stages) - 1].share
    fails = repair = ""
    if failing is not None:
        fails = f"; it fails at {failing.words}, which {failing.where}"
        if not math.isnan(failing.reachable):
            fails += f" (other choices could reach {_percent(failing.reachable)} %)"
        if len(events) > len(order.stages):
            other = events[-1]
            told = _words(task, other.order)
            repair = f"; {told} is done in {_percent(other.share.value)} %"
        elif len(order.tasks) > 1:
            repair = "; no other order of these tasks is likelier"
    return {
        "order": fact(_words(task, order)),
        "p": fact(100.0 * share.value),
        "plow": fact(100.0 * share.low),
        "phigh": fact(100.0 * share.high),
        "fails": fact(fails),
        "repair": fact(repair),
        "reachable": fact(math.nan if failing is None else 100.0 * failing.reachable),
        "n_episodes": fact(share.n),
    }


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g}"


def _words(task: Task, order: Order) -> str:
    names = task.episodes.names.inputs
    known = {str(n.predicate): n.name for n in defined_predicates(task) if n.name}

    def told(one: Predicate) -> str:
        return known.get(str(one)) or predicate_words(one, names)

    return ", then ".join(" also ".join(told(one) for one in stage) for stage in order.stages)
