"""How far ahead random exploration must look, what that costs, and which state makes it hard.

`analyse` says it all of a finite problem. k is the number of lookahead steps after which acting
greedily is optimal although everything later is random; the effective horizon H says that about
`T^2 A^H` environment steps are enough for it, in episodes of T steps with A actions. Planning by
random rollouts (`plan`) and learning by shallow lookahead (`learn_by_lookahead` in tables,
`learn_with_regression` in any environment) are what these numbers speak of.

Where states cannot be enumerated `sampled_horizon` estimates the same from rollouts. What needs an
environment or torch is imported when it is first used.

Source: Laidlaw, Russell & Dragan 2023; Laidlaw, Zhu, Russell & Dragan 2024.
"""

import importlib
from typing import Any

from pellucid.tabular.horizon.analysis import HardState, HorizonAnalysis, analyse
from pellucid.tabular.horizon.chance_bounds import ChanceLevel, chance_bound
from pellucid.tabular.horizon.covering import Coverage, coverage, covering_length
from pellucid.tabular.horizon.greedy_planning import Plan, PlanningCost, plan, planning_cost
from pellucid.tabular.horizon.lookahead import (
    effective_planning_window,
    greedy_returns,
    minimum_k,
)
from pellucid.tabular.horizon.simple_bounds import (
    Bottleneck,
    HorizonAt,
    SimpleBound,
    simple_bound,
)
from pellucid.tabular.horizon.staging import Stages, stages
from pellucid.tabular.horizon.sticky import with_sticky_actions
from pellucid.tabular.horizon.table_learning import LearnedPolicy, learn_by_lookahead
from pellucid.tabular.horizon.tight_bounds import (
    TightBound,
    TightLevel,
    failure_bound,
    tight_bound,
    tight_level,
)

_LAZY = {
    "RegressionPolicy": "pellucid.tabular.horizon.regression_learning",
    "Regressor": "pellucid.tabular.horizon.regressors",
    "SampledHorizon": "pellucid.tabular.horizon.sampling",
    "SampledState": "pellucid.tabular.horizon.sampling",
    "StepPolicy": "pellucid.tabular.horizon.regression_learning",
    "TableRegressor": "pellucid.tabular.horizon.regressors",
    "TorchRegressor": "pellucid.tabular.horizon.torch_regressor",
    "learn_with_regression": "pellucid.tabular.horizon.regression_learning",
    "sampled_horizon": "pellucid.tabular.horizon.sampling",
}

__all__ = [
    "Bottleneck",
    "ChanceLevel",
    "Coverage",
    "HardState",
    "HorizonAnalysis",
    "HorizonAt",
    "LearnedPolicy",
    "Plan",
    "PlanningCost",
    "RegressionPolicy",
    "Regressor",
    "SampledHorizon",
    "SampledState",
    "SimpleBound",
    "Stages",
    "StepPolicy",
    "TableRegressor",
    "TightBound",
    "TightLevel",
    "TorchRegressor",
    "analyse",
    "chance_bound",
    "coverage",
    "covering_length",
    "effective_planning_window",
    "failure_bound",
    "greedy_returns",
    "learn_by_lookahead",
    "learn_with_regression",
    "minimum_k",
    "plan",
    "planning_cost",
    "sampled_horizon",
    "simple_bound",
    "stages",
    "tight_bound",
    "tight_level",
    "with_sticky_actions",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'pellucid.tabular.horizon' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
