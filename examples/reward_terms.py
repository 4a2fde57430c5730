"""Ask why an agent did one thing and not another, and which part of the reward decides.

The car pays for the force that it uses and gets 100 points at the top of the hill; Gymnasium adds
both up and reports only the sum. `split` takes the sum apart. Twenty steps of force against the
movement on the last way up, and the car must swing once more: 93 steps, each of which costs a tenth
of a point in fuel. It reaches the top all the same.
"""

import numpy as np

import pellucid as pl


def split(
    observation: np.ndarray, action: np.ndarray, next_observation: np.ndarray, terminated: bool
) -> dict[str, float]:
    """Return the parts of one reward; they must add up to it."""
    return {"fuel": -0.1 * float(action[0]) ** 2, "goal": 100.0 if terminated else 0.0}


def push_along(observations: np.ndarray) -> np.ndarray:
    """Return full force in the direction of the movement."""
    return np.where(observations[:, 1:] >= 0, 1.0, -1.0).astype(np.float32)


if __name__ == "__main__":
    car = "MountainCarContinuous-v0"
    agent = pl.load_agent(push_along, env=car)
    episodes = pl.collect(agent, car, n_episodes=5, seed=0, reward_terms="reward_terms:split")
    options = {"step": 80, "hold": 20}
    result = pl.explain(agent, episodes, method="why-not", seed=0, options=options)
    print(result)
    content = result.content
    assert content.term_names == ("fuel", "goal")
    assert content.terms_error < 1e-6
    fuel, goal = (content.terms[0] - content.terms[1]).mean(axis=0)
    assert np.isclose(fuel, 93 * 0.1)
    assert goal == 0
