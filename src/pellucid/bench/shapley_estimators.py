"""Estimators of Shapley values against exact ones: games of 12 and 16 inputs, equal coalitions.

The unit of work is one game: a random policy network (two hidden layers of 64, four actions) on one
state against one background row, all actions. The error is the root of the squared differences from
the exact values, summed over inputs and actions, relative to that of the exact values themselves
(its square is the relative squared error); the median over 20 games. Every way may ask for the same
number of coalitions m. Peers with scalar games ask for m of each action, so that their evaluations
are four times as many.
"""

import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped

from pellucid.bench.harness import Counted, Measured, NoteFn, Row, Scale, Work, compare
from pellucid.bench.shapley_peers import quiet
from pellucid.kernels.shapley import coalition_masks, exact_shapley
from pellucid.kernels.shapley_chains import chain_shapley, regression_shapley
from pellucid.kernels.shapley_regression import paired_regression
from pellucid.provenance import package_version
from pellucid.seeds import stream

SUITE = "shapley-estimators"
N_ACTIONS, HIDDEN = 4, 64
N_INPUTS = (12, 16)
BUDGETS = (20, 80)
"""Coalitions per input."""
_CAPTUM_BATCH = 64
"""Rows per call of captum, which asks for one at a time if nothing is said."""
SMALL_REGRESSION = 6
"""Coalitions per input of each of several regressions."""
N_GAMES, N_BLOCKS = 20, 5
NO_WORSE = 1.1


@dataclass(frozen=True)
class Game:
    """A random policy network on one state against one background row.

    Args:
        seed: Of the network and of everything that is drawn for this game.
        state: Shape (inputs,).
        background: Shape (inputs,).
        weights: Of the three layers.
        counted: Counts the rows of all games.
    """

    seed: int
    state: Float[np.ndarray, " inputs"]
    background: Float[np.ndarray, " inputs"]
    weights: tuple[np.ndarray, ...]
    counted: Counted

    def __call__(
        self, rows: Shaped[np.ndarray, "rows inputs"]
    ) -> Float[np.ndarray, "rows outputs"]:
        """Return the probabilities of the actions."""
        self.counted.n_rows += len(rows)
        return self.probabilities(np.asarray(rows, dtype=np.float64))

    def probabilities(
        self, rows: Float[np.ndarray, "rows inputs"]
    ) -> Float[np.ndarray, "rows outputs"]:
        """Return the same without counting."""
        first, second, third = self.weights
        logits = np.tanh(np.tanh(rows @ first) @ second) @ third
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def worth(
        self, masks: Shaped[np.ndarray, "coalitions inputs"]
    ) -> Float[np.ndarray, "coalitions outputs"]:
        """Return the value of each coalition."""
        return self(np.where(masks, self.state, self.background))

    @functools.cached_property
    def exact(self) -> Float[np.ndarray, "inputs outputs"]:
        """The exact Shapley values."""
        masks = coalition_masks(len(self.state))
        parts = np.array_split(masks, max(1, len(masks) // 2048))
        values = [self.probabilities(np.where(m, self.state, self.background)) for m in parts]
        return exact_shapley(np.concatenate(values))


Estimator = Callable[[Game, int], Float[np.ndarray, "inputs outputs"]]
"""Estimates the values of a game with at most so many coalitions."""


@dataclass(frozen=True)
class Peer:
    """A package's estimator.

    Args:
        name: Package and method.
        distribution: What to install.
        make: Returns the estimator; raises ImportError if it is not there.
    """

    name: str
    distribution: str
    make: Callable[[], Estimator]


# --- ours ---


def paired_regression_of(game: Game, n_coalitions: int) -> Float[np.ndarray, "inputs outputs"]:
    """Return the estimate of one regression on all coalitions of the budget."""
    rng = stream(game.seed, "bench", "regression")
    design = paired_regression(len(game.state), n_coalitions, rng)
    return np.asarray(design.matrix @ game.worth(design.masks))


def small_regressions_of(game: Game, n_coalitions: int) -> Float[np.ndarray, "inputs outputs"]:
    """Return the mean over regressions of 6 coalitions per input."""
    n_each = SMALL_REGRESSION * len(game.state) + 2
    rows = np.tile(game.background, (max(1, n_coalitions // n_each), 1))
    rng = stream(game.seed, "bench", "regressions")
    found = regression_shapley(game, game.state[None], rows, n_each, rng)
    return np.asarray(found.values[0])


def chains_of(game: Game, n_coalitions: int) -> Float[np.ndarray, "inputs outputs"]:
    """Return the mean over antithetic chains, which `shapley` makes and adjusts."""
    n_each = 2 * (len(game.state) - 1) + 1
    rows = np.tile(game.background, (max(1, (n_coalitions - 1) // n_each), 1))
    rng = stream(game.seed, "bench", "chains")
    return np.asarray(chain_shapley(game, game.state[None], rows, rng).values[0])


OURS: tuple[tuple[str, Estimator], ...] = (
    ("paired regression", paired_regression_of),
    ("paired regressions of 6 per input", small_regressions_of),
    ("antithetic chains", chains_of),
)


# --- theirs ---


def _shapiq(method: str, **options: Any) -> Callable[[], Estimator]:
    def make() -> Estimator:
        # names that it does not have are None and not an error
        kind = getattr(importlib.import_module("shapiq"), method, None)
        if kind is None:
            raise ImportError(f"shapiq has no {method}")

        def estimate(game: Game, n_coalitions: int) -> Float[np.ndarray, "inputs outputs"]:
            def one(output: int) -> np.ndarray:
                approximator = kind(n=len(game.state), random_state=game.seed, **options)
                scalar = functools.partial(_scalar, game, output)
                found = approximator.approximate(n_coalitions, scalar)
                return np.asarray(found.get_n_order_values(1))

            return np.stack([one(output) for output in range(N_ACTIONS)], axis=1)

        return estimate

    return make


def _scalar(game: Game, output: int, coalitions: Any) -> Float[np.ndarray, " coalitions"]:
    masks = np.atleast_2d(np.asarray(coalitions, dtype=bool))
    return np.asarray(game.worth(masks)[:, output])


def _shap_permutation() -> Estimator:
    shap = importlib.import_module("shap")

    def estimate(game: Game, n_coalitions: int) -> Float[np.ndarray, "inputs outputs"]:
        masker = shap.maskers.Independent(game.background[None])
        explainer = shap.explainers.Permutation(game, masker, seed=game.seed)
        found = explainer(game.state[None], max_evals=n_coalitions, silent=True)
        return np.asarray(found.values[0])

    return estimate


def _shap_kernel() -> Estimator:
    shap = importlib.import_module("shap")

    def estimate(game: Game, n_coalitions: int) -> Float[np.ndarray, "inputs outputs"]:
        # draws from the process's own generator, which we do not seed: its error varies a little
        explainer = shap.KernelExplainer(game, game.background[None])
        found = explainer.shap_values(
            game.state[None], nsamples=n_coalitions, silent=True, l1_reg=0
        )
        values: np.ndarray = np.asarray(found)
        return np.asarray(values[0])

    return estimate


def _captum(method: str, per_input: bool) -> Callable[[], Estimator]:
    def make() -> Estimator:
        kind = getattr(importlib.import_module("captum.attr"), method)

        def estimate(game: Game, n_coalitions: int) -> Float[np.ndarray, "inputs outputs"]:
            way = kind(lambda rows: torch.from_numpy(game(rows.numpy())))
            state, hidden = (torch.from_numpy(r[None]) for r in (game.state, game.background))
            n_samples = n_coalitions // len(game.state) if per_input else n_coalitions
            with torch.random.fork_rng():
                torch.manual_seed(game.seed)
                found = [
                    way.attribute(
                        state,
                        baselines=hidden,
                        target=output,
                        n_samples=n_samples,
                        perturbations_per_eval=_CAPTUM_BATCH,
                    )
                    for output in range(N_ACTIONS)
                ]
            return np.stack([f.numpy()[0] for f in found], axis=1)

        return estimate

    return make


PEERS = (
    Peer("shapiq KernelSHAP, paired", "shapiq", _shapiq("KernelSHAP", pairing_trick=True)),
    Peer("shapiq UnbiasedKernelSHAP", "shapiq", _shapiq("UnbiasedKernelSHAP")),
    Peer("shapiq PermutationSamplingSV", "shapiq", _shapiq("PermutationSamplingSV")),
    Peer("shapiq StratifiedSamplingSV", "shapiq", _shapiq("StratifiedSamplingSV")),
    Peer("shapiq SVARM", "shapiq", _shapiq("SVARM")),
    Peer("shapiq OddSHAP", "shapiq", _shapiq("OddSHAP")),
    Peer("shapiq RegressionMSR", "shapiq", _shapiq("RegressionMSR")),
    Peer("shap Permutation", "shap", _shap_permutation),
    Peer("shap Kernel", "shap", _shap_kernel),
    Peer("captum ShapleyValueSampling", "captum", _captum("ShapleyValueSampling", True)),
    Peer("captum KernelShap", "captum", _captum("KernelShap", False)),
)


# --- the comparison ---


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Compare with every peer that is installed; the others are rows that say so.

    Args:
        scale: `full` is 20 games each of 12 and 16 inputs and 20 and 80 coalitions per input.
        note: Told what is being measured.
    """
    full = scale is Scale.full
    rows: list[Row] = []
    for n_inputs in N_INPUTS if full else N_INPUTS[:1]:
        games = random_games(n_inputs, N_GAMES if full else 2)
        for per_input in BUDGETS if full else BUDGETS[:1]:
            rows += compared(
                SUITE,
                games,
                f"{n_inputs} inputs",
                per_input * n_inputs,
                note,
                ours=OURS,
                peers=PEERS,
                judged=_judged,
                n_blocks=N_BLOCKS,
            )
    rows += not_installed(SUITE, PEERS)
    if not full:
        return tuple(replace(row, met=None, reason=row.reason or "smoke") for row in rows)
    return tuple(rows)


def random_games(n_inputs: int, n_games: int) -> list[Game]:
    """Return games of random networks; weights are scaled by the inputs of each layer."""
    counted = Counted(lambda rows: rows)
    return [_random_game(n_inputs, seed, counted) for seed in range(n_games)]


def _random_game(n_inputs: int, seed: int, counted: Counted) -> Game:
    rng = stream(seed, "bench", SUITE, n_inputs)
    shapes = ((n_inputs, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, N_ACTIONS))
    weights = tuple(rng.normal(size=shape) * 1.5 / np.sqrt(shape[0]) for shape in shapes)
    state, background = rng.normal(size=(2, n_inputs))
    return Game(seed, state, background, weights, counted)


def relative_error(
    games: Sequence[Game], values: Float[np.ndarray, "games inputs outputs"]
) -> float:
    """Return the relative root of squared errors, the median over games."""
    errors = [
        np.linalg.norm(found - game.exact) / np.linalg.norm(game.exact)
        for game, found in zip(games, values, strict=True)
    ]
    return float(np.median(errors))


def compared(
    suite: str,
    games: Sequence[Game],
    words: str,
    n_coalitions: int,
    note: NoteFn,
    *,
    ours: Sequence[tuple[str, Estimator]],
    peers: Sequence[Peer],
    judged: Callable[[Estimator, Row], Row],
    n_blocks: int,
) -> list[Row]:
    """Compare the best of ours with every peer that is installed, the others with the first.

    Args:
        suite: Name of the suite.
        games: What is estimated.
        words: What the games are, for the names of cases.
        n_coalitions: Coalitions that every way may ask for.
        note: Told what is being measured.
        ours: Names and estimators, the best first.
        peers: Estimators of other packages.
        judged: Returns a row of one of ours with its goal, where it has one.
        n_blocks: Blocks of games that take turns.
    """
    rows: list[Row] = []
    for peer in peers:
        theirs = _estimator(peer)
        if theirs is None:
            continue
        note(f"{suite}: {words}, {n_coalitions} coalitions, {peer.name}")
        for name, estimate in ours if not rows else ours[:1]:
            measured = _measured(games, n_coalitions, estimate, theirs, n_blocks)
            case = f"{name}, {words}, m = {n_coalitions}"
            rows.append(judged(estimate, _row(suite, games, case, peer, measured)))
    return rows


def not_installed(suite: str, peers: Sequence[Peer]) -> list[Row]:
    """Return a row for every peer that is not installed, or lacks the estimator."""
    return [_skipped(suite, peer) for peer in peers if _estimator(peer) is None]


def _judged(estimate: Estimator, row: Row) -> Row:
    return _asked(row) if estimate is paired_regression_of else row


def _measured(
    games: Sequence[Game], n_coalitions: int, ours: Estimator, theirs: Estimator, n_blocks: int
) -> Measured:
    def work(estimate: Estimator) -> Work:
        return quiet(lambda block: np.stack([estimate(game, n_coalitions) for game in block]))

    size = -(-len(games) // min(n_blocks, len(games)))
    blocks = [games[start : start + size] for start in range(0, len(games), size)]
    return compare(work(ours), work(theirs), blocks, games[0].counted)


def _row(suite: str, games: Sequence[Game], case: str, peer: Peer, measured: Measured) -> Row:
    return Row(
        suite=suite,
        case=case,
        peer=peer.name,
        peer_version=package_version(peer.distribution),
        ours_s=measured.ours_s,
        peer_s=measured.peer_s,
        ratio=measured.ratio,
        error_ours=relative_error(games, measured.ours),
        error_peer=relative_error(games, measured.peer),
        evaluations_ours=measured.evaluations_ours,
        evaluations_peer=measured.evaluations_peer,
        threads=torch.get_num_threads(),
    )


def _asked(row: Row) -> Row:
    assert row.error_ours is not None
    assert row.error_peer is not None
    met = row.error_ours <= NO_WORSE * row.error_peer
    return replace(row, goal=f"error at most {NO_WORSE} times the peer's", met=met)


def _estimator(peer: Peer) -> Estimator | None:
    try:
        return peer.make()
    except ImportError:
        return None


def _skipped(suite: str, peer: Peer) -> Row:
    version = package_version(peer.distribution)
    lacks = "is not installed" if version is None else f"{version} does not have it"
    return Row(
        suite=suite,
        case="estimators",
        peer=peer.name,
        peer_version=version,
        reason=f"{peer.distribution} {lacks}",
    )
