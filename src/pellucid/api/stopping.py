"""How a run is stopped from outside: once and politely, or by the system."""

from typing import Any


class Interrupted(KeyboardInterrupt):
    """The user stopped a run; what was finished is stored and reported.

    Args:
        run: The partial `Run`.
    """

    def __init__(self, run: Any) -> None:
        super().__init__("stopped; what was finished is stored")
        self.run = run


class Terminated(BaseException):
    """The system asked the process to end (SIGTERM). No `except Exception` may swallow it."""
