"""Ask whether an agent does tasks in some order, and what fails if it does not.

In the corridor of this example a key lies at one place. It is in reach first and held afterwards,
never the other way round; and an agent that does not take it never holds it, though others could.
"""

import numpy as np

import pellucid as pl

ENV = "pellucid/KeyDoorTrap-v0"


def take_in_reach(observations: np.ndarray) -> np.ndarray:
    """Return 1 (take) where the key is in reach, else 0 (walk on)."""
    return (observations[:, 1] > 0.5).astype(np.int64)


def never_take(observations: np.ndarray) -> np.ndarray:
    """Return 0 (walk on) everywhere."""
    return np.zeros(len(observations), dtype=np.int64)


if __name__ == "__main__":
    for choose, order, expected in (
        (take_in_reach, "key_in_reach then key_held then place > 0.9", 100.0),
        (take_in_reach, "key_held then key_in_reach", 0.0),
        (never_take, "key_in_reach then key_held", 0.0),
    ):
        agent = pl.load_agent(choose, env=ENV)
        episodes = pl.collect(agent, ENV, n_episodes=20, seed=0)
        options = {"order": order}
        result = pl.explain(agent, episodes, method="temporal-queries", seed=0, options=options)
        print(result, result.text, sep="\n", end="\n\n")
        assert abs(result.facts["p"].value - expected) < 1e-6
        assert result.badge == "supported"
