"""Graph return: how well the node of a state foretells what is earned from there on."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from pellucid.agents.flatten import flat
from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Graph, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.fresh_episodes import fresh_episodes, n_planned
from pellucid.faithfulness.graph_prediction import check_conditions, path_of
from pellucid.faithfulness.results import paired_score
from pellucid.rollouts.episodes import Episode
from pellucid.seeds import stream

COMPARED = 2_000
"""Recorded states at most that tell what the control's nodes earn."""


@metric(
    "graph_return",
    kind=Graph,
    label="error of what the graph says is earned from a kind of state on",
    direction="lower",
    unit="episode",
    closed_loop=True,
    source="Topin 2019 (abstract policy graphs); measure and control ours",
    targets=("action",),
)
def graph_return(check: Check) -> tuple[Score, ...]:
    """Score a graph by what is earned from its nodes on in episodes that nobody has seen.

    Value of an episode: the mean over its states of the absolute difference between the value of
    the node and what the episode earned from there on. Control: as many nodes at random, each the
    states nearest to a recorded one in standardised inputs, with the means of what was earned from
    them on; the mean of twenty draws.

    Raises:
        CapabilityError: There is no environment, or nodes have no conditions or values.
        BudgetError: Less than five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Graph)
    check_conditions(content)
    n_kinds = len(content.conditions)
    if len(content.values) < n_kinds:
        raise CapabilityError("the nodes of the graph have no values", hint="another method")
    fresh = fresh_episodes(check, "graph_return")
    recorded = _thinned(check)
    scale = recorded.rows.std(axis=0)
    scale = np.where(scale > 0, scale, np.inf)
    values, controls = [], []
    draws = [
        _random_values(recorded, n_kinds, scale, stream(check.seed, "graph_return", i))
        for i in range(thresholds.SHUFFLED_GRAPHS)
    ]
    for episode in fresh.used:
        earned, rows = _earned(episode), flat(episode.observations[:-1])
        told = content.values[path_of(content, episode)[:-1]]
        values.append(float(np.abs(told - earned).mean()))
        errors = [np.abs(d.told(rows, scale) - earned).mean() for d in draws]
        controls.append(float(np.mean(errors)))
    score = paired_score(
        graph_return.info,  # type: ignore[attr-defined]
        np.array(values),
        np.array(controls),
        "as many random kinds of states",
        value_unit=check.episodes.names.reward_unit,
        complete=len(fresh.attempted) == n_planned(check),
    )
    return (score,)


class _Recorded(NamedTuple):
    """Recorded states, evenly spread, with what was earned from each on."""

    rows: Float[np.ndarray, "states inputs"]
    earned: Float[np.ndarray, " states"]


class _RandomNodes(NamedTuple):
    """Nodes around some states, and what was earned from each on."""

    centres: Float[np.ndarray, "nodes inputs"]
    values: Float[np.ndarray, " nodes"]

    def told(
        self, rows: Float[np.ndarray, "states inputs"], scale: Float[np.ndarray, " inputs"]
    ) -> Float[np.ndarray, " states"]:
        """Return the value of the nearest node of each state."""
        nearest = cdist(rows / scale, self.centres / scale).argmin(axis=1)
        return np.asarray(self.values[nearest])


def _thinned(check: Check) -> _Recorded:
    earned = np.concatenate([_earned(episode) for episode in check.episodes.used])
    picked = np.linspace(0, len(earned) - 1, min(len(earned), COMPARED)).round().astype(np.int64)
    return _Recorded(flat(check.episodes.visited[picked]), earned[picked])


def _random_values(
    recorded: _Recorded,
    n_nodes: int,
    scale: Float[np.ndarray, " inputs"],
    rng: np.random.Generator,
) -> _RandomNodes:
    picked = rng.choice(len(recorded.rows), size=min(n_nodes, len(recorded.rows)), replace=False)
    centres = recorded.rows[picked]
    nearest = cdist(recorded.rows / scale, centres / scale).argmin(axis=1)
    total = np.bincount(nearest, minlength=len(centres))
    sums = np.bincount(nearest, recorded.earned, minlength=len(centres))
    overall = float(recorded.earned.mean())
    values = np.where(total > 0, sums / np.maximum(total, 1), overall)
    return _RandomNodes(centres, values)


def _earned(episode: Episode) -> Float[np.ndarray, " steps"]:
    return np.asarray(np.cumsum(episode.rewards[::-1])[::-1])
