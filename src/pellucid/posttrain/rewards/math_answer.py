"""Rewards an answer that is mathematically equal to the gold one, as math-verify judges it."""

import atexit
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import InputError
from pellucid.io.imports import optional_import
from pellucid.posttrain.completions import AnswerForm, extract_answer, same_answer
from pellucid.posttrain.rewards.function import RewardFunction, row_reward
from pellucid.workers import Ended, Pool

MAX_EXPRESSION_CHARS = 300


def math_answer_reward(
    form: AnswerForm = "boxed", *, column: str = "answer", seconds: float = 1.0
) -> RewardFunction:
    r"""Return the reward that is 1 for an answer equal to the gold one, such as `\frac12` to `0.5`.

    Answers that are equal as text never reach math-verify. The others are judged in a process of
    its own, which is ended when it takes too long: a tower of powers cannot be interrupted
    otherwise. A script that uses this must start under `if __name__ == "__main__"`, as for every
    library that starts processes.

    Args:
        form: Where the answer stands in the completion.
        column: Column of the data set with the gold answer; None where it is missing.
        seconds: Longest computing time of one comparison; the answer counts as wrong then.

    Raises:
        InputError: math-verify is missing, or `seconds` is not positive.
    """
    if seconds <= 0:
        raise InputError(f"seconds must be positive, got {seconds}")
    optional_import("math_verify", extra="llm")
    judge = _Judge(seconds)

    def score(text: str, gold: Any) -> float | None:
        if gold is None or not str(gold).strip():
            return None
        wanted = _bare(str(gold))
        given = extract_answer(text, form)
        if given is None:
            return 0.0
        if same_answer(given, wanted):
            return 1.0
        if len(given) > MAX_EXPRESSION_CHARS or len(wanted) > MAX_EXPRESSION_CHARS:
            return 0.0
        return float(judge.equal(given, wanted))

    return row_reward("math_answer", score, columns=[column])


@dataclass
class _Judge:
    seconds: float
    known: dict[tuple[str, str], bool] = field(default_factory=dict)
    pool: Pool | None = None

    def equal(self, given: str, gold: str) -> bool:
        key = (given, gold)
        if key not in self.known:
            if len(self.known) >= 100_000:
                self.known.clear()
            self.known[key] = self._ask(key)
        return self.known[key]

    def _ask(self, key: tuple[str, str]) -> bool:
        if self.pool is None:
            self.pool = Pool(1, setup=_ready)
            # before multiprocessing's own exit function, which waits for every process
            atexit.register(self.pool.close, at_once=True)
        item = (*key, self.seconds)
        # the process stops by itself unless it is inside one long operation; more than its own
        # limit, which counts the time that it computes and not that it waits for a core
        ended: list[Ended] = list(self.pool.run(_compare, [item], seconds=1 + 4 * self.seconds))
        # a process that died or was ended gave no verdict: not shown to be right
        return ended[0].value is True


def equal_expressions(given: str, gold: str) -> bool:
    """Whether an expression equals the gold one; False if either is none. It may take for ever."""
    math_verify = optional_import("math_verify", extra="llm")
    parsed = [math_verify.parse(f"${text}$", parsing_timeout=None) for text in (given, gold)]
    return bool(math_verify.verify(parsed[1], parsed[0], timeout_seconds=None))


# --- in the other process ---


def _ready() -> None:
    # it warns that nobody limits its time; we do
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    equal_expressions("1", "2")  # what it imports and compiles is no part of a comparison


def _compare(item: tuple[str, str, float]) -> bool:
    given, gold, seconds = item
    with _at_most(seconds):
        return equal_expressions(given, gold)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise TimeoutError(f"the comparison took longer than {seconds:g} s")

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _bare(gold: str) -> str:
    return extract_answer(gold, "boxed") or gold.strip().strip("$")
