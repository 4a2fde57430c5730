"""Certify how far the inputs of a network may be off before it can choose otherwise.

The network is a single layer that pushes the cart where the pole will lean in a moment. The lead of
a push is twice the weighted sum of the inputs, which falls fastest if all inputs err against it; so
the true radius is that sum over the sum of its slopes. The most fragile choices are drawn.
"""

import numpy as np
import torch

import pellucid as pl

PICTURE = "constant_action_radius.png"
SLOPES = np.array([0.0, 0.1, 1.0, 0.5])


def lean_in_a_moment() -> torch.nn.Module:
    """Return preferences for left and right: minus and plus the weighted sum."""
    layer = torch.nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.stack([-SLOPES, SLOPES])))
    return torch.nn.Sequential(layer)


if __name__ == "__main__":
    agent = pl.load_agent(lean_in_a_moment(), env="CartPole-v1")
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=10, seed=0)
    result = pl.explain(agent, episodes, method="constant-action-radius", seed=0)
    print(result)
    result.plot().savefig(PICTURE)
    content = result.content
    true = np.abs(content.observations @ SLOPES) / (content.scale @ SLOPES)
    assert (content.radii <= true).all()
    assert (content.radii > 0.9 * true - 0.01).all()
    assert result.badge == "supported"
