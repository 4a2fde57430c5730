"""Tasks of several turns: the policy writes, the environment answers."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol


class Reply(NamedTuple):
    """What an environment answers to a turn.

    Args:
        text: What the policy reads next; empty if there is nothing.
        reward: Paid for the turn.
        done: Whether the task is over.
    """

    text: str
    reward: float
    done: bool


class TextEnvironment(Protocol):
    """A world that is acted on in words; one instance plays one response."""

    def reset(self, seed: int) -> str:
        """Start again and return what the policy reads before its first turn.

        Args:
            seed: Of the environment's own randomness.
        """

    def step(self, text: str) -> Reply:
        """Answer a turn that the policy wrote."""


def environment_reward(
    completions: Sequence[str], *, environment_reward: Sequence[float], **_columns: Any
) -> list[float | None]:
    """Reward a response with the sum of what its environment paid.

    Args:
        completions: The responses.
        environment_reward: The column that training adds where there is an environment.
    """
    return list(environment_reward[: len(completions)])
