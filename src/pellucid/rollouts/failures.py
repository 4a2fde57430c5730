"""Futures that failed: they enter no number, and the reader is told of them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pellucid.errors import AgentError, EnvError, PellucidError
from pellucid.rollouts.branching import Future


def usable_returns(futures: Sequence[Future]) -> Float[np.ndarray, " futures"]:
    """Return what each future earned from its step on; NaN for one that failed on the way.

    What a failed future had earned until then says nothing of what it would have earned.
    """
    earned = [np.nan if f.failure is not None else f.total_reward for f in futures]
    return np.array(earned, dtype=np.float64)


def failure_warnings(futures: Sequence[Future]) -> tuple[str, ...]:
    """Return one sentence on the futures that failed; nothing if none did."""
    failures = [f.failure for f in futures if f.failure is not None]
    if not failures:
        return ()
    left_out = f"{len(failures)} of {len(futures)} futures failed and are left out"
    return (f"{left_out}; the first: {failures[0].message}",)


def check_enough(futures: Sequence[Future], n_usable: int, least: int) -> None:
    """Check that failures have left enough to compare.

    Args:
        futures: All that were run.
        n_usable: How many comparisons are left.
        least: How many are needed.

    Raises:
        AgentError: The agent's failures have left too few.
        EnvError: The environment's failures have.
    """
    failures = [f.failure for f in futures if f.failure is not None]
    if n_usable >= least or not failures:
        return
    kinds: dict[str, type[PellucidError]] = {"agent": AgentError}
    message = f"{len(failures)} of {len(futures)} futures failed: {failures[0].message}"
    raise kinds.get(failures[0].kind, EnvError)(
        message, hint="mend what failed, then explain again"
    )
