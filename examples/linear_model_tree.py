"""Let a few weighted sums stand in for a network, and see what they earn.

The agent is the LunarLander agent that ships with pellucid: a network of two hidden layers. One
weighted sum of the eight inputs per action lands as well. What is drawn is what stand-ins of each
size earn beside the agent, and the least that they need to.
"""

import numpy as np

import pellucid as pl
from pellucid.api.locating import SHIPPED
from pellucid.budget import Cost
from pellucid.explanation.programs import export_python, program_of
from pellucid.kernels.programs import outputs_of

PICTURE = "linear_model_tree.png"

if __name__ == "__main__":
    agent = pl.load_agent(SHIPPED, env="LunarLander-v3")
    episodes = pl.collect(agent, "LunarLander-v3", n_episodes=10, seed=0)
    budget = Cost(queries=200_000, env_steps=45_000)
    result = pl.explain(agent, episodes, method="linear-model-tree", seed=0, budget=budget)
    print(result)
    print("\n".join(result.content.rules))
    print(export_python(result.content))
    result.plot().savefig(PICTURE)
    assert result.badge in ("supported", "weak")
    states = episodes.visited.astype(np.float64)
    chosen = outputs_of(program_of(result.content), states).argmax(axis=1)
    taken = np.concatenate([e.actions for e in episodes.used])
    assert (chosen == taken).mean() > 0.75
