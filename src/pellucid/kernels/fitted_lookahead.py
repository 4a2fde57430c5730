"""Learning by shallow lookahead on fitted values, in tables: rollouts, cell means and backups."""

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.kernels.compiled import compiled
from pellucid.kernels.draws_compiled import STEP, mixed, unit

UNDECIDED = -1
"""Action of a state in which no episode has been: explore."""


@compiled
def learn_stepwise(
    starts: Int[np.ndarray, " pairs_plus_one"],
    next_states: Int[np.ndarray, " entries"],
    probabilities: Float[np.ndarray, " entries"],
    rewards: Float[np.ndarray, "states actions"],
    terminal: Bool[np.ndarray, " states"],
    initial_states: Int[np.ndarray, " initial"],
    initial_cumulative: Float[np.ndarray, " initial"],
    k: int,
    m: int,
    shuffled: bool,
    counter: np.uint64,
    out_actions: Int[np.ndarray, "steps states"],
) -> int:
    """Write a policy, step by step; return the environment steps.

    Args:
        starts: With the next two, transitions as rows of a sparse matrix.
        next_states: Columns of the entries.
        probabilities: Values of the entries.
        rewards: Expected reward of every pair.
        terminal: Which states end an episode.
        initial_states: In which an episode can start.
        initial_cumulative: Summed chances of them.
        k: Steps of lookahead, the first one counted as the value of exploring.
        m: Episodes per step of the policy.
        shuffled: Give the returns of episodes to others, as a control: nothing can be learned.
        counter: Seed of the random numbers.
        out_actions: The policy; `UNDECIDED` where no episode has been.
    """
    horizon, n_states = out_actions.shape
    visited = np.empty((horizon + 1, m), dtype=np.int64)
    chosen = np.empty((horizon, m), dtype=np.int64)
    paid, returns = np.empty((horizon, m)), np.empty(m)
    sums, counts = np.empty(rewards.shape), np.empty(rewards.shape)
    following = np.empty(n_states)
    env_steps = 0
    out_actions[:] = UNDECIDED
    for step in range(horizon):
        for episode in range(m):
            counter += STEP
            draw, first = unit(mixed(counter)), 0
            while first < len(initial_states) - 1 and initial_cumulative[first] <= draw:
                first += 1
            visited[0, episode] = initial_states[first]
            counter, taken = _follow_then_explore(
                starts, next_states, probabilities, rewards, terminal, out_actions, step, counter,
                visited[:, episode], chosen[:, episode], paid[:, episode],
            )  # fmt: skip
            env_steps += taken
        last = min(step + k - 1, horizon - 1)
        for episode in range(m):
            returns[episode] = paid[last:, episode].sum()
        if shuffled:
            for episode in range(m - 1, 0, -1):
                counter += STEP
                other = int(unit(mixed(counter)) * (episode + 1))
                returns[episode], returns[other] = returns[other], returns[episode]
        for t in range(last, step - 1, -1):
            if t < last:
                for episode in range(m):
                    returns[episode] = paid[t, episode] + following[visited[t + 1, episode]]
            _fit_cells(visited[t], chosen[t], returns, terminal, sums, counts)
            for state in range(n_states):
                best_action = UNDECIDED
                if counts[state].sum() > 0.0:
                    best_action = sums[state].argmax()
                following[state] = 0.0 if best_action == UNDECIDED else sums[state, best_action]
                if t == step:
                    out_actions[step, state] = best_action
    return env_steps


@compiled
def _follow_then_explore(
    starts: np.ndarray,
    next_states: np.ndarray,
    probabilities: np.ndarray,
    rewards: np.ndarray,
    terminal: np.ndarray,
    actions: np.ndarray,
    n_followed: int,
    counter: np.uint64,
    out_states: np.ndarray,
    out_actions: np.ndarray,
    out_rewards: np.ndarray,
) -> tuple[np.uint64, int]:
    """Run one episode from `out_states[0]`; return the next counter and the steps taken."""
    horizon, n_actions = len(out_actions), rewards.shape[1]
    state, taken = out_states[0], 0
    for t in range(horizon):
        out_states[t] = state
        out_rewards[t], out_actions[t] = 0.0, 0
        if terminal[state]:
            continue
        action = actions[t, state] if t < n_followed else UNDECIDED
        if action == UNDECIDED:
            counter += STEP
            action = int(unit(mixed(counter)) * n_actions)
        pair = state * n_actions + action
        entry = starts[pair]
        if starts[pair + 1] - entry > 1:
            counter += STEP
            draw = unit(mixed(counter)) - probabilities[entry]
            while draw >= 0.0 and entry < starts[pair + 1] - 1:
                entry += 1
                draw -= probabilities[entry]
        out_actions[t], out_rewards[t] = action, rewards[state, action]
        state = next_states[entry]
        taken += 1
    out_states[horizon] = state
    return counter, taken


@compiled
def _fit_cells(
    states: np.ndarray,
    actions: np.ndarray,
    targets: np.ndarray,
    terminal: np.ndarray,
    out_means: np.ndarray,
    out_counts: np.ndarray,
) -> None:
    """Write the mean target and the number of targets per cell; 0 where there are none."""
    out_means[:] = 0.0
    out_counts[:] = 0.0
    for sample in range(len(states)):
        if not terminal[states[sample]]:
            out_means[states[sample], actions[sample]] += targets[sample]
            out_counts[states[sample], actions[sample]] += 1.0
    for state in range(out_means.shape[0]):
        for action in range(out_means.shape[1]):
            out_means[state, action] /= max(1.0, out_counts[state, action])
