"""Budgets of agent queries and environment steps, and the meter that enforces them."""

import math
from dataclasses import dataclass, field

from pellucid.errors import BudgetError


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


@dataclass
class Meter:
    """Counts work as it is done and refuses what would exceed `allowed`.

    The check comes before the work, so that a budget is never exceeded, not even by one row.

    Args:
        allowed: The most that may be used.
        parent: A meter that is charged too (the whole run's).
    """

    allowed: Cost
    parent: "Meter | None" = None
    used: Cost = field(default_factory=Cost)

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
    def left(self) -> Cost:
        """What may still be used, here and in every parent."""
        here = self.allowed - self.used
        if self.parent is None:
            return here
        above = self.parent.left
        return Cost(min(here.queries, above.queries), min(here.env_steps, above.env_steps))

    def child(self, allowed: Cost) -> "Meter":
        """Return a meter for a part of the work, capped by `allowed` and by what is left."""
        left = self.left
        capped = Cost(min(allowed.queries, left.queries), min(allowed.env_steps, left.env_steps))
        return Meter(capped, parent=self)
