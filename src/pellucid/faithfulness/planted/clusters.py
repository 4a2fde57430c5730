"""Planted clusters: each action is taken in one common and one rare kind of place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation import Rules
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import episode_seeds, stream
from pellucid.types import Observations

COVERED = 0.95
"""Share of the clusters that must have an example of their action."""
N_CLUSTERS, N_ACTIONS, N_STEPS, N_EPISODES = 6, 3, 20, 20
COMMON = 0.8
"""Share of the places of an action that are in its common cluster."""
NOISE = 0.1
"""Spread of places in a cluster; clusters are on a circle of radius 1."""


class Clusters(gymnasium.Env[Any, Any]):
    """Draws a place in one of six clusters at every step; the action of the cluster pays 1.

    Inputs: two coordinates of the place, and two numbers that mean nothing.

    Args:
        actions: The action of each cluster; the first three clusters are common, the others rare.
        angle: By how much the circle of clusters is turned.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, actions: Sequence[int], angle: float) -> None:
        self.observation_space = gymnasium.spaces.Box(-2.0, 2.0, (4,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(N_ACTIONS)
        self._actions, self._centres, self._step = tuple(actions), centres(angle), 0
        self.cluster = 0
        """Where the place is."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw the first place."""
        super().reset(seed=seed, options=options)
        self._step = 0
        return self._drawn(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay for the action of the cluster, and draw the next place."""
        reward = float(int(action) == self._actions[self.cluster])
        self._step += 1
        return self._drawn(), reward, self._step == N_STEPS, False, {}

    def _drawn(self) -> Any:
        rare = self.np_random.random() >= COMMON
        self.cluster = int(self.np_random.integers(N_ACTIONS)) + N_ACTIONS * int(rare)
        place = self._centres[self.cluster] + self.np_random.normal(0.0, NOISE, 2)
        nothing = self.np_random.uniform(-0.3, 0.3, 2)
        return np.concatenate((place, nothing)).clip(-2.0, 2.0).astype(np.float32)


def centres(angle: float) -> Float[np.ndarray, "clusters 2"]:
    """Return the middle of each cluster."""
    angles = angle + 2 * np.pi * np.arange(N_CLUSTERS) / N_CLUSTERS
    return np.column_stack((np.cos(angles), np.sin(angles)))


@dataclass(frozen=True)
class KnownClusters:
    """In which cluster each recorded moment is, and the action of each cluster.

    Args:
        clusters: By episode and step.
        actions: By cluster.
    """

    clusters: tuple[tuple[int, ...], ...]
    actions: tuple[int, ...]


def clusters(seed: int) -> Setting[KnownClusters]:
    """Return an agent that takes the action of the cluster that is nearest.

    Neighbouring clusters have different actions, so that each needs an example of its own.
    """
    rng = stream(seed, "planted", "clusters")
    order = rng.permutation(N_ACTIONS)
    actions = tuple(int(a) for a in np.concatenate((order, order)))
    angle = float(rng.uniform(0, 2 * np.pi))
    spec = spec_of(Clusters, actions=list(actions), angle=angle)
    places = centres(angle)

    def choose(rows: Observations) -> Int[np.ndarray, " rows"]:
        distances = np.linalg.norm(rows[:, None, :2] - places, axis=2)
        return np.asarray(np.array(actions)[distances.argmin(axis=1)])

    agent = agent_of("cluster agent", choose, spec)
    return Setting(agent, spec, KnownClusters(_visited(seed, actions, angle), actions))


def _visited(seed: int, actions: tuple[int, ...], angle: float) -> tuple[tuple[int, ...], ...]:
    """Return the cluster of every step of the episodes of a seed, whatever is done in them."""
    env = Clusters(actions, angle)
    found = []
    for episode_seed in episode_seeds(seed, N_EPISODES):
        env.reset(seed=episode_seed)
        seen = []
        for _ in range(N_STEPS):
            seen.append(env.cluster)
            env.step(0)
        found.append(tuple(seen))
    return tuple(found)


# --- measures ---


def covered(content: Rules, truth: KnownClusters) -> float:
    """Return the share of clusters with an example of their action; NaN for other rules."""
    if not len(content.examples):
        return np.nan
    found = {
        truth.clusters[int(episode)][int(step)]
        for (episode, step), action in zip(content.examples, content.outcomes, strict=True)
        if truth.actions[truth.clusters[int(episode)][int(step)]] == action
    }
    return len(found) / N_CLUSTERS


def other_examples(content: Rules, truth: KnownClusters, rng: np.random.Generator) -> Rules:
    """Return rules of as many random examples of each action."""
    actions = np.array(truth.actions)[np.array(truth.clusters)]
    examples = content.examples.copy()
    for row, action in enumerate(content.outcomes):
        moments = np.argwhere(actions == action)
        examples[row] = moments[rng.integers(len(moments))]
    return replace(content, examples=examples)


TASKS: tuple[PlantedTask[KnownClusters], ...] = (
    PlantedTask(
        name="clusters",
        kind=Rules,
        about="Each of 3 actions is taken in a common and in a rare cluster of states.",
        set_up=clusters,
        measures=(Measure("covered", "clusters with an example", "higher", COVERED, covered),),
        meaningless=other_examples,
        control="as many random examples of each action",
        n_episodes=N_EPISODES,
    ),
)
