"""Keeps one bad completion from ending a run: it is unscored, with the reason on record."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import InputError, RewardError
from pellucid.posttrain.rewards.function import RewardFunction, finite_or_none

_WINDOW = 1024
_FEWEST_FAILURES = 2


@dataclass(frozen=True)
class RewardFailure:
    """One completion that could not be scored.

    Args:
        row: Its position in the call.
        reason: The error in one line.
    """

    row: int
    reason: str


@dataclass
class GuardedReward:
    """A reward function that gives None where another one raises.

    A call that raises is repeated row by row, so that only the rows at fault are lost. Errors of
    the configuration (`InputError`, such as a missing column) are not caught.

    Args:
        reward: The function.
        max_failure_share: Share of the last 1024 rows that may fail; beyond it (and from the second
            failure on) the run ends.
        name: In records and TRL's logs; that of the function by default.

    Raises:
        RewardError: From a call: more rows failed than `max_failure_share`, or the function
            returned another number of rewards than completions.
    """

    reward: RewardFunction
    max_failure_share: float = 0.1
    name: str = ""
    failures: tuple[RewardFailure, ...] = field(default=(), init=False)
    """What failed in the last call."""
    n_failed: int = field(default=0, init=False)
    """Rows that failed in all calls."""
    _recent: "deque[bool]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.max_failure_share <= 1:
            raise InputError(f"max_failure_share must be in 0..1, got {self.max_failure_share}")
        self._recent = deque(maxlen=_WINDOW)
        # TRL's logs call a reward by this
        self.__name__ = self.name = self.name or getattr(self.reward, "__name__", "reward")

    def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        """Return the rewards; see `RewardFunction`."""
        try:
            found = self._scored(completions, columns)
            rewards, failures = _finite(found)
        except (InputError, RewardError):
            raise
        except Exception:  # a user's function may raise anything; what it was is recorded per row
            rewards, failures = self._row_by_row(completions, columns)
        self.failures = tuple(failures)
        self._count(len(rewards), failures)
        return rewards

    def reasons(self, n_rows: int) -> list[str | None]:
        """Return why each row of the last call is unscored; None for those that are scored."""
        told = {failure.row: failure.reason for failure in self.failures}
        return [told.get(row) for row in range(n_rows)]

    def _scored(self, completions: Sequence[Any], columns: dict[str, Any]) -> list[Any]:
        found = self.reward(completions, **columns)
        if not hasattr(found, "__len__") or len(found) != len(completions):
            size = len(found) if hasattr(found, "__len__") else type(found).__name__
            raise RewardError(
                f"the reward {self.name!r} returned {size} for {len(completions)} completions",
                hint="return a list with one number or None per completion",
            )
        return list(found)

    def _row_by_row(
        self, completions: Sequence[Any], columns: dict[str, Any]
    ) -> tuple[list[float | None], list[RewardFailure]]:
        rewards: list[float | None] = []
        failures: list[RewardFailure] = []
        for row, completion in enumerate(completions):
            own = {name: _row_of(value, row, len(completions)) for name, value in columns.items()}
            try:
                values, failed = _finite(self._scored([completion], own))
            except (InputError, RewardError):
                raise
            except Exception as error:  # as above
                values, failed = [None], [RewardFailure(0, _one_line(error))]
            rewards += values
            failures += [RewardFailure(row, failure.reason) for failure in failed]
        return rewards, failures

    def _count(self, n_rows: int, failures: Sequence[RewardFailure]) -> None:
        failed = {failure.row for failure in failures}
        self.n_failed += len(failed)
        self._recent.extend(row in failed for row in range(n_rows))
        n_recent = sum(self._recent)
        if n_recent < _FEWEST_FAILURES or n_recent <= self.max_failure_share * len(self._recent):
            return
        raise RewardError(
            f"the reward {self.name!r} failed on {n_recent} of the last {len(self._recent)} "
            f"completions, last with {failures[-1].reason if failures else 'an earlier error'}",
            hint="mend the reward, or raise max_failure_share if these rows may be left out",
        )


def _row_of(value: Any, row: int, n_rows: int) -> Any:
    # what is no column, such as a trainer's state, is passed on as it is
    return [value[row]] if isinstance(value, list | tuple) and len(value) == n_rows else value


def _finite(found: Sequence[Any]) -> tuple[list[float | None], list[RewardFailure]]:
    rewards = [finite_or_none(value) for value in found]
    failures = [
        RewardFailure(row, f"the reward is {value}, which is not finite")
        for row, (value, reward) in enumerate(zip(found, rewards, strict=True))
        if reward is None and value is not None
    ]
    return rewards, failures


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
