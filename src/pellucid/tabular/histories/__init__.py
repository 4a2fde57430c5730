"""Histories as states: what it costs to learn from them, and which of them mean the same.

A problem is described or made (`FinitePOMDP`, `memory_junction`, `StitchingGrid`) and logged as
`Trajectories`. `pessimistic_values` learns from the log on histories themselves
(`index_histories`) or on any partition of them; `refine` finds a partition with a certificate, and
`policy_value` says exactly what the resulting policy is worth. `partition_error` says how far a
partition is from a bisimulation, `representation_loss` how far a learned representation is
(`fit_representation`). `nearest_merged`, `swap_test` and `loss_return_correlation` explain and
test both.
"""

from pellucid.tabular.histories.bisimulation import (
    PartitionError,
    bisimulation_gaps,
    bisimulation_terms,
    partition_error,
    suboptimality_rate,
)
from pellucid.tabular.histories.evaluating import (
    Histories,
    all_histories,
    best_value,
    policy_value,
)
from pellucid.tabular.histories.explaining import (
    MergedHistories,
    SwapTest,
    loss_return_correlation,
    nearest_merged,
    swap_test,
)
from pellucid.tabular.histories.grid import StitchingGrid
from pellucid.tabular.histories.network import (
    HistoryNetwork,
    RepresentationOptions,
    fit_representation,
    history_features,
    representation_loss,
)
from pellucid.tabular.histories.pessimism import (
    PessimisticValues,
    history_policy,
    pessimistic_values,
)
from pellucid.tabular.histories.pomdp import FinitePOMDP, HistoryPolicy, memory_junction
from pellucid.tabular.histories.refinement import (
    Certificate,
    TokenPartition,
    partition_policy,
    refine,
    token_partition,
)
from pellucid.tabular.histories.trajectories import HistoryIndex, Trajectories, index_histories

__all__ = [
    "Certificate",
    "FinitePOMDP",
    "Histories",
    "HistoryIndex",
    "HistoryNetwork",
    "HistoryPolicy",
    "MergedHistories",
    "PartitionError",
    "PessimisticValues",
    "RepresentationOptions",
    "StitchingGrid",
    "SwapTest",
    "TokenPartition",
    "Trajectories",
    "all_histories",
    "best_value",
    "bisimulation_gaps",
    "bisimulation_terms",
    "fit_representation",
    "history_features",
    "history_policy",
    "index_histories",
    "loss_return_correlation",
    "memory_junction",
    "nearest_merged",
    "partition_error",
    "partition_policy",
    "pessimistic_values",
    "policy_value",
    "refine",
    "representation_loss",
    "suboptimality_rate",
    "swap_test",
    "token_partition",
]
