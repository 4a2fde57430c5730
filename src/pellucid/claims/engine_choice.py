"""Which engine runs the cells: what the user names, or what is there."""

import logging
import os
from collections.abc import Callable
from typing import Literal

from pellucid.claims.engines import Engine, EngineError, LocalWorkers, WithFallback
from pellucid.claims.ray_engine import ADDRESS, RayTasks

logger = logging.getLogger(__name__)

EngineName = Literal["auto", "local", "ray"]


def choose_engine(
    name: EngineName,
    *,
    jobs: int,
    seconds: float | None,
    setup: Callable[[], None] | None = None,
) -> Engine:
    """Return an engine that runs cells in other processes.

    `auto` is Ray if the environment names a cluster and Ray can be used, and else this machine.

    Args:
        name: `local`, `ray`, or `auto`.
        jobs: How many cells side by side.
        seconds: Longest time for one cell; None waits for ever.
        setup: Called once in each process on this machine.

    Raises:
        EngineError: Ray was named and is not installed or too old.
    """

    def local() -> Engine:
        return LocalWorkers(jobs, seconds, setup)

    if name == "local" or (name == "auto" and not os.environ.get(ADDRESS)):
        return local()
    if name == "ray":
        return RayTasks(jobs, seconds)
    try:
        return WithFallback(RayTasks(jobs, seconds), local)
    except EngineError as error:
        logger.warning("%s names a Ray cluster, but %s; running on this machine", ADDRESS, error)
        return local()
