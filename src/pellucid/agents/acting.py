"""Asks an agent for actions and preferences, and checks what comes back."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import gymnasium
import numpy as np
from jaxtyping import Float, Shaped

from pellucid.agents.outputs import PER_PART, action_parts, is_one_choice, outputs_of_actions
from pellucid.errors import AgentError, CapabilityError, PellucidError
from pellucid.types import (
    Actions,
    Agent,
    Categorical,
    Distribution,
    HasDistribution,
    HasFastPreferences,
    HasQValues,
    HasSampling,
    HasValue,
    MultiCategorical,
    Observations,
    PolicyMode,
    PreferencesFn,
)

CHUNK = 256


def choose_actions(
    agent: Agent,
    observations: Observations,
    policy: PolicyMode,
    rngs: Sequence[np.random.Generator],
) -> Actions:
    """Return the agent's action for each observation, checked and in the space's type.

    Args:
        agent: Any agent.
        observations: Shape (batch, *observation).
        policy: `greedy` for most-likely actions, `sampled` for drawn ones.
        rngs: One generator per row; used only if `policy` is `sampled`.

    Raises:
        AgentError: The agent raised, or returned something that is not an action of its space.
        CapabilityError: `sampled` was asked of an agent that cannot draw actions.
    """
    if policy == "sampled" and "sampling" not in agent.capabilities:
        raise CapabilityError(
            f"{agent.name} cannot draw actions: it offers most-likely actions only",
            hint="use --policy greedy",
        )
    try:
        if policy == "sampled":
            actions = cast(HasSampling, agent).sample(observations, rngs)
        else:
            actions = agent.act(observations)
    except PellucidError:
        raise
    except Exception as error:  # an agent may raise anything; it becomes a named failure
        raise raised(agent.name, error) from error
    return check_actions(actions, agent.action_space, len(observations), who=agent.name)


def preferences(agent: Agent, observations: Observations) -> Float[np.ndarray, "batch outputs"]:
    """Return what the agent's choice rests on, one column per action or action dimension.

    Probabilities where there is a distribution over discrete actions, else Q-values, else the
    action itself: the mean action in the units of the environment, or 1 for the chosen one of
    several actions (`preference_unit` tells which). Of an action with several parts, those of each
    part side by side; `agents.outputs` tells which columns are whose.

    Args:
        agent: Any agent whose actions have parts that are choices or quantities.
        observations: Shape (batch, *observation).

    Raises:
        AgentError: The agent raised or returned something else.
        CapabilityError: The action space is of another kind.
    """
    unit = preference_unit(agent)
    if unit.removesuffix(PER_PART) == "probability":
        distribution = cast(HasDistribution, agent).distribution(observations)
        found = cast(Categorical | MultiCategorical, distribution).probabilities
        return np.asarray(found, dtype=np.float64)
    if unit == "Q-value":
        values = cast(HasQValues, agent).q_values(observations)
        return np.asarray(values, dtype=np.float64)
    actions = choose_actions(agent, observations, "greedy", ())
    return outputs_of_actions(actions, agent.action_space)


def preference_unit(agent: Agent) -> str:
    """Return what `preferences` are.

    `probability`, `Q-value` or `choice` where the action is one choice; `probability per part` or
    `choice per part` where it has several parts, each a choice; `mean action` where each is a
    quantity, and `choice or mean action` where it has both.

    Raises:
        CapabilityError: The action space has no such parts.
    """
    space = agent.action_space
    kinds = {part.kind for part in action_parts(space)}
    if "quantity" in kinds:
        return "mean action" if kinds == {"quantity"} else "choice or mean action"
    several = "" if is_one_choice(space) else PER_PART
    if "distribution" in agent.capabilities:
        return f"probability{several}"
    return "Q-value" if "q_values" in agent.capabilities else f"choice{several}"


def predicted_return(
    agent: Agent, observations: Observations
) -> Float[np.ndarray, "batch outputs"]:
    """Return what the agent expects to earn, shape (batch, 1): V(s), or the largest Q(s, a).

    Args:
        agent: An agent with the capability `value` or `q_values`.
        observations: Shape (batch, *observation).

    Raises:
        CapabilityError: It has neither.
        AgentError: It expects something that is not a number.
    """
    check_forecasts(agent)
    if "value" in agent.capabilities:
        values = np.asarray(cast(HasValue, agent).value(observations), dtype=np.float64)
    else:
        q_values = cast(HasQValues, agent).q_values(observations)
        values = np.asarray(q_values, dtype=np.float64).max(axis=1)
    if values.shape != (len(observations),):
        raise AgentError(
            f"{agent.name} returned values of shape {values.shape} for {len(observations)} "
            "observations",
            hint="a value head answers one number per observation",
        )
    if not np.isfinite(values).all():
        raise AgentError(
            f"{agent.name} predicts a return that is NaN or infinite",
            hint="check its weights and the range of the observations",
        )
    return values[:, None]


def check_forecasts(agent: Agent) -> None:
    """Check that an agent predicts its return.

    Raises:
        CapabilityError: It has neither a value head nor Q-values.
    """
    if not {"value", "q_values"} & agent.capabilities:
        offered = ", ".join(sorted(agent.capabilities)) or "actions only"
        raise CapabilityError(
            f"{agent.name} ({agent.framework}) predicts no return: it has neither a value head nor "
            f"Q-values, but {offered}",
            hint="an agent with a value head or Q-values",
        )


def bulk_preferences(agent: Agent) -> PreferencesFn:
    """Return `preferences` of an agent for very many rows, by the fastest way that it knows.

    Equal to `preferences` up to rounding in the network's own precision, and as dear: one query
    per row. Choices near a tie can differ; ask `act` for them.
    """
    return fast_preferences(agent) or partial(preferences, agent)


def fast_preferences(agent: Agent) -> PreferencesFn | None:
    """Return the agent's own fast way to its preferences; None if it has none."""
    if not hasattr(agent, "fast_preferences"):
        return None
    return cast(HasFastPreferences, agent).fast_preferences()


def forward_in_chunks(
    fn: Callable[[Any], Any],
    observations: Shaped[np.ndarray, "batch ..."],
    chunk: int = CHUNK,
) -> Shaped[np.ndarray, "batch ..."]:
    """Return `fn` of all rows, calling it with exactly `chunk` rows each time.

    Matrix products round differently for different numbers of rows. With one fixed number the
    bytes of a row's result do not depend on how many rows were asked for together. The last chunk
    is filled up with copies of its first row.

    Args:
        fn: Maps (chunk, ...) to an array with `chunk` rows; row-wise.
        observations: Shape (batch, ...); the batch may be empty.
        chunk: Rows per call.

    Example:
        >>> forward_in_chunks(lambda rows: rows * 2, np.arange(3), chunk=2)
        array([0, 2, 4])
    """
    n_rows = len(observations)
    parts = []
    for start in range(0, max(n_rows, 1), chunk):
        rows = observations[start : start + chunk]
        filled: Shaped[np.ndarray, "batch ..."] = np.zeros(
            (chunk, *observations.shape[1:]), dtype=observations.dtype
        )
        filled[:] = rows[0] if len(rows) else 0
        filled[: len(rows)] = rows
        parts.append(fn(filled)[: len(rows)])
    return np.concatenate(parts)


def draw(distribution: Distribution, rngs: Sequence[np.random.Generator]) -> Actions:
    """Return one action per row, each drawn with its own generator.

    Args:
        distribution: Over discrete actions or parts, or Gaussian (clipped or squashed to its
            range).
        rngs: One per row.

    Raises:
        ValueError: There is not one generator per row.
    """
    if isinstance(distribution, Categorical):
        return _draw_choices(distribution, rngs)
    if isinstance(distribution, MultiCategorical):
        return _draw_parts(distribution, rngs)
    _require_one_each(len(distribution.mean), rngs)
    noise = [rng.standard_normal(distribution.mean.shape[1]) for rng in rngs]
    drawn = distribution.mean + distribution.std * np.array(noise).reshape(distribution.mean.shape)
    low, high = distribution.low, distribution.high
    actions: Actions = np.clip(drawn, low, high)
    if distribution.squashed:
        actions = low + 0.5 * (np.tanh(drawn) + 1.0) * (high - low)
    return actions


def softmax(logits: Float[np.ndarray, "rows outputs"]) -> Float[np.ndarray, "rows outputs"]:
    """Return probabilities in double precision."""
    # outputs before rows: NumPy reduces over many rows at once much faster than within each
    columns = np.array(logits.T, dtype=np.float64, order="C")
    columns -= columns.max(axis=0)
    np.exp(columns, out=columns)
    columns /= columns.sum(axis=0)
    return np.asarray(columns.T)


def check_actions(actions: Any, space: Any, n_rows: int, *, who: str) -> Actions:
    """Return actions in the space's own type, after checking that they are its members.

    Args:
        actions: What the agent returned.
        space: The action space.
        n_rows: Number of observations.
        who: The agent, for the message.

    Raises:
        AgentError: Not an array, or of the wrong shape, type or range, or NaN; the message says
            what was expected and what came.
    """
    shape = (n_rows, *space.shape)
    dtype = np.dtype(space.dtype)
    wanted = f"an array of shape {shape} and type {dtype}"
    if not isinstance(actions, np.ndarray):
        raise AgentError(f"{who} returned {_kind(actions)}, expected {wanted}", hint=_hint(actions))
    if actions.shape != shape:
        raise AgentError(
            f"{who} returned actions of shape {actions.shape}, expected {shape}",
            hint="agents answer a batch: one row of actions per row of observations",
        )
    if not _same_kind(actions.dtype, dtype):
        raise AgentError(f"{who} returned actions of type {actions.dtype}, expected {dtype}")
    if actions.dtype.kind == "f" and np.isnan(actions).any():
        raise AgentError(f"{who} returned NaN actions, expected numbers within {space}")
    return _within_range(actions, space, dtype, who)


def raised(who: str, error: BaseException) -> AgentError:
    """Return the error for an agent that raised."""
    lines = str(error).splitlines()
    return AgentError(f"{who} raised {type(error).__name__}: {(lines or [''])[0][:200]}")


def _draw_choices(distribution: Categorical, rngs: Sequence[np.random.Generator]) -> Actions:
    edges = distribution.probabilities.cumsum(axis=1)
    _require_one_each(len(edges), rngs)
    # scaled by the last edge, which rounding keeps from being exactly 1: the draw never lands on
    # an action of probability zero behind it
    drawn = np.array([rng.random() for rng in rngs]).reshape(-1, 1) * edges[:, -1:]
    choices = np.minimum((edges <= drawn).sum(axis=1), edges.shape[1] - 1)
    actions: Actions = choices.astype(np.int64) + distribution.start
    return actions


def _draw_parts(
    distribution: MultiCategorical, rngs: Sequence[np.random.Generator]
) -> Shaped[np.ndarray, "batch parts"]:
    # part after part with the same generators: each row takes its draws in that order
    ends = np.cumsum(distribution.sizes)[:-1]
    parts = np.split(distribution.probabilities, ends, axis=1)
    drawn = [
        _draw_choices(Categorical(probabilities, start), rngs)
        for probabilities, start in zip(parts, distribution.starts, strict=True)
    ]
    return np.stack(drawn, axis=1)


def _within_range(actions: Actions, space: Any, dtype: Any, who: str) -> Actions:
    if not len(actions):
        return actions.astype(dtype)
    low, high = _range(space)
    # compared in the space's own type: 0.1 as a double lies outside 0.1 as a single. Integers are
    # compared before they are narrowed, which could wrap them into the range
    typed: Actions = actions.astype(dtype) if dtype.kind == "f" else actions
    outside = (typed < low) | (typed > high)
    if outside.any():
        example = typed[outside].ravel()[0]
        raise AgentError(f"{who} returned the action {example}, expected values within {space}")
    return typed.astype(dtype, copy=False)


def _range(space: Any) -> tuple[Any, Any]:
    match space:
        case gymnasium.spaces.Box():
            return space.low, space.high
        case gymnasium.spaces.Discrete():
            return int(space.start), int(space.start) + int(space.n) - 1
        case gymnasium.spaces.MultiDiscrete():
            return space.start, space.start + space.nvec - 1
        case gymnasium.spaces.MultiBinary():
            return 0, 1
        case _:
            raise CapabilityError(f"actions of type {type(space).__name__} are not supported")


def _same_kind(found: Any, wanted: Any) -> bool:
    integers = "iu"
    if wanted.kind in integers:
        return found.kind in integers
    return bool(found.kind == wanted.kind)


def _kind(value: Any) -> str:
    device = getattr(value, "device", None)
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"a {name}" if device is None else f"a {name} on {device}"


def _hint(value: Any) -> str:
    if type(value).__module__.partition(".")[0] == "torch":
        return "return actions.cpu().numpy()"
    return "return numpy.asarray(actions), one row per observation"


def _require_one_each(n_rows: int, rngs: Sequence[np.random.Generator]) -> None:
    if len(rngs) != n_rows:
        raise ValueError(f"expected one generator per row: {n_rows}, got {len(rngs)}")
