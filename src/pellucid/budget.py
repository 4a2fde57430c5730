"""Budgets of agent queries, environment steps and time, and the meter that enforces them."""

import math
import time
from dataclasses import dataclass, field

from pellucid.errors import BudgetError, TimeLimitError


@dataclass(frozen=True)
class Cost:
    """An amount of work.

    Args:
        queries: Rows of observations that go through the agent.
        env_steps: Environment steps, those of replays included.
        gradient_steps: Optimiser steps.
    """

    queries: int = 0
    env_steps: int = 0
    gradient_steps: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.queries + other.queries,
            self.env_steps + other.env_steps,
            self.gradient_steps + other.gradient_steps,
        )

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(
            self.queries - other.queries,
            self.env_steps - other.env_steps,
            self.gradient_steps - other.gradient_steps,
        )

    def fits(self, other: "Cost") -> bool:
        """Whether this amount is within `other` (gradient steps are counted, never capped)."""
        return self.queries <= other.queries and self.env_steps <= other.env_steps

    def share(self, fraction: float) -> "Cost":
        """Return this amount times `fraction`, rounded down."""
        return Cost(math.floor(self.queries * fraction), math.floor(self.env_steps * fraction))


@dataclass(frozen=True)
class TimeLimit:
    """Seconds of wall time from now on.

    Unlike a budget of work it makes results depend on the machine: the same seed gives the same
    bytes only if the limit is not reached.

    Args:
        seconds: How many.
        ends: When, on the monotonic clock; counted from the creation if not given.
    """

    seconds: float
    ends: float = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.ends):
            object.__setattr__(self, "ends", time.monotonic() + self.seconds)

    @property
    def reached(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self.ends

    @property
    def words(self) -> str:
        """The limit as messages name it."""
        return f"the time limit of {self.seconds:g} s"


@dataclass
class Meter:
    """Counts work as it is done and refuses what would exceed `allowed`.

    The check comes before the work, so that a budget is never exceeded, not even by one row. A
    time limit is looked at between pieces of work and ends the run a little late: from then on
    nothing is left, and `check_time` raises.

    Args:
        allowed: The most that may be used.
        parent: A meter that is charged too (the whole run's).
        used: What was used so far.
        time_limit: The parent's too, if that ends first.
    """

    allowed: Cost
    parent: "Meter | None" = None
    used: Cost = field(default_factory=Cost)
    time_limit: TimeLimit | None = None

    def __post_init__(self) -> None:
        above = self.parent.time_limit if self.parent is not None else None
        limits = [limit for limit in (self.time_limit, above) if limit is not None]
        self.time_limit = min(limits, key=lambda limit: limit.ends, default=None)

    def charge(self, *, queries: int = 0, env_steps: int = 0, gradient_steps: int = 0) -> None:
        """Record work that is about to be done.

        Raises:
            BudgetError: It would exceed the budget; nothing is recorded then.
        """
        total = self.used + Cost(queries, env_steps, gradient_steps)
        if not total.fits(self.allowed):
            over_queries = total.queries > self.allowed.queries
            what = "agent queries" if over_queries else "environment steps"
            need = total.queries if over_queries else total.env_steps
            have = self.allowed.queries if over_queries else self.allowed.env_steps
            option = "--budget" if over_queries else "--env-steps"
            raise BudgetError(
                f"the budget allows {have} {what} and {need} are needed",
                hint=f"raise {option} to at least {need}",
            )
        if self.parent is not None:
            self.parent.charge(queries=queries, env_steps=env_steps, gradient_steps=gradient_steps)
        self.used = total

    @property
    def time_is_up(self) -> bool:
        """Whether there is a time limit and it is reached."""
        return self.time_limit is not None and self.time_limit.reached

    def check_time(self) -> None:
        """Refuse work that would start after the time limit.

        Raises:
            TimeLimitError: It is reached.
        """
        if self.time_limit is not None and self.time_limit.reached:
            raise TimeLimitError(
                f"{self.time_limit.words} was reached", hint="a longer time limit (--time-limit)"
            )

    @property
    def left(self) -> Cost:
        """What may still be used, here and in every parent; nothing after the time limit."""
        if self.time_is_up:
            return Cost()
        here = self.allowed - self.used
        if self.parent is None:
            return here
        above = self.parent.left
        return Cost(min(here.queries, above.queries), min(here.env_steps, above.env_steps))

    def child(self, allowed: Cost, time_limit: TimeLimit | None = None) -> "Meter":
        """Return a meter for a part of the work, capped by `allowed` and by what is left."""
        left = self.left
        capped = Cost(min(allowed.queries, left.queries), min(allowed.env_steps, left.env_steps))
        return Meter(capped, parent=self, time_limit=time_limit)
