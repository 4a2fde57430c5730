"""Shapley values of the shipped LunarLander policy: all inputs, all actions, many states.

The unit of work is one explained state. The error is the median over states of the squared
difference from the exact values, relative to their squared sum; exact values are those of the
agent's own network.

Peers call the agent's action probabilities for rows of observations, as its library computes them.
Ours asks as `pellucid explain` does: for the same probabilities by the network's matrices. Both
count one evaluation per row.

Exact ways need about as many rows, so most of a ratio is how fast a row is. The cases *both by the
library* and *both by matrices* leave that out. There no way can be more times as fast than the
case *forward passes alone, both by matrices*, as those passes explain nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Shaped

from pellucid.agents import load_agent
from pellucid.agents.acting import bulk_preferences, preferences
from pellucid.api.collecting import collect
from pellucid.api.locating import SHIPPED
from pellucid.bench.harness import Counted, Measured, NoteFn, Row, Scale, Work, compare
from pellucid.bench.shapley_peers import PEERS, Peer
from pellucid.kernels.shapley_chains import chain_shapley
from pellucid.kernels.shapley_pairs import CHUNK_ROWS, exact_pair_shapley, pair_games
from pellucid.provenance import package_version
from pellucid.seeds import stream

SUITE = "shapley"
ENV = "LunarLander-v3"
REPEATS = 7
"""Of the one block in which the background rows are explained together."""
CYCLES = (1, 2, 4, 8)
"""Chains per state and background row, along the curve; more cost as much as exact values."""
FASTER_EXACT, FASTER_SHARED, FORWARD_SHARE = 1.6, 3.0, 1.2
FORWARD = "forward passes alone"
FEWER_EVALUATIONS, FASTER_ESTIMATE = 5.0, 8.0
AT_EQUAL_ERROR = (
    f"at no larger error, {FEWER_EVALUATIONS:.0f} times fewer evaluations "
    f"and {FASTER_ESTIMATE:.0f} times less time"
)


@dataclass(frozen=True)
class _Setting:
    """What is explained.

    Args:
        library: The agent's probabilities as its library computes them.
        matrices: The same by matrices.
        states: Rows to explain.
        background: Rows that hidden inputs are taken from.
        exact: Shapley values of the states, by the library's.
        n_blocks: Into which the states are split.
    """

    library: Counted
    matrices: Counted
    states: Shaped[np.ndarray, "states inputs"]
    background: Shaped[np.ndarray, "background inputs"]
    exact: Float[np.ndarray, "states inputs outputs"]
    n_blocks: int = 8

    @property
    def blocks(self) -> list[Shaped[np.ndarray, "block inputs"]]:
        """The states in blocks."""
        return np.array_split(self.states, min(self.n_blocks, len(self.states)))

    def error(self, values: Float[np.ndarray, "states inputs outputs"]) -> float | None:
        """Return the median relative squared error, None of values that are none."""
        squares = ((values - self.exact) ** 2).sum(axis=(1, 2))
        error = float(np.median(squares / (self.exact**2).sum(axis=(1, 2))))
        return None if math.isnan(error) else error

    def compare(self, ours: Work, peer: Work) -> Measured:
        """Return how both ways do on the blocks of states."""
        return compare(ours, peer, self.blocks, self.library, self.matrices)


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Compare with every peer that is installed; the others are rows that say so.

    Args:
        scale: `full` is 200 states and 100 background rows of 10 episodes.
        note: Told what is being measured.
    """
    setting = _setting(*((200, 100, 10) if scale is Scale.full else (8, 10, 1)))
    note(f"{SUITE}: forward passes alone")
    rows = _forward_rows(setting)
    for peer in PEERS:
        note(f"{SUITE}: {peer.name}")
        try:
            work = peer.make(setting.library, setting.background)
        except ImportError:
            rows.append(_skipped(peer))
            continue
        if not peer.exact:
            rows += _curve(setting, peer, work)
            continue
        rows.append(_exact_row(setting, peer, work))
        if peer is PEERS[0]:
            rows += _rows_of_fastest(setting, peer, work)
    if scale is Scale.smoke:
        return tuple(replace(row, met=None, reason=row.reason or "smoke") for row in rows)
    return tuple(rows)


def _setting(n_states: int, n_background: int, n_episodes: int) -> _Setting:
    agent = load_agent(SHIPPED)
    visited = collect(agent, ENV, n_episodes=n_episodes, seed=0).visited
    chosen = stream(0, "bench", SUITE).choice(len(visited), n_states + n_background, replace=False)
    states, background = visited[chosen[:n_states]], visited[chosen[n_states:]]
    fast = bulk_preferences(agent)
    # peers hand in 64-bit floats; the conversion is part of what each way costs
    library = Counted(lambda rows: preferences(agent, np.asarray(rows, dtype=visited.dtype)))
    matrices = Counted(lambda rows: fast(np.asarray(rows, dtype=visited.dtype)))
    exact = exact_pair_shapley(library, states, background).mean(axis=1)
    return _Setting(library, matrices, states, background, exact)


def _exact(setting: _Setting, fn: Counted) -> Work:
    return lambda states: exact_pair_shapley(fn, states, setting.background).mean(axis=1)


def _chains(setting: _Setting, n_cycles: int) -> Work:
    background = np.tile(setting.background, (n_cycles, 1))
    return lambda states: (
        chain_shapley(setting.matrices, states, background, stream(0, "bench", "chains")).values
    )


def _forward(setting: _Setting, fn: Counted) -> Work:
    """Pass as many rows as exact values need, and explain nothing."""
    most = max(pair_games(block, setting.background).n_evaluations for block in setting.blocks)
    rows = np.resize(setting.states, (most, setting.states.shape[1]))

    def forward(states: np.ndarray) -> np.ndarray:
        n_rows = pair_games(states, setting.background).n_evaluations
        # pieces that stay in cache, as in the exact way: the yardstick is the faster one
        for start in range(0, n_rows, CHUNK_ROWS):
            fn(rows[start : min(start + CHUNK_ROWS, n_rows)])
        return np.full((len(states), *setting.exact.shape[1:]), np.nan)

    return forward


def _forward_rows(setting: _Setting) -> list[Row]:
    rows = []
    for fn, how in ((setting.matrices, "by matrices"), (setting.library, "by the library")):
        measured = setting.compare(_exact(setting, setting.matrices), _forward(setting, fn))
        row = _row(setting, "exact", f"{FORWARD}, {how}", None, measured)
        if fn is setting.matrices:
            goal = f"at most {FORWARD_SHARE} times the forward passes alone"
            row = _asked(row, goal, measured.ratio >= 1 / FORWARD_SHARE)
        rows.append(replace(row, reason="forward passes explain nothing, so they have no error"))
    return rows


def _exact_row(setting: _Setting, peer: Peer, work: Work) -> Row:
    measured = setting.compare(_exact(setting, setting.matrices), work)
    row = _row(setting, "exact", peer.name, package_version(peer.distribution), measured)
    return _asked(row, f"at least {FASTER_EXACT} times as fast", measured.ratio >= FASTER_EXACT)


def _rows_of_fastest(setting: _Setting, peer: Peer, work: Work) -> list[Row]:
    """Return the rows that only the fastest exact peer has."""
    version, shared = package_version(peer.distribution), _background_explained(setting)
    with_matrices = peer.make(setting.matrices, setting.background)
    library, matrices = _exact(setting, setting.library), _exact(setting, setting.matrices)
    goal = f"at least {FASTER_SHARED} times as fast"

    def row(case: str, where: _Setting, ours: Work, theirs: Work) -> Row:
        return _row(where, case, peer.name, version, where.compare(ours, theirs))

    both = row("exact, background explained", shared, matrices, work)
    limit = _forward(setting, setting.matrices)
    return [
        _asked(both, goal, (both.ratio or 0.0) >= FASTER_SHARED),
        row("exact, both by the library", setting, library, work),
        row("exact, both by matrices", setting, matrices, with_matrices),
        row("exact, background explained, both by matrices", shared, matrices, with_matrices),
        row(f"{FORWARD}, both by matrices", setting, limit, with_matrices),
    ]


def _background_explained(setting: _Setting) -> _Setting:
    """Return the setting in which the background rows themselves are explained, all together."""
    exact = _exact(setting, setting.library)(setting.background)
    return replace(
        setting,
        states=np.tile(setting.background, (REPEATS, 1)),
        exact=np.tile(exact, (REPEATS, 1, 1)),
        n_blocks=REPEATS,
    )


def _curve(setting: _Setting, peer: Peer, work: Work) -> list[Row]:
    """Return one row per budget; the goal is asked of the first as accurate as the peer.

    The curve goes on behind that one only for the peer of the goal.
    """
    rows: list[Row] = []
    reached = False
    for case, ours in _budgets(setting):
        measured = setting.compare(ours, work)
        row = _row(setting, case, peer.name, package_version(peer.distribution), measured)
        if not reached and _no_larger(row.error_ours, row.error_peer):
            reached = True
            fewer = measured.evaluations_peer / measured.evaluations_ours
            met = fewer >= FEWER_EVALUATIONS and measured.ratio >= FASTER_ESTIMATE
            row = _asked(row, AT_EQUAL_ERROR, met)
        rows.append(row)
        if reached and peer.name != "shap Permutation":
            break
    return rows


def _no_larger(ours: float | None, peer: float | None) -> bool:
    return ours is not None and peer is not None and ours <= peer


def _budgets(setting: _Setting) -> Sequence[tuple[str, Work]]:
    chains: list[tuple[str, Work]] = [
        (f"{n * len(setting.background)} chains", _chains(setting, n)) for n in CYCLES
    ]
    return [*chains, ("exact", _exact(setting, setting.matrices))]


def _row(setting: _Setting, case: str, peer: str, version: str | None, measured: Measured) -> Row:
    return Row(
        suite=SUITE,
        case=case,
        peer=peer,
        peer_version=version,
        ours_s=measured.ours_s,
        peer_s=measured.peer_s,
        ratio=measured.ratio,
        error_ours=setting.error(measured.ours),
        error_peer=setting.error(measured.peer),
        evaluations_ours=measured.evaluations_ours,
        evaluations_peer=measured.evaluations_peer,
        threads=torch.get_num_threads(),
    )


def _asked(row: Row, goal: str, met: bool) -> Row:
    return replace(row, goal=goal, met=met)


def _skipped(peer: Peer) -> Row:
    return Row(
        suite=SUITE,
        case="exact" if peer.exact else "chains",
        peer=peer.name,
        peer_version=None,
        reason=f"{peer.distribution} is not installed",
    )
