"""EnvSpec: how to make an environment, in a form that can be stored and compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gymnasium


@dataclass(frozen=True)
class EnvSpec:
    """How to make an environment.

    Args:
        id: Gymnasium id, or `module:callable`.
        kwargs: Arguments for it; plain JSON values.
        wrappers: `module:callable` of each wrapper, innermost first.
        max_steps: Steps after which an episode is truncated if the environment has no limit.
        reward_terms: `module:callable` that splits the reward, None if `info` is used.
        factory: Makes the environment, in place of `id`; such a spec cannot be stored.
    """

    id: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    wrappers: tuple[str, ...] = ()
    max_steps: int = 1000
    reward_terms: str | None = None
    factory: Callable[..., "gymnasium.Env[Any, Any]"] | None = None
