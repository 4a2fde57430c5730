"""MiniGrid levels as tables: a state is the place and direction of the agent, and the grid."""

import hashlib
from collections.abc import Hashable
from typing import Any

from pellucid.tabular.enumerating import EnvTask

_FACING = ("right", "down", "left", "up")


class MiniGridTask(EnvTask):
    """A MiniGrid level with its layout fixed by the reset.

    Its reward falls with the time it takes, which would make every step another state. So a
    positive reward counts as 1 and time does not count, as in Laidlaw 2023.

    Args:
        env: A MiniGrid environment after its reset.
        actions: Those that are tried; all if None. MiniGrid's own are 0 turn left, 1 turn right,
            2 go forward, 3 pick up, 4 drop, 5 toggle, 6 done.
    """

    @property
    def action_names(self) -> tuple[str, ...]:
        """MiniGrid's names."""
        names = [action.name for action in self._env.unwrapped.actions]
        return tuple(names[action] for action in self._actions)

    def step(self, state: Any, action: int) -> tuple[Any, float, bool]:
        """Step a copy; any positive reward is 1."""
        following, reward, ended = super().step(state, action)
        return following, 1.0 if reward > 0 else reward, ended

    def settle(self, env: Any) -> None:
        """Set the time back to 0."""
        super().settle(env)
        env.unwrapped.step_count = 0

    def key(self, state: Any) -> Hashable:
        """Return a digest of the agent, what it carries, and every cell."""
        base = state.unwrapped
        things = [*base.grid.grid, base.carrying]
        text = repr((*map(int, base.agent_pos), int(base.agent_dir), [_thing(t) for t in things]))
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    def name(self, state: Any) -> str:
        """Return place, direction, what is carried and which doors are open."""
        base = state.unwrapped
        column, row = map(int, base.agent_pos)
        parts = [f"column {column}, row {row}, facing {_FACING[int(base.agent_dir)]}"]
        if base.carrying is not None:
            parts.append(f"carrying a {base.carrying.color} {base.carrying.type}")
        n_open = sum(getattr(one, "is_open", False) for one in base.grid.grid)
        if n_open:
            parts.append(f"{n_open} door{'s' if n_open > 1 else ''} open")
        return ", ".join(parts)


def _thing(thing: Any) -> Any:
    """Return everything about an object but its place; boxes hold others."""
    if thing is None:
        return None
    flags = getattr(thing, "is_open", None), getattr(thing, "is_locked", None)
    return thing.type, thing.color, flags, _thing(getattr(thing, "contains", None))
