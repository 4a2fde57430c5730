"""Policy graph: kinds of states, and how the agent moves between them (leaf F1)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int

from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.summary.state_features import (
    clusters,
    queries_per_state,
    state_features,
)
from pellucid.explanation import Fact, Finding, Graph, Sentences, Task, explainer, fact
from pellucid.explanation.graph_states import nodes_of
from pellucid.explanation.groups import image_layout
from pellucid.explanation.options import whole_number
from pellucid.explanation.predicate_words import predicate_words
from pellucid.explanation.wording import show
from pellucid.kernels.abstract_graph import (
    foretelling_error,
    likeliest_way,
    transition_shares,
    two_kinds,
)
from pellucid.kernels.boolean_cover import smallest_cover
from pellucid.kernels.cart import LEAF, Cart, fit_cart
from pellucid.kernels.predicates import Joined, Predicate, all_of, compare, negated
from pellucid.kernels.splitting_states import cells_of, choose_comparisons
from pellucid.rollouts.episodes import Episode
from pellucid.seeds import derived_seed

MOST_NODES = 8
MOST_STATES = 20_000
"""States of whole episodes that are used, unless two episodes have more."""
MOST_FITTED = 4_000
"""States, evenly spread, that kinds are fitted to and named by."""
LEAVES_PER_NODE = 2
ENOUGH = 0.1
"""Share of what more nodes could foretell at most that is given up for fewer nodes."""
MOST_INPUTS = 512
NAME_PARTS = 2
"""Comparisons in the name of a node."""
WAY_SHOWN = 3

_QUESTION = "Which kinds of states does it move between?"


@explainer(
    "policy-graph",
    leaf="F1",
    kind=Graph,
    decisive="graph_prediction",
    source="Topin 2019 (abstract policy graphs); rules as McCalmon 2022 (CAPS), value and choice "
    "in the distance and number of nodes ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="It moves between {k} kinds of states; {way}. Of what fresh episodes entered "
        "next, this had foretold {d} % ({lo} to {hi}), rewired {r} %.",
        weak="It may move between {k} kinds of states; {way}. Of what fresh episodes entered next, "
        "this had foretold {d} % ({lo} to {hi}), not clearly more than rewired ({r} %).",
        thin="It may move between {k} kinds of states; {way}. Of what fresh episodes entered next, "
        "this had foretold {d} % ({lo} to {hi}), rewired {r} %; but {reason}.",
        failed="We could not show how it moves between kinds of states: rewired moves foretell as "
        "well what it enters next.",
        not_measured="How it moves between kinds of states was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that states of one kind are alike in every respect, nor why it moves on",
    ),
    options={"nodes": f"kinds of states, from 2 to {MOST_NODES} (as few as foretell well)"},
)
class PolicyGraph:
    """Parts the visited states into a few kinds, told by rules, and counts the moves between them.

    States are alike if their inputs, the agent's preferences and its value (if it has one) are:
    three blocks of equal weight, clustered by k-means. A tree of at most two leaves per cluster
    then tells the cluster from the inputs alone, and its answer is the kind: so every kind is a
    rule. The number of kinds is the smallest whose nodes foretell the next state nearly as well as
    any number up to eight, in episodes that the moves were not counted in (a bisimulation error
    over inputs, choices and value). Nodes come in the order of their time in the episode and are
    named by the comparisons that tell them best. Ends of episodes are nodes too: two where returns
    are of two kinds (Otsu 1979), and then the likeliest way to the worse one is told.

    Deviations: clusters and not splits by action or a tree of densities (Topin 2019, McCalmon
    2022), since value and choice shall count; no abstract policy is run.
    """

    def plan(self, task: Task) -> Cost:
        """Return the queries in the states that are used.

        Raises:
            BudgetError: Less than two episodes.
            CapabilityError: The agent sees images.
            DataError: There are no visited states.
            InputError: The number of nodes is out of range.
        """
        if not len(task.episodes) or not len(task.episodes.visited):
            raise DataError("there are no visited states to sum up", hint="collect episodes first")
        shape = task.episodes.visited.shape[1:]
        if image_layout(shape) is not None or int(np.prod(shape)) > MOST_INPUTS:
            raise CapabilityError(
                f"kinds of states told by {int(np.prod(shape))} inputs of an image say nothing",
                hint="use highlights, which shows moments",
            )
        _numbers_of_nodes(task)
        return Cost(queries=queries_per_state(task) * sum(map(len, _episodes(task))))

    def explain(self, task: Task) -> Finding:
        """Find the kinds of states and count the moves."""
        self.plan(task)
        episodes = _episodes(task)
        parting = _parting(task, episodes, state_features(task, episodes))
        graph = _graph(task, episodes, parting)
        left = len(task.episodes.used) - len(episodes)
        told = f"{_QUESTION} {left} of {len(task.episodes.used)} episodes are not used."
        return Finding(
            question=_QUESTION,
            content=graph,
            facts=_facts(task, episodes, graph),
            left_out=(told,) if left else (),
        )


def _episodes(task: Task) -> list[Episode]:
    """Return as many episodes as the budget pays for, in order.

    Raises:
        BudgetError: Less than two, or the only one.
    """
    used = [episode for episode in task.episodes.used if len(episode)]
    each = queries_per_state(task)
    queries = task.meter.left.queries
    affordable = MOST_STATES if not each else min(MOST_STATES, queries // each)
    ends = np.cumsum([len(episode) for episode in used])
    n = int((ends <= affordable).sum())
    least = min(2, len(used))
    if n < least and each * ends[least - 1] > queries:
        raise BudgetError(
            f"the states of {least} episodes take {each * ends[least - 1]} agent queries; "
            f"{queries} are left",
            hint=f"a larger budget: at least {each * ends[least - 1]} queries for this method",
        )
    return used[: max(n, least)]


def _numbers_of_nodes(task: Task) -> Sequence[int]:
    wanted = whole_number(task, "nodes")
    if wanted is None:
        return range(2, MOST_NODES + 1)
    if not 2 <= wanted <= MOST_NODES:
        raise InputError(f"the option nodes must be from 2 to {MOST_NODES}, got {wanted}")
    return (wanted,)


# --- kinds of states ---


class _Parting(NamedTuple):
    """A parting of the states that inputs alone tell.

    Args:
        conditions: One per node.
        nodes: Shape (episodes, steps).
    """

    conditions: tuple[Predicate, ...]
    nodes: list[Int[np.ndarray, " steps"]]


def _parting(
    task: Task, episodes: Sequence[Episode], features: list[Float[np.ndarray, "steps features"]]
) -> _Parting:
    """Return the parting into the fewest nodes that foretell nearly as well as any.

    Raises:
        CapabilityError: All states are alike.
    """
    rows = np.concatenate([flat(episode.observations[:-1]) for episode in episodes])
    picked = _spread(len(rows))
    fitted, together = rows[picked], np.concatenate(features)[picked]
    n_distinct = len(np.unique(fitted, axis=0))
    found: list[tuple[float, _Parting]] = []
    one = [np.zeros(len(f), dtype=np.int64) for f in features]
    worst = _error(features, one, 1)
    for n_nodes in _numbers_of_nodes(task):
        if n_nodes > n_distinct:
            break
        labels = clusters(together, n_nodes, seed=derived_seed(task.seed, "policy-graph") % 2**31)
        conditions = _told_by_inputs(fitted, labels, n_nodes)
        if len(conditions) < 2:
            continue
        nodes = nodes_of([str(c) for c in conditions], rows)
        parts = np.split(nodes, np.cumsum([len(f) for f in features])[:-1])
        parting = _in_order(_Parting(conditions, parts))
        found.append((_error(features, parting.nodes, len(conditions)), parting))
    if not found:
        raise CapabilityError(
            f"all of {len(rows)} visited states are alike to inputs, choices and value",
            hint="an agent that gets into different states",
        )
    best = min(error for error, _ in found)
    limit = best + ENOUGH * max(worst - best, 0.0)
    return next(parting for error, parting in found if error <= limit)


def _spread(n_states: int) -> Int[np.ndarray, " states"]:
    """Return states, evenly spread."""
    n_picked = min(n_states, MOST_FITTED)
    return np.unique(np.linspace(0, n_states - 1, n_picked).round().astype(np.int64))


def _error(
    features: list[Float[np.ndarray, "steps features"]],
    nodes: list[Int[np.ndarray, " steps"]],
    n_nodes: int,
) -> float:
    """Return the error in every other episode, by those between; in all if there is one."""
    held = slice(1, None, 2) if len(features) > 1 else slice(None)
    return foretelling_error(features[::2], nodes[::2], features[held], nodes[held], n_nodes)


def _told_by_inputs(
    rows: Float[np.ndarray, "states inputs"], labels: Int[np.ndarray, " states"], n_nodes: int
) -> tuple[Predicate, ...]:
    """Return where a small tree of the inputs puts each cluster; those that it misses fall."""
    tree = fit_cart(
        rows,
        labels,
        np.ones(len(rows)),
        max_leaves=LEAVES_PER_NODE * n_nodes,
        n_classes=n_nodes,
        seed=0,
    )
    ways = _leaf_ways(tree)
    choices = tree.values.argmax(axis=1)
    conditions = []
    for node in range(n_nodes):
        own = [all_of(way) for leaf, way in ways.items() if choices[leaf] == node]
        if own:
            conditions.append(own[0] if len(own) == 1 else Joined("or", tuple(own)))
    return tuple(conditions)


def _leaf_ways(tree: Cart) -> dict[int, list[Predicate]]:
    """Return the comparisons on the way to each leaf."""
    found: dict[int, list[Predicate]] = {}
    stack: list[tuple[int, list[Predicate]]] = [(0, [])]
    while stack:
        node, way = stack.pop()
        if tree.features[node] == LEAF:
            found[node] = way
            continue
        above = compare(int(tree.features[node]), ">", float(tree.thresholds[node]))
        left, right = tree.children[node].tolist()
        stack += [(right, [*way, above]), (left, [*way, negated(above)])]
    return found


def _in_order(parting: _Parting) -> _Parting:
    """Return the parting with nodes in the order of their mean time in the episode."""
    times = np.concatenate([np.arange(len(n)) / len(n) for n in parting.nodes])
    nodes = np.concatenate(parting.nodes)
    n_nodes = len(parting.conditions)
    total = np.bincount(nodes, minlength=n_nodes)
    mean = np.bincount(nodes, times, minlength=n_nodes) / np.maximum(total, 1)
    # nodes that no visited state is in come last, and are dropped
    order = [int(i) for i in np.lexsort((mean, total == 0)) if total[i]]
    place = np.full(n_nodes, -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    return _Parting(tuple(parting.conditions[i] for i in order), [place[n] for n in parting.nodes])


# --- the graph ---


def _graph(task: Task, episodes: Sequence[Episode], parting: _Parting) -> Graph:
    n_kinds = len(parting.conditions)
    returns = np.array([episode.total_reward for episode in episodes])
    limit = two_kinds(returns)
    limits = np.array([] if limit is None else [limit])
    ends = np.searchsorted(limits, returns, side="left")
    paths = [
        np.append(nodes, n_kinds + int(end)) for nodes, end in zip(parting.nodes, ends, strict=True)
    ]
    n_nodes = n_kinds + len(limits) + 1
    nodes = np.concatenate(parting.nodes)
    occupancy = np.bincount(nodes, minlength=n_nodes) / len(nodes)
    to_go = np.concatenate([np.cumsum(e.rewards[::-1])[::-1] for e in episodes])
    sums = np.bincount(nodes, to_go, minlength=n_nodes)
    transitions = transition_shares(paths, n_nodes)
    start = int(np.bincount([path[0] for path in paths]).argmax())
    return Graph(
        node_names=(*_names(task, episodes, parting), *_end_names(task, returns, ends)),
        occupancy=occupancy,
        transitions=transitions,
        conditions=tuple(str(condition) for condition in parting.conditions),
        values=sums / np.maximum(np.bincount(nodes, minlength=n_nodes), 1),
        limits=limits,
        way=np.array(likeliest_way(transitions, start, n_kinds).nodes, dtype=np.int64),
    )


def _names(task: Task, episodes: Sequence[Episode], parting: _Parting) -> list[str]:
    """Return what tells each kind best, in words; the whole rule where that is not unique."""
    inputs = task.episodes.names.inputs
    rows = np.concatenate([flat(episode.observations[:-1]) for episode in episodes])
    picked = _spread(len(rows))
    rows, nodes = rows[picked], np.concatenate(parting.nodes)[picked]
    categories = isinstance(task.agent.observation_space, Discrete)
    names = []
    for node, condition in enumerate(parting.conditions):
        labels = nodes == node
        chosen = choose_comparisons(rows, labels, most=NAME_PARTS, categories=categories)
        cells = cells_of(rows, chosen)
        values, inverse = np.unique(cells, return_inverse=True)
        share = np.bincount(inverse, labels) / np.bincount(inverse)
        # the one set of answers that holds most of the kind
        inside = np.bincount(inverse, labels)
        best = int(np.lexsort((-share, -inside * (share >= 0.5)))[0])
        cover = smallest_cover(values[[best]], np.delete(values, best), len(chosen))
        told = [
            c if cover[0].value >> bit & 1 else negated(c)
            for bit, c in enumerate(chosen)
            if cover[0].mask >> bit & 1
        ]
        words = predicate_words(all_of(told) if told else condition, inputs)
        names.append(words if words not in names else predicate_words(condition, inputs))
    return names


def _end_names(
    task: Task, returns: Float[np.ndarray, " episodes"], ends: Int[np.ndarray, " episodes"]
) -> list[str]:
    unit = task.episodes.names.reward_unit
    means = [float(returns[ends == end].mean()) for end in np.unique(ends)]
    if len(means) == 1:
        return ["the end"]
    return [f"an end with about {show(mean)} {unit}" for mean in means]


def _facts(task: Task, episodes: Sequence[Episode], graph: Graph) -> dict[str, Fact]:
    n_kinds = len(graph.conditions)
    entered = [graph.node_names[i] for i in graph.way[:-1]][-WAY_SHOWN:]
    by = ", then ".join(entered)
    if len(graph.limits):
        returns = np.array([episode.total_reward for episode in episodes])
        share = 100.0 * float((returns <= graph.limits[0]).mean())
        worse = graph.node_names[n_kinds]
        way = f"{show(share)} % of episodes come to {worse}, most often by way of {by}"
    else:
        share = float("nan")
        way = f"most often it comes to its end by way of {by}"
    busiest = int(graph.occupancy.argmax())
    return {
        "k": fact(n_kinds),
        "way": fact(way),
        "worse": fact(share),
        "busiest": fact(graph.node_names[busiest]),
        "busy": fact(100.0 * float(graph.occupancy[busiest])),
        "n_states": fact(sum(map(len, episodes))),
        "n_episodes": fact(len(episodes)),
    }
