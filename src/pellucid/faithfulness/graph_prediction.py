"""Graph prediction: how well the moves of a graph foretell what fresh episodes enter next."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.flatten import flat
from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Graph, Score, metric
from pellucid.explanation.graph_states import nodes_of
from pellucid.faithfulness.fresh_episodes import fresh_episodes, n_planned
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.abstract_graph import jump_shares
from pellucid.rollouts.episodes import Episode


@metric(
    "graph_prediction",
    kind=Graph,
    label="chance that the graph gave to what fresh episodes entered next",
    direction="higher",
    unit="episode",
    closed_loop=True,
    source="Topin 2019 (abstract policy graphs); measure and control ours",
    targets=("action",),
)
def graph_prediction(check: Check) -> tuple[Score, ...]:
    """Score a graph by the moves between its nodes in episodes that nobody has seen.

    Value of an episode: the mean, over all moves into another node (the end of the episode is one),
    of the percentage that the graph gives to that node once the first is left. Control: edges
    rewired with the same degrees, in the mean over all ways: a node is entered as often as it is
    from anywhere. Staying in a node counts for neither.

    Raises:
        CapabilityError: There is no environment, or the nodes are told by no conditions.
        BudgetError: Less than five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Graph)
    check_conditions(content)
    fresh = fresh_episodes(check, "graph_prediction")
    told, rewired = jump_shares(content.transitions), rewired_shares(content)
    paths = [path_of(content, episode) for episode in fresh.used]
    score = paired_score(
        graph_prediction.info,  # type: ignore[attr-defined]
        np.array([_foretold(told, path) for path in paths]),
        np.array([_foretold(rewired, path) for path in paths]),
        "edges rewired with the same degrees",
        value_unit="% of moves",
        bounds=(0.0, 100.0),
        complete=len(fresh.attempted) == n_planned(check),
    )
    return (score,)


def check_conditions(content: Graph) -> None:
    """Check that states can be told apart by a graph.

    Raises:
        CapabilityError: Its nodes have no conditions.
    """
    if not content.conditions:
        raise CapabilityError(
            "the nodes of the graph are told by no conditions on states", hint="another method"
        )


def path_of(content: Graph, episode: Episode) -> Int[np.ndarray, " steps_and_one"]:
    """Return the node of each step of an episode, and the node of its end."""
    nodes = nodes_of(content.conditions, flat(episode.observations[:-1]))
    end = len(content.conditions) + int(np.searchsorted(content.limits, episode.total_reward))
    return np.append(nodes, end)


def rewired_shares(content: Graph) -> Float[np.ndarray, "nodes nodes"]:
    """Return which node is entered when one is left, if moves lead to nodes by how often they are.

    A node is never entered from itself.
    """
    jumps = content.transitions * ~np.eye(len(content.occupancy), dtype=bool)
    entered = content.occupancy @ jumps
    return jump_shares(np.tile(entered, (len(entered), 1)))


def _foretold(shares: Float[np.ndarray, "nodes nodes"], path: Int[np.ndarray, " nodes"]) -> float:
    """Return the mean percentage given to moves; NaN of an episode without a move."""
    moved = (path[1:] != path[:-1]) & (path[:-1] >= 0) & (path[1:] >= 0)
    if not moved.any():
        return float("nan")
    return float(100.0 * shares[path[:-1][moved], path[1:][moved]].mean())
