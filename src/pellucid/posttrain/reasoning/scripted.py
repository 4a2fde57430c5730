"""A language model that is a function: what it writes is known before it is asked."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import gymnasium
import numpy as np

from pellucid.posttrain.reasoning.form import ReasoningForm
from pellucid.types import Actions, Observations, PolicyMode

LONGEST = 1_000_000
"""Signs of a prompt or completion at most, as its spaces declare."""


class ScriptedWriter:
    """A language model that writes what a function says.

    Args:
        write: Returns what follows a prompt and the beginning of a completion.
        form: How it is asked and how it writes.
        name: A short name for people.
    """

    framework: ClassVar[str] = "scripted"
    capabilities: ClassVar[frozenset[str]] = frozenset({"text"})

    def __init__(
        self,
        write: Callable[[str, str], str],
        form: ReasoningForm | None = None,
        *,
        name: str = "scripted writer",
    ) -> None:
        self.write = write
        self.form = form or ReasoningForm()
        self.name = name
        self.observation_space = gymnasium.spaces.Text(LONGEST)
        self.action_space = gymnasium.spaces.Text(LONGEST)

    def act(self, observations: Observations) -> Actions:
        """Return the completion of each prompt."""
        return np.array([self.write(str(prompt), "") for prompt in observations])

    def complete(
        self, prompts: Sequence[str], beginnings: Sequence[str], *, policy: PolicyMode, seed: int
    ) -> list[str | None]:
        """Return what follows each beginning; see `HasText`. Nothing is drawn."""
        del policy, seed
        return [self.write(p, b) for p, b in zip(prompts, beginnings, strict=True)]
