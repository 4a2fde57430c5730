"""Reward terms: the parts of a reward, reported in `info["reward_terms"]` as name to number."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import gymnasium

from pellucid.errors import InputError

RewardTerms: TypeAlias = Callable[[Any, Any, Any, bool], Mapping[str, float]]
"""`terms(observation, action, next_observation, terminated)` returns the parts of that reward.

They must add up to it; parts that do not are shown with their error and not used.

Observations are those of the environment before any wrapper of the spec. Environments whose parts
depend on a hidden state write `info["reward_terms"]` themselves.
"""


def check_reward_terms(terms: Callable[..., Any], name: str) -> None:
    """Check that a function can be called as reward terms are, before any step is paid for.

    Args:
        terms: The function.
        name: What the user called it, used in the message.

    Raises:
        InputError: It takes other arguments.
    """
    try:
        inspect.signature(terms).bind(None, None, None, False)
    except TypeError as error:
        raise InputError(
            f"{name} cannot serve as reward terms: {error}",
            hint="it is called with (observation, action, next observation, terminated)",
        ) from None


class RewardTermsError(Exception):
    """A user's reward terms failed; tells it apart from a failure of the environment."""


class WithRewardTerms(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Puts `info["reward_terms"]` beside each reward, from a user's function.

    Args:
        env: The environment.
        terms: Splits the reward; see `RewardTerms`.
    """

    def __init__(self, env: "gymnasium.Env[Any, Any]", terms: RewardTerms) -> None:
        super().__init__(env)
        self._terms = terms
        self._observation: Any = None

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Reset the environment and remember its first observation."""
        observation, info = self.env.reset(**kwargs)
        self._observation = _copied(observation)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step the environment and report the parts of its reward.

        Raises:
            RewardTermsError: The function raised, or returned something that is not a mapping.
        """
        observation, reward, terminated, truncated, info = self.env.step(action)
        try:
            terms = self._terms(self._observation, action, observation, bool(terminated))
        except Exception as error:  # a user's function may raise anything; it becomes one line
            raise RewardTermsError(f"raised {type(error).__name__}: {error}") from error
        if not isinstance(terms, Mapping):
            raise RewardTermsError(f"must map names to numbers, got {type(terms).__name__}")
        self._observation = _copied(observation)
        return observation, reward, terminated, truncated, {**info, "reward_terms": dict(terms)}


def _copied(observation: Any) -> Any:
    # an environment may write the next observation into the same array
    return observation.copy() if hasattr(observation, "copy") else observation
