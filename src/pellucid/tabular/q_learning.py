"""How many environment steps Q-learning needs in a deterministic problem."""

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.kernels.tabular_q_learning import NEVER, steps_until_optimal
from pellucid.seeds import stream
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import backward_induction

PRECISION = 1e-4
"""How far below the best return one counts as optimal, for returns of order 1."""


def q_learning_steps(
    mdp: FiniteMDP,
    *,
    n_runs: int,
    budget: int,
    seed: int,
    exploring: float = 0.1,
    learning_rate: float = 1.0,
) -> Float[np.ndarray, " runs"]:
    """Return the environment steps after which the greedy policy first is optimal, per run.

    Infinite where the budget was too small. Values are kept per step of the episode, start at 0,
    and ties are broken at random.

    Args:
        mdp: Deterministic, with a horizon, a discount of 1 and one first state.
        n_runs: Independent runs.
        budget: Most environment steps of a run.
        seed: Of exploration.
        exploring: Chance of an action drawn from all.
        learning_rate: 1 copies the target, which is best without noise.

    Raises:
        InputError: The problem has chance in it, or no horizon.

    Source: Watkins 1989.
    """
    starts = np.flatnonzero(mdp.initial)
    if mdp.horizon is None or len(starts) != 1 or mdp.discount != 1:
        raise InputError("expected a problem with a horizon, a discount of 1 and one first state")
    counters = stream(seed, "q-learning").integers(0, 2**64, size=n_runs, dtype=np.uint64)
    enough = backward_induction(mdp).value - PRECISION
    steps = [
        steps_until_optimal(
            mdp.next_states,
            mdp.rewards,
            mdp.terminal,
            int(starts[0]),
            enough,
            exploring,
            learning_rate,
            budget,
            counter,
            np.zeros((mdp.horizon, *mdp.rewards.shape)),
        )
        for counter in counters
    ]
    return np.array([np.inf if count == NEVER else count for count in steps])
