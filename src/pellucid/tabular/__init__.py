"""Finite problems: described as arrays, solved exactly, made from games, tables or at random."""

from typing import TYPE_CHECKING, Any

from pellucid.tabular.generators import random_mdp
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import (
    Solution,
    StagedSolution,
    advantages,
    backward_induction,
    best_actions,
    gaps,
    greedy_policy,
    occupancies,
    policy_values,
    staged_occupancies,
    staged_policy_values,
    uniform_policy,
    value_iteration,
)
from pellucid.tabular.sources import from_table, from_toy_text, layered

if TYPE_CHECKING:
    from pellucid.tabular.of_env import finite_mdp_of

__all__ = [
    "FiniteMDP",
    "Solution",
    "StagedSolution",
    "advantages",
    "backward_induction",
    "best_actions",
    "finite_mdp_of",
    "from_table",
    "from_toy_text",
    "gaps",
    "greedy_policy",
    "layered",
    "occupancies",
    "policy_values",
    "random_mdp",
    "staged_occupancies",
    "staged_policy_values",
    "uniform_policy",
    "value_iteration",
]


def __getattr__(name: str) -> Any:
    # what needs an environment is imported when it is first used
    if name == "finite_mdp_of":
        from pellucid.tabular import of_env

        return of_env.finite_mdp_of
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
