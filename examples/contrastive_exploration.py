"""Learn what follows what in a combination lock, and hear why it is still being explored.

One action of three opens each of four steps; a wrong first action pays a little at once. Without
the bonus a learner stays with that little. The best return is 1.
"""

import numpy as np

from pellucid.tabular.contrastive import (
    combination_lock,
    contrastive_planner,
    explain_bonus,
    explain_ratio,
    learn,
)

if __name__ == "__main__":
    lock = combination_lock(np.random.default_rng(0), n_steps=4, n_actions=3, n_emissions=3)
    greedy = learn(lock, contrastive_planner(lock, rank=3, seed=0, factor=0.0), n_rounds=60, seed=0)
    planner = contrastive_planner(lock, rank=3, seed=0, factor=1.0)
    curve = learn(lock, planner, n_rounds=100, seed=0)
    print(f"without the bonus {greedy.values[-1]:.2f}, with it {curve.values[-1]:.2f} of 1")
    print(explain_bonus(planner, curve.visits, step=2, state=0, action=1).text)
    print(explain_ratio(planner, curve.seen, step=2, state=0, action=1, next_state=7))
    assert greedy.values[-1] < 0.11
    assert curve.values[-1] > 0.8
