"""Planted inputs: an input that is ignored gets nothing, and a copy gets what its original gets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from gymnasium.spaces import Box
from jaxtyping import Float, Shaped

from pellucid.agents.context import in_context
from pellucid.agents.metering import unmetered
from pellucid.errors import CapabilityError
from pellucid.explanation import Attribution, Check, Score, metric
from pellucid.explanation.score import Control, Interval
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.hiding import input_rows
from pellucid.faithfulness.results import missing_score
from pellucid.rollouts.episodes import Episode, Episodes
from pellucid.seeds import stream
from pellucid.stats import Estimate, mean_interval
from pellucid.types import Actions, Agent, Context, Distribution, Observations


@metric(
    "planted_inputs",
    kind=Attribution,
    label="a planted input that is ignored must get nothing",
    direction="lower",
    unit="state",
    role="sanity",
    targets=("action", "value"),
    source="Kindermans 2019 and Lundberg 2017 (null player, symmetry), planted in the agent",
)
def planted_inputs(check: Check) -> tuple[Score, ...]:
    """Check an attribution on the same agent with two inputs planted.

    The agent gets an input that it never reads, with values drawn from the most important input's
    visited ones, and a copy of that most important input, of which it reads the mean with the
    original. The explanation is made again on logged states. `planted_inputs.dummy`: the ignored
    input's share of all attribution, summed over states. `planted_inputs.copy`: the difference
    between original and copy as a share of what both get; only where the method claims symmetry.
    Both are checks of the method in these states, hence the unit. They need answers to states
    that no environment gave, and so are not made of explanations of the return.

    Raises:
        CapabilityError: The observations are not real numbers, or the method cannot be applied to
            the agent with planted inputs.
        BudgetError: The budget does not pay for explaining again.
    """
    content = check.finding.content
    assert isinstance(content, Attribution)
    space = check.agent.observation_space
    if not isinstance(space, Box) or space.dtype.kind != "f":
        raise CapabilityError(
            "the mean of an input and its copy is not defined for whole numbers",
            hint="an observation space of real numbers",
        )
    groups = check.finding.groups
    if groups is not None and not groups.are_inputs:
        raise CapabilityError(
            "inputs were explained in groups, to which a single planted one would not compare",
            hint="an agent with few inputs, each explained by itself",
        )
    top = int(content.ranking[0])
    agent = PlantedAgent(unmetered(check.agent), top)
    episodes = planted_episodes(check.episodes, top, stream(check.seed, "planted_inputs"))
    meter = check.meter.child(check.meter.left.share(thresholds.SANITY_SHARE))
    found = check.explain_fn(cast(Agent, agent), episodes, meter).content
    assert isinstance(found, Attribution)
    return _scores(check, np.abs(found.chosen_values), found.chosen_values, top)


def _scores(
    check: Check,
    sizes: Float[np.ndarray, "states inputs"],
    values: Float[np.ndarray, "states inputs"],
    top: int,
) -> tuple[Score, ...]:
    dummy, copy = sizes.shape[1] - 2, sizes.shape[1] - 1
    info = planted_inputs.info  # type: ignore[attr-defined]
    shares = _share(sizes[:, dummy], sizes.sum(axis=1))
    ignored = _score(shares, thresholds.DUMMY_SHARE, "dummy", info.label)
    if "symmetry" not in check.axioms:
        reason = "the method does not claim to treat equal inputs alike"
        need = "a method that claims symmetry"
        return ignored, missing_score(info, reason, need, name="copy", applicable=False)
    split = _share(np.abs(values[:, top] - values[:, copy]), sizes[:, top] + sizes[:, copy])
    label = "an input and its planted copy must get the same"
    return ignored, _score(split, thresholds.COPY_SPLIT, "copy", label)


def _share(
    part: Float[np.ndarray, " states"], whole: Float[np.ndarray, " states"]
) -> Float[np.ndarray, " states"]:
    """Return parts whose mean is the sum of parts over the sum of wholes; NaN if that is 0."""
    total = whole.mean()
    # not the mean of ratios, which states with next to no attribution would dominate
    return part / total if total > 0 else np.full(len(part), np.nan)


def _score(shares: Float[np.ndarray, " states"], tolerance: float, name: str, label: str) -> Score:
    info = planted_inputs.info  # type: ignore[attr-defined]
    interval = mean_interval(shares)
    limit = Estimate(tolerance, tolerance, tolerance, interval.n, constant=True)
    return Score(
        metric=f"{info.name}.{name}",
        label=label,
        interval=interval,
        unit=info.unit,
        direction=info.direction,
        control=Control("the largest share that passes", limit),
        gap=Interval(
            tolerance - interval.value,
            tolerance - interval.high,
            tolerance - interval.low,
            interval.n,
            interval.n_unscored,
            interval.constant,
        ),
        closed_loop=False,
        role="sanity",
        value_unit="share of attribution",
        reason="" if interval.measured else "no input got any attribution in these states",
    )


@dataclass(frozen=True)
class PlantedAgent:
    """An agent with two more inputs: one that it ignores and a copy of one of its own.

    Observations are flat: the inner agent's inputs, the ignored one, the copy. The inner agent
    sees the mean of original and copy.

    Args:
        agent: Answers; not metered.
        column: The input that is copied.
    """

    agent: Any
    column: int

    # --- what it is ---

    @property
    def name(self) -> str:
        """The agent's name, and that inputs were planted."""
        return f"{self.agent.name} with planted inputs"

    @property
    def framework(self) -> str:
        """The agent's framework."""
        return str(self.agent.framework)

    @property
    def observation_space(self) -> Box:
        """A flat space with two more inputs, both in the range of the copied one."""
        space = self.agent.observation_space
        low, high = (end.reshape(-1) for end in (space.low, space.high))
        planted = [self.column, self.column]
        return Box(
            np.concatenate([low, low[planted]]),
            np.concatenate([high, high[planted]]),
            dtype=space.dtype.type,
        )

    @property
    def action_space(self) -> Any:
        """The agent's action space."""
        return self.agent.action_space

    @property
    def capabilities(self) -> frozenset[str]:
        """The agent's capabilities, save redrawing weights, which its copy here would not have."""
        return frozenset(self.agent.capabilities) - {"layers"}

    def within(self, context: Context) -> "PlantedAgent":
        """Return the agent within a context, with the same inputs planted."""
        return replace(self, agent=in_context(self.agent, context))

    # --- what it answers ---

    def act(self, observations: Observations) -> Actions:
        """Return the most-likely actions."""
        return cast(Actions, self.agent.act(self._inner(observations)))

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return drawn actions."""
        return cast(Actions, self.agent.sample(self._inner(observations), rngs))

    def distribution(self, observations: Observations) -> Distribution:
        """Return the action distributions."""
        return cast(Distribution, self.agent.distribution(self._inner(observations)))

    def q_values(self, observations: Observations) -> Float[np.ndarray, "batch actions"]:
        """Return Q-values."""
        return cast(np.ndarray, self.agent.q_values(self._inner(observations)))

    def value(self, observations: Observations) -> Float[np.ndarray, " batch"]:
        """Return state values."""
        return cast(np.ndarray, self.agent.value(self._inner(observations)))

    def latent(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the last hidden layer."""
        return cast(np.ndarray, self.agent.latent(self._inner(observations)))

    def torch_preferences(self, observations: Any) -> Any:
        """Return differentiable preferences of a (batch, inputs + 2) tensor."""
        return self.agent.torch_preferences(self._inner(observations, lambda t: t.clone()))

    def _inner(self, observations: Any, copy: Callable[[Any], Any] = np.array) -> Any:
        # the same arithmetic for arrays and tensors, so that gradients flow through both inputs
        n_inputs = observations.shape[1] - 2
        inner = copy(observations[:, :n_inputs])
        mean = 0.5 * (observations[:, self.column] + observations[:, n_inputs + 1])
        inner[:, self.column] = mean
        return inner.reshape((len(inner), *self.agent.observation_space.shape))


def planted_episodes(episodes: Episodes, column: int, rng: np.random.Generator) -> Episodes:
    """Return the same episodes as logs in which every observation has the two planted inputs."""
    pool = input_rows(episodes.visited)[:, column]
    names = episodes.names
    return replace(
        episodes,
        attempted=tuple(_planted(e, column, pool, rng) for e in episodes.used),
        spec=None,
        names=replace(
            names,
            inputs=(*names.inputs, "planted: ignored", f"planted: copy of {names.inputs[column]}"),
            input_units=(*names.input_units, "", names.input_units[column]),
        ),
    )


def _planted(
    episode: Episode, column: int, pool: Shaped[np.ndarray, " states"], rng: np.random.Generator
) -> Episode:
    rows = input_rows(episode.observations)
    ignored = rng.choice(pool, size=len(rows))
    observations = np.column_stack([rows, ignored, rows[:, column]]).astype(rows.dtype)
    return replace(episode, observations=observations)
