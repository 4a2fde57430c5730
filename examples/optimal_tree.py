"""Find the best short rule list for an agent, with a proof that there is none better.

The agent stops the pole if it turns fast, else it pushes to the side to which the pole leans: three
questions. Among all trees of at most eight leaves over 60 thresholds the solver finds those that
cost the agent's preferences least; the smallest that loses nothing is kept. What is drawn is the
tree and what each size earns.
"""

import numpy as np

import pellucid as pl
from pellucid.budget import Cost

PICTURE = "optimal_tree.png"
FAST = 0.2


def stop_the_turn_then_the_lean(observations: np.ndarray) -> np.ndarray:
    """Return 1 (right) where the pole turns fast to the right, or slowly and leans there."""
    angle, rate = observations[:, 2], observations[:, 3]
    leans = (angle > 0).astype(np.int64)
    return np.where(rate > FAST, 1, np.where(rate > -FAST, leans, 0))


if __name__ == "__main__":
    agent = pl.load_agent(stop_the_turn_then_the_lean, env="CartPole-v1")
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=20, seed=0)
    budget = Cost(queries=200_000, env_steps=160_000)
    result = pl.explain(agent, episodes, method="optimal-tree", seed=0, budget=budget)
    print(result)
    print("\n".join(result.content.rules))
    result.plot().savefig(PICTURE)
    # without the package `pystreed` the answer is that it was not measured, and what to install
    if result.content is not None:
        assert result.badge == "supported"
        assert result.content.n_parts <= 4
        assert not result.warnings
