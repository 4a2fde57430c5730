"""Loops of optimistic planning from counts, for problems whose estimates depend on the step."""

import numpy as np
from jaxtyping import Float

from pellucid.kernels.compiled import compiled


@compiled
def _soft_max(
    values: Float[np.ndarray, " actions"],
    reference: Float[np.ndarray, " actions"],
    strength: float,
    policy: Float[np.ndarray, " actions"],
) -> float:
    """Return the regularised maximum and write its policy; the plain maximum at strength 0."""
    best = int(values.argmax())
    if strength == 0.0:
        policy[:] = 0.0
        policy[best] = 1.0
        return float(values[best])
    total = 0.0
    for action in range(len(values)):
        policy[action] = reference[action] * np.exp((values[action] - values[best]) / strength)
        total += policy[action]
    policy /= total
    return float(values[best] + strength * np.log(total))


@compiled
def optimistic_plan(
    counts: Float[np.ndarray, "steps states actions next_states"],
    rewards: Float[np.ndarray, "states actions"],
    reference: Float[np.ndarray, "steps states actions"],
    strength: float,
    bonus: float,
    log_term: float,
    upper: Float[np.ndarray, "steps states actions"],
    lower: Float[np.ndarray, "steps states actions"],
    policy: Float[np.ndarray, "steps states actions"],
    certificate: Float[np.ndarray, "two states"],
) -> None:
    """Write upper and lower Q-values, the optimistic policy and its certificates.

    Args:
        counts: Shape (steps, states, actions, states), how often each next state was seen.
        rewards: Shape (states, actions), in [0, 1].
        reference: Shape (steps, states, actions).
        strength: Price of divergence from the reference; 0 for none.
        bonus: Factor of the width `steps to go * sqrt(log_term / count)`.
        log_term: Logarithm of the confidence.
        upper: Written: Q-values that are too high with the confidence wanted.
        lower: Written: too low.
        policy: Written: best under `upper`.
        certificate: Written: bounds on how far `policy` is from the best, per first state: from
            squared widths (infinite at strength 0) and from the policy's own lower value.
    """
    horizon, n_states, n_actions, _ = counts.shape
    high, low, own = np.zeros(n_states), np.zeros(n_states), np.zeros(n_states)
    squares = np.zeros(n_states)
    for step in range(horizon - 1, -1, -1):
        to_go = float(horizon - step)
        new_high, new_low = np.empty(n_states), np.empty(n_states)
        new_own, new_squares = np.empty(n_states), np.empty(n_states)
        spare = np.empty(n_actions)
        for state in range(n_states):
            own_q, later = np.empty(n_actions), np.empty(n_actions)
            for action in range(n_actions):
                seen = counts[step, state, action]
                n = seen.sum()
                width = to_go
                mean_high, mean_low, mean_own, mean_squares = 0.0, 0.0, 0.0, 0.0
                if n > 0:
                    width = min(to_go, bonus * to_go * np.sqrt(log_term / n))
                    for after in range(n_states):
                        if seen[after] > 0:
                            mean_high += seen[after] / n * high[after]
                            mean_low += seen[after] / n * low[after]
                            mean_own += seen[after] / n * own[after]
                            mean_squares += seen[after] / n * squares[after]
                reward = rewards[state, action]
                upper[step, state, action] = min(max(reward + mean_high + width, 0.0), to_go)
                lower[step, state, action] = min(max(reward + mean_low - width, 0.0), to_go)
                own_q[action] = max(reward + mean_own - width, -np.inf)
                # a first-order error of the estimate of what comes later, at the squared rate
                error = to_go if n == 0 else bonus * bonus * to_go * to_go * log_term / n
                later[action] = min(mean_squares * (1 + 3 / horizon) + error, to_go)
            new_high[state] = _soft_max(
                upper[step, state], reference[step, state], strength, policy[step, state]
            )
            new_low[state] = _soft_max(lower[step, state], reference[step, state], strength, spare)
            price, mean_later, mean_own = 0.0, 0.0, 0.0
            for action in range(n_actions):
                chance = policy[step, state, action]
                if chance > 0:
                    price += chance * np.log(chance / reference[step, state, action])
                    mean_later += chance * later[action]
                    mean_own += chance * own_q[action]
            new_own[state] = mean_own - strength * price
            if strength > 0:
                widest = (upper[step, state] - lower[step, state]).max()
                new_squares[state] = min(widest * widest / (2 * strength) + mean_later, to_go)
            else:
                new_squares[state] = np.inf
        high, low, own, squares = new_high, new_low, new_own, new_squares
    certificate[0] = squares
    certificate[1] = high - own


@compiled
def run_episode(
    cumulative: Float[np.ndarray, "states actions next_states"],
    first: Float[np.ndarray, " states"],
    policy: Float[np.ndarray, "steps states actions"],
    upper: Float[np.ndarray, "steps states actions"],
    lower: Float[np.ndarray, "steps states actions"],
    draws: Float[np.ndarray, " draws"],
    counts: Float[np.ndarray, "steps states actions next_states"],
) -> None:
    """Run one episode and add its transitions to the counts.

    At one step, drawn evenly among all of them and none, the action whose bounds lie furthest
    apart is taken in place of the policy's, so that the widest one is visited.

    Args:
        cumulative: Shape (states, actions, states), running sums of the probabilities.
        first: Shape (states,), running sums of the initial distribution.
        policy: Shape (steps, states, actions).
        upper: Shape (steps, states, actions).
        lower: Likewise.
        draws: Shape (2 + 2 * steps,), even draws from [0, 1).
        counts: Shape (steps, states, actions, states); changed.
    """
    horizon, _, n_actions = policy.shape
    state = min(int(np.searchsorted(first, draws[0], side="right")), len(first) - 1)
    explored = int(draws[1] * (horizon + 1)) - 1
    for step in range(horizon):
        action = n_actions - 1
        if step == explored:
            action = int((upper[step, state] - lower[step, state]).argmax())
        else:
            left = draws[2 + 2 * step]
            for candidate in range(n_actions):
                left -= policy[step, state, candidate]
                if left < 0:
                    action = candidate
                    break
        row = cumulative[state, action]
        after = min(int(np.searchsorted(row, draws[3 + 2 * step], side="right")), len(row) - 1)
        counts[step, state, action, after] += 1.0
        state = after


@compiled
def learn(
    cumulative: Float[np.ndarray, "states actions next_states"],
    first: Float[np.ndarray, " states"],
    rewards: Float[np.ndarray, "states actions"],
    reference: Float[np.ndarray, "steps states actions"],
    strength: float,
    bonus: float,
    confidence: float,
    target: float,
    draws: Float[np.ndarray, "episodes draws"],
    first_episode: int,
    counts: Float[np.ndarray, "steps states actions next_states"],
    policy: Float[np.ndarray, "steps states actions"],
    certificates: Float[np.ndarray, " episodes"],
) -> int:
    """Plan and run episodes until the certificate meets the target; return how many were run.

    The last call to plan leaves its policy in `policy`. `certificates` gets the bound before each
    episode: the smaller of the two of `optimistic_plan`, averaged over first states.
    """
    upper, lower = np.empty(policy.shape), np.empty(policy.shape)
    bounds = np.empty((2, policy.shape[1]))
    start = first.copy()
    start[1:] -= first[:-1]
    for episode in range(len(draws)):
        log_term = np.log(confidence * (first_episode + episode + 1))
        optimistic_plan(
            counts, rewards, reference, strength, bonus, log_term, upper, lower, policy, bounds
        )
        total = 0.0
        for state in range(len(start)):
            if start[state] > 0:
                total += start[state] * min(bounds[0, state], bounds[1, state])
        certificates[episode] = total
        if total <= target:
            return episode
        run_episode(cumulative, first, policy, upper, lower, draws[episode], counts)
    return len(draws)
