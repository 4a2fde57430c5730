"""The exceptions that pellucid raises; each carries a `kind` for `--json` and an optional hint."""

from typing import ClassVar


class PellucidError(Exception):
    """A failure that pellucid names and explains.

    Args:
        message: What was expected, what came, in one line.
        hint: What to do about it, in one line.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InputError(PellucidError):
    """Something that the user gave cannot be used (exit code 2)."""

    kind = "input"


class UnknownNameError(InputError):
    """A name that is not in the list it must come from; the hint suggests the nearest one."""

    kind = "unknown_name"


class ArtifactError(InputError):
    """A model file that is missing, damaged, unsafe to open or of an unknown layout."""

    kind = "artifact"


class DataError(InputError):
    """A stored file that is damaged, truncated or written by a newer version."""

    kind = "data"


class CapabilityError(InputError):
    """The agent or the environment lacks what a method needs."""

    kind = "capability"


class BudgetError(PellucidError):
    """A step would exceed the budget of agent queries or environment steps."""

    kind = "budget"


class TimeLimitError(BudgetError):
    """The time that the user allowed is over; what was finished is kept."""

    kind = "time_limit"


class AgentError(PellucidError):
    """An agent raised, or returned something that is not an action of its space."""

    kind = "agent"


class EnvError(PellucidError):
    """An environment raised, or returned something outside its own declaration."""

    kind = "environment"


class RewardError(PellucidError):
    """A reward function raised on too many completions, or returned something that is no reward."""

    kind = "reward"


class NotFiniteError(PellucidError):
    """A model's numbers are infinite or not numbers, as they are once training has diverged."""

    kind = "not_finite"


class PluginError(PellucidError):
    """A registered item cannot be imported or lacks a part of its contract."""

    kind = "plugin"
