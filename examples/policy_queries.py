"""Ask an agent when it does something, what it does then, and why not here.

In the corridor of this example the key lies at one place, the trap is sprung at the end without it,
and the agent takes the key exactly where it is in reach. So the answers are known: it takes where
the key is in reach; where the key is held it walks on; and at the entrance it does not take, as the
key is out of reach.
"""

import numpy as np

import pellucid as pl

ENV = "pellucid/KeyDoorTrap-v0"


def take_in_reach(observations: np.ndarray) -> np.ndarray:
    """Return 1 (take) where the key is in reach, else 0 (walk on)."""
    return (observations[:, 1] > 0.5).astype(np.int64)


if __name__ == "__main__":
    agent = pl.load_agent(take_in_reach, env=ENV)
    episodes = pl.collect(agent, ENV, n_episodes=20, seed=0)
    asked = [
        {"when": "take"},
        {"what": "key_held and place > 0.5"},
        {"why_not": "take", "episode": 0, "step": 0},
    ]
    answers = [
        pl.explain(agent, episodes, method="policy-queries", seed=0, options=options)
        for options in asked
    ]
    for answer in answers:
        print(answer, end="\n\n")
    when, what, why_not = (answer.content.rules for answer in answers)
    assert when == ("take where key in reach > 0.5",)
    assert what == ("walk on where key held is not 0 and place > 0.5",)
    assert why_not == ("take where key in reach > 0.5 (here key in reach is 0)",)
    assert {answer.badge for answer in answers} == {"supported"}
