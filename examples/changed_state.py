"""Find the small change of a state that would flip a choice, and draw it.

The agent is a rule that anyone can read: it pushes the cart to the side to which the pole falls. So
the change that flips its choice must turn the sum of angle and rate around, and nothing else.
"""

import tempfile
from pathlib import Path

import numpy as np

import pellucid as pl


def push_to_the_falling_side(observations: np.ndarray) -> np.ndarray:
    """Return 1 (right) where the pole leans or falls to the right, else 0."""
    angle, rate = observations[:, 2], observations[:, 3]
    return (angle + rate > 0).astype(np.int64)


if __name__ == "__main__":
    agent = pl.load_agent(push_to_the_falling_side, env="CartPole-v1")
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=12, seed=0)
    result = pl.explain(agent, episodes, method="changed-state", seed=0)
    print(result)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "changed_state.png"
        result.plot().savefig(picture)
        assert picture.stat().st_size > 0
    content = result.content
    assert (content.changed[:, :2] == content.observations[:, :2]).all()
    assert (content.changed[:, 2:].sum(axis=1) > 0).tolist() == content.wanted.tolist()
    assert result.badge == "supported"
