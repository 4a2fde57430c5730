"""Processes that stay and work on one item after another, of which each may fail alone.

Which process has which item is known. So one that is killed, crashes or hangs costs its own item
and no other: the item is given to a new process once more, and after that it is reported as lost.

Processes are spawned, never forked: a fork after torch or a matrix library has started its threads
can hang. A process ends by itself when the one that started it is gone, however that ended.
"""

import copyreg
import io
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

from pellucid.errors import PellucidError

logger = logging.getLogger(__name__)

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""What says how many threads matrix libraries may use; contended ones are many times slower."""
TRIES = 2
"""How often an item is given to a process before it counts as lost."""
START_SECONDS = 300.0
"""Longest time that a process may take to start and to import what the work needs."""
_END_SECONDS = 5.0
_SPAWN = multiprocessing.get_context("spawn")
_starting = threading.Lock()


class UnusableWorkersError(Exception):
    """No process can be started that takes the work; the caller may do it itself."""


@dataclass(frozen=True)
class Ended:
    """What became of one item.

    Args:
        index: Its position.
        value: What the task returned.
        error: What the task raised, None if it returned.
        lost: Why there is neither, empty if there is: the process died or did not answer.
    """

    index: int
    value: Any = None
    error: BaseException | None = None
    lost: str = ""


@dataclass
class _Worker:
    process: SpawnProcess
    connection: "Connection[Any, Any]"
    since: float  # when it was last given something
    ready: bool = False
    index: int | None = None  # of the item that it works on
    task: bytes = b""


@dataclass
class Pool:
    """Worker processes, started when there is work for them and kept until `close`.

    Args:
        jobs: How many at most.
        setup: Called once in each before anything else; another process must be able to import it.
    """

    jobs: int
    setup: Callable[[], None] | None = None
    _workers: list[_Worker] = field(default_factory=list, init=False)
    _n_failed: int = field(default=0, init=False)  # starts since one went well

    def run(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, seconds: float | None = None
    ) -> Generator[Ended, None, None]:
        """Yield what becomes of each item, in the order in which they end.

        A generator that is left before its end stops the processes that are at work.

        Args:
            task: Sent to each process once.
            items: Sent one by one.
            seconds: Longest time for one item; None waits for ever.

        Raises:
            UnusableWorkersError: No process starts, or none can import the task.
        """
        packed = _packed(task)
        waiting = deque(range(len(items)))
        tried = [0] * len(items)
        n_open = len(items)
        try:
            while n_open:
                self._hand_out(packed, items, waiting, tried)
                for worker in self._next_events(seconds):
                    ended = self._event(worker, seconds)
                    if ended is None:
                        continue
                    if ended.lost and tried[ended.index] < TRIES:
                        logger.warning("work was lost and is done again: %s", ended.lost)
                        waiting.appendleft(ended.index)
                        continue
                    n_open -= 1
                    yield ended
        finally:
            if n_open:
                self.close(at_once=True)

    def close(self, *, at_once: bool = False) -> None:
        """End every process and wait until it is gone; `at_once` does not let it finish."""
        workers, self._workers = self._workers, []
        for worker in workers:
            if at_once or worker.index is not None or not worker.ready:
                worker.process.kill()
            worker.connection.close()  # an idle process ends when nobody can talk to it
        for worker in workers:
            worker.process.join(_END_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()

    # --- inside ---

    def _hand_out(
        self, task: bytes, items: Sequence[Any], waiting: "deque[int]", tried: list[int]
    ) -> None:
        idle = sum(worker.index is None for worker in self._workers)
        while len(self._workers) < self.jobs and idle < len(waiting):
            self._workers.append(_started(self.setup))
            idle += 1
        for worker in self._workers:
            if not worker.ready or worker.index is not None or not waiting:
                continue
            with suppress(OSError):  # it has died: the next look at it says so
                worker.since = time.monotonic()
                if worker.task != task:
                    worker.task, worker.ready = task, False
                    worker.connection.send(("task", task))
                else:
                    index = waiting.popleft()
                    packed_item = _packed(items[index])
                    worker.index = index
                    tried[index] += 1
                    worker.connection.send(("item", index, packed_item))

    def _next_events(self, seconds: float | None) -> list[_Worker]:
        """Return the processes that have something to say, died, or have had their time."""
        deadlines = [limit for w in self._workers if (limit := _deadline(w, seconds)) is not None]
        rest = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        spoken = wait(
            [*(w.connection for w in self._workers), *(w.process.sentinel for w in self._workers)],
            rest,
        )
        now = time.monotonic()
        return [
            w
            for w in self._workers
            if w.connection in spoken
            or w.process.sentinel in spoken
            or ((limit := _deadline(w, seconds)) is not None and limit <= now)
        ]

    def _event(self, worker: _Worker, seconds: float | None) -> Ended | None:
        """Deal with one process; return what it ended or lost, None if nothing."""
        if worker not in self._workers:  # dropped meanwhile
            return None
        try:
            if worker.connection.poll():
                return self._message(worker, worker.connection.recv())
            if worker.process.is_alive():
                limit = _deadline(worker, seconds)
                if limit is None or limit > time.monotonic():
                    return None
                return self._drop(worker, f"it did not answer within {seconds:g} s")
        except (EOFError, OSError):
            pass
        return self._drop(worker, "")

    def _message(self, worker: _Worker, message: Any) -> Ended | None:
        kind, *rest = message
        if kind == "ready":
            worker.ready, self._n_failed = True, 0
            return None
        if kind == "refused":
            raise UnusableWorkersError(rest[0])
        index, value, error = rest
        worker.index = None
        return Ended(index, value, error)

    def _drop(self, worker: _Worker, why: str) -> Ended | None:
        self._workers.remove(worker)
        if not why:  # so that its own exit code is told and not that of our signal
            worker.process.join(_END_SECONDS)
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        why = why or f"its process ended ({_ending(worker.process.exitcode)})"
        worker.process.close()
        if worker.index is not None:
            return Ended(worker.index, lost=why)
        if not worker.ready:
            self._n_failed += 1
        if self._n_failed >= TRIES:
            if not any(other.ready for other in self._workers):
                raise UnusableWorkersError(why)
            self.jobs = len(self._workers)  # those that are there go on alone
        return None


def _deadline(worker: _Worker, seconds: float | None) -> float | None:
    limit = seconds if worker.index is not None else None if worker.ready else START_SECONDS
    return None if limit is None else worker.since + limit


def _ending(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    with suppress(ValueError):
        return signal.Signals(-exitcode).name
    return f"signal {-exitcode}"


# --- starting ---


def _started(setup: Callable[[], None] | None) -> _Worker:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(theirs, setup), name="pellucid-worker")
    with one_thread_environment():
        process.start()
    theirs.close()  # or its end would not be seen
    return _Worker(process, ours, time.monotonic())


@contextmanager
def one_thread_environment() -> Iterator[None]:
    """Let processes that are started in this block use one thread; a value that is set is kept."""
    with _starting:
        added = [name for name in THREAD_VARIABLES if name not in os.environ]
        os.environ.update(dict.fromkeys(added, "1"))
        try:
            yield
        finally:
            for name in added:
                os.environ.pop(name, None)


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


def can_be_sent(value: Any) -> str:
    """Return why a value cannot be sent to another process, empty if it can."""
    try:
        _packed(value)
    except Exception as error:  # every library refuses in its own way
        return f"{type(error).__name__}: {error}"
    return ""


# --- in the other process ---


def _serve(connection: "Connection[Any, Any]", setup: Callable[[], None] | None) -> None:
    # Ctrl-C reaches the whole group; the main process decides and stops the workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(OSError):  # what the work prints must not mix with the data on stdout
        os.dup2(2, 1)
    if setup is not None:
        setup()
    connection.send(("ready",))
    task: Callable[[Any], Any] | None = None
    with suppress(EOFError, OSError):  # the main process has closed its end
        while True:
            kind, *rest = connection.recv()
            if kind == "task":
                try:
                    task = ForkingPickler.loads(rest[0])
                except Exception as error:  # whatever an import raises
                    connection.send(("refused", f"{type(error).__name__}: {error}"))
                else:
                    connection.send(("ready",))
            else:
                connection.send_bytes(_answer(task, *rest))


def _answer(task: Any, index: int, packed: bytes) -> bytes:
    try:
        with one_thread():
            value = task(ForkingPickler.loads(packed))
        return _packed(("done", index, value, None))
    except BaseException as error:
        return _packed(("done", index, None, _sendable(error)))


def _sendable(error: BaseException) -> BaseException:
    """Return an error that the main process can read: itself, or its name and message."""
    told = "".join(traceback.format_exception(error))
    with suppress(Exception):  # however it refuses, its words remain
        error.add_note(told)
        again = ForkingPickler.loads(_packed(error))
        if type(again) is type(error) and str(again) == str(error):
            return error
    plain = PellucidError(f"{type(error).__name__}: {error}")
    plain.add_note(told)
    return plain


class _ByValue(ForkingPickler):
    """Packs tensors with their content.

    torch has them packed as handles of shared memory, which can be unpacked once, end with their
    process, and let what one process writes into an agent's weights reach the others.
    """

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.dispatch_table = copyreg.dispatch_table


def _packed(value: Any) -> bytes:
    buffer = io.BytesIO()
    _ByValue(buffer).dump(value)
    return buffer.getvalue()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
