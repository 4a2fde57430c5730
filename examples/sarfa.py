"""Find the inputs that matter to the chosen action and to no other.

The network prefers to push the cart to the side to which the pole falls. Its weights on the cart's
inputs raise both actions alike, which changes no probability: they must have no saliency.
"""

import numpy as np
import torch

import pellucid as pl


def push_to_the_falling_side() -> torch.nn.Module:
    """Return a network that prefers 1 (right) where the pole leans or falls to the right."""
    network = torch.nn.Linear(4, 2)
    with torch.no_grad():
        network.weight[:] = torch.tensor([[5.0, 5.0, -9.0, -3.0], [5.0, 5.0, 9.0, 3.0]])
        network.bias[:] = 0.0
    return network


if __name__ == "__main__":
    agent = pl.load_agent(push_to_the_falling_side(), env="CartPole-v1")
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=20, seed=0)
    result = pl.explain(agent, episodes, method="sarfa", seed=0)
    print(result)
    assert set(result.content.ranking[:2]) == {2, 3}
    assert np.abs(result.content.values[:, :2]).max() < 1e-5  # zero but for rounding
