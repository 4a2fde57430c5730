"""Shapley values of the shipped LunarLander policy: all inputs, all actions, many states.

The unit of work is one explained state. The error is the median over states of the squared
difference from the exact values, relative to their squared sum. Every way calls the same function:
the agent's action probabilities for rows of observations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Shaped

from pellucid.agents import load_agent
from pellucid.agents.acting import preferences
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
N_BLOCKS = 8
CYCLES = (1, 2, 4, 8)
"""Chains per state and background row, along the curve; more cost as much as exact values."""
FASTER_EXACT, FASTER_SHARED, FORWARD_SHARE = 1.6, 3.0, 1.2
FEWER_EVALUATIONS, FASTER_ESTIMATE = 5.0, 8.0
AT_EQUAL_ERROR = (
    f"at no larger error, {FEWER_EVALUATIONS:.0f} times fewer evaluations "
    f"and {FASTER_ESTIMATE:.0f} times less time"
)


@dataclass(frozen=True)
class _Setting:
    fn: Counted
    states: Shaped[np.ndarray, "states inputs"]
    background: Shaped[np.ndarray, "background inputs"]
    exact: Float[np.ndarray, "states inputs outputs"]

    @property
    def blocks(self) -> list[Shaped[np.ndarray, "block inputs"]]:
        """The states in blocks."""
        return np.array_split(self.states, min(N_BLOCKS, len(self.states)))

    def error(self, values: Float[np.ndarray, "states inputs outputs"]) -> float:
        """Return the median relative squared error."""
        squares = ((values - self.exact) ** 2).sum(axis=(1, 2))
        return float(np.median(squares / (self.exact**2).sum(axis=(1, 2))))


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Compare with every peer that is installed; the others are rows that say so.

    Args:
        scale: `full` is 200 states and 100 background rows of 10 episodes.
        note: Told what is being measured.
    """
    setting = _setting(*((200, 100, 10) if scale is Scale.full else (8, 10, 1)))
    rows = [_forward_row(setting, note)]
    for peer in PEERS:
        note(f"{SUITE}: {peer.name}")
        try:
            work = peer.make(setting.fn, setting.background)
        except ImportError:
            rows.append(_skipped(peer))
            continue
        rows += _exact_rows(setting, peer, work) if peer.exact else _curve(setting, peer, work)
    if scale is Scale.smoke:
        return tuple(replace(row, met=None, reason=row.reason or "smoke") for row in rows)
    return tuple(rows)


def _setting(n_states: int, n_background: int, n_episodes: int) -> _Setting:
    agent = load_agent(SHIPPED)
    visited = collect(agent, ENV, n_episodes=n_episodes, seed=0).visited
    chosen = stream(0, "bench", SUITE).choice(len(visited), n_states + n_background, replace=False)
    states, background = visited[chosen[:n_states]], visited[chosen[n_states:]]
    # peers hand in 64-bit floats; the conversion is part of what each way costs
    fn = Counted(lambda rows: preferences(agent, np.asarray(rows, dtype=visited.dtype)))
    exact = exact_pair_shapley(fn, states, background).mean(axis=1)
    return _Setting(fn, states, background, exact)


def _ours_exact(setting: _Setting) -> Work:
    return lambda states: exact_pair_shapley(setting.fn, states, setting.background).mean(axis=1)


def _ours_chains(setting: _Setting, n_cycles: int) -> Work:
    background = np.tile(setting.background, (n_cycles, 1))
    return lambda states: (
        chain_shapley(setting.fn, states, background, stream(0, "bench", "chains")).values
    )


def _forward_row(setting: _Setting, note: NoteFn) -> Row:
    note(f"{SUITE}: forward passes alone")

    def forward(states: np.ndarray) -> np.ndarray:
        n_rows = pair_games(states, setting.background).n_evaluations
        # pieces that stay in cache, as in the exact way: the yardstick is the faster one
        for start in range(0, n_rows, CHUNK_ROWS):
            setting.fn(rows[start : min(start + CHUNK_ROWS, n_rows)])
        return np.zeros((len(states), 1, 1))

    most = max(pair_games(block, setting.background).n_evaluations for block in setting.blocks)
    rows = np.resize(setting.states, (most, setting.states.shape[1]))
    measured = compare(_ours_exact(setting), forward, setting.blocks, setting.fn)
    return replace(
        _row(setting, "exact", "forward passes alone", None, measured),
        error_peer=None,
        goal=f"at most {FORWARD_SHARE} times the forward passes alone",
        met=measured.ratio >= 1 / FORWARD_SHARE,
        reason="forward passes explain nothing, so they have no error",
    )


def _exact_rows(setting: _Setting, peer: Peer, work: Work) -> list[Row]:
    measured = compare(_ours_exact(setting), work, setting.blocks, setting.fn)
    version = package_version(peer.distribution)
    row = _row(setting, "exact", peer.name, version, measured)
    rows = [_asked(row, f"at least {FASTER_EXACT} times as fast", measured.ratio >= FASTER_EXACT)]
    if peer.name == "shap Exact":
        # both explain the background rows themselves
        shared = replace(setting, states=setting.background)
        shared = replace(shared, exact=_ours_exact(shared)(shared.states))
        measured = compare(_ours_exact(shared), work, [shared.states] * 7, shared.fn)
        once = len(shared.states)
        measured = replace(measured, ours=measured.ours[:once], peer=measured.peer[:once])
        row = _row(shared, "exact, background explained", peer.name, version, measured)
        goal = f"at least {FASTER_SHARED} times as fast"
        rows.append(_asked(row, goal, measured.ratio >= FASTER_SHARED))
    return rows


def _curve(setting: _Setting, peer: Peer, work: Work) -> list[Row]:
    """Return one row per budget; the goal is asked of the first as accurate as the peer.

    The curve goes on behind that one only for the peer of the goal.
    """
    rows: list[Row] = []
    reached = False
    for case, ours in _budgets(setting):
        measured = compare(ours, work, setting.blocks, setting.fn)
        row = _row(setting, case, peer.name, package_version(peer.distribution), measured)
        if not reached and setting.error(measured.ours) <= setting.error(measured.peer):
            reached = True
            fewer = measured.evaluations_peer / measured.evaluations_ours
            met = fewer >= FEWER_EVALUATIONS and measured.ratio >= FASTER_ESTIMATE
            row = _asked(row, AT_EQUAL_ERROR, met)
        rows.append(row)
        if reached and peer.name != "shap Permutation":
            break
    return rows


def _budgets(setting: _Setting) -> Sequence[tuple[str, Work]]:
    chains: list[tuple[str, Work]] = [
        (f"{n * len(setting.background)} chains", _ours_chains(setting, n)) for n in CYCLES
    ]
    return [*chains, ("exact", _ours_exact(setting))]


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
