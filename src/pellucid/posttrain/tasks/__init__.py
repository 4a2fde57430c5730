"""Problems with gold answers, worked solutions, hints and difficulty; data sets and splits."""

from pellucid.posttrain.tasks.addition import Addition
from pellucid.posttrain.tasks.building import TASKS, build_task
from pellucid.posttrain.tasks.chains import ModularChain
from pellucid.posttrain.tasks.corridor import Corridor
from pellucid.posttrain.tasks.datasets import Dataset, digest, load_dataset
from pellucid.posttrain.tasks.derivations import (
    Derivation,
    Step,
    contradiction_rate,
    step_coverage,
    step_order,
)
from pellucid.posttrain.tasks.exam import Exam, exam_derivation, exam_example, load_exam
from pellucid.posttrain.tasks.example import Example, Task, reward_columns
from pellucid.posttrain.tasks.gym import ReasoningGym
from pellucid.posttrain.tasks.locked_rooms import LockedRooms
from pellucid.posttrain.tasks.machines import Machines
from pellucid.posttrain.tasks.splits import Split, check_split, split_by_group, split_digest

__all__ = [
    "TASKS",
    "Addition",
    "Corridor",
    "Dataset",
    "Derivation",
    "Exam",
    "Example",
    "LockedRooms",
    "Machines",
    "ModularChain",
    "ReasoningGym",
    "Split",
    "Step",
    "Task",
    "build_task",
    "check_split",
    "contradiction_rate",
    "digest",
    "exam_derivation",
    "exam_example",
    "load_dataset",
    "load_exam",
    "reward_columns",
    "split_by_group",
    "split_digest",
    "step_coverage",
    "step_order",
]
