"""Contexts: what an agent's answers depend on beside its observations, handed to it row by row.

An agent is asked for many rows at once, of many episodes and steps, and never keeps a state of its
own. What it carries over from earlier steps, and which actions its environment allows, come with
the rows. An agent without such needs is asked as it is.
"""

from collections.abc import Sequence
from typing import TypeVar, cast

import numpy as np
from jaxtyping import Int, Shaped

from pellucid.errors import AgentError, CapabilityError
from pellucid.types import Agent, Context, HasContext

NO_CONTEXT = Context()
AnyAgent = TypeVar("AnyAgent", bound=Agent)


def in_context(agent: AnyAgent, context: Context) -> AnyAgent:
    """Return the agent that answers in a context; the same one if it needs none.

    Args:
        agent: Any agent.
        context: One row per observation that it will be asked for, or one row for all.
    """
    if is_empty(context) or not needs_context(agent):
        return agent
    return cast(AnyAgent, cast(HasContext, agent).within(context))


def needs_context(agent: Agent) -> bool:
    """Whether the answers of an agent depend on more than its observations."""
    return hasattr(agent, "within")


def is_empty(context: Context) -> bool:
    """Whether a context says nothing."""
    return context.masks is None and context.memory is None


def take(context: Context, rows: Int[np.ndarray, " rows"] | slice) -> Context:
    """Return some rows of a context.

    Example:
        >>> take(Context(memory=np.array([[1.0], [2.0]])), np.array([1, 1])).memory.tolist()
        [[2.0], [2.0]]
    """
    return Context(*(None if part is None else part[rows] for part in _parts(context)))


def stacked(contexts: Sequence[Context]) -> Context:
    """Return the rows of several contexts as one; a part that one of them lacks is left out."""
    parts = zip(*(_parts(context) for context in contexts), strict=True)
    return Context(
        *(None if any(rows is None for rows in part) else np.concatenate(part) for part in parts)
    )


def checked_masks(
    masks: Shaped[np.ndarray, "rows actions"] | None, n_actions: int, *, who: str
) -> Shaped[np.ndarray, "rows actions"]:
    """Return the masks of a context, after checking that they fit an agent.

    Raises:
        CapabilityError: There are none.
        AgentError: They are for another number of actions.
    """
    if masks is None:
        raise unbound(who, "which actions its environment allows (action masks)")
    if masks.shape[1:] != (n_actions,):
        raise AgentError(f"{who} has {n_actions} actions, the masks are for {masks.shape[1:]}")
    return masks


def unbound(who: str, what: str) -> CapabilityError:
    """Return the error for an agent that is asked without what its answers depend on."""
    return CapabilityError(
        f"the answers of {who} depend on {what}, and it was asked without",
        hint="a method that asks it at recorded steps, such as shapley, why-not or critical-steps",
    )


def _parts(context: Context) -> tuple[Shaped[np.ndarray, "rows ..."] | None, ...]:
    return context.masks, context.memory
