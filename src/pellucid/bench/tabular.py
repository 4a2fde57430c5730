"""Finite problems: random planning, value iteration, and a million policies from one pool.

Each beside the same in plain NumPy. Units of work are one plan, one sweep over all states and one
policy; evaluations are environment steps of a plan, and states times actions of a sweep. The error
of a sweep is the largest difference from the other way.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import sparse

from pellucid.bench.harness import Counted, Measured, NoteFn, Row, Scale, compare
from pellucid.bench.policy_pool import SUITE, rows_of_pools
from pellucid.provenance import package_version
from pellucid.seeds import stream
from pellucid.tabular import FiniteMDP, value_iteration
from pellucid.tabular.generators import random_graph
from pellucid.tabular.horizon import Stages, plan, stages

N_BLOCKS = 8
STEPS_PER_SECOND = 50e6
TRAFFIC_SHARE = 3.0


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Time all on one thread.

    Args:
        scale: `full` is a plan of 5 million steps over 1,000 states, and 100,000 states times 10
            actions times 3 outcomes, and a million policies by ten thousand roll-outs.
        note: Told what is being measured.
    """
    full = scale is Scale.full
    note(f"{SUITE}: planning")
    rows = [_planning_row(*((1000, 50, 1000) if full else (20, 5, 10)))]
    rows += _sweep_rows(*((100_000, 50) if full else (200, 10)), note)
    rows += rows_of_pools(scale, note)
    if not full:
        return tuple(replace(row, met=None, reason=row.reason or "smoke") for row in rows)
    return tuple(rows)


# --- planning ---


def _planning_row(n_states: int, horizon: int, m: int) -> Row:
    mdp = random_graph(n_states, 4, stream(0, "bench", SUITE), horizon=horizon)
    staged = stages(mdp)
    # nothing is evaluated but the table; what is counted are environment steps
    counter = Counted(lambda rows: rows)

    def ours(seeds: Any) -> Float[np.ndarray, " plans"]:
        plans = [plan(staged, 1, m, seed=int(seed)) for seed in seeds]
        counter.n_rows += sum(one.restored_steps for one in plans)
        return np.array([one.value for one in plans])

    def plain(seeds: Any) -> Float[np.ndarray, " plans"]:
        return np.array([_plain_plan(staged, m, int(seed), counter) for seed in seeds])

    blocks = np.array_split(np.arange(N_BLOCKS), N_BLOCKS)
    measured = compare(ours, plain, blocks, counter)
    speed = measured.evaluations_ours / measured.ours_s
    return replace(
        _row("planning", "NumPy, all episodes of a sequence at once", measured),
        goal=f"at least {STEPS_PER_SECOND / 1e6:.0f} million environment steps a second",
        met=speed >= STEPS_PER_SECOND,
        reason=f"{speed / 1e6:.0f} million environment steps a second",
    )


def _plain_plan(staged: Stages, m: int, seed: int, counter: Counted) -> float:
    """Plan as a reader of the paper would write it down."""
    mdp, rng = staged.mdp, np.random.default_rng(seed)
    state, paid = int(mdp.initial.argmax()), 0.0
    for step in range(staged.horizon):
        means = np.empty(mdp.n_actions)
        for action in range(mdp.n_actions):
            reached = np.full(m, mdp.next_states[state, action])
            returns = np.full(m, mdp.rewards[state, action])
            counter.n_rows += m
            for _ in range(step + 1, staged.horizon):
                actions = rng.integers(mdp.n_actions, size=m)
                returns += mdp.rewards[reached, actions]
                reached = mdp.next_states[reached, actions]
                counter.n_rows += m
            means[action] = returns.mean()
        best = int(means.argmax())
        paid += mdp.rewards[state, best]
        state = int(mdp.next_states[state, best])
    return float(paid)


# --- value iteration ---


def _sweep_rows(n_states: int, n_sweeps: int, note: NoteFn) -> list[Row]:
    mdp = _sparse_problem(n_states, n_actions=10, n_outcomes=3)
    counter = Counted(lambda rows: rows)
    case = f"value iteration, {n_states:,} states"
    block = np.zeros(n_sweeps)

    def ours(sweeps: Any) -> Float[np.ndarray, "sweeps states"]:
        counter.n_rows += mdp.rewards.size * len(sweeps)
        # the values after the last sweep come with one more
        found = value_iteration(mdp, tolerance=0.0, max_sweeps=max(1, len(sweeps) - 1))
        return np.broadcast_to(found.values, (len(sweeps), n_states))

    def plain(sweeps: Any) -> Float[np.ndarray, "sweeps states"]:
        counter.n_rows += mdp.rewards.size * len(sweeps)
        values = np.zeros(n_states)
        for _ in range(max(1, len(sweeps) - 1)):
            values = (mdp.rewards + mdp.discount * _expected(mdp, values)).max(axis=1)
        np.argmax(mdp.rewards + mdp.discount * _expected(mdp, values), axis=1)
        return np.broadcast_to(values, (len(sweeps), n_states))

    note(f"{SUITE}: value iteration")
    beside_plain = compare(ours, plain, [block] * N_BLOCKS, counter)
    error = float(np.abs(beside_plain.ours - beside_plain.peer).max())
    rows = [
        replace(
            _row(case, "NumPy and SciPy's sparse product", beside_plain),
            error_ours=error,
            error_peer=error,
        )
    ]
    note(f"{SUITE}: memory traffic")
    traffic = compare(ours, _reading(mdp), [block] * N_BLOCKS, counter)
    return [
        *rows,
        replace(
            _row(case, "moving its memory once", traffic),
            peer_version=None,
            goal=f"at most {TRAFFIC_SHARE:.0f} times the memory traffic alone",
            met=traffic.ratio >= 1 / TRAFFIC_SHARE,
            reason=f"{_n_bytes(mdp) / traffic.peer_s / 1e9:.1f} GB a second",
        ),
    ]


def _sparse_problem(n_states: int, *, n_actions: int, n_outcomes: int) -> FiniteMDP:
    rng = stream(0, "bench", SUITE, "sweep")
    n_pairs = n_states * n_actions
    columns = rng.integers(n_states, size=(n_pairs, n_outcomes), dtype=np.int32)
    chances = np.full(columns.size, 1 / n_outcomes)
    starts = np.arange(0, columns.size + 1, n_outcomes, dtype=np.int32)
    return FiniteMDP(
        transitions=sparse.csr_array(
            (chances, columns.reshape(-1), starts), shape=(n_pairs, n_states)
        ),
        rewards=rng.random((n_states, n_actions)),
        initial=np.full(n_states, 1 / n_states),
        discount=0.99,
    )


def _expected(mdp: FiniteMDP, values: Float[np.ndarray, " states"]) -> np.ndarray:
    return np.asarray(mdp.transitions @ values).reshape(mdp.rewards.shape)


def _n_bytes(mdp: FiniteMDP) -> int:
    """Return what a sweep must move: all it reads, and values and actions, in and out."""
    rows = mdp.csr
    read = sum(array.nbytes for array in (rows.data, rows.indices, rows.indptr, mdp.rewards))
    # the old values are read; what is written is fetched before it is overwritten
    return int(read + 8 * mdp.n_states * (1 + 2 + 2))


def _reading(mdp: FiniteMDP) -> Callable[[Any], Float[np.ndarray, " sweeps"]]:
    """Return a way that reads as many bytes as a sweep must move, and does nothing else."""
    # 64-bit words, which NumPy sums as fast as memory delivers them; zeros would be one page of
    # memory, shown everywhere
    words = np.ones(_n_bytes(mdp) // 8)

    def read(sweeps: Any) -> Float[np.ndarray, " sweeps"]:
        return np.array([float(words.sum()) for _ in sweeps])

    return read


def _row(case: str, peer: str, measured: Measured) -> Row:
    return Row(
        suite=SUITE,
        case=case,
        peer=peer,
        peer_version=package_version("numpy"),
        ours_s=measured.ours_s,
        peer_s=measured.peer_s,
        ratio=measured.ratio,
        evaluations_ours=measured.evaluations_ours,
        evaluations_peer=measured.evaluations_peer,
        threads=1,
    )
