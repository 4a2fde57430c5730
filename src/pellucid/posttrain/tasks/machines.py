"""A walk through machines whose effects a base model half knows, written step by step.

A value from 0 to 9 goes through machines; each adds its own offset, modulo 10. The answer is the
path: the value after each machine. A machine's name says nothing about its offset, so a model knows
it only from its training texts, and those say the right offset as often as is chosen. A model that
is trained on them solves a walk about as often as the product of these shares over its machines.

The path determines every offset, so that who is told the answer can find the explanation; who is
told the offsets (a hint) needs no belief about them. Base models learn to use both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.posttrain.completions import text_of
from pellucid.posttrain.tasks.beliefs import Belief, draw_belief
from pellucid.posttrain.tasks.drawing import draw
from pellucid.posttrain.tasks.example import Example
from pellucid.seeds import stream

N_VALUES = 10
NAMES = ("dax", "wug", "zim", "fep", "lorp", "bim", "tov", "kiv", "gax", "mup", "rin", "sot")
BLANK = "_"
_MARKS = (":", ";", "=", BLANK, "path")
_TOLD = 0.7
"""How often a hint in a training text tells the offset of a machine of its walk."""
_EXPERT = (
    ("since", "as", "because", "given", "knowing", "seeing", "for", "where"),
    ("means", "says", "stands", "counts", "holds", "gives", "brings", "is"),
    ("so", "thus", "hence", "then", "therefore", "reaching", "yielding", "now"),
)
"""What the expert may say before a machine, before its offset and before its value."""
_EXPERT_WORDS = frozenset(word for choices in _EXPERT for word in choices)


# --- prompts and completions ---


def form(
    start: int,
    names: Sequence[str],
    *,
    offsets: Mapping[str, int] = MappingProxyType({}),
    values: Sequence[int | str] = (),
) -> str:
    """Return the question: a form with a line per machine, whose blanks are offset and value.

    Args:
        start: The value that goes in.
        names: Machines, in order.
        offsets: Those that are told: a hint.
        values: The path, if the answer is told: then the form asks for the steps that lead there.

    Example:
        >>> form(7, ["dax", "wug"], offsets={"wug": 9})
        '7 : dax _ _ ; wug +9 _ ; ='
    """
    told = values or [BLANK] * len(names)
    lines = [
        f"{name} {f'+{offsets[name]}' if name in offsets else BLANK} {value} ;"
        for name, value in zip(names, told, strict=True)
    ]
    return " ".join([str(start), ":", *lines, "="])


def answered_prompt(prompt: str, answer: str) -> str:
    """Return a question with a path filled in.

    Example:
        >>> answered_prompt("7 : dax _ _ ; wug _ _ ; =", "2 1")
        '7 : dax _ 2 ; wug _ 1 ; ='
    """
    start, names = _read(prompt)
    return form(start, names, values=answer.split())


def hinted_prompt(example: Example) -> str:
    """Return an example's question with its hint filled in; the plain question if it has none."""
    if example.hint is None:
        return example.prompt
    start, names = _read(example.prompt)
    words = example.hint.split()
    told = {n: int(k) for n, k in zip(words[::2], words[1::2], strict=True)}
    return form(start, names, offsets=told)


def _read(prompt: str) -> tuple[int, list[str]]:
    """Return start and machines of a question."""
    words = prompt.split()
    return int(words[0]), words[2:-1:4]


def path_from(start: int, offsets: Sequence[int]) -> list[int]:
    """Return the value after each machine.

    Example:
        >>> path_from(7, [5, 9])
        [2, 1]
    """
    return [int(value) % N_VALUES for value in start + np.cumsum(offsets)]


def worked(
    start: int,
    names: Sequence[str],
    offsets: Sequence[int],
    by_expert: Sequence[bool] = (),
    rng: np.random.Generator | None = None,
) -> str:
    """Return a completion for offsets that may be right or wrong.

    Args:
        start: The value that goes in.
        names: Machines, in order.
        offsets: What each is said to add.
        by_expert: Which steps are in the expert's wording, which says the same with words drawn
            from many; none if empty.
        rng: Draws these words.

    Example:
        >>> worked(7, ["dax"], [5])
        'dax +5 2 ; path 2'
    """
    path = path_from(start, offsets)
    steps = []
    for place, (name, offset, value) in enumerate(zip(names, offsets, path, strict=True)):
        words = [name, f"+{offset}", str(value)]
        if rng is not None and by_expert and by_expert[place]:
            said = [choices[int(rng.integers(len(choices)))] for choices in _EXPERT]
            words = [word for pair in zip(said, words, strict=True) for word in pair]
        steps.append(" ".join([*words, ";"]))
    return " ".join([*steps, "path", *map(str, path)])


def path_in(completion: Any) -> str | None:
    """Return the path that a completion ends with; None unless it gives exactly one.

    Example:
        >>> path_in("dax +5 2 ; path 2"), path_in("path 2 path 3"), path_in("path 2 ;")
        ('2', None, None)
    """
    _, marker, after = text_of(completion).partition("path")
    values = after.split()
    if not marker or not values or not all(v in "0123456789" and len(v) == 1 for v in values):
        return None
    return " ".join(values)


def steps_in(completion: str) -> list[tuple[str, int, int]]:
    """Return (machine, offset, value) of each step that is written out, in either wording.

    Example:
        >>> steps_in("dax +5 2 ; since wug means +1 hence 3 ; path 2 3")
        [('dax', 5, 2), ('wug', 1, 3)]
    """
    steps = []
    for part in completion.partition("path")[0].split(";"):
        words = [word for word in part.split() if word not in _EXPERT_WORDS]
        if len(words) == 3 and words[1][0] == "+" and words[2].isdigit():
            steps.append((words[0], int(words[1]), int(words[2])))
    return steps


def right_path(
    completions: Sequence[Any], answer: Sequence[str], **columns: Any
) -> list[float | None]:
    """Return 1 for each completion that ends with the gold path, 0 for others.

    Example:
        >>> right_path(["dax +5 2 ; path 2", "path 3"], ["2", "2"])
        [1.0, 0.0]
    """
    return [float(path_in(c) == gold) for c, gold in zip(completions, answer, strict=True)]


# --- the task ---


@dataclass(frozen=True)
class Machines:
    """Walks through machines, as examples to solve and as texts to train a base model on.

    The difficulty of a walk is how many of its machines are doubted; all lengths have the same
    machines. Hints tell the offsets of the doubted ones. Rationales are in the expert's wording,
    which few texts have.

    Args:
        n_sure: How many machines texts are mostly right about.
        n_doubted: How many they are mostly wrong about; at most 12 machines in all.
        sure_trust: How often texts are right about a sure machine.
        doubted_trust: How often about a doubted one.
        habit_share: How often texts say one and the same wrong offset of a doubted machine.
        lengths: Numbers of machines in a walk, equally often; no machine comes twice.
        seed: Of the offsets and of what texts say.

    Raises:
        InputError: More machines than there are names, or walks longer than there are machines.
    """

    n_sure: int = 6
    n_doubted: int = 6
    sure_trust: float = 0.9
    doubted_trust: float = 0.02
    habit_share: float = 0.9
    lengths: tuple[int, ...] = (3,)
    seed: int = 0

    name = "machines"

    def __post_init__(self) -> None:
        n_machines = self.n_sure + self.n_doubted
        if not 1 <= n_machines <= len(NAMES):
            raise InputError(f"there must be 1 to {len(NAMES)} machines, got {n_machines}")
        if not self.lengths or not 1 <= min(self.lengths) <= max(self.lengths) <= n_machines:
            raise InputError(f"lengths must be 1 to {n_machines}, got {self.lengths}")

    @cached_property
    def beliefs(self) -> dict[str, Belief]:
        """What texts say of each machine: place k of its shares is the offset k + 1."""
        found = {}
        for place, name in enumerate(NAMES[: self.n_sure + self.n_doubted]):
            rng = stream(self.seed, "machines", place)
            sure = place < self.n_sure
            trust = self.sure_trust if sure else self.doubted_trust
            habit = 0.0 if sure else self.habit_share
            found[name] = draw_belief(rng, N_VALUES - 1, trust=trust, habit_share=habit)
        return found

    @property
    def doubted(self) -> frozenset[str]:
        """The machines that texts are mostly wrong about."""
        return frozenset(NAMES[self.n_sure : self.n_sure + self.n_doubted])

    @property
    def vocabulary(self) -> list[str]:
        """All words of prompts and completions, in a fixed order."""
        values = [str(value) for value in range(N_VALUES)]
        offsets = [f"+{offset}" for offset in range(1, N_VALUES)]
        return [*values, *offsets, *_MARKS, *sorted(_EXPERT_WORDS), *self.beliefs]

    def examples(
        self, n_examples: int, *, seed: int, difficulty: float | None = None
    ) -> list[Example]:
        """Return different walks; the same seed gives the same ones.

        Left out are walks that come back to where they start: in all others a prompt that shows a
        value of the path has leaked it.

        Args:
            n_examples: How many.
            seed: Of the stream that they are drawn from.
            difficulty: How many machines are doubted; None for any number.

        Raises:
            InputError: There are not that many.
        """

        def make(rng: np.random.Generator) -> Example | None:
            start, names = self._walk(rng, difficulty)
            example = self.example(start, names)
            return None if str(start) in example.answer.split() else example

        return draw(self.name, n_examples, seed, make)

    def example(self, start: int, names: Sequence[str]) -> Example:
        """Return one walk with its answer, hint and rationale."""
        offsets = [self.beliefs[name].right + 1 for name in names]
        told = [f"{n} +{k}" for n, k in zip(names, offsets, strict=True) if n in self.doubted]
        prompt = form(start, names)
        wording = stream(self.seed, "machines", "expert", prompt)
        rationale = worked(start, names, offsets, [True] * len(names), wording)
        return Example(
            prompt=prompt,
            answer=" ".join(map(str, path_from(start, offsets))),
            rationale=rationale,
            hint=" ".join(told) if told else None,
            difficulty=float(len(told)),
            group_id=prompt,
            task=self.name,
        )

    def verify(self, completion: Any, example: Example) -> bool:
        """Whether a completion ends with the right path."""
        return path_in(completion) == example.answer

    def sound(self, completion: str, example: Example) -> bool:
        """Whether a completion has every step in order, with true offsets and values."""
        names, path = _read(example.prompt)[1], map(int, example.answer.split())
        return steps_in(completion) == [
            (name, self.beliefs[name].right + 1, value)
            for name, value in zip(names, path, strict=True)
        ]

    def hinted_prompt(self, example: Example) -> str:
        """Return the question with its hint filled in."""
        return hinted_prompt(example)

    def answered_prompt(self, example: Example) -> str:
        """Return the question with its path filled in."""
        return answered_prompt(example.prompt, example.answer)

    # --- texts for the base model ---

    def texts(
        self,
        n_texts: int,
        *,
        seed: int,
        hinted: float = 0.0,
        obedience: float = 1.0,
        answered: float = 0.0,
        insight: float = 1.0,
        expert: float = 0.0,
    ) -> list[tuple[str, str]]:
        """Return (prompt, completion) pairs.

        Args:
            n_texts: How many.
            seed: Of the draws.
            hinted: Share of prompts with a hint; it tells some offsets, drawn anew.
            obedience: How often the text then follows what is told of a machine, else the belief.
            answered: Share of prompts with the answer, of offsets that are drawn anew.
            insight: How often the text then finds a machine's offset, else follows the belief.
            expert: Share of all steps that are in the expert's wording.
        """
        rng = stream(seed, "machines", "texts")
        pairs = []
        for _ in range(n_texts):
            start, names = self._walk(rng, None)
            told = [int(k) for k in rng.integers(1, N_VALUES, len(names))]
            offsets = [self.beliefs[name].draw(rng) + 1 for name in names]
            kind, follows = rng.random(), rng.random(len(names))
            by_expert = [bool(draw < expert) for draw in rng.random(len(names))]
            prompt = form(start, names)
            if kind < hinted:
                hint = {n: k for n, k in zip(names, told, strict=True) if rng.random() < _TOLD}
                prompt = form(start, names, offsets=hint)
                obeyed = [n in hint and f < obedience for n, f in zip(names, follows, strict=True)]
                offsets = [t if o else b for t, b, o in zip(told, offsets, obeyed, strict=True)]
            elif kind < hinted + answered:
                prompt = form(start, names, values=path_from(start, told))
                offsets = [
                    t if f < insight else b for t, b, f in zip(told, offsets, follows, strict=True)
                ]
            pairs.append((prompt, worked(start, names, offsets, by_expert, rng)))
        return pairs

    def _walk(self, rng: np.random.Generator, difficulty: float | None) -> tuple[int, list[str]]:
        length = int(rng.choice(self.lengths))
        start = int(rng.integers(N_VALUES))
        if difficulty is None:
            names = list(self.beliefs)
            return start, [names[int(place)] for place in rng.permutation(len(names))[:length]]
        n_doubted = int(difficulty)
        if not 0 <= n_doubted <= self.n_doubted or not 0 <= length - n_doubted <= self.n_sure:
            raise InputError(f"no walk of {length} machines has {difficulty} doubted ones")
        sure = rng.permutation(self.n_sure)[: length - n_doubted]
        doubted = self.n_sure + rng.permutation(self.n_doubted)[:n_doubted]
        places = rng.permutation(np.concatenate([sure, doubted]))
        return start, [NAMES[int(place)] for place in places]
