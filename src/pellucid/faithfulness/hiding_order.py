"""What hiding inputs in an order changes, on recorded states: deletion and insertion share it.

Insertion along an order is deletion along its reverse: with the k most telling inputs shown, the
others are hidden. A random order read backwards is a random order, so that one set of random orders
serves as the control of both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Attribution, Check, Curve, Interval, MetricInfo, Score
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.hiding import changed_choices, input_rows
from pellucid.faithfulness.replacements import REPLACEMENTS, Replacement
from pellucid.faithfulness.results import clipped, missing_score, paired_score
from pellucid.seeds import derived_seed, stream
from pellucid.stats import mean_interval

_ROWS_AT_ONCE = 2**14
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
    content = check.finding.content
    assert isinstance(content, Attribution)
    n_inputs = len(content.input_names)
    if n_inputs < 2:
        raise CapabilityError("there is only one input", hint="an agent with two inputs or more")
    orders = random_orders(n_inputs, stream(check.seed, info.name, "rankings"))
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
    content = check.finding.content
    assert isinstance(content, Attribution)
    # one query tells the choice with everything visible
    per_state = 1 + len(orders.n_hidden) + len(orders.sets)
    rows = explained_states(check, content, per_state, share)
    states = content.steps[rows]
    ranked = content.orders[rows]
    replacement = kind(check.episodes, derived_seed(check.seed, info.name, "donors"))
    own_sets = hidden_sets(ranked[:, ::-1] if shown else ranked, orders.n_hidden)
    changed = _changed(check, states, own_sets, orders.sets, replacement)
    n_levels = len(orders.n_hidden)
    own = _percent_by_episode(changed[:, :n_levels], states)
    lots = changed[:, n_levels:][:, orders.places].mean(axis=1)
    random = _percent_by_episode(lots, states)
    levels, axis = orders.n_hidden, "inputs hidden"
    if shown:
        own, random = 100.0 - own[:, ::-1], 100.0 - random[:, ::-1]
        levels, axis = len(content.input_names) - levels[::-1], "inputs shown"
    score = paired_score(
        info,
        own.mean(axis=1),
        random.mean(axis=1),
        f"{'showing' if shown else 'hiding'} inputs in random order",
        name=kind.name,
        value_unit="% of choices",
        bounds=_BOUNDS,
    )
    curve = Curve(axis, tuple(levels.tolist()), _points(own), _points(random))
    return replace(score, replacement=kind.words, curve=curve)


def _missing(
    info: MetricInfo, kind: type[Replacement], error: BudgetError | CapabilityError
) -> Score:
    applicable = isinstance(error, BudgetError)
    score = missing_score(info, str(error), error.hint or "", name=kind.name, applicable=applicable)
    return replace(score, replacement=kind.words, unaffordable=applicable)


def _points(percent: Float[np.ndarray, "episodes levels"]) -> tuple[Interval, ...]:
    return tuple(clipped(mean_interval(level), _BOUNDS) for level in percent.T)


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


def _percent_by_episode(
    share: Shaped[np.ndarray, "states levels"], states: Int[np.ndarray, "states 2"]
) -> Float[np.ndarray, "episodes levels"]:
    """Return the mean of each episode: states of one episode are not independent."""
    episodes = states[:, 0]
    return np.array([100.0 * share[episodes == e].mean(axis=0) for e in np.unique(episodes)])


# --- asking the agent ---


def _changed(
    check: Check,
    states: Int[np.ndarray, "states 2"],
    own: Bool[np.ndarray, "states levels inputs"],
    shared: Bool[np.ndarray, "sets inputs"],
    replacement: Replacement,
) -> Bool[np.ndarray, "states levels_and_sets"]:
    """Return in which states hiding changes the choice: each state's own sets, then shared ones."""
    observed = np.array([check.episodes.used[e].observations[t] for e, t in states])
    n_sets = own.shape[1] + len(shared)
    # the first row of each state hides nothing
    nothing = np.zeros((1, shared.shape[1]), dtype=bool)
    at_once = max(1, _ROWS_AT_ONCE // (1 + n_sets))
    parts = [np.empty((0, n_sets), dtype=bool)]
    for start in range(0, len(states), at_once):
        part = slice(start, start + at_once)
        n = len(own[part])
        hidden = [np.repeat(m[None], n, axis=0) for m in (nothing, shared)]
        hidden.insert(1, own[part])
        sets = np.concatenate(hidden, axis=1)
        other = replacement(states[part], sets)
        parts.append(_changed_part(check, observed[part], other, sets))
    return np.concatenate(parts)


def _changed_part(
    check: Check,
    observed: Shaped[np.ndarray, "states *observation"],
    other: Shaped[np.ndarray, "states sets inputs"],
    hidden: Bool[np.ndarray, "states sets inputs"],
) -> Bool[np.ndarray, "states sets"]:
    rows = np.where(hidden, other, input_rows(observed)[:, None, :]).astype(observed.dtype)
    batch = rows.reshape(-1, *observed.shape[1:])
    actions = choose_actions(check.agent, batch, "greedy", ())
    by_state = actions.reshape(len(observed), hidden.shape[1], -1)
    before = np.repeat(by_state[:, :1], hidden.shape[1] - 1, axis=1)
    space = check.agent.action_space
    flat_shape = (-1, by_state.shape[2])
    changed = changed_choices(
        space, before.reshape(flat_shape), by_state[:, 1:].reshape(flat_shape)
    )
    return changed.reshape(len(observed), -1)
