"""RM: a discounted reward that may depend on a finite memory of the past."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.laws import check_discount
from pellucid.tabular.objectives.objective import Policies, check_policies


@dataclass(frozen=True, eq=False)
class RewardMachine:
    """`E sum_t discount^t R(u_t, s_t, a_t, s_{t+1})` with `u_{t+1} = next(u_t, s_t, a_t, s_{t+1})`.

    The machine starts in its state 0.

    Args:
        next_memory: Shape (memory, states, actions, states), the machine's next state.
        rewards: The same shape. A reward per pair of machine states, as in the literature, is the
            same thing, because the next one is a function of the rest.
        discount: Weight of the next step, above 0 and below 1; a part of the objective.

    Raises:
        InputError: The shapes differ, or a next state does not exist.

    Source: Icarte et al. 2018, definition 3.1.
    """

    next_memory: Int[np.ndarray, "memory states actions next_states"]
    rewards: Float[np.ndarray, "memory states actions next_states"]
    discount: float

    def __post_init__(self) -> None:
        if self.next_memory.shape != self.rewards.shape or self.rewards.ndim != 4:
            raise InputError(
                "expected next states and rewards of one shape (memory, states, actions, states), "
                f"got {self.next_memory.shape} and {self.rewards.shape}"
            )
        if not ((self.next_memory >= 0) & (self.next_memory < len(self.rewards))).all():
            raise InputError(f"expected machine states from 0 to {len(self.rewards) - 1}")
        check_discount(self.discount)

    @property
    def n_memory(self) -> int:
        """Number of the machine's states."""
        return len(self.rewards)

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the expected discounted sum of each policy, on pairs of state and memory."""
        check_policies(mdp, policies)
        n_all = mdp.n_states * self.n_memory
        arrivals = (self.next_memory[..., None] == np.arange(self.n_memory)).astype(np.float64)
        steps = np.einsum("nsa,sat,usatv->nsutv", policies, mdp.dense, arrivals, optimize=True)
        steps = steps.reshape(len(policies), n_all, n_all)
        paid = np.einsum("nsa,sat,usat->nsu", policies, mdp.dense, self.rewards, optimize=True)
        system = np.eye(n_all) - self.discount * steps
        values = np.linalg.solve(system, paid.reshape(len(policies), n_all, 1))
        first = values.reshape(len(policies), mdp.n_states, self.n_memory)[:, :, 0]
        return np.asarray(first @ mdp.initial)
