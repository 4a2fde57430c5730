"""What can be wanted of a policy, and how: 17 formalisms, what they express, and your own order.

Objectives (`values`, or `compare` for orderings, on a `FiniteMDP` and a batch of policies):
`MarkovReward`, `LimitAverage`, `TemporalLogic`, `RewardMachine`, `InnerNonlinear`,
`InnerMultiObjective`, `TrajectoryFunction`, `RegularisedReward`, `OuterNonlinear`,
`OuterMultiObjective`, `OccupancyFunction`, `LotteryFunction`, `PolicyFunction`,
`MultiObjectiveOrdering`, `OccupancyOrdering`, `LotteryOrdering`, `PolicyOrdering`.

What expresses what: `translated` carries an objective up the diagram, `witnesses` are tasks that
some formalisms cannot express, `matrix` puts both together, `diagram_svg` draws it.

Your own order: `read_task` and `check_task`, or `pellucid objective check TASK`.

For agents that learn: `LTLfReward` and `MachineReward` are Gymnasium wrappers.

Source: Subramani et al. 2024.
"""

from pellucid.tabular.objectives.checking import Finding, check_task
from pellucid.tabular.objectives.diagram import diagram_svg
from pellucid.tabular.objectives.finite_traces import LTLfMonitor
from pellucid.tabular.objectives.formalisms import COVERS, FORMALISMS, GROUPS, can_express, names
from pellucid.tabular.objectives.formulas import Formula, parse
from pellucid.tabular.objectives.hierarchy import Cell, matrix, verified
from pellucid.tabular.objectives.lassos import Lasso
from pellucid.tabular.objectives.limit_average import LimitAverage
from pellucid.tabular.objectives.markov_reward import MarkovReward
from pellucid.tabular.objectives.objective import (
    Objective,
    OrderingObjective,
    Policies,
    ValuedObjective,
    comparisons,
    value_of,
)
from pellucid.tabular.objectives.orderings import (
    LotteryOrdering,
    MultiObjectiveOrdering,
    OccupancyOrdering,
    lexicographic,
)
from pellucid.tabular.objectives.outer_functions import (
    LotteryFunction,
    OccupancyFunction,
    OuterMultiObjective,
    OuterNonlinear,
)
from pellucid.tabular.objectives.policy_functions import PolicyFunction, PolicyOrdering
from pellucid.tabular.objectives.regularised import RegularisedReward
from pellucid.tabular.objectives.reward_machine import RewardMachine
from pellucid.tabular.objectives.task_files import Task, read_task, task_from
from pellucid.tabular.objectives.temporal_logic import TemporalLogic
from pellucid.tabular.objectives.trajectory_functions import (
    InnerMultiObjective,
    InnerNonlinear,
    TrajectoryFunction,
)
from pellucid.tabular.objectives.translations import TRANSLATORS, translated
from pellucid.tabular.objectives.witness_tasks import Witness, witnesses
from pellucid.tabular.objectives.wrappers import LTLfReward, MachineEdge, MachineReward

__all__ = [
    "COVERS",
    "FORMALISMS",
    "GROUPS",
    "TRANSLATORS",
    "Cell",
    "Finding",
    "Formula",
    "InnerMultiObjective",
    "InnerNonlinear",
    "LTLfMonitor",
    "LTLfReward",
    "Lasso",
    "LimitAverage",
    "LotteryFunction",
    "LotteryOrdering",
    "MachineEdge",
    "MachineReward",
    "MarkovReward",
    "MultiObjectiveOrdering",
    "Objective",
    "OccupancyFunction",
    "OccupancyOrdering",
    "OrderingObjective",
    "OuterMultiObjective",
    "OuterNonlinear",
    "Policies",
    "PolicyFunction",
    "PolicyOrdering",
    "RegularisedReward",
    "RewardMachine",
    "Task",
    "TemporalLogic",
    "TrajectoryFunction",
    "ValuedObjective",
    "Witness",
    "can_express",
    "check_task",
    "comparisons",
    "diagram_svg",
    "lexicographic",
    "matrix",
    "names",
    "parse",
    "read_task",
    "task_from",
    "translated",
    "value_of",
    "verified",
    "witnesses",
]
