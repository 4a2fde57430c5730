"""How far rewards may be off before a decision changes.

Source: Xu 2025 (The Policy Cliff), prop. 2.1: optimal values move by at most
`|change of rewards| / (1 - discount)`. The radii that follow from it are ours. Where only some
rewards may change they are sharper: what counts is how much a pair is worth if all those rewards
are raised, or lowered, by the same amount, since values only rise with rewards.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import Solution, StagedSolution, backward_induction, value_iteration

TRACING_STEPS = 24
"""Steps towards the sharp radius; each is certified, and the last ones gain next to nothing."""


def certified_radii(
    solution: Solution, *, changeable: Bool[np.ndarray, "states actions"] | None = None
) -> Float[np.ndarray, " states"]:
    """Return, per state, a radius of rewards within which its best action stays the best.

    For every change of rewards of which no entry reaches the radius, the action `solution.actions`
    is the only best one. If all rewards may change this is `gap * (1 - discount) / 2`.

    Args:
        solution: A solved problem; the error of its values is taken off the gaps.
        changeable: Which rewards may change; all if None.

    Returns:
        Shape (states,), in units of reward; 0 where two actions tie, infinite where there is no
        other action or where no reward that may change can still be met.
    """
    mdp = solution.mdp
    if changeable is None:
        steps = np.full(mdp.rewards.shape, 1 / (1 - mdp.discount))
        return _radii(solution.q_values, steps, solution.actions, 2 * solution.error_bound)
    met = value_iteration(mdp.with_rewards(changeable.astype(np.float64)))
    # from above: a radius must not profit from values that have not converged
    steps = met.q_values + met.error_bound * changeable.any()
    radii = _radii(solution.q_values, steps, solution.actions, 2 * solution.error_bound)
    return _traced(solution, changeable.astype(np.float64), steps, radii)


def _traced(
    solution: Solution,
    changeable: Float[np.ndarray, "states actions"],
    steps: Float[np.ndarray, "states actions"],
    radii: Float[np.ndarray, " states"],
) -> Float[np.ndarray, " states"]:
    """Return radii that are walked outwards for as long as they are certified.

    Inside radius r the best action is worth at least what it is with all rewards lowered by r, and
    a rival at most what it is with all raised by r. Neither moves faster than by `steps` per unit
    of r, so the lead that is left divided by both speeds is a step that stays inside.
    """
    mdp, rows = solution.mdp, np.arange(len(radii))
    open_states = np.flatnonzero((radii > 0) & np.isfinite(radii))
    lowered = raised = np.repeat(solution.values[:, None], len(open_states), axis=1)
    tolerance = max(solution.error_bound, 1e-9)
    for _ in range(TRACING_STEPS):
        if not len(open_states):
            break
        walked = radii[open_states]
        worst, lowered = _shifted(mdp, -walked, changeable, lowered, tolerance)
        best, raised = _shifted(mdp, walked, changeable, raised, tolerance)
        own = solution.actions[open_states]
        column = rows[: len(open_states)]
        lead = worst[open_states, own, column][:, None] - best[open_states, :, column]
        lead = np.maximum(0.0, lead - 2 * tolerance)
        lead[column, own] = np.inf
        speed = steps[open_states, own][:, None] + steps[open_states]
        radii[open_states] += (lead / speed).min(axis=1)
    return radii


def _shifted(
    mdp: FiniteMDP,
    shifts: Float[np.ndarray, " shifts"],
    changeable: Float[np.ndarray, "states actions"],
    values: Float[np.ndarray, "states shifts"],
    tolerance: float,
) -> tuple[Float[np.ndarray, "states actions shifts"], Float[np.ndarray, "states shifts"]]:
    """Return Q-values and values when all rewards that may change are shifted, for many shifts."""
    rewards = mdp.rewards.reshape(-1, 1) + changeable.reshape(-1, 1) * shifts
    while True:
        q_values = (rewards + mdp.discount * (mdp.csr @ values)).reshape(
            mdp.n_states, mdp.n_actions, -1
        )
        following = q_values.max(axis=1)
        residual = float(np.abs(following - values).max())
        values = following
        if residual * mdp.discount <= tolerance * (1 - mdp.discount):
            return q_values, values


def staged_certified_radii(
    solution: StagedSolution, *, changeable: Bool[np.ndarray, "states actions"] | None = None
) -> Float[np.ndarray, "steps states"]:
    """Return the radii of a problem with a horizon, per step and state.

    The changed rewards may differ from step to step. If all may change and there is no discount,
    this is `gap / (2 * steps to go)`.

    Args:
        solution: A solved problem.
        changeable: Which rewards may change; all if None.
    """
    mdp = solution.mdp
    met = backward_induction(mdp.with_rewards(_ones(mdp, changeable)))
    radii = np.empty(solution.actions.shape)
    for step, actions in enumerate(solution.actions):
        radii[step] = _radii(solution.q_values(step), met.q_values(step), actions, 0.0)
    return radii


def estimated_radii(
    q_values: Float[np.ndarray, "states actions"],
    *,
    discount: float,
    q_errors: Float[np.ndarray, " states"] | float,
) -> Float[np.ndarray, " states"]:
    """Return radii from estimated values, 0 wherever the error of the estimate covers the gap.

    Args:
        q_values: Shape (states, actions), such as those of a learned agent.
        discount: Weight of the next step, below 1.
        q_errors: How far each estimate may be from the true value, per state or for all.
    """
    errors = np.broadcast_to(np.asarray(q_errors, dtype=np.float64), len(q_values))
    steps = np.full_like(q_values, 1 / (1 - discount), dtype=np.float64)
    return _radii(q_values, steps, q_values.argmax(axis=1), 2 * errors)


def ensemble_radii(
    q_values: Float[np.ndarray, "members states actions"], *, discount: float, spread: float = 2.0
) -> Float[np.ndarray, " states"]:
    """Return radii from the mean of an ensemble; its spread stands for the error.

    That is an estimate, not a certificate: members that err alike look sure.

    Args:
        q_values: Shape (members, states, actions), at least two members.
        discount: Weight of the next step, below 1.
        spread: Error in standard deviations of the members.
    """
    errors = spread * q_values.std(axis=0, ddof=1).max(axis=1)
    return estimated_radii(q_values.mean(axis=0), discount=discount, q_errors=errors)


def attack_radii(solution: Solution) -> Float[np.ndarray, " states"]:
    """Return, per state, a change of rewards that surely reaches a tie: `(1 + discount) * gap / 2`.

    `attack` makes it. Smaller changes may do; none below the certified radius does.
    """
    gap = solution.q_values.max(axis=1) - _runner_up(solution.q_values, solution.actions)
    return np.asarray((1 + solution.mdp.discount) * gap / 2)


def _radii(
    q_values: Float[np.ndarray, "states actions"],
    steps: Float[np.ndarray, "states actions"],
    actions: Int[np.ndarray, " states"],
    errors: Float[np.ndarray, " states"] | float,
) -> Float[np.ndarray, " states"]:
    rows = np.arange(len(q_values))
    lead = q_values[rows, actions][:, None] - q_values
    lead = np.maximum(0.0, lead - np.broadcast_to(errors, len(q_values))[:, None])
    both = steps[rows, actions][:, None] + steps
    radii = np.full_like(lead, np.inf)
    np.divide(lead, both, out=radii, where=both > 0)
    radii[(lead == 0) & (both == 0)] = 0.0
    radii[rows, actions] = np.inf
    return np.asarray(radii.min(axis=1))


def _ones(
    mdp: FiniteMDP, changeable: Bool[np.ndarray, "states actions"] | None
) -> Float[np.ndarray, "states actions"]:
    return np.ones(mdp.rewards.shape) if changeable is None else changeable.astype(np.float64)


def _runner_up(
    q_values: Float[np.ndarray, "states actions"], actions: Int[np.ndarray, " states"]
) -> Float[np.ndarray, " states"]:
    others = q_values.copy()
    others[np.arange(len(others)), actions] = -np.inf
    return np.asarray(others.max(axis=1))
