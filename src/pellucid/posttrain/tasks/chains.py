"""Chains of small calculations modulo a number, each step from the result of the one before."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.posttrain.completions import ANSWER_MARKER, extract_answer, same_answer, text_of
from pellucid.posttrain.tasks.drawing import draw
from pellucid.posttrain.tasks.example import Example

_OPERATIONS = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}


@dataclass(frozen=True)
class ModularChain:
    """Calculations from left to right, every result reduced modulo `modulus`.

    A prompt is `%7:5+3*2-4=`; the expert writes `5+3=1;1*2=2;2-4=5;####5`. The hint is the first
    step. The difficulty is the number of operations.

    Args:
        modulus: Of every step, 2..10, so that each result is one digit.
        max_operations: Most operations of a chain; a mixture has 1 to this many, equally often.

    Raises:
        InputError: A value is out of its range.
    """

    modulus: int = 7
    max_operations: int = 4

    def __post_init__(self) -> None:
        if not 2 <= self.modulus <= 10:
            raise InputError(f"modulus must be in 2..10, got {self.modulus}")
        if not 1 <= self.max_operations <= 100:
            raise InputError(f"max_operations must be in 1..100, got {self.max_operations}")

    @property
    def name(self) -> str:
        """The name that its examples carry."""
        return f"modular-chain-{self.modulus}"

    def examples(
        self, n_examples: int, *, seed: int, difficulty: float | None = None
    ) -> list[Example]:
        """Return distinct chains; see `Task.examples`."""
        if difficulty is not None and difficulty not in range(1, self.max_operations + 1):
            raise InputError(
                f"difficulty is a number of operations, 1 to {self.max_operations}, "
                f"got {difficulty}"
            )

        def make(rng: np.random.Generator) -> Example:
            n = rng.integers(1, self.max_operations + 1) if difficulty is None else int(difficulty)
            start = int(rng.integers(self.modulus))
            signs = [str(sign) for sign in rng.choice(list(_OPERATIONS), int(n))]
            operands = [int(value) for value in rng.integers(self.modulus, size=int(n))]
            return self._example(start, list(zip(signs, operands, strict=True)))

        return draw(self.name, n_examples, seed, make)

    def verify(self, completion: Any, example: Example) -> bool:
        """Whether the one answer after `####` is the chain's result."""
        return same_answer(extract_answer(text_of(completion)), example.answer)

    def _example(self, start: int, operations: list[tuple[str, int]]) -> Example:
        value, steps = start, []
        for sign, operand in operations:
            result = _OPERATIONS[sign](value, operand) % self.modulus
            steps.append(f"{value}{sign}{operand}={result}")
            value = result
        chain = str(start) + "".join(f"{sign}{operand}" for sign, operand in operations)
        return Example(
            prompt=f"%{self.modulus}:{chain}=",
            answer=str(value),
            rationale=";".join([*steps, f"{ANSWER_MARKER}{value}"]),
            # of a single step the first result would be the answer
            hint=f"first {steps[0]}" if len(steps) > 1 else f"reduce modulo {self.modulus}",
            difficulty=float(len(steps)),
            group_id=f"%{self.modulus}:{chain}",
            task=self.name,
        )
