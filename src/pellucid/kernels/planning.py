"""Greedy planning over random rollouts in a deterministic table, at the speed of its look-ups."""

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.kernels.compiled import compiled
from pellucid.kernels.draws_compiled import STEP, mixed, unit

_32, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@compiled
def plan_greedily(
    next_states: Int[np.ndarray, " pairs"],
    rewards: Float[np.ndarray, " pairs"],
    terminal: Bool[np.ndarray, " states"],
    cumulative: Float[np.ndarray, " pairs_or_none"],
    start: int,
    horizon: int,
    k: int,
    m: int,
    counter: np.uint64,
    out_actions: Int[np.ndarray, " steps"],
) -> tuple[float, int, int]:
    """Write a plan, each action the first one of the best sequence of k; return what it gets.

    Args:
        next_states: Of every pair, row by row.
        rewards: Likewise.
        terminal: Which states end an episode.
        cumulative: Summed probabilities of the exploration policy, row by row; empty if it draws
            every action alike.
        start: The first state.
        horizon: Steps of an episode.
        k: Actions of a sequence.
        m: Episodes per sequence.
        counter: Seed of the random numbers.
        out_actions: Shape (horizon,); 0 after the end of the episode.

    Returns:
        The plan's return, the steps of all episodes from the reached state on, and the steps of
        their prefixes, which are taken too if no state can be restored.
    """
    n_actions = len(next_states) // len(terminal)
    n_sequences = n_actions**k
    state, paid = start, 0.0
    steps = prefix_steps = 0
    out_actions[:] = 0
    for done in range(horizon):
        if terminal[state]:
            break
        best, best_action = -np.inf, 0
        ahead = min(k, horizon - done)
        for sequence in range(n_sequences):
            reached, gained, taken = state, 0.0, 0
            weight, left = n_sequences // n_actions, sequence
            while taken < ahead and not terminal[reached]:
                pair = reached * n_actions + left // weight
                left, weight = left % weight, max(1, weight // n_actions)
                gained += rewards[pair]
                reached = next_states[pair]
                taken += 1
            total, counter, tail_steps = roll_out(
                next_states, rewards, terminal, cumulative, reached, horizon - done - ahead, m,
                counter,
            )  # fmt: skip
            steps += m * taken + tail_steps
            prefix_steps += m * done
            value = gained + total / m
            if value > best:
                best, best_action = value, sequence // (n_sequences // n_actions)
        out_actions[done] = best_action
        pair = state * n_actions + best_action
        paid += rewards[pair]
        state = next_states[pair]
    return paid, steps, prefix_steps


@compiled
def roll_out(
    next_states: Int[np.ndarray, " pairs"],
    rewards: Float[np.ndarray, " pairs"],
    terminal: Bool[np.ndarray, " states"],
    cumulative: Float[np.ndarray, " pairs_or_none"],
    start: int,
    n_steps: int,
    n_episodes: int,
    counter: np.uint64,
) -> tuple[float, np.uint64, int]:
    """Return the summed returns of episodes that explore, the next counter, and their steps."""
    n_actions = len(next_states) // len(terminal)
    total, taken = 0.0, 0
    if n_steps <= 0 or terminal[start]:
        return total, counter, taken
    if len(cumulative):
        for _ in range(n_episodes):
            state = start
            for _ in range(n_steps):
                counter += STEP
                draw = unit(mixed(counter))
                first = state * n_actions
                pair = first
                while pair < first + n_actions - 1 and cumulative[pair] <= draw:
                    pair += 1
                total += rewards[pair]
                state = next_states[pair]
                taken += 1
                if terminal[state]:
                    break
        return total, counter, taken
    count = np.uint64(n_actions)
    for _ in range(n_episodes):
        state = start
        step = 0
        while step < n_steps:
            # two actions of 32 bits each from one number
            counter += STEP
            bits = mixed(counter)
            pair = state * n_actions + int(((bits & _LOW) * count) >> _32)
            total += rewards[pair]
            state = next_states[pair]
            step += 1
            if terminal[state] or step == n_steps:
                break
            pair = state * n_actions + int(((bits >> _32) * count) >> _32)
            total += rewards[pair]
            state = next_states[pair]
            step += 1
            if terminal[state]:
                break
        taken += step
    return total, counter, taken


@compiled
def plan_many_times(
    next_states: Int[np.ndarray, " pairs"],
    rewards: Float[np.ndarray, " pairs"],
    terminal: Bool[np.ndarray, " states"],
    cumulative: Float[np.ndarray, " pairs_or_none"],
    start: int,
    horizon: int,
    k: int,
    m: int,
    counters: np.ndarray,
    enough: float,
    decide: bool,
    out_returns: Float[np.ndarray, " runs"],
    out_steps: Int[np.ndarray, "runs two"],
) -> int:
    """Plan once per counter; return how many plans were made.

    Args:
        next_states: See `plan_greedily`, as for the next seven.
        rewards: Likewise.
        terminal: Likewise.
        cumulative: Likewise.
        start: Likewise.
        horizon: Likewise.
        k: Likewise.
        m: Likewise.
        counters: One per run.
        enough: Return of a plan that counts as optimal.
        decide: Stop as soon as more than half of all plans succeeded or failed.
        out_returns: Return of each plan.
        out_steps: Steps from the reached states on, and of prefixes.
    """
    actions = np.empty(horizon, dtype=np.int64)
    n_runs, succeeded = len(counters), 0
    for run in range(n_runs):
        paid, steps, prefix_steps = plan_greedily(
            next_states, rewards, terminal, cumulative, start, horizon, k, m, counters[run],
            actions,
        )  # fmt: skip
        out_returns[run] = paid
        out_steps[run, 0], out_steps[run, 1] = steps, prefix_steps
        succeeded += paid >= enough
        failed = run + 1 - succeeded
        if decide and (2 * succeeded >= n_runs or 2 * failed > n_runs):
            return run + 1
    return n_runs
