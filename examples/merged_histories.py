"""Learn from logged histories, find out which of them mean the same, and hear what merging hides.

The first observation is a cue that the last of seven actions must match; all else is noise. The
best value is 0.8, and chance is worth 0.5.
"""

import numpy as np

from pellucid.tabular.histories import (
    all_histories,
    bisimulation_terms,
    history_policy,
    index_histories,
    memory_junction,
    nearest_merged,
    partition_policy,
    pessimistic_values,
    policy_value,
    refine,
)

if __name__ == "__main__":
    junction = memory_junction(7)
    data = junction.sample(1000, np.random.default_rng(0))

    index = index_histories(data)
    values = pessimistic_values(index.numbers, data, bonus_scale=0.1)
    by_history = policy_value(junction, history_policy(values, index))

    partition = refine(data)
    values = pessimistic_values(partition.of(data), data, bonus_scale=0.1)
    by_block = policy_value(junction, partition_policy(values, partition))

    print(f"{index.n_histories} histories: {by_history:.2f}; {partition.n_blocks} blocks: ", end="")
    print(f"{by_block:.2f} of 0.80")
    print(partition.certificate)

    level = all_histories(junction)[3]
    rewards, laws = bisimulation_terms(junction, partition, level)
    blocks = np.eye(2)[partition.blocks(3, level.tokens)]
    print(nearest_merged(0, blocks, level.tokens, rewards, laws).text)
    assert by_history < 0.6
    assert abs(by_block - 0.8) < 1e-9
