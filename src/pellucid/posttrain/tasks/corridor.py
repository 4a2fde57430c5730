"""Text corridors: the shortest way through rooms, some of whose doors need a key."""

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.posttrain.completions import ANSWER_MARKER, extract_answer, text_of
from pellucid.posttrain.tasks.drawing import draw
from pellucid.posttrain.tasks.example import Example

_ROOMS = "ABCDEFGHIJKLMNOPQRST"


@dataclass(frozen=True)
class Corridor:
    """Rooms joined by doors; say the whole way before the first step.

    A prompt is `A-B B-C B=D key C from A to D:`: `-` is an open door, `=` a locked one, which opens
    to whoever has been in the room of the key. The expert writes one move per step and the answer,
    `A>B;B>C+key;C>B;B=D;####ABCBD`. Every such way of that length is right. The
    hint is the first room to go to. The difficulty is the number of moves of the shortest way.

    Args:
        n_rooms: Rooms, 4..20.
        locked: Whether one door on the way is locked.

    Raises:
        InputError: `n_rooms` is out of its range.
    """

    n_rooms: int = 6
    locked: bool = True

    def __post_init__(self) -> None:
        if not 4 <= self.n_rooms <= len(_ROOMS):
            raise InputError(f"n_rooms must be in 4..{len(_ROOMS)}, got {self.n_rooms}")

    @property
    def name(self) -> str:
        """The name that its examples carry."""
        return "locked-corridor" if self.locked else "corridor"

    def examples(
        self, n_examples: int, *, seed: int, difficulty: float | None = None
    ) -> list[Example]:
        """Return different corridors; see `Task.examples`."""
        if difficulty is not None and (difficulty < 2 or difficulty != int(difficulty)):
            raise InputError(f"difficulty is a number of moves, at least 2, got {difficulty}")

        def make(rng: np.random.Generator) -> Example | None:
            plan = _drawn(rng, self.n_rooms, self.locked)
            way = None if plan is None else _shortest(plan)
            if plan is None or way is None or len(way) < 3:
                return None
            if difficulty is not None and len(way) - 1 != difficulty:
                return None
            return self._example(plan, way)

        return draw(self.name, n_examples, seed, make)

    def verify(self, completion: Any, example: Example) -> bool:
        """Whether the answer is a way from start to goal that is as short as the gold one."""
        answer = extract_answer(text_of(completion))
        if answer is None or len(answer) > len(example.answer):
            return False
        plan = parse_plan(example.prompt)
        return answer[-1] == plan.goal and _is_open(plan, answer)

    def _example(self, plan: "Plan", way: str) -> Example:
        moves, has_key = [], plan.key is None or plan.key == plan.start
        for here, there in itertools.pairwise(way):
            finds = there == plan.key and not has_key
            has_key = has_key or finds
            sign = "=" if (here, there) in plan.locked else ">"
            moves.append(f"{here}{sign}{there}{'+key' if finds else ''}")
        return Example(
            prompt=plan.text(),
            answer=way,
            rationale=";".join([*moves, f"{ANSWER_MARKER}{way}"]),
            hint=f"first {way[1]}",
            difficulty=float(len(way) - 1),
            group_id=plan.text(),
            task=self.name,
        )


@dataclass(frozen=True)
class Plan:
    """Rooms and doors.

    Args:
        doors: Which rooms each room leads to.
        locked: Ordered pairs whose door needs the key.
        key: Room of the key, None if there is none.
        start: First room.
        goal: Last room.
    """

    doors: Mapping[str, Sequence[str]]
    locked: frozenset[tuple[str, str]]
    key: str | None
    start: str
    goal: str

    def text(self) -> str:
        """Return the plan as a prompt, its doors in the order of the alphabet."""
        pairs = sorted({(min(a, b), max(a, b)) for a, others in self.doors.items() for b in others})
        doors = [f"{a}{'=' if (a, b) in self.locked else '-'}{b}" for a, b in pairs]
        key = [] if self.key is None else [f"key {self.key}"]
        return " ".join([*doors, *key, f"from {self.start} to {self.goal}:"])


def parse_plan(prompt: str) -> Plan:
    """Return the plan that a prompt describes.

    Raises:
        InputError: It describes none.
    """
    words = prompt.removesuffix(":").split()
    doors: dict[str, list[str]] = {}
    locked: set[tuple[str, str]] = set()
    for word in words:
        if len(word) == 3 and word[1] in "-=":
            for a, b in ((word[0], word[2]), (word[2], word[0])):
                doors.setdefault(a, []).append(b)
                locked |= {(a, b)} if word[1] == "=" else set()
    named = dict(itertools.pairwise(words))
    if not doors or not {"from", "to"} <= named.keys():
        raise InputError(f"{prompt[:80]!r} describes no corridor")
    return Plan(doors, frozenset(locked), named.get("key"), named["from"], named["to"])


def _is_open(plan: Plan, way: str) -> bool:
    if way[0] != plan.start:
        return False
    has_key = plan.key == plan.start
    for here, there in itertools.pairwise(way):
        if there not in plan.doors.get(here, ()):
            return False
        if (here, there) in plan.locked and not has_key:
            return False
        has_key = has_key or there == plan.key
    return True


def _shortest(plan: Plan) -> str | None:
    start = (plan.start, plan.key is None or plan.key == plan.start)
    ways = {start: plan.start}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if state[0] == plan.goal:
            return ways[state]
        for following in _reached(plan, *state):
            if following not in ways:
                ways[following] = ways[state] + following[0]
                waiting.append(following)
    return None


def _reached(plan: Plan, room: str, has_key: bool) -> Iterator[tuple[str, bool]]:
    for there in sorted(plan.doors.get(room, ())):
        if has_key or (room, there) not in plan.locked:
            yield there, has_key or there == plan.key


def _drawn(rng: np.random.Generator, n_rooms: int, locked: bool) -> Plan | None:
    rooms = [_ROOMS[int(k)] for k in rng.permutation(n_rooms)]
    # a tree, so that every room can be reached, and one more door for a second way
    pairs = {(rooms[int(rng.integers(k))], rooms[k]) for k in range(1, n_rooms)}
    pairs.add((rooms[0], rooms[int(rng.integers(1, n_rooms))]))
    doors: dict[str, list[str]] = {}
    for a, b in sorted(pairs):
        doors.setdefault(a, []).append(b)
        doors.setdefault(b, []).append(a)
    start, goal, key = (rooms[int(k)] for k in rng.choice(n_rooms, 3, replace=False))
    if not locked:
        return Plan(doors, frozenset(), None, start, goal)
    # the last door before the goal, whatever way leads there
    shut = frozenset(pair for other in doors[goal] for pair in ((goal, other), (other, goal)))
    return Plan(doors, shut, key, start, goal)
