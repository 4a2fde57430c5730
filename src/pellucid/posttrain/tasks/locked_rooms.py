"""A corridor of locked rooms: a sign in each says which door to take, and one mistake ends it all.

The agent sees the signs, and writes a step per room: the sign, what it takes it to mean, and the
door that it takes. Signs stand as far apart as steps are long, on a board with more places than
rooms, so that a model of a single layer can find the sign of a step.

What signs mean is known only from training texts. Some signs are *known*, of some the texts are
*unsure*, and some are *decoys*: texts are sure of the wrong door. There is one reward, at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.posttrain.completions import text_of
from pellucid.posttrain.tasks.beliefs import Belief, draw_belief
from pellucid.posttrain.tasks.drawing import draw
from pellucid.posttrain.tasks.example import Example
from pellucid.seeds import stream

DOORS = ("north", "east", "south", "west", "up", "down")
SIGNS = tuple(
    f"{colour}{shape}"
    for colour in ("red", "blue", "green", "white", "black", "grey")
    for shape in ("star", "moon", "key", "leaf", "wave", "hand")
)
STEP_END = "|"
"""The word that ends a step."""
BLANK = "_"
N_PLACES = 8
"""Of the board; the longest corridor."""
_STEP_WORDS = 5
_MARKS = ("go", "take", BLANK, STEP_END)


def worked(signs: Sequence[str], doors: Sequence[str]) -> str:
    """Return the steps that take some doors.

    Example:
        >>> worked(["redkey"], ["up"])
        'redkey up take up |'
    """
    steps = zip(signs, doors, strict=True)
    return " ".join(f"{sign} {door} take {door} {STEP_END}" for sign, door in steps)


def doors_in(completion: Any) -> str:
    """Return the doors that a completion takes, one per step; empty if a step has another form.

    Example:
        >>> doors_in("redkey up take up |"), doors_in("redkey take |")
        ('up', '')
    """
    parts = text_of(completion).split(STEP_END)
    if parts[-1].strip():
        return ""
    taken = []
    for step in parts[:-1]:
        words = step.split()
        if len(words) < 2 or words[-2] != "take" or words[-1] not in DOORS:
            return ""
        taken.append(words[-1])
    return " ".join(taken)


def all_doors_right(
    completions: Sequence[Any], answer: Sequence[str], **columns: Any
) -> list[float | None]:
    """Return 1 for each completion that takes the right door in every room, 0 for others."""
    return [float(doors_in(c) == gold) for c, gold in zip(completions, answer, strict=True)]


@dataclass(frozen=True)
class LockedRooms:
    """Corridors, as examples to solve and as texts to train a base model on.

    The difficulty of a corridor is its number of rooms.

    Args:
        n_known: Signs of which texts are nearly always right.
        n_unsure: Signs of which they are right less often, without a habit.
        n_decoys: Signs of which they are nearly always wrong, in the same way; at most 36 in all.
        known_trust: How often texts are right about a known sign.
        unsure_trust: About an unsure one.
        decoy_trust: About a decoy.
        decoy_habit: How often they say one and the same wrong door of a decoy.
        lengths: Numbers of rooms of examples, equally often.
        told_lengths: Of texts.
        seed: Of the right doors and of what texts say.

    Raises:
        InputError: More signs than there are, or a corridor of no room or of more than 8.
    """

    n_known: int = 16
    n_unsure: int = 10
    n_decoys: int = 3
    known_trust: float = 0.97
    unsure_trust: float = 0.6
    decoy_trust: float = 0.08
    decoy_habit: float = 0.88
    lengths: tuple[int, ...] = (5,)
    told_lengths: tuple[int, ...] = (5, 6, 7, 8)
    seed: int = 0

    name = "locked-rooms"

    def __post_init__(self) -> None:
        n_signs = self.n_known + self.n_unsure + self.n_decoys
        if not 1 <= n_signs <= len(SIGNS):
            raise InputError(f"there must be 1 to {len(SIGNS)} signs, got {n_signs}")
        for lengths in (self.lengths, self.told_lengths):
            if not lengths or not 1 <= min(lengths) <= max(lengths) <= N_PLACES:
                raise InputError(f"a corridor has 1 to {N_PLACES} rooms, got lengths {lengths}")

    @cached_property
    def beliefs(self) -> dict[str, Belief]:
        """What texts say of each sign, over `DOORS`."""
        found = {}
        for place, sign in enumerate(SIGNS[: self.n_known + self.n_unsure + self.n_decoys]):
            rng = stream(self.seed, "locked-rooms", place)
            if place < self.n_known:
                trust, habit = self.known_trust, 0.0
            elif place < self.n_known + self.n_unsure:
                trust, habit = self.unsure_trust, 0.0
            else:
                trust, habit = self.decoy_trust, self.decoy_habit
            found[sign] = draw_belief(rng, len(DOORS), trust=trust, habit_share=habit)
        return found

    @property
    def vocabulary(self) -> list[str]:
        """All words of prompts and completions, in a fixed order."""
        return [*_MARKS, *DOORS, *self.beliefs]

    def examples(
        self, n_examples: int, *, seed: int, difficulty: float | None = None
    ) -> list[Example]:
        """Return different corridors; the same seed gives the same ones.

        Raises:
            InputError: There are not that many.
        """

        def make(rng: np.random.Generator) -> Example:
            signs = self._signs(rng, self.lengths if difficulty is None else (int(difficulty),))
            doors = [DOORS[self.beliefs[sign].right] for sign in signs]
            prompt = self._prompt(signs)
            return Example(
                prompt=prompt,
                answer=" ".join(doors),
                rationale=worked(signs, doors),
                hint=None,
                difficulty=float(len(signs)),
                group_id=prompt,
                task=self.name,
            )

        return draw(self.name, n_examples, seed, make)

    def verify(self, completion: Any, example: Example) -> bool:
        """Whether a completion takes the right door in every room."""
        return doors_in(completion) == example.answer

    def texts(self, n_texts: int, *, seed: int) -> list[tuple[str, str]]:
        """Return (prompt, completion) pairs whose doors come from beliefs."""
        rng = stream(seed, "locked-rooms", "texts")
        pairs = []
        for _ in range(n_texts):
            signs = self._signs(rng, self.told_lengths)
            doors = [DOORS[self.beliefs[sign].draw(rng)] for sign in signs]
            pairs.append((self._prompt(signs), worked(signs, doors)))
        return pairs

    def _prompt(self, signs: Sequence[str]) -> str:
        board = [*signs, *[BLANK] * (N_PLACES - len(signs))]
        gap = " ".join([BLANK] * (_STEP_WORDS - 2))
        return " ".join([*(f"{sign} {gap} {STEP_END}" for sign in board), "go"])

    def _signs(self, rng: np.random.Generator, lengths: Sequence[int]) -> list[str]:
        length = int(rng.choice(lengths))
        signs = list(self.beliefs)
        if length > min(len(signs), N_PLACES):
            raise InputError(f"no corridor of {self.name} has {length} rooms")
        # a sign hangs in one room only, so that a step is about one room
        return [signs[int(place)] for place in rng.permutation(len(signs))[:length]]
