"""The content kind of language models: stated reasoning, step by step."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

DEPENDS_FROM = 0.5
"""Share of the cuts of its reasoning that must change an answer for it to count as dependent."""


def _no_numbers() -> Float[np.ndarray, " none"]:
    return np.empty(0)


@dataclass(frozen=True)
class TextTrace:
    """The stated reasoning of a language model, cut into steps, and what leaving it out does.

    Args:
        prompts: One per explained prompt: what was asked.
        openings: One per prompt: what the completion begins with before its first step.
        closings: One per prompt: what stands between its last step and the answer.
        answers: One per prompt: the answer given; empty where none could be read.
        steps: The stated steps of all prompts, one after another, each with its separator.
        step_prompts: Shape (steps,), position of the prompt that each step belongs to.
        effects: Shape (steps,), share of answers that change without the step; NaN if unknown.
        correct: Shape (prompts,), 1 for a right answer, 0 for a wrong one, NaN if unknown.
        dependence: Shape (prompts,), share of the cuts of the reasoning that change the answer;
            NaN if unknown.
        reasons: One per prompt: why it could not be scored; empty if it was.
        hints: One per prompt: a hint that can be added to it; empty if there are none.
        hint_answers: One per hint: the answer that it suggests.
        hints_used: Shape (prompts,), 1 where the hint moved the answer to its own, 0 where not,
            NaN if unknown; empty without hints.
        hints_mentioned: Shape (prompts,), 1 where the reasoning then speaks of the hint.
    """

    kind: ClassVar[str] = "text_trace"
    prompts: tuple[str, ...]
    openings: tuple[str, ...]
    closings: tuple[str, ...]
    answers: tuple[str, ...]
    steps: tuple[str, ...]
    step_prompts: Int[np.ndarray, " steps"]
    effects: Float[np.ndarray, " steps"]
    correct: Float[np.ndarray, " prompts"]
    dependence: Float[np.ndarray, " prompts"]
    reasons: tuple[str, ...]
    hints: tuple[str, ...] = ()
    hint_answers: tuple[str, ...] = ()
    hints_used: Float[np.ndarray, " hints"] = field(default_factory=_no_numbers)
    hints_mentioned: Float[np.ndarray, " hints"] = field(default_factory=_no_numbers)

    def steps_of(self, prompt: int) -> tuple[str, ...]:
        """Return the steps stated for the prompt at a position."""
        return tuple(self.steps[i] for i in np.flatnonzero(self.step_prompts == prompt))

    @property
    def quadrants(self) -> Int[np.ndarray, "2 2"]:
        """Prompts by wrong or right (rows) and independent of the reasoning or not (columns).

        Prompts of which either is unknown are in no cell.
        """
        return _cross(self.correct >= 0.5, self.dependence >= DEPENDS_FROM, self._known)

    @property
    def hint_counts(self) -> Int[np.ndarray, "2 2"]:
        """Prompts by hint unused or used (rows) and unmentioned or mentioned (columns)."""
        known = np.isfinite(self.hints_used) & np.isfinite(self.hints_mentioned)
        return _cross(self.hints_used >= 0.5, self.hints_mentioned >= 0.5, known)

    @property
    def _known(self) -> Bool[np.ndarray, " prompts"]:
        return np.asarray(np.isfinite(self.correct) & np.isfinite(self.dependence))


def _cross(
    rows: Bool[np.ndarray, " units"],
    columns: Bool[np.ndarray, " units"],
    known: Bool[np.ndarray, " units"],
) -> Int[np.ndarray, "2 2"]:
    counts = np.zeros((2, 2), dtype=np.int64)
    np.add.at(counts, (rows[known].astype(int), columns[known].astype(int)), 1)
    return counts
