"""Orders of tasks: `near then held also lit then out`, each task a predicate that must hold once.

Tasks parted by `also` may be done in any order; those before a `then` must all have been done
before those behind it count. A state may do several tasks at once.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.kernels.predicates import GRAMMAR, Predicate, PredicateError, holds, parse_predicate

MOST_TASKS = 6
_PARTS = re.compile(r"""("[^"]*"|'[^']*')|\b(then|also)\b""")


@dataclass(frozen=True)
class Order:
    """Tasks in stages.

    Args:
        stages: Shape (stages, tasks): all tasks of a stage must be done before the next one counts.
    """

    stages: tuple[tuple[Predicate, ...], ...]

    @property
    def tasks(self) -> tuple[Predicate, ...]:
        """All tasks, in order of their stage."""
        return tuple(task for stage in self.stages for task in stage)

    @property
    def places(self) -> tuple[tuple[int, ...], ...]:
        """The positions in `tasks` of the tasks of each stage."""
        ends = np.cumsum([0, *map(len, self.stages)]).tolist()
        return tuple(tuple(range(start, stop)) for start, stop in itertools.pairwise(ends))

    def __str__(self) -> str:
        return " then ".join(" also ".join(map(str, stage)) for stage in self.stages)


def parse_order(
    text: str,
    input_names: Sequence[str] = (),
    defined: Mapping[str, Predicate] | None = None,
) -> Order:
    """Read an order; letters in errors are counted in the whole text.

    Args:
        text: Such as `key_in_reach then key_held`.
        input_names: As for `parse_predicate`.
        defined: As for `parse_predicate`.

    Raises:
        PredicateError: A task is no predicate, or there are more than six.

    Example:
        >>> str(parse_order("a then b also a > 2", ("a", "b")))
        'x[0] != 0.0 then x[1] != 0.0 also x[0] > 2.0'
    """
    stages: list[list[Predicate]] = [[]]
    start = 0
    breaks = [match for match in _PARTS.finditer(text) if match.group(2)]
    for place, word in [*((m.span(), m.group(2)) for m in breaks), ((len(text), len(text)), "")]:
        part = text[start : place[0]]
        try:
            stages[-1].append(parse_predicate(part, input_names, defined))
        except PredicateError as error:
            problem, position = error.problem, start + error.position
            if word and error.position >= len(part.rstrip()):
                problem, position = problem.replace("the end", repr(word)), place[0]
            raise PredicateError(text, position, problem, error.hint or GRAMMAR) from None
        if word == "then":
            stages.append([])
        start = place[1]
    n_tasks = sum(map(len, stages))
    if n_tasks > MOST_TASKS:
        raise PredicateError(text, 0, f"at most {MOST_TASKS} tasks can be ordered, got {n_tasks}")
    return Order(tuple(tuple(stage) for stage in stages))


def task_bits(
    tasks: Sequence[Predicate], rows: Float[np.ndarray, "rows inputs"]
) -> Int[np.ndarray, " rows"]:
    """Return which tasks hold in each row, as bits: the first is the lowest."""
    found = np.zeros(len(rows), dtype=np.int64)
    for bit, task in enumerate(tasks):
        found |= holds(task, rows).astype(np.int64) << bit
    return found


def advanced(done: int, held: int, places: Sequence[Sequence[int]]) -> int:
    """Return which tasks are done after a state in which some hold.

    Args:
        done: Tasks that were done before, as bits.
        held: Tasks that hold in the state, as bits.
        places: Tasks of each stage.

    Example:
        >>> stages = ((0,), (1, 2))
        >>> advanced(0b000, 0b110, stages), advanced(0b000, 0b011, stages)
        (0, 3)
    """
    for stage in places:
        whole = sum(1 << task for task in stage)
        done |= held & whole
        if done & whole != whole:
            break
    return done


def done_along(order: Order, held: Int[np.ndarray, " steps"]) -> Int[np.ndarray, " steps"]:
    """Return which tasks are done after each step of an episode, as bits.

    Args:
        order: The order.
        held: Shape (steps,), which tasks hold, as `task_bits` tells.
    """
    done, places = 0, order.places
    along = np.zeros(len(held), dtype=np.int64)
    for step, bits in enumerate(held.tolist()):
        along[step] = done = advanced(done, bits, places)
    return along


def steps_done(
    order: Order, rows: Float[np.ndarray, "steps inputs"]
) -> Bool[np.ndarray, " prefixes"]:
    """Return whether the first stage, the first two, … are done within one episode.

    Args:
        order: The order.
        rows: Shape (steps, inputs), the states of the episode in time.
    """
    done = done_along(order, task_bits(order.tasks, rows))
    whole = np.cumsum([sum(1 << task for task in stage) for stage in order.places])
    return np.asarray((done[-1] & whole) == whole)


def done_in_turn(held: Int[np.ndarray, " steps"], turn: Sequence[int]) -> bool:
    """Whether single tasks are done one after the other within an episode.

    Args:
        held: Shape (steps,), which tasks hold, as bits.
        turn: Numbers of the tasks, in the order asked.

    Example:
        >>> held = np.array([0b01, 0b10])
        >>> done_in_turn(held, (0, 1)), done_in_turn(held, (1, 0))
        (True, False)
    """
    step = 0
    for task in turn:
        holding = (held[step:] >> task & 1).astype(bool)
        if not holding.any():
            return False
        step += int(holding.argmax())
    return True
