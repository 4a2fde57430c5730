"""Find the inputs on which an agent's return depends.

In the corridor a key lies on the way to a door, and only who has taken it is paid at the door: 10
points, else -10. The agent takes it where the input "key in reach" says so and looks at nothing
else. With that input hidden it sees the value of one of the 12 places, drawn anew at each step, so
that it takes the key in 1 of 12 cases: the input is worth 20 x 11 / 12 points, all others nothing.
"""

import numpy as np

import pellucid as pl

KEY_IN_REACH = 1
WORTH = 20 * 11 / 12


def take_the_key_in_reach(observations: np.ndarray) -> np.ndarray:
    """Return 1 (take) where the key is in reach, else 0 (walk on)."""
    return (observations[:, KEY_IN_REACH] > 0.5).astype(np.int64)


if __name__ == "__main__":
    env = "pellucid/KeyDoorTrap-v0"
    agent = pl.load_agent(take_the_key_in_reach, env=env)
    episodes = pl.collect(agent, env, n_episodes=20, seed=0)
    result = pl.explain(agent, episodes, method="shapley-return", seed=0)
    print(result)
    values = result.content.values[:, :, 0]
    assert np.abs(values[:, [0, 2]]).max() < 1e-9  # zero but for rounding
    assert abs(values[:, KEY_IN_REACH].mean() - WORTH) < 2
