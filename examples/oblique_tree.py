"""Let a tree that adds up inputs stand in for an agent whose border is slanted.

The agent pushes the cart to the side to which the pole will lean in a moment: the angle plus half
of the angle's speed. A tree of single inputs must climb that border in stairs; one question about a
sum is all that it takes. What is drawn is the tree and what each size earns.
"""

import numpy as np

import pellucid as pl
from pellucid.budget import Cost
from pellucid.explanation.programs import export_python, program_of
from pellucid.kernels.programs import used_inputs

PICTURE = "oblique_tree.png"
ANGLE, SPEED = 2, 3


def where_it_will_lean(observations: np.ndarray) -> np.ndarray:
    """Return 1 (right) where the pole will lean to the right."""
    return (observations[:, ANGLE] + 0.5 * observations[:, SPEED] > 0).astype(np.int64)


if __name__ == "__main__":
    agent = pl.load_agent(where_it_will_lean, env="CartPole-v1")
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=20, seed=0)
    budget = Cost(queries=200_000, env_steps=180_000)
    result = pl.explain(agent, episodes, method="oblique-tree", seed=0, budget=budget)
    print(result)
    print("\n".join(result.content.rules))
    print(export_python(result.content))
    result.plot().savefig(PICTURE)
    assert result.badge == "supported"
    assert result.content.n_parts == 2
    assert set(used_inputs(program_of(result.content))) >= {SPEED}
