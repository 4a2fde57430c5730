"""Runs parts of the work in other processes, with the same results as in one."""

import logging
import multiprocessing
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import partial
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from pellucid.errors import EnvError

logger = logging.getLogger(__name__)

Part = TypeVar("Part")
Result = TypeVar("Result")

_kept: ContextVar["list[ProcessPoolExecutor] | None"] = ContextVar("kept_workers", default=None)


@contextmanager
def kept_workers() -> Iterator[None]:
    """Keep worker processes between the calls of `run_parts` in this block.

    Starting one costs seconds, since it imports torch and the environment's libraries anew. Blocks
    may be nested: the outermost one keeps them.
    """
    if _kept.get() is not None:
        yield
        return
    executors: list[ProcessPoolExecutor] = []
    token = _kept.set(executors)
    try:
        yield
    finally:
        _kept.reset(token)
        for executor in executors:
            _stop(executor, at_once=False)


def run_parts(
    task: Callable[[Part], Result], parts: Sequence[Part], jobs: int
) -> Generator[Result, None, None]:
    """Yield `task(part)` for each part, in order.

    Processes are spawned, never forked: a fork after torch has started its threads can hang.

    Args:
        task: Sent along with each part.
        parts: Sent one by one; few and large, so that sending the task costs little.
        jobs: Number of processes; 1 works in this one, and so does a task that cannot be sent.
    """
    if jobs > 1 and len(parts) > 1 and not _can_be_sent(task):
        logger.warning(
            "running in one process: the agent or environment cannot be sent to another one"
        )
        jobs = 1
    if jobs == 1 or len(parts) <= 1:
        with one_thread():
            for part in parts:
                yield task(part)
        return
    yield from _with_one_retry(task, parts, jobs)


class _CannotStartError(Exception):
    pass


def _with_one_retry(
    task: Callable[[Part], Result], parts: Sequence[Part], jobs: int
) -> Generator[Result, None, None]:
    done = 0
    for attempt in (1, 2):
        try:
            with closing(_in_processes(task, parts[done:], jobs)) as results:
                for result in results:
                    done += 1
                    yield result
            return
        except _CannotStartError:
            logger.warning(
                "running in one process: another one cannot import what it needs "
                "(scripts need `if __name__ == '__main__':` around their calls)"
            )
            yield from run_parts(task, parts[done:], 1)
            return
        except BrokenProcessPool:
            # killed for memory, or crashed in compiled code; here it would take the run with it
            logger.warning("a worker process died (attempt %d of 2)", attempt)
    raise EnvError(
        "a worker process died twice on the same work",
        hint="it may have run out of memory: try fewer jobs",
    )


def _in_processes(
    task: Callable[[Part], Result], parts: Sequence[Part], jobs: int
) -> Generator[Result, None, None]:
    kept = _kept.get()
    executor = kept.pop() if kept else _new_workers(jobs)
    finished = False
    try:
        try:
            executor.submit(_can_take, task).result()
        except BrokenProcessPool as error:
            raise _CannotStartError from error
        yield from executor.map(partial(_call, task), parts)
        finished = True
    finally:
        if finished and kept is not None:
            kept.append(executor)
        else:
            _stop(executor, at_once=not finished)


def _new_workers(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        max_workers=jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_initialise,
    )


def _stop(executor: ProcessPoolExecutor, *, at_once: bool) -> None:
    if at_once:
        # an interrupt or error: don't wait for work that nobody will read
        for process in list((executor._processes or {}).values()):
            process.terminate()
    executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread, as worker processes do: sums split over threads round apart."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _can_be_sent(task: Any) -> bool:
    try:
        ForkingPickler.dumps(task)
    except Exception as error:  # every library refuses in its own way
        logger.info("cannot be sent to another process: %s: %s", type(error).__name__, error)
        return False
    return True


def _initialise() -> None:
    # Ctrl-C reaches the whole group; the main process decides and stops the workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _can_take(task: Callable[[Any], Any]) -> bool:
    # unpickling the task is the test: it imports what the task needs
    return callable(task)


def _call(task: Callable[[Any], Any], part: Any) -> Any:
    with one_thread():
        return task(part)
