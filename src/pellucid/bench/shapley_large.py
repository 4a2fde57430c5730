"""Estimators of Shapley values beyond 16 inputs: games in closed form, and states of networks.

The unit of work is one game: a function of 20 or 40 inputs with four outputs, each a sum of
products of up to three inputs, on one state against one background row. The value of a product for
each of its inputs is that of a game of three players, so that exact values are known at any number
of inputs. *Few terms* are 30 products, *many terms* 300: then more sets of three inputs matter than
there are pairs of coalitions to tell them from. Sets of up to three inputs are what our search
assumes, so that a met goal speaks for games of this form alone; random networks, which have no such
form, are compared in `bench.shapley_estimators`. The error is as in `bench.shapley_estimators`.
Every way may ask for the same number of coalitions m; peers with scalar games ask for m of each
output.

The cases *visited states* are what `shapley` does: random policy networks, on one state against all
of 500 rows of normal numbers. Here m counts rows through the network. Ours begins each chain in
another row and asks for the mean output over all rows too; the peer, whose error was smallest
above, averages 8 or 40 coalitions per input over as many rows as that leaves, or takes a row of its
own for each coalition, and all for that of no inputs. Exact values are those of 30,000 pairs of
orders, which err by about half a percent themselves.
"""

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from pellucid.bench import shapley_background
from pellucid.bench import shapley_estimators as small
from pellucid.bench.harness import Counted, NoteFn, Row, Scale
from pellucid.kernels.shapley import coalition_masks, exact_shapley
from pellucid.kernels.shapley_regression import paired_regression
from pellucid.kernels.shapley_sparse import sparse_shapley
from pellucid.seeds import stream

SUITE = "shapley-large"
N_OUTPUTS = small.N_ACTIONS
N_INPUTS = (20, 40)
BUDGETS = (20, 80)
"""Coalitions per input."""
N_TERMS = {"few terms": 30, "many terms": 300}
MOST_FACTORS = 3
N_GAMES, N_BLOCKS = 4, 2
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
_LEFT_BEHIND = ("shapiq StratifiedSamplingSV", "shapiq SVARM")
PEERS = tuple(
    peer for peer in small.PEERS if peer.distribution == "shapiq" and peer.name not in _LEFT_BEHIND
)
"""Those of the package that estimates games of many players best, without two that take minutes per
game; these and other packages are left behind at 12 and 16 inputs (`bench.shapley_estimators`)."""


# --- the comparison ---


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Compare with every estimator that is installed; the others are rows that say so.

    Args:
        scale: `full` is 4 games each of 20 and 40 inputs, few and many terms, and 20 and 80
            coalitions per input.
        note: Told what is being measured.
    """
    full = scale is Scale.full
    rows: list[Row] = []
    for n_inputs in N_INPUTS if full else N_INPUTS[:1]:
        for words, n_terms in N_TERMS.items():
            games = product_games(n_inputs, n_terms, N_GAMES if full else 2)
            for per_input in BUDGETS if full else BUDGETS[:1]:
                rows += small.compared(
                    SUITE,
                    games,
                    f"{n_inputs} inputs, {words}",
                    per_input * n_inputs,
                    note,
                    ours=OURS,
                    peers=PEERS,
                    judged=_judged,
                    n_blocks=N_BLOCKS,
                )
    rows += shapley_background.compared(SUITE, PEERS[:1], full, note)
    rows += small.not_installed(SUITE, PEERS)
    if not full:
        return tuple(replace(row, met=None, reason=row.reason or "smoke") for row in rows)
    return tuple(rows)


def _judged(estimate: small.Estimator, row: Row) -> Row:
    if estimate is not sparse_regression_of:
        return row
    assert row.error_ours is not None
    assert row.error_peer is not None
    return replace(row, goal=GOAL, met=row.error_ours <= row.error_peer)
