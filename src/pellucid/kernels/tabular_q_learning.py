"""Q-learning in deterministic tables, at the speed of its look-ups."""

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.kernels.compiled import compiled
from pellucid.kernels.draws_compiled import STEP, mixed, unit

NEVER = -1
"""Steps of a run that did not become optimal."""


@compiled
def steps_until_optimal(
    next_states: Int[np.ndarray, "states actions"],
    rewards: Float[np.ndarray, "states actions"],
    terminal: Bool[np.ndarray, " states"],
    start: int,
    enough: float,
    exploring: float,
    learning_rate: float,
    budget: int,
    counter: np.uint64,
    q_values: Float[np.ndarray, "steps states actions"],
) -> int:
    """Learn until the greedy policy gets enough; return the environment steps, or `NEVER`.

    Args:
        next_states: Of every pair.
        rewards: Likewise.
        terminal: Which states end an episode.
        start: The first state.
        enough: Return of the greedy policy at which learning is over.
        exploring: Chance of an action drawn from all.
        learning_rate: Share of the difference to the target that is learned.
        budget: Most environment steps.
        counter: Seed of the random numbers.
        q_values: Where learning starts from; changed in place.
    """
    horizon, _, n_actions = q_values.shape
    steps = 0
    while steps < budget:
        state = start
        for t in range(horizon):
            if terminal[state]:
                break
            counter += STEP
            draw = unit(mixed(counter))
            counter += STEP
            other = unit(mixed(counter))
            if draw < exploring:
                action = int(other * n_actions)
            else:
                action = _best_action(q_values[t, state], other)
            following = next_states[state, action]
            target = rewards[state, action]
            if t + 1 < horizon and not terminal[following]:
                target += q_values[t + 1, following].max()
            q_values[t, state, action] += learning_rate * (target - q_values[t, state, action])
            state = following
            steps += 1
        total, state = 0.0, start
        for t in range(horizon):
            if terminal[state]:
                break
            action = q_values[t, state].argmax()
            total += rewards[state, action]
            state = next_states[state, action]
        if total >= enough:
            return steps
    return NEVER


@compiled
def _best_action(q_values: Float[np.ndarray, " actions"], draw: float) -> int:
    """Return one of the best actions, each alike: the first one would bias exploration."""
    best, count = q_values.max(), 0
    for value in q_values:
        count += value == best
    skipped = int(draw * count)
    for action in range(len(q_values)):
        if q_values[action] == best:
            if skipped == 0:
                return action
            skipped -= 1
    return 0
