"""Ask whether each input counts on its own, whatever the others are, and draw how.

The agent pushes the cart where the pole will lean in a moment, which is decided by a sum of two
inputs. So a sum of functions of single inputs can stand in. What is drawn is what each input adds
to the preference for pushing to the right.
"""

import matplotlib.pyplot as plt
import numpy as np

import pellucid as pl
from pellucid.budget import Cost
from pellucid.explanation.programs import program_of
from pellucid.kernels.programs import columns_of

PICTURE = "additive_model.png"
ANGLE, SPEED = 2, 3


def where_it_will_lean(observations: np.ndarray) -> np.ndarray:
    """Return 1 (right) where the pole will lean to the right."""
    return (observations[:, ANGLE] + 0.5 * observations[:, SPEED] > 0).astype(np.int64)


def draw_curves(content, states: np.ndarray) -> None:
    """Save one panel per input: what it adds to the preference for action 1 over action 0."""
    program = program_of(content)
    lead = program.weights[0, 1] - program.weights[0, 0]
    figure, panels = plt.subplots(1, states.shape[1], figsize=(12, 3), sharey=True)
    for item, panel in enumerate(panels):
        rows = np.zeros((200, states.shape[1]))
        rows[:, item] = np.linspace(*np.quantile(states[:, item], (0.01, 0.99)), 200)
        nothing = columns_of(program, np.zeros((1, states.shape[1]))) @ lead
        panel.plot(rows[:, item], columns_of(program, rows) @ lead - nothing)
        panel.set_xlabel(content.input_names[item])
    panels[0].set_ylabel(f"adds to {content.output_names[1]}")
    figure.tight_layout()
    figure.savefig(PICTURE)


if __name__ == "__main__":
    agent = pl.load_agent(where_it_will_lean, env="CartPole-v1")
    episodes = pl.collect(agent, "CartPole-v1", n_episodes=20, seed=0)
    budget = Cost(queries=200_000, env_steps=120_000)
    result = pl.explain(agent, episodes, method="additive-model", seed=0, budget=budget)
    print(result)
    print("\n".join(result.content.rules))
    draw_curves(result.content, episodes.visited.astype(np.float64))
    assert result.badge == "supported"
    assert result.content.n_parts <= 12
