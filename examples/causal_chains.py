"""Ask what an action moves, and how that reaches the reward.

The agent of this example fills or drains the first of three connected levels, and is paid for the
last one. A fourth level goes along with what is paid for and moves nothing. Which level flows into
which is known, so that every learned edge, and the chain, can be checked.
"""

import pellucid as pl
from pellucid.faithfulness.planted.causes import chain_right, edges_found, edges_right, pipes

PICTURE = "causal_chains.png"

if __name__ == "__main__":
    setting = pipes(seed=0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    result = pl.explain(setting.agent, episodes, method="causal-chains", seed=0)
    print(result)
    result.plot().savefig(PICTURE)
    assert result.badge == "supported"
    assert edges_found(result.content, setting.truth) == 1.0
    assert edges_right(result.content, setting.truth) == 1.0
    assert chain_right(result.content, setting.truth) == 1.0
