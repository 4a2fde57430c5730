"""Adapter for a plain function from a batch of observations to a batch of actions."""

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.agents.acting import check_actions, forward_in_chunks, raised
from pellucid.agents.adapter import LoadRequest, StoredAgent, adapter, required_code
from pellucid.agents.context import checked_masks
from pellucid.agents.fronting import lacking
from pellucid.agents.spaces import Spaces, describe, to_json
from pellucid.envs.row_codecs import DoesNotFitError
from pellucid.envs.rows import RowSpace
from pellucid.errors import AgentError, InputError, PellucidError
from pellucid.types import Actions, Agent, Context, Observations

NAME = "function"
_RNGS, _MASKS = "rngs", "masks"
CHUNK = 32  # rows per call; small, because a row may cost a function much more than a network


@dataclass(frozen=True, eq=False)
class FunctionAgent:
    """An agent made of a function.

    Args:
        name: Short name for people.
        function: Maps (batch, *observation) to (batch, *action), row by row. It gets a copy of the
            observations, always `CHUNK` rows, so that bytes do not depend on how many were asked
            for together. Where a space has parts, it gets or returns a dict or tuple of arrays,
            one row each (and a list where sizes vary). If it draws actions, it has a parameter
            `rngs`: one generator per row, or None when most-likely actions are wanted. A function
            with a parameter `masks` is a `MaskedFunctionAgent`.
        spaces: The environment's spaces.
        draws: Whether it has that parameter.
        card: What is known of the agent, as plain JSON values.
    """

    name: str
    function: Callable[..., Any]
    spaces: Spaces
    draws: bool
    card: Mapping[str, Any]

    framework = NAME
    n_parameters = 0
    sha256 = ""

    @property
    def observation_space(self) -> Any:
        """The space of one observation."""
        return self.spaces.observation

    @property
    def action_space(self) -> Any:
        """The space of one action."""
        return self.spaces.action

    @property
    def capabilities(self) -> frozenset[str]:
        """`sampling` if the function draws actions, else none."""
        return frozenset({"sampling"}) if self.draws else frozenset()

    def act(self, observations: Observations) -> Actions:
        """Return the function's action for each observation, checked.

        Raises:
            AgentError: It raised, or returned something that is not an action of its space.
        """
        return self._answers(observations, None)

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return one drawn action per row.

        Raises:
            AgentError: As for `act`.
            CapabilityError: The function has no parameter `rngs`.
            ValueError: There is not one generator per row.
        """
        if not self.draws:
            raise lacking(self, "sampling")
        if len(rngs) != len(observations):
            raise ValueError(f"expected {len(observations)} generators, got {len(rngs)}")
        # rows that only fill up a chunk get generators of their own
        filling = [np.random.default_rng(0) for _ in range(_n_filling(len(rngs)))]
        return self._answers(observations, [*rngs, *filling])

    def _answers(
        self, observations: Observations, rngs: Sequence[np.random.Generator] | None
    ) -> Actions:
        starts, more = itertools.count(step=CHUNK), self._more(len(observations))

        def call(rows: Observations) -> Actions:
            here = slice(start := next(starts), start + len(rows))
            drawing = [] if not self.draws else [rngs if rngs is None else list(rngs[here])]
            return self._call(rows, *drawing, **{name: told[here] for name, told in more.items()})

        return forward_in_chunks(call, observations, CHUNK)

    def _more(self, n_rows: int) -> Mapping[str, np.ndarray]:
        """Return what the function is told of each row beside the observation, by parameter."""
        del n_rows
        return {}

    def _call(self, rows: Observations, *rngs: Any, **more: Any) -> Actions:
        seen, space = self.observation_space, self.action_space
        batch = seen.elements(rows) if isinstance(seen, RowSpace) else rows
        try:
            actions = self.function(batch, *rngs, **more)
        except PellucidError:
            raise
        except Exception as error:  # the user's function may raise anything
            raise raised(self.name, error) from error
        if isinstance(space, RowSpace):
            actions = _rows(actions, space, len(rows), self.name)
        return check_actions(actions, space, len(rows), who=self.name)


@dataclass(frozen=True, eq=False)
class MaskedFunctionAgent(FunctionAgent):
    """The same for a function with a parameter `masks`: which actions are allowed, row by row.

    Args:
        context: Holds the masks; None if it is not bound to any.
    """

    context: Context | None = None

    @property
    def capabilities(self) -> frozenset[str]:
        """`masks`, and `sampling` if the function draws actions."""
        return super().capabilities | {"masks"}

    def within(self, context: Context) -> "MaskedFunctionAgent":
        """Return the agent that answers in a context; see `HasContext`."""
        return replace(self, context=context)

    def _more(self, n_rows: int) -> Mapping[str, np.ndarray]:
        n_actions = int(getattr(self.action_space, "n", 0))
        given = self.context.masks if self.context is not None else None
        masks = checked_masks(given, n_actions, who=self.name)
        rows = np.broadcast_to(masks, (n_rows, n_actions))
        filling = np.ones((_n_filling(n_rows), n_actions), dtype=bool)
        return {_MASKS: np.concatenate([rows, filling])}


def _n_filling(n_rows: int) -> int:
    """Return how many rows fill up the last chunk; a whole one of none."""
    return -n_rows % CHUNK or (0 if n_rows else CHUNK)


def _rows(actions: Any, space: RowSpace, n_rows: int, who: str) -> Actions:
    try:
        return space.rows_of(actions, n_rows)
    except (DoesNotFitError, TypeError, ValueError, KeyError) as error:
        raise AgentError(
            f"{who} returned an action that is no {describe(space):.200}: {error}",
            hint="return a dict or a tuple of arrays, one row per observation",
        ) from None


@adapter(
    NAME,
    source="a Python callable",
    accepts=("module:callable", "a callable from observations to actions"),
    capabilities={
        "without rngs": (),
        "with a parameter rngs": ("sampling",),
        "with a parameter masks": ("masks",),
    },
)
class Function:
    """Loads a callable."""

    @staticmethod
    def load(request: LoadRequest) -> FunctionAgent:
        """Return the agent.

        Raises:
            InputError: It is not callable with one or two arguments, or no environment was given.
        """
        function = request.source
        name = request.name or getattr(function, "__name__", type(function).__name__)
        draws = _draws(function, name)
        if request.spaces is None:
            raise InputError(
                f"{name} is a function and needs an environment, which tells its spaces",
                hint="give env=…, such as --env LunarLander-v3",
            )
        card = {
            **({} if request.code is None else {"source": request.code}),
            "name": name,
            "adapter": NAME,
            "framework": NAME,
            "observation_space": to_json(request.spaces.observation),
            "action_space": to_json(request.spaces.action),
        }
        if _is_told_masks(function):
            return MaskedFunctionAgent(name, function, request.spaces, draws, card)
        return FunctionAgent(name, function, request.spaces, draws, card)

    @staticmethod
    def rebuild(stored: StoredAgent) -> Agent:
        """Return the agent from the code that its card names.

        Raises:
            InputError: The user did not allow to import it, or it is not a function.
        """
        function = required_code(stored)
        request = LoadRequest(function, str(stored.card["name"]), stored.spaces)
        return replace(Function.load(request), card=stored.card)


def _draws(function: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except TypeError:
        raise InputError(
            f"{name} is a {type(function).__name__}, which is not a kind of agent that is known",
            hint="give a path, module:callable, a torch module, a Stable-Baselines3 model "
            "or a function from observations to actions",
        ) from None
    except ValueError:  # a built-in without a signature
        return False
    positional = [
        p
        for p in parameters.values()
        if p.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    named = _told_by_name(parameters)
    required = [
        p for p in positional if p.default is p.empty and not (p.name == _MASKS and p in named)
    ]
    draws = len(positional) > 1 and positional[1].name == _RNGS
    variadic = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters.values())
    if (not positional and not variadic) or len(required) > (2 if draws else 1):
        raise InputError(
            f"{name} takes {len(required)} arguments, expected one: a batch of observations "
            f"(and a second called {_RNGS!r} if it draws actions, one called {_MASKS!r} if it "
            "is to know which are allowed)"
        )
    return draws


def _is_told_masks(function: Any) -> bool:
    try:
        return any(p.name == _MASKS for p in _told_by_name(inspect.signature(function).parameters))
    except ValueError:  # a built-in without a signature
        return False


def _told_by_name(parameters: Mapping[str, inspect.Parameter]) -> list[inspect.Parameter]:
    """Return what may be told by its name, beside the observations, which come first."""
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p for p in list(parameters.values())[1:] if p.kind in by_name]
