"""Planted causes: which input moves which under which action is known, and what is paid for."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Bool, Float

from pellucid.explanation import Graph
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

RECALL, PRECISION, CHAINS = 0.9, 0.9, 0.8
"""Least share of the true edges that are found, of the edges found that are true, and of seeds in
which the chain is the true one."""
N_INPUTS, N_ACTIONS, N_STEPS = 5, 3, 30
DECAY, NOISE = 0.3, 0.3


class Pipes(gymnasium.Env[Any, Any]):
    """Levels that decay, flow into each other along known pipes, and are pushed by actions.

    The reward is a multiple of one level after the step, plus normal noise, as have the levels.

    Args:
        flows: Shape (actions, inputs, inputs), nested lists: what a step adds to the level of the
            column for each unit of the row.
        pushes: Shape (actions, inputs), what an action adds.
        pays: One per input, what a unit of it pays.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {
            "inputs": [f"level {i}" for i in range(N_INPUTS)],
            "actions": ["drain", "wait", "fill"],
        },
    }

    def __init__(
        self, flows: list[list[list[float]]], pushes: list[list[float]], pays: list[float]
    ) -> None:
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (len(pays),), np.float64)
        self.action_space = gymnasium.spaces.Discrete(len(pushes))
        self._flows, self._pushes, self._pays = np.array(flows), np.array(pushes), np.array(pays)
        self._levels, self._step = np.zeros(len(pays)), 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw the first levels."""
        super().reset(seed=seed)
        self._levels, self._step = self.np_random.normal(size=len(self._pays)), 0
        return self._levels.copy(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Push, let flow, decay and pay."""
        moved = self._levels @ self._flows[int(action)] + self._pushes[int(action)]
        noise = NOISE * self.np_random.normal(size=len(self._pays))
        self._levels = self._levels + moved + noise
        reward = float(self._levels @ self._pays) + NOISE * float(self.np_random.normal())
        self._step += 1
        return self._levels.copy(), reward, self._step == N_STEPS, False, {}


@dataclass(frozen=True)
class KnownCauses:
    """The edges that there are.

    Args:
        edges: Shape (actions, nodes, nodes), the reward last.
        chain: From what the actions push to the reward.
    """

    edges: Bool[np.ndarray, "actions nodes nodes"]
    chain: tuple[int, ...]


def pipes(seed: int) -> Setting[KnownCauses]:
    """Return an agent that pushes the first of three levels, the last of which pays.

    A fourth level drains from the second one and goes along with what pays, but moves nothing; a
    fifth one goes its own way, save that under the last action it flows into the second.
    """
    rng = stream(seed, "planted", "pipes")
    first, second, third, echo, other = (int(i) for i in rng.permutation(N_INPUTS))
    flows = np.tile(-DECAY * np.eye(N_INPUTS), (N_ACTIONS, 1, 1))
    for source, target in ((first, second), (second, third), (second, echo)):
        flows[:, source, target] = rng.uniform(0.4, 0.7) * rng.choice((-1.0, 1.0))
    flows[-1, other, second] = rng.uniform(0.4, 0.7)
    pushes = np.zeros((N_ACTIONS, N_INPUTS))
    pushes[:, first] = (-0.6, 0.0, 0.6)
    pays = np.eye(N_INPUTS)[third]
    edges = np.zeros((N_ACTIONS, N_INPUTS + 1, N_INPUTS + 1), dtype=bool)
    edges[:, :N_INPUTS, :N_INPUTS] = flows != 0
    edges[:, third, N_INPUTS] = True
    spec = spec_of(Pipes, flows=flows.tolist(), pushes=pushes.tolist(), pays=pays.tolist())
    up = bool(flows[0, first, second] * flows[0, second, third] > 0)

    def choose(rows: Float[np.ndarray, "batch inputs"]) -> Any:
        low = rows[:, third] < 0
        return np.where(np.abs(rows[:, first]) > 1.5, 1, np.where(low == up, 2, 0))

    chain = (first, second, third, N_INPUTS)
    return Setting(agent_of("plumber", choose, spec), spec, KnownCauses(edges, chain))


# --- measures ---


def edges_found(content: Graph, truth: KnownCauses) -> float:
    """Return the share of the true edges that are told."""
    told = _edges(content, truth)
    return np.nan if told is None else float(told[truth.edges].mean())


def edges_right(content: Graph, truth: KnownCauses) -> float:
    """Return the share of the told edges that are true."""
    told = _edges(content, truth)
    return np.nan if told is None or not told.any() else float(truth.edges[told].mean())


def chain_right(content: Graph, truth: KnownCauses) -> float:
    """Return 1 if the chain is the true one, else 0."""
    return float(tuple(content.chain.tolist()) == truth.chain) if len(content.chain) else np.nan


def rewired(content: Graph, truth: KnownCauses, rng: np.random.Generator) -> Graph:
    """Return as many causes of each node, and a chain as long, drawn at random."""
    del truth
    chain = content.chain.copy()
    chain[:-1] = rng.permutation(len(content.node_names) - 1)[: len(chain) - 1]
    effects = content.effects.copy()
    effects[:, :N_INPUTS] = rng.permuted(effects[:, :N_INPUTS], axis=1)
    return replace(content, effects=effects, chain=chain)


def _edges(content: Graph, truth: KnownCauses) -> Bool[np.ndarray, "actions nodes nodes"] | None:
    return content.effects != 0 if content.effects.shape == truth.edges.shape else None


TASKS: tuple[PlantedTask[KnownCauses], ...] = (
    PlantedTask(
        name="pipes",
        kind=Graph,
        about="Which level flows into which under which action is known; one that goes along with "
        "the cause moves nothing.",
        set_up=pipes,
        measures=(
            Measure("recall", "true edges found", "higher", RECALL, edges_found),
            Measure("precision", "edges found that are true", "higher", PRECISION, edges_right),
            Measure("chain", "the chain is the true one", "higher", CHAINS, chain_right),
        ),
        meaningless=rewired,
        control="as many random edges",
    ),
)
