"""Adapter for a plain function from a batch of observations to a batch of actions."""

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.agents.acting import check_actions, forward_in_chunks, raised
from pellucid.agents.adapter import LoadRequest, StoredAgent, adapter, required_code
from pellucid.agents.fronting import lacking
from pellucid.agents.spaces import Spaces, describe, to_json
from pellucid.envs.row_codecs import DoesNotFitError
from pellucid.envs.rows import RowSpace
from pellucid.errors import AgentError, InputError, PellucidError
from pellucid.types import Actions, Agent, Observations

NAME = "function"
_RNGS = "rngs"
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
            `rngs`: one generator per row, or None when most-likely actions are wanted.
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
        none = [None] if self.draws else []
        return forward_in_chunks(lambda rows: self._call(rows, *none), observations, CHUNK)

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
        filling = [np.random.default_rng(0) for _ in range(-len(rngs) % CHUNK or CHUNK)]
        filled = iter([*rngs, *filling])
        return forward_in_chunks(
            lambda rows: self._call(rows, list(itertools.islice(filled, len(rows)))),
            observations,
            CHUNK,
        )

    def _call(self, rows: Observations, *rngs: Any) -> Actions:
        seen, space = self.observation_space, self.action_space
        batch = seen.elements(rows) if isinstance(seen, RowSpace) else rows
        try:
            actions = self.function(batch, *rngs)
        except PellucidError:
            raise
        except Exception as error:  # the user's function may raise anything
            raise raised(self.name, error) from error
        if isinstance(space, RowSpace):
            actions = _rows(actions, space, len(rows), self.name)
        return check_actions(actions, space, len(rows), who=self.name)


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
    capabilities={"without rngs": (), "with a parameter rngs": ("sampling",)},
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
    required = [p for p in parameters.values() if p.default is p.empty and p in positional]
    draws = len(positional) > 1 and positional[1].name == _RNGS
    variadic = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters.values())
    if (not positional and not variadic) or len(required) > (2 if draws else 1):
        raise InputError(
            f"{name} takes {len(required)} arguments, expected one: a batch of observations "
            f"(and a second called {_RNGS!r} if it draws actions)"
        )
    return draws
