"""Runs parts of the work in other processes, with the same results as in one."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from pellucid.errors import EnvError
from pellucid.workers import Pool, UnusableWorkersError, can_be_sent, one_thread

logger = logging.getLogger(__name__)

PART_SECONDS = 3600.0
"""Longest time for one part in another process, after which it counts as hanging."""

Part = TypeVar("Part")
Result = TypeVar("Result")

_kept: ContextVar["dict[int, Pool] | None"] = ContextVar("kept_workers", default=None)


@contextmanager
def kept_workers() -> Iterator[None]:
    """Keep worker processes between the calls of `run_parts` in this block.

    Starting one costs seconds, since it imports torch and the environment's libraries anew. Blocks
    may be nested: the outermost one keeps them.
    """
    if _kept.get() is not None:
        yield
        return
    pools: dict[int, Pool] = {}
    token = _kept.set(pools)
    try:
        yield
    finally:
        _kept.reset(token)
        for pool in pools.values():
            pool.close()


def run_parts(
    task: Callable[[Part], Result], parts: Sequence[Part], jobs: int
) -> Generator[Result, None, None]:
    """Yield `task(part)` for each part, in order.

    A part whose process dies or hangs is given to another one once.

    Args:
        task: Sent to each process once.
        parts: Sent one by one; few and large, so that sending costs little.
        jobs: Number of processes; 1 works in this one, and so does a task that cannot be sent.

    Raises:
        EnvError: A part was lost twice, or raised an error that cannot be sent back as it is.
    """
    why = can_be_sent(task) if jobs > 1 and len(parts) > 1 else ""
    if why:
        logger.info("cannot be sent to another process: %s", why)
        logger.warning(
            "running in one process: the agent or environment cannot be sent to another one"
        )
    if jobs == 1 or len(parts) <= 1 or why:
        with one_thread():
            for part in parts:
                yield task(part)
        return
    done = 0
    try:
        with closing(_in_processes(task, parts, jobs)) as results:
            for result in results:
                done += 1
                yield result
    except UnusableWorkersError as error:
        logger.info("another process cannot take the work: %s", error)
        logger.warning(
            "running in one process: another one cannot import what it needs "
            "(scripts need `if __name__ == '__main__':` around their calls)"
        )
        yield from run_parts(task, parts[done:], 1)


def _in_processes(
    task: Callable[[Part], Result], parts: Sequence[Part], jobs: int
) -> Generator[Result, None, None]:
    kept = _kept.get()
    pool = kept.setdefault(jobs, Pool(jobs)) if kept is not None else Pool(jobs)
    early: dict[int, Any] = {}
    position = 0
    try:
        with closing(pool.run(task, parts, seconds=PART_SECONDS)) as ended_parts:
            for ended in ended_parts:
                if ended.lost:
                    raise EnvError(
                        f"the same work was lost twice: {ended.lost}",
                        hint="it may have run out of memory: try fewer jobs",
                    )
                if ended.error is not None:
                    raise ended.error
                early[ended.index] = ended.value
                while position in early:  # in order, whoever is first
                    yield early.pop(position)
                    position += 1
    finally:
        if kept is None:
            pool.close(at_once=position < len(parts))
