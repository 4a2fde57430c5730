"""The second part of `bench.shapley_large`: states of agents against all that they visited."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Shaped

from pellucid.bench import shapley_estimators as small
from pellucid.bench.harness import NoteFn, Row
from pellucid.kernels.control_variates import Controls
from pellucid.kernels.shapley_chains import (
    adjusted_chain_shapley,
    chain_shapley,
    regression_shapley,
)
from pellucid.kernels.shapley_regression import paired_regression
from pellucid.kernels.shapley_sparse import sparse_shapley
from pellucid.seeds import stream

N_INPUTS = (20, 40)
N_VISITED = 500
BUDGETS = (100, 400)
"""Rows through the agent per input."""
REFERENCE_ORDERS = 60
"""Orders, each with its reverse, of each visited state in the values that count as exact."""
N_GAMES, N_BLOCKS = 4, 2
PEER_COALITIONS = (8, 40)
"""Per input, that a peer averages over as many rows as its budget pays for."""
GOAL = "error at most the peer's"
SEARCH_ROWS = 10


@dataclass(frozen=True)
class VisitedGame(small.Game):
    """A random policy network on one state against rows that it visited.

    Args:
        visited: Shape (rows, inputs); hidden inputs have the values of each of them in turn.
    """

    visited: Float[np.ndarray, "rows inputs"]

    def worth(
        self, masks: Shaped[np.ndarray, "coalitions inputs"]
    ) -> Float[np.ndarray, "coalitions outputs"]:
        """Return the mean output of each coalition over the rows."""
        hybrids = np.where(masks[:, None], self.state, self.visited)
        outputs = self(hybrids.reshape(-1, len(self.state)))
        return np.asarray(outputs.reshape(len(masks), len(self.visited), -1).mean(axis=1))

    def against(self, n_rows: int) -> "VisitedGame":
        """Return the same against some of the rows, drawn."""
        rng = stream(self.seed, "bench", "rows", n_rows)
        return replace(self, visited=rng.permutation(self.visited)[:n_rows])

    def drawing(self) -> "DrawnRows":
        """Return the same with a row drawn for each coalition."""
        rng = stream(self.seed, "bench", "rows")
        own = (self.seed, self.state, self.background, self.weights, self.counted, self.visited)
        return DrawnRows(*own, rng)

    @functools.cached_property
    def exact(self) -> Float[np.ndarray, "inputs outputs"]:
        """The values of very many chains from all rows; they err by about half a percent."""
        rng = stream(self.seed, "bench", "reference")
        rows = np.tile(self.visited, (REFERENCE_ORDERS, 1))
        return np.asarray(chain_shapley(self.probabilities, self.state[None], rows, rng).values[0])


@dataclass(frozen=True)
class DrawnRows(VisitedGame):
    """The same, in which each coalition has a row of its own, drawn when it is asked for.

    Args:
        rng: Draws the rows.
    """

    rng: np.random.Generator

    def worth(
        self, masks: Shaped[np.ndarray, "coalitions inputs"]
    ) -> Float[np.ndarray, "coalitions outputs"]:
        """Return the output of each coalition; the mean over all rows for that of no inputs."""
        rows = self.visited[self.rng.integers(len(self.visited), size=len(masks))]
        some = masks.any(axis=1)
        found = np.empty((len(masks), small.N_ACTIONS))
        found[some] = self(np.where(masks, self.state, rows)[some])
        if not some.all():
            found[~some] = self(self.visited).mean(axis=0)
        return found


def visited_games(n_inputs: int, n_games: int) -> list[VisitedGame]:
    """Return games of random networks on states like those they visited."""
    return [
        VisitedGame(
            game.seed,
            game.state,
            game.background,
            game.weights,
            game.counted,
            stream(game.seed, "bench", "visited", n_inputs).normal(size=(N_VISITED, n_inputs)),
        )
        for game in small.random_games(n_inputs, n_games)
    ]


# --- ours ---


def adjusted_chains_of(game: small.Game, n_rows: int) -> Float[np.ndarray, "inputs outputs"]:
    """Return the estimate that `shapley` makes; the mean over all rows is asked for too."""
    assert isinstance(game, VisitedGame)
    drawn = _drawn(game, n_rows - len(game.visited))
    known = game.visited
    controls = Controls(known[drawn], known.mean(axis=0), known.var(axis=0))
    totals = game(game.state[None]) - game(known).mean(axis=0)
    rng = stream(game.seed, "bench", "adjusted")
    found = adjusted_chain_shapley(game, game.state[None], known[drawn], controls, totals, rng)
    return np.asarray(found.values[0])


def chains_of(game: small.Game, n_rows: int) -> Float[np.ndarray, "inputs outputs"]:
    """Return the mean over antithetic chains."""
    assert isinstance(game, VisitedGame)
    drawn = _drawn(game, n_rows)
    rng = stream(game.seed, "bench", "chains")
    found = chain_shapley(game, game.state[None], game.visited[drawn], rng)
    return np.asarray(found.values[0])


def _drawn(game: VisitedGame, n_rows: int) -> np.ndarray:
    n_chains = (n_rows - 2) // (2 * len(game.state) - 1)
    order = stream(game.seed, "bench", "drawn").permutation(len(game.visited))
    return np.resize(order, n_chains)


def sparse_regression_of(game: small.Game, n_rows: int) -> Float[np.ndarray, "inputs outputs"]:
    """Return the estimate with a search for sets of three, against a few of the rows."""
    assert isinstance(game, VisitedGame)
    few = game.against(SEARCH_ROWS)
    rng = stream(game.seed, "bench", "regression")
    design = paired_regression(len(game.state), n_rows // SEARCH_ROWS, rng)
    return sparse_shapley(design, few.worth(design.masks))[0]


def regressions_of(game: small.Game, n_rows: int) -> Float[np.ndarray, "inputs outputs"]:
    """Return the mean over regressions of 6 coalitions per input, each against its own row."""
    assert isinstance(game, VisitedGame)
    n_each = small.SMALL_REGRESSION * len(game.state) + 2
    rows = game.against(n_rows // n_each).visited
    rng = stream(game.seed, "bench", "regressions")
    found = regression_shapley(game, game.state[None], rows, n_each, rng)
    return np.asarray(found.values[0])


OURS: tuple[tuple[str, small.Estimator], ...] = (
    ("adjusted antithetic chains", adjusted_chains_of),
    ("antithetic chains", chains_of),
    ("paired regressions of 6 per input", regressions_of),
    ("paired regression with sets of three, 10 rows", sparse_regression_of),
)


# --- theirs ---


def against_few(peer: small.Peer, n_rows: int) -> small.Peer:
    """Return a peer that averages each coalition over a few rows."""

    def make() -> small.Estimator:
        estimate = peer.make()

        def on_few(game: small.Game, n_asked: int) -> Float[np.ndarray, "inputs outputs"]:
            assert isinstance(game, VisitedGame)
            return estimate(game.against(n_rows), n_asked // n_rows)

        return on_few

    return small.Peer(f"{peer.name}, {n_rows} rows", peer.distribution, make)


def against_drawn(peer: small.Peer) -> small.Peer:
    """Return a peer that asks about each coalition with a row of its own."""

    def make() -> small.Estimator:
        estimate = peer.make()

        def on_drawn(game: small.Game, n_asked: int) -> Float[np.ndarray, "inputs outputs"]:
            assert isinstance(game, VisitedGame)
            return estimate(game.drawing(), n_asked - len(game.visited))

        return on_drawn

    return small.Peer(f"{peer.name}, a row per coalition", peer.distribution, make)


def compared(suite: str, peers: Sequence[small.Peer], full: bool, note: NoteFn) -> list[Row]:
    """Return the rows of this part.

    Args:
        suite: Name of the suite.
        peers: Estimators of other packages, each of which is tried in several ways.
        full: Whether at full scale.
        note: Told what is being measured.
    """
    rows: list[Row] = []
    for n_inputs in N_INPUTS if full else N_INPUTS[:1]:
        games = visited_games(n_inputs, N_GAMES if full else 2)
        for per_input in BUDGETS if full else BUDGETS[:1]:
            rows += small.compared(
                suite,
                games,
                f"{n_inputs} inputs, visited states",
                per_input * n_inputs,
                note,
                ours=OURS,
                peers=[way for peer in peers for way in _ways(peer, per_input)],
                judged=_judged,
                n_blocks=N_BLOCKS,
            )
    return rows


def _ways(peer: small.Peer, per_input: int) -> list[small.Peer]:
    few = [against_few(peer, per_input // n_coalitions) for n_coalitions in PEER_COALITIONS]
    return [*few, against_drawn(peer)]


def _judged(estimate: small.Estimator, row: Row) -> Row:
    if estimate is not adjusted_chains_of:
        return row
    assert row.error_ours is not None
    assert row.error_peer is not None
    return replace(row, goal=GOAL, met=row.error_ours <= row.error_peer)
