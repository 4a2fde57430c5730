"""Show the recorded moments that an agent's choices are like.

In this example a state is a place in one of six clusters, and each of three actions is right in a
common and in a rare one. A moment of each cluster must be among those shown: random ones of each
action would often miss a rare cluster.
"""

import pellucid as pl
from pellucid.faithfulness.planted.clusters import N_CLUSTERS, clusters

PICTURE = "prototypes.png"

if __name__ == "__main__":
    setting = clusters(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="prototypes", seed=0)
    print(result)
    print("\n".join(result.content.rules))
    result.plot().savefig(PICTURE)
    known = setting.truth.clusters
    shown = {known[episode][step] for episode, step in result.content.examples}
    print(f"{len(shown)} of {N_CLUSTERS} clusters are among them")
    assert len(shown) == N_CLUSTERS
    assert result.badge == "supported"
