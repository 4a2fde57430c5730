"""Find the inputs that move what an agent predicts it will earn.

The agent has Q-values that anyone can read: it expects less the further the pole leans, and nothing
else enters. So a true explanation gives all inputs but the pole's angle nothing, although the agent
uses the pole's rate of fall to choose.
"""

import numpy as np
import torch

import pellucid as pl

ANGLE, RATE = 2, 3


class ReadableQ(torch.nn.Module):
    """Q-values whose larger one is 100 - 200 |angle|; the pole's fall decides whose that is."""

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Return the Q-values of pushing to the left and to the right."""
        angle, rate = observations[:, ANGLE], observations[:, RATE]
        best = 100.0 - 200.0 * angle.abs()
        to_the_right = (angle + rate > 0).to(observations.dtype)
        return torch.stack([best - to_the_right, best - (1 - to_the_right)], dim=1)


if __name__ == "__main__":
    agent = pl.load_agent(ReadableQ(), env="CartPole-v1", outputs="q_values")
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=20, seed=0)
    result = pl.explain(agent, episodes, method="shapley-value", seed=0)
    print(result)
    assert result.content.ranking[0] == ANGLE
    others = np.delete(result.content.values, ANGLE, axis=1)
    assert np.abs(others).max() < 1e-4  # zero but for rounding in single precision
