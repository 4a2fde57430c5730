"""Find the formula that an agent follows, and what each length of formula earns.

The agent drives the car out of the valley by pushing the way it moves, which gains speed with every
swing. A formula of few terms can stand in. What formulas of each length earn is drawn beside what
the agent earns, and the least that they need to.
"""

import numpy as np

import pellucid as pl
from pellucid.budget import Cost
from pellucid.explanation.programs import export_python

PICTURE = "symbolic_policy.png"
POSITION, SPEED = 0, 1


def with_the_swing(observations: np.ndarray) -> np.ndarray:
    """Return 2 (right) where the car moves to the right, 0 (left) where it moves to the left."""
    return np.where(observations[:, SPEED] >= 0, 2, 0)


if __name__ == "__main__":
    agent = pl.load_agent(with_the_swing, env="MountainCar-v0")
    episodes = pl.collect(agent, "MountainCar-v0", n_episodes=20, seed=0)
    budget = Cost(queries=200_000, env_steps=60_000)
    result = pl.explain(agent, episodes, method="symbolic-policy", seed=0, budget=budget)
    print(result)
    print("\n".join(result.content.rules))
    print(export_python(result.content))
    result.plot().savefig(PICTURE)
    assert result.badge in ("supported", "weak")
    assert result.content.n_parts <= 4
