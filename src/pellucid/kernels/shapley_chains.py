"""Estimated Shapley values of a function's inputs against a background, with standard errors.

All estimators spend each random draw on one background row: they estimate the game of one state
and that row, and average over rows. Averaging the background inside every coalition would spend as
many evaluations on each coalition as there are rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.kernels.control_variates import Controls, adding_up, adjusted_means
from pellucid.kernels.shapley_pairs import CHUNK_ROWS, ForwardFn
from pellucid.kernels.shapley_regression import paired_regression

MOST_NUMBERS = 4_000_000
"""Numbers that the hybrids of one state hold at once at most."""


@dataclass(frozen=True)
class Estimated:
    """Shapley values of states, each a mean over background rows.

    Args:
        values: Shape (states, inputs, outputs).
        standard_errors: Likewise, of the means over rows: of drawing rows and coalitions together.
            NaN with a single row.
    """

    values: Float[np.ndarray, "states inputs outputs"]
    standard_errors: Float[np.ndarray, "states inputs outputs"]


def chain_evaluations(
    states: Shaped[np.ndarray, "states inputs"], background: Shaped[np.ndarray, "chains inputs"]
) -> int:
    """Return how many rows `chain_shapley` evaluates."""
    turned = sum(int(np.maximum(0, (x != background).sum(axis=1) - 1).sum()) for x in states)
    return 2 * turned + len(states) + len(background)


def chain_shapley(
    forward_fn: ForwardFn,
    states: Shaped[np.ndarray, "states inputs"],
    background: Shaped[np.ndarray, "chains inputs"],
    rng: np.random.Generator,
    *,
    progress: Callable[[float], None] | None = None,
) -> Estimated:
    """Estimate Shapley values by antithetic chains, each from its own background row.

    A chain turns b into x one input at a time in a random order, and once more in the reverse
    order; each input is given what its two turns change, for all outputs at once. The values of a
    chain add up to f(x) - f(b), and are exact if no more than two inputs interact. Inputs in which
    x and b are equal change nothing and are not turned.

    Args:
        forward_fn: The function; called with `chain_evaluations` rows in all.
        states: States to explain.
        background: One row per chain; a row that appears twice gets two chains.
        rng: Draws the orders, other ones for every state.
        progress: Called with the share done.

    Source: Castro 2009, algorithm 1; Mitchell 2022, section 4.1 (antithetic orders).
    """
    values, errors = [], []
    for chains in _all_chains(forward_fn, states, background, rng, progress):
        values.append(chains.mean(axis=0))
        errors.append(_standard_errors(chains))
    return Estimated(np.stack(values), np.stack(errors))


def adjusted_chain_shapley(
    forward_fn: ForwardFn,
    states: Shaped[np.ndarray, "states inputs"],
    background: Shaped[np.ndarray, "chains inputs"],
    controls: Controls,
    totals: Float[np.ndarray, "states outputs"],
    rng: np.random.Generator,
    *,
    progress: Callable[[float], None] | None = None,
) -> Estimated:
    """Estimate Shapley values against many rows by antithetic chains from a few of them.

    What an input does in a chain depends most of all on the value that it has in the chain's own
    row. Its mean over all rows is known without asking anybody, and so is what the values of all
    inputs add up to: chains are adjusted to both.

    Args:
        forward_fn: The function; called with `chain_evaluations` rows in all.
        states: States to explain.
        background: One row per chain, drawn from all rows.
        controls: Values of the background's inputs, or of what stands for them, and their means
            over all rows.
        totals: Shape (states, outputs), f(x) less the mean of f over all rows.
        rng: Draws the orders, other ones for every state.
        progress: Called with the share done.

    Returns:
        Values against all rows, whose standard errors are those of drawing rows and orders.

    Source: `chain_shapley`; `adjusted_means`.
    """
    every = _all_chains(forward_fn, states, background, rng, progress)
    found = [
        adding_up(adjusted_means(chains, controls), totals[row]) for row, chains in enumerate(every)
    ]
    return Estimated(
        np.stack([one.values for one in found]), np.stack([one.standard_errors for one in found])
    )


def regression_evaluations(n_states: int, n_rows: int, n_coalitions: int) -> int:
    """Return the most rows that `regression_shapley` evaluates."""
    return n_states * n_rows * (n_coalitions - 2) + n_states + n_rows


def regression_shapley(
    forward_fn: ForwardFn,
    states: Shaped[np.ndarray, "states inputs"],
    background: Shaped[np.ndarray, "background inputs"],
    n_coalitions: int,
    rng: np.random.Generator,
    *,
    progress: Callable[[float], None] | None = None,
) -> Estimated:
    """Estimate Shapley values by one paired regression per background row.

    The coalitions are drawn anew for every background row and shared by all states.

    Args:
        forward_fn: The function; called with at most `regression_evaluations` rows in all.
        states: States to explain, at least 2 inputs.
        background: Rows that hidden inputs are taken from.
        n_coalitions: Coalitions of each regression; see `paired_regression`.
        rng: Draws the coalitions.
        progress: Called with the share done.

    Source: Lundberg & Lee 2017, theorem 2; Covert & Lee 2021, section 3.2.
    """
    full, empty = forward_fn(states), forward_fn(background)
    total, squares = np.zeros((2, len(states), states.shape[1], full.shape[1]))
    for row, hidden in enumerate(background):
        design = paired_regression(states.shape[1], n_coalitions, rng)
        worth = np.empty((len(states), len(design.masks), full.shape[1]))
        worth[:, 0], worth[:, 1] = empty[row], full
        _fill_in(forward_fn, states, hidden, design.masks[2:], worth[:, 2:])
        # centred on the empty coalition: the squares below must not drown in a common level
        phi = np.matmul(design.matrix, worth - worth[:, :1])
        shift = phi - total / max(1, row)
        total += phi
        squares += shift * (phi - total / (row + 1))
        if progress is not None:
            progress((row + 1) / len(background))
    n_rows = len(background)
    variances = squares / (n_rows - 1) if n_rows > 1 else np.full_like(squares, np.nan)
    return Estimated(total / n_rows, np.sqrt(variances / n_rows))


def _all_chains(
    forward_fn: ForwardFn,
    states: np.ndarray,
    background: np.ndarray,
    rng: np.random.Generator,
    progress: Callable[[float], None] | None,
) -> Iterator[Float[np.ndarray, "chains inputs outputs"]]:
    """Yield the values of each chain, state by state."""
    full, empty = forward_fn(states), forward_fn(background)
    n_inputs = states.shape[1]
    at_once = max(1, MOST_NUMBERS // (2 * n_inputs**2))
    for row, state in enumerate(states):
        ranks, n_turned = _orders(state != background, rng)
        yield np.concatenate(
            [
                _chain_values(
                    forward_fn, state, background[p], ranks[p], n_turned[p], full[row], empty[p]
                )
                for p in (slice(s, s + at_once) for s in range(0, len(background), at_once))
            ]
        )
        if progress is not None:
            progress((row + 1) / len(states))


def _orders(
    differs: Bool[np.ndarray, "chains inputs"], rng: np.random.Generator
) -> tuple[Int[np.ndarray, "chains inputs"], Int[np.ndarray, " chains"]]:
    """Return each input's place in a random order, equal inputs last, and how many differ."""
    keys = rng.random(differs.shape) + ~differs
    return keys.argsort(axis=1).argsort(axis=1), differs.sum(axis=1)


def _chain_values(
    forward_fn: ForwardFn,
    state: np.ndarray,
    background: np.ndarray,
    ranks: np.ndarray,
    n_turned: np.ndarray,
    full: np.ndarray,
    empty: np.ndarray,
) -> Float[np.ndarray, "chains inputs outputs"]:
    """Return the values of each chain of one state."""
    n_chains, n_inputs = ranks.shape
    places = np.arange(1, n_inputs)
    # what each chain passes on its way there, one row per chain and place, and on its way back
    chain, place = np.nonzero(places < n_turned[:, None])
    turned = ranks[chain] < places[place, None]
    hybrids = np.concatenate(
        [
            np.where(turned, state, background[chain]),
            np.where(turned, background[chain], state),
        ]
    )
    passed = _in_chunks(forward_fn, hybrids, full.shape[0])
    there = np.empty((n_chains, n_inputs + 1, full.shape[0]))
    there[:] = full
    back = np.empty_like(there)
    back[:] = empty[:, None]
    there[:, 0], back[:, 0] = empty, full
    there[chain, place + 1], back[chain, place + 1] = passed[: len(chain)], passed[len(chain) :]
    # where nothing differs, both ways start at their end
    there[n_turned == 0], back[n_turned == 0] = 0.0, 0.0
    changes = (np.diff(there, axis=1) - np.diff(back, axis=1)) / 2
    return np.asarray(np.take_along_axis(changes, ranks[:, :, None], axis=1))


def _fill_in(
    forward_fn: ForwardFn,
    states: np.ndarray,
    hidden: np.ndarray,
    masks: np.ndarray,
    worth: np.ndarray,
) -> None:
    """Evaluate some coalitions of some states against one background row."""
    step = max(1, CHUNK_ROWS // len(masks))
    for start in range(0, len(states), step):
        part = states[start : start + step]
        hybrids = np.where(masks, part[:, None], hidden).reshape(-1, states.shape[1])
        worth[start : start + step] = forward_fn(hybrids).reshape(len(part), len(masks), -1)


def _in_chunks(forward_fn: ForwardFn, rows: np.ndarray, n_outputs: int) -> np.ndarray:
    values = np.empty((len(rows), n_outputs))
    for start in range(0, len(rows), CHUNK_ROWS):
        values[start : start + CHUNK_ROWS] = forward_fn(rows[start : start + CHUNK_ROWS])
    return values


def _standard_errors(chains: np.ndarray) -> np.ndarray:
    if len(chains) < 2:
        return np.full(chains.shape[1:], np.nan)
    return np.asarray(chains.std(axis=0, ddof=1) / np.sqrt(len(chains)))
