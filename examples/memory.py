"""Show what an agent with a memory remembers.

A sign is shown once, and asked for five steps later. The agent of this example was trained on that
with RecurrentPPO of sb3-contrib. What it saw five steps before must be what counts.
"""

from pathlib import Path

import pellucid as pl

AGENT = Path(__file__).parents[1] / "tests" / "data" / "contrib" / "recurrent_recall.zip"
ENV = "pellucid.envs.small.recall:Recall"

if __name__ == "__main__":
    agent = pl.load_agent(AGENT, env=ENV)
    episodes = pl.collect(agent, ENV, n_episodes=20, seed=0)
    result = pl.explain(agent, episodes, method="memory", seed=0)
    print(result)
    assert result.content.names[result.content.values.argmax()] == "5 steps before"
    assert result.badge == "supported"
