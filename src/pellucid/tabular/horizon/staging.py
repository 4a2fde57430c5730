"""Values of the exploration policy, of the best one and of the worst one, and backups of them.

Throughout, a table of action values is held as the values of what follows: an array of shape
(horizon + 1, states) whose row t + 1 makes `Q_t(s, a) = r(s, a) + E[values[t + 1](s')]`. That is
a number of actions times smaller than the table itself.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from pellucid.errors import CapabilityError, InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import (
    backward_induction,
    staged_occupancies,
    staged_policy_values,
    uniform_policy,
)

PRECISION = 1e-4
"""Actions whose value is closer to the best one count as best, relative to the scale of returns.
That of Laidlaw 2023, whose returns have a scale of 1."""
ROUNDING = 1e-12
"""Relative difference below which two computed action values count as equal."""
MAX_CELLS = 20_000_000
"""Most pairs of a step and a state; ten arrays of that many numbers are held at a time."""

Values = Float[np.ndarray, "steps_plus_one states"]


@dataclass(frozen=True, eq=False)
class Stages:
    """A problem with a horizon and what three policies get in it.

    Args:
        mdp: With a horizon and a discount of 1.
        exploration: Shape (states, actions): the exploration policy.
        explored: Values of the exploration policy.
        best: Values of the best policy.
        worst: Values of the worst policy.
        tolerance: Difference in value below which an action counts as best, in units of return.
    """

    mdp: FiniteMDP
    exploration: Float[np.ndarray, "states actions"]
    explored: Values
    best: Values
    worst: Values
    tolerance: float

    @property
    def horizon(self) -> int:
        """Steps of an episode."""
        return len(self.best) - 1

    def q_values(self, values: Values, step: int) -> Float[np.ndarray, "states actions"]:
        """Return the action values at a step that the values of what follows stand for."""
        return np.asarray(self.mdp.rewards + self.mdp.expected_next(values[step + 1]))

    def suboptimal(self, step: int) -> Bool[np.ndarray, "states actions"]:
        """Return which actions are worse than the best one by more than the tolerance."""
        q_values = self.q_values(self.best, step)
        return np.asarray(q_values < self.best[step][:, None] - self.tolerance)

    def next_iterate(self, values: Values) -> Values:
        """Return the values after one backup of all steps: the best action at every state."""
        backed_up = np.zeros_like(values)
        for step in range(self.horizon):
            backed_up[step] = self.q_values(values, step).max(axis=1)
        return backed_up

    def initial_states(self) -> Bool[np.ndarray, " states"]:
        """Return the states in which an episode can start."""
        return np.asarray(self.mdp.initial > 0)

    def reached_by(
        self, states: Bool[np.ndarray, " states"], actions: Bool[np.ndarray, "states actions"]
    ) -> Bool[np.ndarray, " states"]:
        """Return the states that some of the actions, taken in some of the states, can lead to."""
        weights = (actions & states[:, None]).astype(np.float64)
        return np.asarray(self.mdp.next_distribution(weights) > 0)


def stages(
    mdp: FiniteMDP, *, exploration: Float[np.ndarray, "states actions"] | None = None
) -> Stages:
    """Return the values of the exploration policy, the best and the worst one.

    Args:
        mdp: With a horizon and a discount of 1.
        exploration: Policy of shape (states, actions); every action alike if None.

    Raises:
        InputError: The problem has no horizon, or the policy is none.
        CapabilityError: It is discounted, or has more pairs of a step and a state than fit.
    """
    if mdp.horizon is None:
        raise InputError(
            "expected a problem with a horizon", hint="the effective horizon is for episodes"
        )
    if mdp.discount != 1:
        raise CapabilityError(
            f"expected a discount of 1, got {mdp.discount}",
            hint="the effective horizon is defined for undiscounted returns",
        )
    if (mdp.horizon + 1) * mdp.n_states > MAX_CELLS:
        raise CapabilityError(
            f"{mdp.n_states} states times {mdp.horizon} steps are too many: at most "
            f"{MAX_CELLS:,} pairs are analysed",
            hint="shorten the horizon or use a smaller level",
        )
    policy = uniform_policy(mdp) if exploration is None else _checked(mdp, exploration)
    best = backward_induction(mdp).values
    worst = -backward_induction(mdp.with_rewards(-mdp.rewards)).values
    explored = staged_policy_values(mdp, policy[None])
    scale = float(np.abs(mdp.rewards).max())
    return Stages(
        mdp=mdp,
        exploration=policy,
        # averages of rounded numbers may leave the range that they must lie in
        explored=np.clip(explored, worst, best),
        best=best,
        worst=worst,
        tolerance=PRECISION * min(scale, 1.0) if scale > 0 else PRECISION,
    )


def visited_by_exploration(staged: Stages) -> Float[np.ndarray, "steps states actions"]:
    """Return the chance that exploration takes each action in each state at each step."""
    return staged_occupancies(staged.mdp, staged.exploration[None])


def _checked(
    mdp: FiniteMDP, exploration: Float[np.ndarray, "states actions"]
) -> Float[np.ndarray, "states actions"]:
    if exploration.shape != mdp.rewards.shape:
        raise InputError(
            f"expected an exploration policy of shape {mdp.rewards.shape}, got {exploration.shape}"
        )
    sums = exploration.sum(axis=1)
    if not (np.isfinite(exploration).all() and (exploration >= 0).all()):
        raise InputError("expected an exploration policy of probabilities from 0 to 1")
    if (np.abs(sums - 1) > 1e-9).any():
        state = int(np.abs(sums - 1).argmax())
        raise InputError(
            f"expected the exploration policy to sum to 1 in {mdp.state_name(state)}, "
            f"got {sums[state]:.12g}"
        )
    return exploration
