"""Estimators of Shapley values beyond 16 inputs, where the exact ones are known in closed form.

The unit of work is one game: a function of 20 or 40 inputs with four outputs, each a sum of
products of up to three inputs, on one state against one background row. The value of a product for
each of its inputs is that of a game of three players, so that exact values are known at any number
of inputs. *Few terms* are 30 products, *many terms* 300: then more sets of three inputs matter than
there are pairs of coalitions to tell them from. The error is as in `bench.shapley_estimators`.
Every way may ask for the same number of coalitions m; peers with scalar games ask for m of each
output.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from pellucid.bench import shapley_estimators as small
from pellucid.bench.harness import Counted, Measured, NoteFn, Row, Scale, Work, compare
from pellucid.bench.shapley_peers import quiet
from pellucid.kernels.shapley import coalition_masks, exact_shapley
from pellucid.kernels.shapley_regression import paired_regression
from pellucid.kernels.shapley_sparse import sparse_shapley
from pellucid.provenance import package_version
from pellucid.seeds import stream

SUITE = "shapley-large"
N_OUTPUTS = small.N_ACTIONS
N_INPUTS = (20, 40)
BUDGETS = (20, 80)
"""Coalitions per input."""
N_TERMS = {"few terms": 30, "many terms": 300}
MOST_FACTORS = 3
N_GAMES, N_BLOCKS = 6, 3
GOAL = "error at most the peer's"


@dataclass(frozen=True)
class ProductGame(small.Game):
    """A sum of products of inputs on one state against one background row.

    Args:
        terms: The inputs of each product, one to three. `weights` holds a single array, of shape
            (terms, outputs).
    """

    terms: tuple[tuple[int, ...], ...] = ()

    def probabilities(
        self, rows: Float[np.ndarray, "rows inputs"]
    ) -> Float[np.ndarray, "rows outputs"]:
        """Return the outputs, which are sums and no probabilities here."""
        products = np.stack([rows[:, list(term)].prod(axis=1) for term in self.terms], axis=1)
        return np.asarray(products @ self.weights[0])

    @functools.cached_property
    def exact(self) -> Float[np.ndarray, "inputs outputs"]:
        """The exact Shapley values: by linearity, the sum of those of each product."""
        values = np.zeros((len(self.state), N_OUTPUTS))
        for term, weights in zip(self.terms, self.weights[0], strict=True):
            own = list(term)
            masks = coalition_masks(len(own))
            worth = np.where(masks, self.state[own], self.background[own]).prod(axis=1)
            values[own] += np.outer(exact_shapley(worth), weights)
        return values


def product_games(n_inputs: int, n_terms: int, n_games: int) -> list[ProductGame]:
    """Return games whose products, weights, states and background rows are drawn."""
    counted = Counted(lambda rows: rows)
    return [_product_game(n_inputs, n_terms, seed, counted) for seed in range(n_games)]


def _product_game(n_inputs: int, n_terms: int, seed: int, counted: Counted) -> ProductGame:
    rng = stream(seed, "bench", SUITE, n_inputs, n_terms)
    sizes = rng.integers(1, MOST_FACTORS + 1, size=n_terms)
    terms = tuple(
        tuple(sorted(rng.choice(n_inputs, size=int(k), replace=False).tolist())) for k in sizes
    )
    weights = rng.normal(size=(n_terms, N_OUTPUTS)) / math.sqrt(n_terms)
    state, background = rng.normal(size=(2, n_inputs))
    return ProductGame(seed, state, background, (weights,), counted, terms)


# --- ours ---


def sparse_regression_of(
    game: small.Game, n_coalitions: int
) -> Float[np.ndarray, "inputs outputs"]:
    """Return the estimate of one regression beside the sets of three that are found."""
    rng = stream(game.seed, "bench", "regression")
    design = paired_regression(len(game.state), n_coalitions, rng)
    return sparse_shapley(design, game.worth(design.masks))[0]


OURS: tuple[tuple[str, small.Estimator], ...] = (
    ("paired regression with sets of three", sparse_regression_of),
    ("paired regression", small.paired_regression_of),
    ("paired regressions of 6 per input", small.small_regressions_of),
)
PEERS = tuple(peer for peer in small.PEERS if peer.distribution == "shapiq")
"""Those of the package that estimates games of many players best; the others are left behind at 12
and 16 inputs already (`bench.shapley_estimators`)."""


# --- the comparison ---


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Compare with every estimator that is installed; the others are rows that say so.

    Args:
        scale: `full` is 6 games each of 20 and 40 inputs, few and many terms, and 20 and 80
            coalitions per input.
        note: Told what is being measured.
    """
    full = scale is Scale.full
    rows: list[Row] = []
    for n_inputs in N_INPUTS if full else N_INPUTS[:1]:
        for words, n_terms in N_TERMS.items():
            games = product_games(n_inputs, n_terms, N_GAMES if full else 2)
            for per_input in BUDGETS if full else BUDGETS[:1]:
                rows += _rows(games, words, per_input * n_inputs, note)
    rows += [_skipped(peer) for peer in PEERS if _estimator(peer) is None]
    if not full:
        return tuple(replace(row, met=None, reason=row.reason or "smoke") for row in rows)
    return tuple(rows)


def _rows(games: Sequence[ProductGame], words: str, n_coalitions: int, note: NoteFn) -> list[Row]:
    n_inputs = len(games[0].state)
    rows: list[Row] = []
    for peer in PEERS:
        theirs = _estimator(peer)
        if theirs is None:
            continue
        note(f"{SUITE}: {n_inputs} inputs, {words}, {n_coalitions} coalitions, {peer.name}")
        # the best of ours beside every peer, the others beside the first
        for name, ours in OURS if not rows else OURS[:1]:
            measured = _measured(games, n_coalitions, ours, theirs)
            case = f"{name}, {n_inputs} inputs, {words}, m = {n_coalitions}"
            row = _row(games, case, peer, measured)
            if ours is sparse_regression_of:
                assert row.error_ours is not None
                assert row.error_peer is not None
                row = replace(row, goal=GOAL, met=row.error_ours <= row.error_peer)
            rows.append(row)
    return rows


def _measured(
    games: Sequence[ProductGame],
    n_coalitions: int,
    ours: small.Estimator,
    theirs: small.Estimator,
) -> Measured:
    def work(estimate: small.Estimator) -> Work:
        return quiet(lambda block: np.stack([estimate(game, n_coalitions) for game in block]))

    size = -(-len(games) // min(N_BLOCKS, len(games)))
    blocks = [games[start : start + size] for start in range(0, len(games), size)]
    return compare(work(ours), work(theirs), blocks, games[0].counted)


def _row(games: Sequence[ProductGame], case: str, peer: small.Peer, measured: Measured) -> Row:
    return Row(
        suite=SUITE,
        case=case,
        peer=peer.name,
        peer_version=package_version(peer.distribution),
        ours_s=measured.ours_s,
        peer_s=measured.peer_s,
        ratio=measured.ratio,
        error_ours=small.relative_error(games, measured.ours),
        error_peer=small.relative_error(games, measured.peer),
        evaluations_ours=measured.evaluations_ours,
        evaluations_peer=measured.evaluations_peer,
        threads=torch.get_num_threads(),
    )


def _estimator(peer: small.Peer) -> small.Estimator | None:
    try:
        return peer.make()
    except ImportError:
        return None


def _skipped(peer: small.Peer) -> Row:
    version = package_version(peer.distribution)
    lacks = "is not installed" if version is None else f"{version} does not have it"
    return Row(
        suite=SUITE,
        case="estimators",
        peer=peer.name,
        peer_version=version,
        reason=f"{peer.distribution} {lacks}",
    )
