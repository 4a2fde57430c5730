"""Let a short rule list stand in for an agent, and see what it earns.

The agent is itself a rule of four cases: it stops the pole if it turns fast, else it pushes to the
side to which the pole leans. So a tree of four leaves at most can do all that it does, and must
lose nothing. The tree is written as Python that anyone can read and edit.
"""

import numpy as np

import pellucid as pl
from pellucid.budget import Cost
from pellucid.explanation.programs import export_python

FAST = 0.2


def stop_the_turn_then_the_lean(observations: np.ndarray) -> np.ndarray:
    """Return 1 (right) where the pole turns fast to the right, or slowly and leans there."""
    angle, rate = observations[:, 2], observations[:, 3]
    leans = (angle > 0).astype(np.int64)
    return np.where(rate > FAST, 1, np.where(rate > -FAST, leans, 0))


if __name__ == "__main__":
    agent = pl.load_agent(stop_the_turn_then_the_lean, env="CartPole-v1")
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=20, seed=0)
    budget = Cost(queries=200_000, env_steps=100_000)
    result = pl.explain(agent, episodes, method="viper-tree", seed=0, budget=budget)
    print(result)
    print("\n".join(result.content.rules))
    print(export_python(result.content))
    assert result.badge == "supported"
    assert result.content.n_parts <= 4
