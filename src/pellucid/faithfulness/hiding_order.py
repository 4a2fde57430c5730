"""What hiding inputs in an order does, on recorded states: deletion and insertion share it.

Insertion along an order is deletion along its reverse: with the k most telling inputs shown, the
others are hidden. A random order read backwards is a random order, so that one set of random orders
serves as the control of both.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Attribution, Check, Curve, Interval, MetricInfo, Score
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.hiding import changed_choices, input_rows
from pellucid.faithfulness.replacements import REPLACEMENTS, Replacement
from pellucid.faithfulness.results import clipped, missing_score, paired_score
from pellucid.seeds import derived_seed, stream
from pellucid.stats import mean_interval
from pellucid.types import Agent, Observations

EffectFn: TypeAlias = Callable[[Agent, Observations, int], Float[np.ndarray, "states sets"]]
"""How far each set of hidden inputs moves the agent's answer from that with everything visible.

Takes the agent, in the context that each state had; observations, shape (states * (1 + sets),
*observation), of which the first of each state hides nothing; and the number of states.
"""

_ROWS_AT_ONCE = 2**14
_NUMBERS_AT_ONCE = 2**26
_BOUNDS = (0.0, 100.0)


def order_scores(
    check: Check, info: MetricInfo, shares: Sequence[float], *, shown: bool
) -> tuple[Score, ...]:
    """Return one score per replacement: what an attribution's orders do, against random ones.

    Args:
        check: The attribution, agent, episodes and budget.
        info: Of the metric; scores that may not decide are supporting.
        shares: Of the budget left, the most that each replacement may use.
        shown: Whether inputs are shown in ranked order (the value counts choices that are the same
            as with everything visible), or hidden (it counts those that are not).

    Raises:
        CapabilityError: There is only one input.
        BudgetError: The first replacement may decide, and less than one state in each of five
            episodes can be paid for.
    """
    orders = drawn_orders(check, info)
    scores = []
    for position, (kind, share) in enumerate(zip(REPLACEMENTS, shares, strict=True)):
        may_decide = position == 0 and info.role == "test"
        try:
            score = _score(check, info, kind, orders, share, shown=shown)
        except (BudgetError, CapabilityError) as error:
            if may_decide:
                raise
            score = _missing(info, kind, error)
        words = score.replacement
        named = score.label if may_decide else f"{score.label}; hidden ones take {words}"
        scores.append(replace(score, label=named, role=info.role if may_decide else "supporting"))
    return tuple(scores)


def _score(
    check: Check,
    info: MetricInfo,
    kind: type[Replacement],
    orders: "RandomOrders",
    share: float,
    *,
    shown: bool,
) -> Score:
    check.meter.check_time()
    effects = effects_of_orders(check, info, kind, orders, share, _changed_choices, reverse=shown)
    own, random = 100.0 * effects.own, 100.0 * effects.random
    levels, axis = orders.n_hidden, "inputs hidden"
    if shown:
        own, random = 100.0 - own[:, ::-1], 100.0 - random[:, ::-1]
        levels, axis = orders.sets.shape[1] - levels[::-1], "inputs shown"
    score = paired_score(
        info,
        own.mean(axis=1),
        random.mean(axis=1),
        f"{'showing' if shown else 'hiding'} inputs in random order",
        name=kind.name,
        value_unit="% of choices",
        bounds=_BOUNDS,
    )
    curve = Curve(axis, tuple(levels.tolist()), points(own, _BOUNDS), points(random, _BOUNDS))
    return replace(score, replacement=kind.words, curve=curve)


def _missing(
    info: MetricInfo, kind: type[Replacement], error: BudgetError | CapabilityError
) -> Score:
    applicable = isinstance(error, BudgetError)
    score = missing_score(info, str(error), error.hint or "", name=kind.name, applicable=applicable)
    return replace(score, replacement=kind.words, unaffordable=applicable)


def points(
    effects: Float[np.ndarray, "episodes levels"], bounds: tuple[float, float]
) -> tuple[Interval, ...]:
    """Return the mean over episodes at each level, its interval within bounds."""
    return tuple(clipped(mean_interval(level), bounds) for level in effects.T)


# --- orders and what they hide ---


@dataclass(frozen=True)
class RandomOrders:
    """The distinct sets of hidden inputs, and which of them each random order passes through.

    Args:
        n_hidden: Shape (levels,), how many inputs are hidden at each level, ascending.
        sets: Shape (sets, inputs), True for what is hidden.
        places: Shape (orders, levels), row in `sets` of each order at each level.
    """

    n_hidden: Int[np.ndarray, " levels"]
    sets: Bool[np.ndarray, "sets inputs"]
    places: Int[np.ndarray, "orders levels"]


def drawn_orders(check: Check, info: MetricInfo) -> RandomOrders:
    """Return the random orders of a test of an attribution.

    Raises:
        CapabilityError: There is only one input.
    """
    content = check.finding.content
    assert isinstance(content, Attribution)
    n_inputs = len(content.input_names)
    if n_inputs < 2:
        raise CapabilityError("there is only one input", hint="an agent with two inputs or more")
    return random_orders(n_inputs, stream(check.seed, info.name, "rankings"))


def random_orders(n_inputs: int, rng: np.random.Generator) -> RandomOrders:
    """Return random orders and their levels.

    With few inputs the orders share most sets: 8 inputs have 254, however many orders there are.
    """
    n_hidden = hiding_levels(n_inputs)
    orders = np.array([rng.permutation(n_inputs) for _ in range(thresholds.RANDOM_RANKINGS)])
    hidden = hidden_sets(orders, n_hidden)
    sets, places = np.unique(hidden.reshape(-1, n_inputs), axis=0, return_inverse=True)
    return RandomOrders(n_hidden, sets, places.reshape(len(orders), len(n_hidden)))


def hiding_levels(n_inputs: int) -> Int[np.ndarray, " levels"]:
    """Return how many inputs are hidden at each level, from one to one less than all.

    Evenly spread where there are too many. At the level at which everything is hidden all orders
    are alike, and it is left out.

    Example:
        >>> hiding_levels(4).tolist(), len(hiding_levels(100))
        ([1, 2, 3], 16)
    """
    n_levels = min(n_inputs - 1, thresholds.HIDING_LEVELS)
    return np.linspace(1, n_inputs - 1, n_levels).round().astype(np.int64)


def hidden_sets(
    orders: Int[np.ndarray, "orders inputs"], n_hidden: Int[np.ndarray, " levels"]
) -> Bool[np.ndarray, "orders levels inputs"]:
    """Return what each order hides at each level: its first inputs."""
    places = orders.argsort(axis=1)
    return np.asarray(places[:, None, :] < n_hidden[None, :, None])


# --- states ---


def explained_states(
    check: Check, content: Attribution, per_state: int, share: float
) -> Int[np.ndarray, " states"]:
    """Return the positions of the explained states that a share of the budget left pays for.

    Spread evenly within each episode; the number of episodes is lowered last.

    Raises:
        BudgetError: Less than one state in each of five episodes.
    """
    affordable = check.meter.left.share(share).queries // per_state
    episodes = np.unique(content.steps[:, 0])
    least = min(thresholds.UNITS_FOR_WEAK, len(episodes))
    if affordable < least:
        need = math.ceil(least * per_state / share)
        raise BudgetError(
            f"hiding inputs in random orders needs {need} agent queries, more than are left",
            hint=f"a larger budget: at least {need} agent queries for this test",
        )
    episodes = episodes[:affordable]
    per_episode = min(thresholds.STATES_PER_EPISODE, affordable // max(1, len(episodes)))
    chosen = []
    for episode in episodes:
        rows = np.flatnonzero(content.steps[:, 0] == episode)
        places = np.linspace(0, len(rows) - 1, min(per_episode, len(rows))).round()
        chosen.append(rows[np.unique(places.astype(np.int64))])
    return np.concatenate(chosen) if chosen else np.empty(0, dtype=np.int64)


def _episode_means(
    effects: Shaped[np.ndarray, "states levels"], states: Int[np.ndarray, "states 2"]
) -> Float[np.ndarray, "episodes levels"]:
    """Return the mean of each episode: states of one episode are not independent."""
    episodes = states[:, 0]
    return np.array([effects[episodes == e].mean(axis=0) for e in np.unique(episodes)])


# --- asking the agent ---


@dataclass(frozen=True)
class OrderEffects:
    """What hiding inputs does at each level, episode by episode.

    Args:
        own: Shape (episodes, levels), along the attribution's orders.
        random: Shape (episodes, levels), the mean over random orders, on the same states.
    """

    own: Float[np.ndarray, "episodes levels"]
    random: Float[np.ndarray, "episodes levels"]


def effects_of_orders(
    check: Check,
    info: MetricInfo,
    kind: type[Replacement],
    orders: RandomOrders,
    share: float,
    effect_fn: EffectFn,
    *,
    reverse: bool = False,
) -> OrderEffects:
    """Return what hiding inputs does to the agent's answers, along ranked and random orders.

    Args:
        check: The attribution, agent, episodes and budget.
        info: Of the metric; its name tells its draws from those of others.
        kind: What takes the place of hidden inputs.
        orders: The random ones.
        share: Of the budget left, the most that may be used.
        effect_fn: Asks the agent, one query per observation.
        reverse: Whether the inputs ranked last are hidden first.

    Raises:
        BudgetError: Less than one state in each of five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Attribution)
    n_levels = len(orders.n_hidden)
    # one query tells the answer with everything visible
    rows = explained_states(check, content, 1 + n_levels + len(orders.sets), share)
    states, ranked = content.steps[rows], content.orders[rows]
    seed = derived_seed(check.seed, info.name, "donors")
    replacement = kind(check.episodes, seed, check.finding.groups)
    own_sets = hidden_sets(ranked[:, ::-1] if reverse else ranked, orders.n_hidden)
    effects = _effects(check, states, own_sets, orders.sets, replacement, effect_fn)
    lots = effects[:, n_levels:][:, orders.places].mean(axis=1)
    return OrderEffects(_episode_means(effects[:, :n_levels], states), _episode_means(lots, states))


def _effects(
    check: Check,
    states: Int[np.ndarray, "states 2"],
    own: Bool[np.ndarray, "states levels inputs"],
    shared: Bool[np.ndarray, "sets inputs"],
    replacement: Replacement,
    effect_fn: EffectFn,
) -> Float[np.ndarray, "states levels_and_sets"]:
    """Return what hiding does in each state: each state's own sets, then shared ones."""
    observed = np.array([check.episodes.used[e].observations[t] for e, t in states])
    n_sets = own.shape[1] + len(shared)
    # the first row of each state hides nothing
    nothing = np.zeros((1, shared.shape[1]), dtype=bool)
    rows_at_once = min(_ROWS_AT_ONCE, _NUMBERS_AT_ONCE // max(1, observed[:1].size))
    at_once = max(1, rows_at_once // (1 + n_sets))
    parts = [np.empty((0, n_sets))]
    for start in range(0, len(states), at_once):
        part = slice(start, start + at_once)
        n = len(own[part])
        hidden = [np.repeat(m[None], n, axis=0) for m in (nothing, shared)]
        hidden.insert(1, own[part])
        sets = np.concatenate(hidden, axis=1)
        other = replacement(states[part], sets)
        numbers = hidden_numbers(check, sets, observed[part])
        hybrids = np.where(numbers, other, input_rows(observed[part])[:, None, :])
        batch = hybrids.astype(observed.dtype).reshape(-1, *observed.shape[1:])
        context = check.episodes.context_at(states[part].repeat(1 + n_sets, axis=0))
        parts.append(effect_fn(in_context(check.agent, context), batch, n))
    return np.concatenate(parts)


def hidden_numbers(
    check: Check, sets: Bool[np.ndarray, "states sets inputs"], observed: Observations
) -> Bool[np.ndarray, "states sets numbers"]:
    """Return which numbers of the observations are hidden: those of the inputs, or groups, hidden.

    Args:
        check: Its finding tells what the inputs are.
        sets: Shape (states, sets, inputs).
        observed: Shape (states, *observation).
    """
    groups = check.finding.groups
    if groups is None or groups.are_inputs:
        return sets
    labels = groups.of(observed)
    return np.stack([own.take(where, axis=1) for own, where in zip(sets, labels, strict=True)])


def _changed_choices(
    agent: Agent, observations: Observations, n_states: int
) -> Float[np.ndarray, "states sets"]:
    """Return 1 where hiding changes the choice and 0 elsewhere."""
    actions = choose_actions(agent, observations, "greedy", ())
    n_sets = len(observations) // n_states - 1
    by_state = actions.reshape(n_states, 1 + n_sets, -1)
    before = np.repeat(by_state[:, :1], n_sets, axis=1)
    space = agent.action_space
    flat_shape = (-1, by_state.shape[2])
    changed = changed_choices(
        space, before.reshape(flat_shape), by_state[:, 1:].reshape(flat_shape)
    )
    return changed.reshape(n_states, n_sets).astype(np.float64)
