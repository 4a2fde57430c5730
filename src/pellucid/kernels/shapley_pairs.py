"""Exact Shapley values of a function's inputs against a background, with no evaluation twice.

The game of a state x and a background row b has as its coalitions the hybrids that take the inputs
of a coalition from x and the others from b. Two facts save evaluations and change no result:

- Inputs in which x and b are equal are null players, so k differing inputs need 2^k hybrids.
- The hybrid of x and b with mask z is that of b and x with mask 1 - z, so the game of (b, x) is
  that of (x, b) read backwards and its Shapley values are those of (x, b) times -1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.kernels.shapley import shapley_matrix

ForwardFn: TypeAlias = Callable[
    [Shaped[np.ndarray, "rows inputs"]], Float[np.ndarray, "rows outputs"]
]
"""The function that is explained; row-wise."""

CHUNK_ROWS = 4096
"""Hybrids per call: a few hundred KiB of inputs and outputs, which stay in a core's own cache."""


@dataclass(frozen=True)
class PairGames:
    """The distinct games among states and background rows.

    Args:
        first: Row of the state, one per game, into states followed by background rows.
        second: Row of the background, likewise.
        n_players: Inputs in which the two differ.
        game: Shape (states, background): which game a pair is; -1 where the two rows are equal.
        sign: Shape (states, background): 1, or -1 if the pair is that game read backwards.
    """

    first: Int[np.ndarray, " games"]
    second: Int[np.ndarray, " games"]
    n_players: Int[np.ndarray, " games"]
    game: Int[np.ndarray, "states background"]
    sign: Int[np.ndarray, "states background"]

    @property
    def n_evaluations(self) -> int:
        """Hybrids of all games."""
        return int((2**self.n_players).sum())


def pair_games(
    states: Shaped[np.ndarray, "states inputs"], background: Shaped[np.ndarray, "background inputs"]
) -> PairGames:
    """Return the distinct games among all pairs of a state and a background row.

    Args:
        states: States to explain.
        background: Rows that hidden inputs are taken from; may share rows with `states`.
    """
    rows = np.concatenate([states, background])
    _, first_seen, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    same = first_seen[inverse.reshape(-1)]
    one, other = same[: len(states), None], same[len(states) :][None]
    low, high = np.minimum(one, other), np.maximum(one, other)
    codes = np.where(low == high, -1, low * len(rows) + high)
    found, game = np.unique(codes, return_inverse=True)
    n_equal = int(found[0] == -1)
    distinct = found[n_equal:]
    first, second = distinct // len(rows), distinct % len(rows)
    return PairGames(
        first=first,
        second=second,
        n_players=(rows[first] != rows[second]).sum(axis=1),
        game=game.reshape(codes.shape) - n_equal,
        sign=np.where(one <= other, 1, -1),
    )


def exact_pair_shapley(
    forward_fn: ForwardFn,
    states: Shaped[np.ndarray, "states inputs"],
    background: Shaped[np.ndarray, "background inputs"],
    *,
    progress: Callable[[float], None] | None = None,
) -> Float[np.ndarray, "states background inputs outputs"]:
    """Return the exact Shapley values of every state against every background row.

    Their mean over background rows explains f(x) - mean f(b).

    Args:
        forward_fn: The function; called with `pair_games(states, background).n_evaluations` rows
            in all, at most about `CHUNK_ROWS` at a time unless one game alone has more.
        states: States to explain, at most 16 inputs.
        background: Rows that hidden inputs are taken from.
        progress: Called with the share done.

    Source: Lundberg & Lee 2017, eq. (4); Shapley 1953.
    """
    games = pair_games(states, background)
    rows = np.concatenate([states, background])
    total = max(1, games.n_evaluations)
    values: np.ndarray | None = None
    done = 0
    for n_players in np.unique(games.n_players).tolist():
        members = np.flatnonzero(games.n_players == n_players)
        step = max(1, CHUNK_ROWS >> n_players)
        for start in range(0, len(members), step):
            part = members[start : start + step]
            phi = _games_shapley(forward_fn, rows[games.first[part]], rows[games.second[part]])
            if values is None:
                # one game of zeros at the end: that of two equal rows, which game -1 stands for
                values = np.zeros((len(games.first) + 1, rows.shape[1], phi.shape[2]))
            values[part] = phi
            done += len(part) << n_players
            if progress is not None:
                progress(done / total)
    if values is None:  # all rows are equal; one call tells the number of outputs
        values = np.zeros((1, rows.shape[1], forward_fn(rows[:1]).shape[1]))
    return np.asarray(values[games.game] * games.sign[:, :, None, None])


def _games_shapley(
    forward_fn: ForwardFn, first: np.ndarray, second: np.ndarray
) -> Float[np.ndarray, "games inputs outputs"]:
    """Return the Shapley values of games with one number of players."""
    differs = first != second
    n_players = int(differs[0].sum())
    hybrids = _hybrids(first, second, np.nonzero(differs)[1].reshape(-1, n_players))
    # games behind coalitions, so that one product over coalitions serves all games and outputs
    worth = forward_fn(hybrids.reshape(-1, hybrids.shape[2]))
    n_outputs = worth.shape[1]
    phi = shapley_matrix(n_players).T @ worth.reshape(len(hybrids), -1)
    phi = phi.reshape(n_players, len(first), n_outputs).transpose(1, 0, 2)
    values = np.zeros((*first.shape, n_outputs))
    values[differs] = phi.reshape(-1, n_outputs)
    return values


def _hybrids(
    first: np.ndarray, second: np.ndarray, players: Int[np.ndarray, "games players"]
) -> Shaped[np.ndarray, "coalitions games inputs"]:
    """Return all hybrids of each pair of rows, in the order of `coalition_masks`."""
    hybrids = np.empty((2 ** players.shape[1], *first.shape), dtype=first.dtype)
    hybrids[0] = second
    game = np.arange(len(first))
    for player, column in enumerate(players.T):
        # the coalitions with this player are those before it, with one more input turned
        half = 1 << player
        hybrids[half : 2 * half] = hybrids[:half]
        hybrids[half : 2 * half, game, column] = first[game, column]
    return hybrids
