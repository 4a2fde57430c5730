"""Batched NumPy environments beside Gymnasium's `SyncVectorEnv`, and `collect` beside its loop.

Both ways run 256 copies with the same seeds and the same actions, alternately on the same blocks,
on one thread. `SyncVectorEnv` is in its mode without autoreset, whose copies are reset as soon as
they are over, with a mask; so are ours. The unit of work is one environment step. The error is the
largest difference between the two trajectories, over observations, rewards and ends: zero, since
both must give the same bytes. Evaluations are environment steps.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from jaxtyping import Float, Int

from pellucid.bench.harness import Counted, Measured, NoteFn, Row, Scale, compare
from pellucid.envs import EnvSpec, make_env, resolve_env
from pellucid.envs.batched import BatchedEnv, batched_like
from pellucid.provenance import package_version
from pellucid.seeds import derived_seed, stream

SUITE = "rollouts"
ENVIRONMENTS = (
    "CartPole-v1",
    "pellucid/KeyDoorTrap-v0",
    "pellucid/Identity-v0",
    "pellucid/NoisyWalk-v0",
)
N_ROWS = 256
N_BLOCKS = 7
STEPS = {Scale.smoke: 30, Scale.full: 200}
GOAL = 5.0


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Time every environment.

    Args:
        scale: `full` is 200 steps of 256 copies in each of seven blocks.
        note: Told what is being measured.
    """
    rows = []
    for name in ENVIRONMENTS:
        note(f"{SUITE}: {name}")
        rows.append(_row(name, scale))
    if scale is Scale.smoke:
        return tuple(replace(row, met=None, reason="smoke") for row in rows)
    return tuple(rows)


def _row(name: str, scale: Scale) -> Row:
    spec = resolve_env(name)
    counter = Counted(lambda rows: rows)
    ours, peer = _ours(spec, counter), _peer(name, counter)
    blocks = [np.full(STEPS[scale], block, dtype=np.int64) for block in range(N_BLOCKS)]
    measured = compare(ours, peer, blocks, counter)
    error = float(np.abs(measured.ours - measured.peer).max())
    return _as_row(name, measured, error)


def _as_row(name: str, measured: Measured, error: float) -> Row:
    return Row(
        suite=SUITE,
        case=f"{name}, {N_ROWS} at once",
        peer="gymnasium SyncVectorEnv",
        peer_version=package_version("gymnasium"),
        ours_s=measured.ours_s / N_ROWS,
        peer_s=measured.peer_s / N_ROWS,
        ratio=measured.ratio,
        error_ours=error,
        error_peer=error,
        evaluations_ours=measured.evaluations_ours / N_ROWS,
        evaluations_peer=measured.evaluations_peer / N_ROWS,
        threads=1,
        goal=f"at least {GOAL:.0f} times as fast, with the same bytes",
        met=measured.ratio >= GOAL and error == 0.0,
        reason=f"{N_ROWS / measured.ours_s / 1e6:.2f} million environment steps a second",
    )


# --- both ways; each returns, per step, what every copy showed, paid and whether it was over ---


def _ours(spec: EnvSpec, counter: Counted) -> Callable[[Any], Float[np.ndarray, "steps values"]]:
    env = make_env(spec)
    found = batched_like(env, N_ROWS)
    assert found is not None, "every environment of this suite has a batched form"
    batch: BatchedEnv = found
    everyone, limit, n_actions = np.arange(N_ROWS), spec.max_steps, int(env.action_space.n)

    def work(block: Any) -> Float[np.ndarray, "steps values"]:
        number, actions = _drawn(block, n_actions)
        batch.reset(everyone, _seeds(number, 0))
        steps, shown = np.zeros(N_ROWS, np.int64), []
        for turn, chosen in enumerate(actions, start=1):
            taken = batch.step(everyone, chosen)
            counter.n_rows += N_ROWS
            steps += 1
            over = taken.terminated | (steps >= limit)
            shown.append((taken.observations, taken.rewards, over))
            if over.any():
                rows = np.flatnonzero(over)
                seeds = _seeds(number, turn)
                batch.reset(rows, [seeds[row] for row in rows])
                steps[rows] = 0
        return _flat(shown)

    return work


def _peer(name: str, counter: Counted) -> Callable[[Any], Float[np.ndarray, "steps values"]]:
    resolve_env(name)  # registers it
    # its type tells of one seed for all and not of one for each
    vector: Any = gymnasium.make_vec(
        name,
        N_ROWS,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.DISABLED, "copy": True},
        # the checker of single environments would be most of its time
        disable_env_checker=True,
    )
    n_actions = int(vector.single_action_space.n)

    def work(block: Any) -> Float[np.ndarray, "steps values"]:
        number, actions = _drawn(block, n_actions)
        vector.reset(seed=list(_seeds(number, 0)))
        shown = []
        for turn, chosen in enumerate(actions, start=1):
            observations, rewards, terminated, truncated, _ = vector.step(chosen)
            counter.n_rows += N_ROWS
            over = terminated | truncated
            shown.append((observations, rewards.copy(), over))
            if over.any():
                vector.reset(seed=list(_seeds(number, turn)), options={"reset_mask": over})
        return _flat(shown)

    return work


def _drawn(block: Any, n_actions: int) -> tuple[int, Int[np.ndarray, "steps rows"]]:
    number = int(block[0])
    rng = stream(0, "bench", SUITE, "actions", number)
    return number, rng.integers(n_actions, size=(len(block), N_ROWS))


def _seeds(block: int, turn: int) -> range:
    start = derived_seed(0, "bench", SUITE, "seeds", block, turn)
    return range(start, start + N_ROWS)


def _flat(shown: list[tuple[Any, Any, Any]]) -> Float[np.ndarray, "steps values"]:
    return np.stack(
        [np.concatenate([np.ravel(part).astype(np.float64) for part in parts]) for parts in shown]
    )
