"""Ask why an agent did one thing and not another.

On the cliff every step costs a point, and a step over the edge costs a hundred and leads back to
the start. The agent walks along the edge: up, eleven times right, down. Why not down at step 5?
The walk on costs 8 points; falling costs 100 and the whole way of 13 again: 105 more.
"""

import numpy as np

import pellucid as pl

UP, RIGHT, DOWN = 0, 1, 2
START, WIDTH = 36, 12
STEP = 5


def walk_along_the_edge(cells: np.ndarray) -> np.ndarray:
    """Return up from the start, right along the edge, down in the last column."""
    above_the_goal = cells % WIDTH == WIDTH - 1
    return np.where(cells == START, UP, np.where(above_the_goal, DOWN, RIGHT))


if __name__ == "__main__":
    agent = pl.load_agent(walk_along_the_edge, env="CliffWalking-v1")
    episodes = pl.collect(agent, "CliffWalking-v1", n_episodes=5, seed=0)
    options = {"step": STEP, "foil": DOWN, "hold": 1}
    result = pl.explain(agent, episodes, method="why-not", seed=0, options=options)
    print(result)
    lost = result.content.returns[0] - result.content.returns[1]
    assert (lost == 105).all()
