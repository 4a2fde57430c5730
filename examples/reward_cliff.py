"""Ask how far the rewards may be off before an agent's choices stop being the best.

The agent walks along the cliff, one point a step. Above the goal it steps down. If every reward is
off by less than r, that is worth at least -1 - r; moving right first, at most -1 + r, and then
0.9 (-1 + r) for the step down. The two meet at r = 0.9 / 2.9, so below that its choice stays best.
"""

import numpy as np

import pellucid as pl

UP, RIGHT, DOWN = 0, 1, 2
START, WIDTH = 36, 12


def walk_along_the_edge(cells: np.ndarray) -> np.ndarray:
    """Return up from the start, right along the edge, down in the last column."""
    above_the_goal = cells % WIDTH == WIDTH - 1
    return np.where(cells == START, UP, np.where(above_the_goal, DOWN, RIGHT))


if __name__ == "__main__":
    agent = pl.load_agent(walk_along_the_edge, env="CliffWalking-v1")
    episodes = pl.collect(agent, "CliffWalking-v1", n_episodes=5, seed=0)
    result = pl.explain(agent, episodes, method="reward-cliff", seed=0, options={"discount": 0.9})
    print(result)
    last = result.content.state_names.index("row 2, column 11")
    assert abs(result.content.radii[last] - 0.9 / 2.9) < 1e-3
    assert result.badge == "supported"
