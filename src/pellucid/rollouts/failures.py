"""Futures and episodes that failed: they enter no number, and the reader is told of them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pellucid.errors import AgentError, EnvError, PellucidError
from pellucid.rollouts.branching import Future
from pellucid.rollouts.episodes import Episodes, Failure


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
    raise _error(f"{len(failures)} of {len(futures)} futures failed", failures[0])


def check_any(episodes: Episodes, what: str) -> None:
    """Check that an episode could be used.

    Args:
        episodes: All that were run.
        what: What they are called, such as `fresh episode`.

    Raises:
        AgentError: None could be, and the agent failed in the first of them.
        EnvError: The environment did.
    """
    failures = [e.failure for e in episodes.excluded if e.failure is not None]
    if not len(episodes) and failures:
        raise _error(f"no {what} could be used", failures[0])


def _error(what: str, failure: Failure) -> PellucidError:
    kinds: dict[str, type[PellucidError]] = {"agent": AgentError}
    hint = "mend what failed, then explain again"
    return kinds.get(failure.kind, EnvError)(f"{what}: {failure.message}", hint=hint)
