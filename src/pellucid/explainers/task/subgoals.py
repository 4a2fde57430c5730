"""Subgoals: what an agent passes on its way, and which of them it heads for now (leaf D2s)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.flatten import n_inputs
from pellucid.agents.outputs import outputs_of_actions
from pellucid.budget import Cost
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.explainers.task.regions import Regions, regions_of
from pellucid.explanation import Fact, Finding, Graph, Sentences, Task, explainer, fact
from pellucid.explanation.options import whole_number
from pellucid.kernels.bottlenecks import change_shares, cuts, visit_shares
from pellucid.rollouts import Episodes
from pellucid.seeds import derived_seed

MOST_SUBGOALS, N_SUBGOALS = 10, 3
MIN_EPISODES = 5
MOST_INPUTS = 200
ALMOST_ALL = 0.9
"""Share of successful episodes that must pass a subgoal."""
SURE = 0.8
"""Share of recorded approaches that are as fast as is announced."""

_QUESTION = "What does it head for on its way?"


@explainer(
    "subgoals",
    leaf="D2s",
    kind=Graph,
    decisive="subgoal_hits",
    source="McGovern 2001 (bottlenecks), with change points of behaviour; for a fixed agent",
    question=_QUESTION,
    sentences=Sentences(
        supported="It heads for {event} first ({k} {subgoals} in all). In fresh episodes {d} % "
        "({lo} to {hi}) of announced subgoals are reached in time; states visited as often, {r} %.",
        weak="It may head for {event} first. In fresh episodes {d} % ({lo} to {hi}) of announced "
        "subgoals are reached in time, perhaps no more than states visited as often ({r} %): it "
        "could be chance.",
        thin="It may head for {event} first. In fresh episodes {d} % ({lo} to {hi}) of announced "
        "subgoals are reached in time, states visited as often {r} %; but {reason}.",
        failed="No subgoals could be shown: states that are visited as often are reached in time "
        "no less ({r} %) than those announced ({d} %).",
        not_measured="Whether it reaches announced subgoals was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that it plans these steps, or that it must go this way",
    ),
    targets=("return",),
    options={"subgoals": f"how many are told at most, from 1 to {MOST_SUBGOALS} ({N_SUBGOALS})"},
)
class Subgoals:
    """Finds regions that successful episodes pass and at which behaviour changes.

    States are told apart as places where few were seen, else as twenty clusters. A subgoal is
    passed by nine of ten successful episodes (those with at least the median return) between their
    beginning and their end; if there are such regions without which no recorded way leads to the
    end, it is one of these. Told are those at which the actions change most. In every region the
    subgoal is announced that recorded episodes reached next from there most often, within the
    number of steps that four of five of them needed.

    Deviation from McGovern 2001: nothing is learnt with these subgoals; bottlenecks are cut
    vertices of the recorded ways in place of peaks of diverse density.
    """

    def plan(self, task: Task) -> Cost:
        """Return nothing: recorded episodes are all that is used.

        Raises:
            CapabilityError: Observations are no inputs, or too many.
            DataError: There are fewer than five episodes.
            InputError: An option is out of range.
        """
        n_numbers = n_inputs(task.agent.observation_space)
        if n_numbers > MOST_INPUTS:
            raise CapabilityError(
                f"states of {n_numbers} inputs cannot be told apart in words",
                hint="use highlights or critical-steps",
            )
        if len(task.episodes) < MIN_EPISODES:
            raise DataError(
                f"subgoals are what {MIN_EPISODES} episodes or more have in common, and there are "
                f"{len(task.episodes)}",
                hint="more episodes",
            )
        _wanted(task)
        return Cost()

    def explain(self, task: Task) -> Finding:
        """Find subgoals and what is announced in every region."""
        self.plan(task)
        episodes = task.episodes
        regions = regions_of(episodes, derived_seed(task.seed, "subgoals", "clusters"))
        paths = regions.paths(episodes.used)
        subgoals = _subgoals(task, regions, paths)
        if not len(subgoals):
            raise CapabilityError(
                "no region is passed by nearly all successful episodes between beginning and end",
                hint="longer episodes, or the method highlights",
            )
        content = _content(regions, paths, subgoals)
        return Finding(question=_QUESTION, content=content, facts=_facts(content))


def _wanted(task: Task) -> int:
    wanted = whole_number(task, "subgoals")
    wanted = N_SUBGOALS if wanted is None else wanted
    if not 1 <= wanted <= MOST_SUBGOALS:
        raise InputError(f"the option subgoals must be from 1 to {MOST_SUBGOALS}, got {wanted}")
    return wanted


def _subgoals(
    task: Task, regions: Regions, paths: list[Int[np.ndarray, " steps"]]
) -> Int[np.ndarray, " subgoals"]:
    """Return the regions that are subgoals, in the order in which episodes come to them."""
    episodes, n_regions = task.episodes, len(regions.centres)
    good = _successful(episodes)
    ways = [paths[i] for i in good]
    passed = visit_shares(ways, n_regions) >= ALMOST_ALL
    # where nearly all begin or end is no news
    for place in (0, -1):
        ends = np.array([way[place] for way in ways])
        shares = np.bincount(ends, minlength=n_regions) / len(ends)
        passed &= shares < 0.5
    behaviours = [outputs_of_actions(e.actions, task.agent.action_space) for e in episodes.used]
    scale = np.concatenate(behaviours).std(axis=0)
    scaled = [b / np.where(scale > 0, 2 * scale, 1.0) for b in behaviours]
    changes = change_shares([paths[i][:-1] for i in good], [scaled[i] for i in good], n_regions)
    is_cut = passed & cuts(ways, n_regions)
    candidates = np.flatnonzero(is_cut if is_cut.any() else passed)
    order = np.lexsort((candidates, -changes[candidates].round(9)))
    chosen = candidates[order[: _wanted(task)]]
    first = [np.mean([_first(way, region) for way in ways]) for region in chosen]
    return np.asarray(chosen[np.argsort(first, kind="stable")])


def _successful(episodes: Episodes) -> Int[np.ndarray, " successful"]:
    returns = episodes.returns
    return np.flatnonzero(returns >= np.median(returns))


def _first(way: Int[np.ndarray, " steps"], region: int) -> float:
    found = np.flatnonzero(way == region)
    return float(found[0]) if len(found) else float(len(way))


@dataclass(frozen=True)
class _Approach:
    """How a step of a recorded episode went on: the next subgoal, and the steps to it."""

    region: int
    subgoal: int
    steps: int


def _content(
    regions: Regions,
    paths: list[Int[np.ndarray, " steps"]],
    subgoals: Int[np.ndarray, " subgoals"],
) -> Graph:
    n_regions, n_nodes = len(regions.centres), len(subgoals)
    node_of = np.full(n_regions, -1)
    node_of[subgoals] = np.arange(n_nodes)
    approaches = [one for path in paths for one in _approaches(path, node_of)]
    announced = np.full(n_regions, -1)
    within = np.zeros(n_regions, dtype=np.int64)
    for region in np.unique([one.region for one in approaches]) if approaches else ():
        own = [one for one in approaches if one.region == region]
        counts = np.bincount([one.subgoal for one in own], minlength=n_nodes)
        announced[region] = int(counts.argmax())
        steps = np.sort([one.steps for one in own if one.subgoal == announced[region]])
        within[region] = int(steps[int(np.ceil(SURE * len(steps))) - 1])
    every = np.concatenate(paths)
    return Graph(
        node_names=tuple(regions.names[int(i)] for i in subgoals),
        occupancy=np.bincount(every, minlength=n_regions)[subgoals] / len(every),
        transitions=_moves(paths, node_of, n_nodes),
        centres=regions.centres,
        spreads=regions.spreads,
        regions=subgoals,
        announced=announced,
        within=within,
        frequencies=visit_shares(paths, n_regions),
    )


def _approaches(
    path: Int[np.ndarray, " steps"], node_of: Int[np.ndarray, " regions"]
) -> list[_Approach]:
    """Return every step of an episode from which a subgoal was reached later."""
    found = []
    node, at = -1, 0
    for step in range(len(path) - 1, -1, -1):
        if node >= 0:
            found.append(_Approach(int(path[step]), node, at - step))
        if node_of[path[step]] >= 0:
            node, at = int(node_of[path[step]]), step
    return found


def _moves(
    paths: list[Int[np.ndarray, " steps"]], node_of: Int[np.ndarray, " regions"], n_nodes: int
) -> Float[np.ndarray, "nodes nodes"]:
    """Return how often each subgoal is the next one after another."""
    counts = np.zeros((n_nodes, n_nodes))
    for path in paths:
        nodes = node_of[path]
        nodes = nodes[nodes >= 0]
        changed = nodes[np.flatnonzero(np.append(True, np.diff(nodes) != 0))]
        np.add.at(counts, (changed[:-1], changed[1:]), 1.0)
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(counts / np.maximum(total, 1.0))


def _facts(content: Graph) -> dict[str, Fact]:
    n_nodes = len(content.node_names)
    return {
        "event": fact(content.node_names[0]),
        "k": fact(n_nodes),
        "subgoals": fact("subgoal" if n_nodes == 1 else "subgoals"),
    }
