"""Values of a million policies from one pool of roll-outs, beside plain NumPy.

The unit of work is one policy valued by the whole pool: for ours the time of the whole class by its
size, for plain NumPy, which would take long for a million, the median of blocks of policies; the
ratio is that of the two. The error is the largest difference between the values of both ways,
relative to the largest value: it is rounding, or one of them is wrong. Evaluations do not apply:
neither way asks an agent.
"""

import time

import numpy as np
from jaxtyping import Float

from pellucid.bench.harness import NoteFn, Row, Scale, compare
from pellucid.provenance import package_version
from pellucid.seeds import stream
from pellucid.tabular.agnostic import (
    PolicyClass,
    Pool,
    core_pool,
    pool_values,
    random_layers,
    singleton_core,
    uniform_pool,
)

SUITE = "tabular"
N_STEPS, N_STATES = 20, 6
MOST_SECONDS = 10.0
N_POLICIES = {Scale.smoke: 2000, Scale.full: 1_000_000}
N_ROLLOUTS = {Scale.smoke: 200, Scale.full: 10_000}
N_BLOCKS = 4
N_COMPARED = {Scale.smoke: 400, Scale.full: 8000}
"""Policies that both ways value."""


def rows_of_pools(scale: Scale, note: NoteFn) -> list[Row]:
    """Value policies close to a common behaviour by its roll-outs, and random ones by random ones.

    Args:
        scale: `full` is a million policies, ten thousand roll-outs of twenty steps.
        note: Told what is being measured.
    """
    rows: list[Row] = []
    for case in ("near a common behaviour", "random"):
        policies, pool = setting(case, scale)
        note(f"{SUITE}: {len(policies)} policies, {case}")
        rows.append(_row(case, scale, policies, pool))
    return rows


def setting(case: str, scale: Scale) -> tuple[PolicyClass, Pool]:
    """Return the policies and the pool of a case."""
    rng = stream(0, "bench", "policy-pool", case)
    problem = random_layers(N_STEPS, N_STATES, rng)
    n_policies, n_places = N_POLICIES[scale], N_STEPS * N_STATES
    if case == "random":
        actions = rng.integers(2, size=(n_policies, n_places), dtype=np.uint8)
        pool = uniform_pool(problem, N_ROLLOUTS[scale], rng)
    else:
        # two changes each: most roll-outs are followed by many policies, which is the slow case
        actions = np.zeros((n_policies, n_places), dtype=np.uint8)
        changed = rng.integers(n_places, size=(n_policies, 2))
        np.put_along_axis(actions, changed, 1, axis=1)
        pool = core_pool(problem, singleton_core(N_STEPS, N_STATES), N_ROLLOUTS[scale], rng)
    return PolicyClass(actions.reshape(n_policies, N_STEPS, N_STATES), 2), pool


def plain_values(policies: PolicyClass, pool: Pool) -> Float[np.ndarray, " policies"]:
    """Return the same values as `pool_values`, a roll-out at a time in plain NumPy."""
    by_place = np.ascontiguousarray(policies.actions.transpose(1, 2, 0))
    total = np.zeros(len(policies))
    rollouts = zip(pool.states, pool.actions, pool.returns / pool.chances, strict=True)
    for states, actions, weight in rollouts:
        followed = by_place[0, states[0]] == actions[0]
        for step in range(1, policies.n_steps):
            followed &= by_place[step, states[step]] == actions[step]
        total[followed] += weight
    return total / len(pool)


def _row(case: str, scale: Scale, policies: PolicyClass, pool: Pool) -> Row:
    blocks = np.array_split(np.arange(N_COMPARED[scale]), N_BLOCKS)
    measured = compare(
        lambda block: pool_values(policies.subset(block), pool).values,
        lambda block: plain_values(policies.subset(block), pool),
        blocks,
    )
    # packing the class into bits is part of the time; everything is compiled by now
    started = time.perf_counter()
    pool_values(policies, pool)
    seconds = time.perf_counter() - started
    largest = max(float(np.abs(measured.peer).max()), float(np.finfo(float).tiny))
    difference = float(np.abs(measured.ours - measured.peer).max()) / largest
    full = scale is Scale.full
    return Row(
        SUITE,
        f"{len(policies):,} policies by {len(pool):,} roll-outs, {case}: {seconds:.2f} s",
        "NumPy, a roll-out at a time",
        package_version("numpy"),
        ours_s=seconds / len(policies),
        peer_s=measured.peer_s,
        ratio=measured.peer_s / (seconds / len(policies)),
        error_ours=difference,
        error_peer=difference,
        threads=1,
        goal=f"a million policies in {MOST_SECONDS:.0f} s",
        met=seconds <= MOST_SECONDS if full else None,
        reason="" if full else "smoke",
    )
