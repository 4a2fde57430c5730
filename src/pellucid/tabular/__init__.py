"""Finite problems: described as arrays, solved exactly, made from games, tables or at random."""

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

__all__ = [
    "FiniteMDP",
    "Solution",
    "StagedSolution",
    "advantages",
    "backward_induction",
    "best_actions",
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
