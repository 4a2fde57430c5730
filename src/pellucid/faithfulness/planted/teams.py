"""A planted team: what each member adds is known, for the whole episode and for every step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.agents.loading import spaces_of
from pellucid.envs.spec import EnvSpec
from pellucid.explanation import Contributions
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.kernels.coalition_draws import random_split
from pellucid.seeds import stream
from pellucid.types import Actions, Agent, Categorical, Observations

ERROR = 0.1
"""Largest error of all credits together, as a share of their sizes."""
N_STEPS, N_MEMBERS = 10, 4
REST, WORK = 0, 1
SPREAD = 0.1
"""Standard deviation of what a step pays, as a share of it."""


class Field(gymnasium.Env[Any, Any]):
    """A field that members work on, each for its own yield, and two of them better together.

    The joint action is one number: bit i is set if member i works. A step pays the yields of those
    who work, and the bonus if members 0 and 1 both do, times 1 plus normal noise. Input: the step
    divided by their number.

    Args:
        yields: One per member.
        bonus: What members 0 and 1 earn together beyond their yields.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, yields: list[float], bonus: float) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2 ** len(yields))
        self._yields, self._bonus, self._step = np.array(yields), bonus, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the first step."""
        super().reset(seed=seed)
        self._step = 0
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay for the work of one step."""
        works = (int(action) >> np.arange(len(self._yields)) & 1).astype(bool)
        earned = float(self._yields[works].sum()) + self._bonus * float(works[:2].all())
        noise = 1.0 + SPREAD * float(self.np_random.standard_normal())
        self._step += 1
        return self._observation(), earned * noise, self._step == N_STEPS, False, {}

    def _observation(self) -> Any:
        return np.array([self._step / N_STEPS], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Workers:
    """A team that acts as one agent: bit i of its action is set if member i works.

    Args:
        agents: The members by id.
        observation_space: Of the whole team; every member sees the same.
        action_space: Of the whole team.
    """

    agents: Mapping[str, Agent]
    observation_space: Any
    action_space: Any

    name = "workers"
    framework = "planted"

    @property
    def capabilities(self) -> frozenset[str]:
        """A distribution where every member tells one."""
        tell = all("distribution" in member.capabilities for member in self.agents.values())
        return frozenset({"distribution", "sampling"}) if tell else frozenset()

    def act(self, observations: Observations) -> Actions:
        """Return the members' actions as one number."""
        works = np.stack([member.act(observations) for member in self.agents.values()])
        actions: Actions = (works << np.arange(len(works))[:, None]).sum(axis=0)
        return actions

    def distribution(self, observations: Observations) -> Categorical:
        """Return the product of the members' distributions."""
        product: Float[np.ndarray, "batch actions"] = np.ones((len(observations), 1))
        for member in reversed(list(self.agents.values())):
            told: Any = member
            own = told.distribution(observations).probabilities
            product = (product[:, :, None] * own[:, None, :]).reshape(len(own), -1)
        return Categorical(product)

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return one drawn action per row."""
        chances = self.distribution(observations).probabilities
        rows = zip(chances, rngs, strict=True)
        return np.array([rng.choice(len(row), p=row) for row, rng in rows], dtype=np.int64)


@dataclass(frozen=True)
class KnownYields:
    """What each member earns in a step, and what members 0 and 1 earn together.

    Args:
        yields: Shape (members,).
        bonus: Of the pair.
    """

    yields: Float[np.ndarray, " members"]
    bonus: float

    @property
    def shapley(self) -> Float[np.ndarray, " members"]:
        """The Shapley values of an episode: the pair shares its bonus evenly."""
        return np.asarray(N_STEPS * (self.yields + self.bonus / 2 * self._in_pair))

    @property
    def counterfactual(self) -> Float[np.ndarray, " members"]:
        """The credit of working in one step, for members that would rest in half of the cases.

        Whoever of the pair rests loses the whole bonus.
        """
        return np.asarray((self.yields + self.bonus * self._in_pair) / 2)

    @property
    def _in_pair(self) -> Float[np.ndarray, " members"]:
        return (np.arange(len(self.yields)) < 2).astype(np.float64)


def field(seed: int) -> Setting[KnownYields]:
    """Return a team whose members always work; one of them for nothing."""
    rng = stream(seed, "planted", "field")
    yields = rng.permutation(np.append(rng.uniform(1.0, 5.0, N_MEMBERS - 1), 0.0))
    bonus = float(rng.uniform(1.0, 4.0))
    spec = spec_of(Field, yields=yields.tolist(), bonus=bonus)
    member_spec = spec_of(Alone)
    worker = agent_of("worker", lambda rows: np.full(len(rows), WORK), member_spec)
    agent = team_of(worker, spec)
    return Setting(agent, spec, KnownYields(yields, bonus))


class Alone(gymnasium.Env[Any, Any]):
    """What one member of the field sees and can do; never run."""

    observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)


def team_of(member: Agent, spec: EnvSpec) -> Workers:
    """Return a team all of whose members are alike."""
    spaces = spaces_of(spec)
    members = {f"worker {i}": member for i in range(N_MEMBERS)}
    return Workers(members, spaces.observation, spaces.action)


# --- measures ---


def credits_error(content: Contributions, truth: KnownYields) -> float:
    """Return how far all credits are off together, as a share of the true ones."""
    if len(content.names) != len(truth.yields) or len(content.moments) > 1:
        return np.nan
    true = truth.counterfactual if len(content.moments) else truth.shapley
    return float(np.abs(content.values - true).sum() / np.abs(true).sum())


def split_at_random(
    content: Contributions, truth: KnownYields, rng: np.random.Generator
) -> Contributions:
    """Return the same total, split at random."""
    del truth
    return replace(content, values=random_split(content.total, len(content.names), rng))


TASKS: tuple[PlantedTask[KnownYields], ...] = (
    PlantedTask(
        name="field",
        kind=Contributions,
        about="What each member of a team earns, alone and together with another, is known.",
        set_up=field,
        measures=(Measure("error", "error of the credits", "lower", ERROR, credits_error),),
        meaningless=split_at_random,
        control="a random split of the same total",
        target="return",
    ),
)
