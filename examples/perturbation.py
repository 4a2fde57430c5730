"""Find the inputs that drive an agent's choices by replacing them one by one.

The agent is a rule that anyone can read: it pushes the cart to the side to which the pole falls. It
never looks at the cart, so replacing the cart's inputs changes nothing.
"""

import numpy as np

import pellucid as pl


def push_to_the_falling_side(observations: np.ndarray) -> np.ndarray:
    """Return 1 (right) where the pole leans or falls to the right, else 0."""
    angle, rate = observations[:, 2], observations[:, 3]
    return (angle + rate > 0).astype(np.int64)


if __name__ == "__main__":
    agent = pl.load_agent(push_to_the_falling_side, env="CartPole-v1")
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=20, seed=0)
    result = pl.explain(agent, episodes, method="perturbation", seed=0)
    print(result)
    assert set(result.content.ranking[:2]) == {2, 3}
    assert np.abs(result.content.values[:, :2]).max() == 0.0
