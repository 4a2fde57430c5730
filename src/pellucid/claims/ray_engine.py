"""Runs cells as Ray tasks: on the cluster that `RAY_ADDRESS` names, or in a Ray of its own here.

Cells are functions of arm, scale and seed, so where they run changes nothing, provided the same
code runs there: each task compares it before it starts. A Ray that is started here listens on the
loopback address alone, without a dashboard, and reports nothing to anyone.
"""

import logging
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

from pellucid.claims.cells import Cell, Measured, not_measured, run_cell
from pellucid.claims.engines import EngineError, Results
from pellucid.claims.harness import current_code
from pellucid.errors import InputError
from pellucid.io.imports import optional_import
from pellucid.provenance import package_version, versions
from pellucid.workers import THREAD_VARIABLES, TRIES

logger = logging.getLogger(__name__)

ADDRESS = "RAY_ADDRESS"
"""The environment variable that names a cluster, Ray's own."""
OLDEST = "2.54"
_LOOPBACK = ("127.0.0.1", "::1")
_LOOK_SECONDS = 5.0
"""How often the cluster is looked at; Ray ends the whole process a minute after it has gone."""
_HINT = "use --engine local, or --engine auto to fall back to it"
_LOCAL_ONLY = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""If 0, Ray stays on the loopback address; named after the systems where that is its default."""


def load_ray() -> Any:
    """Return the module of Ray.

    Raises:
        EngineError: It is not installed, or too old.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if _cluster() is None:  # read when Ray is imported
        os.environ.setdefault(_LOCAL_ONLY, "0")
    try:
        ray = optional_import("ray", extra="ray")
    except InputError as error:
        raise EngineError(str(error), hint=f"{error.hint}, or {_HINT}") from None
    found = package_version("ray") or "0"
    if Version(found) < Version(OLDEST):
        raise EngineError(
            f"expected Ray {OLDEST} or newer, got {found}",
            hint=f"pip install --upgrade 'pellucid[ray]', or {_HINT}",
        )
    return ray


@dataclass
class RayTasks:
    """Runs cells as Ray tasks, as many side by side as there are processors.

    A task whose process dies or hangs is run once more, and then the cell is not measured.

    Args:
        jobs: How many tasks at once in a Ray that is started here; a cluster has its own number.
        seconds: Longest time for one task, the time that a busy cluster lets it wait included; None
            waits for ever.

    Raises:
        EngineError: Ray is not installed or too old.
    """

    jobs: int
    seconds: float | None = None

    def __post_init__(self) -> None:
        self._ray = load_ray()

    def run(self, cells: Sequence[Cell]) -> Results:
        """Yield what came out of each cell.

        Raises:
            EngineError: The cluster cannot be reached, has gone, or runs other code.
        """
        if not cells:
            return
        with self._connected():
            yield from self._run(cells)

    @contextmanager
    def _connected(self) -> Generator[None, None, None]:
        ray = self._ray
        if ray.is_initialized():  # by the program that calls; it ends it too
            yield
            return
        try:
            with redirect_stdout(sys.stderr):  # Ray prints there, also what its processes say
                self._start(_cluster())
                yield
        finally:
            ray.shutdown()

    def _start(self, address: str | None) -> None:
        place: dict[str, Any] = {"address": address}
        if address is None:
            place = {"address": "local", "num_cpus": self.jobs, "include_dashboard": False}
        else:
            _check_reachable(address)
        environment = {name: os.environ.get(name, "1") for name in THREAD_VARIABLES}
        try:
            self._ray.init(
                **place,
                log_to_driver=False,
                configure_logging=False,
                runtime_env={"env_vars": environment},
            )
        except Exception as error:  # Ray fails in many ways
            raise EngineError(f"Ray cannot be started: {_one_line(error)}", hint=_HINT) from error
        listens = self._ray.util.get_node_ip_address()
        if address is None and listens not in _LOOPBACK:
            raise EngineError(
                f"Ray listens on {listens} and not on the loopback address alone",
                hint=f"set {_LOCAL_ONLY}=0 before Ray is imported, or {_HINT}",
            )

    def _run(self, cells: Sequence[Cell]) -> Results:
        ray = self._ray
        task = ray.remote(num_cpus=1, max_retries=0)(run_there)
        codes = {name: current_code(name) for name in {cell.claim for cell in cells}}
        here = versions()
        at_once = max(1, int(ray.cluster_resources().get("CPU", 1)))  # more would only wait
        waiting = deque(range(len(cells)))
        tried = [0] * len(cells)
        running: dict[Any, tuple[int, float]] = {}
        while waiting or running:
            while waiting and len(running) < at_once:
                position = waiting.popleft()
                tried[position] += 1
                cell = cells[position]
                reference = task.remote(cell, codes[cell.claim], here)
                running[reference] = position, time.monotonic()
            ready, _ = ray.wait(list(running), timeout=_LOOK_SECONDS)
            if not ready:
                _check_reachable(ray.get_runtime_context().gcs_address)
            answers = {reference: self._answer(reference) for reference in ready}
            for reference, found in {**answers, **self._late(running, answers)}.items():
                position, _ = running.pop(reference)
                if isinstance(found, Measured):
                    yield position, _checked(found, cells[position])
                elif tried[position] < TRIES:
                    logger.warning("work was lost and is done again: %s", found)
                    waiting.appendleft(position)
                else:
                    yield position, not_measured(f"lost twice: {found}")

    def _answer(self, reference: Any) -> Measured | str:
        """Return what came out of a task, or how it was lost.

        Raises:
            EngineError: The cluster has gone, or cannot run any task.
        """
        errors = self._ray.exceptions
        try:
            found = self._ray.get(reference)
        except (errors.WorkerCrashedError, errors.OutOfMemoryError) as error:
            return f"its process ended ({_one_line(error)})"
        except Exception as error:  # Ray's own errors, and those of importing pellucid there
            raise EngineError(f"Ray cannot run a cell: {_one_line(error)}", hint=_HINT) from error
        assert isinstance(found, Measured)
        return found

    def _late(
        self, running: Mapping[Any, tuple[int, float]], answers: Mapping[Any, object]
    ) -> dict[Any, str]:
        """Stop the tasks that take too long; return why for each."""
        if self.seconds is None:
            return {}
        now = time.monotonic()
        late = [
            reference
            for reference, (_, since) in running.items()
            if reference not in answers and now - since > self.seconds
        ]
        for reference in late:
            self._ray.cancel(reference, force=True)
        return dict.fromkeys(late, f"it did not answer within {self.seconds:g} s")


def _cluster() -> str | None:
    """Return the address of the cluster that the environment names, None if it names none."""
    address = os.environ.get(ADDRESS, "")
    return None if address in ("", "local") else address


def run_there(cell: Cell, code: str, here: Mapping[str, str]) -> Measured:
    """Run a cell on the cluster, or say why its result would not be comparable.

    Args:
        cell: The cell.
        code: Hash of the claim's code where the record is written.
        here: Versions where the record is written.
    """
    there = versions()
    different = sorted(n for n in here.keys() | there.keys() if here.get(n) != there.get(n))
    if different:
        name = different[0]
        return _not_comparable(f"{name} is {there.get(name)} there and {here.get(name)} here")
    if current_code(cell.claim) != code:
        return _not_comparable(f"the code of {cell.claim} there is not the one that is here")
    return run_cell(cell)


_DIFFERENT = "not comparable: "


def _not_comparable(why: str) -> Measured:
    return not_measured(_DIFFERENT + why, refused=True)


def _checked(found: Measured, cell: Cell) -> Measured:
    if found.refused and found.reason.startswith(_DIFFERENT):
        raise EngineError(
            f"the cluster cannot run {cell.claim}: {found.reason.removeprefix(_DIFFERENT)}",
            hint=f"install the same packages there, or {_HINT}",
        )
    return found


def _check_reachable(address: str) -> None:
    """Raise if nothing listens at an address; Ray itself tries for minutes.

    Raises:
        EngineError: Nothing answers.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdecimal():  # `auto` and the like: Ray finds it
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _LOOK_SECONDS).close()
    except OSError as error:
        raise EngineError(
            f"no Ray cluster answers at {address}: {error.strerror or error}",
            hint=f"check {ADDRESS}, or {_HINT}; finished cells are kept",
        ) from error


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
