"""MinAtar games as tables, where they are deterministic once an episode has begun.

Breakout and Space Invaders are; Asterix, Freeway and Seaquest draw random numbers in their steps
and are refused. Both have very many states, so that only short episodes can be enumerated.
MinAtar's own sticky actions are left out: `horizon.with_sticky_actions` puts them back.
"""

import copy
import hashlib
from collections.abc import Hashable, Sequence
from typing import Any

from pellucid.errors import CapabilityError
from pellucid.tabular.enumerating import checked_actions

DETERMINISTIC = ("breakout", "space_invaders")
_NAMES = {"n": "no-op", "l": "left", "u": "up", "r": "right", "d": "down", "f": "fire"}


class MinAtarTask:
    """One game from a given start.

    Args:
        env: MinAtar's Gymnasium environment after its reset.
        actions: Those that are tried, as numbers of the environment's own; all if None.

    Raises:
        CapabilityError: The game has chance in its steps.
    """

    def __init__(self, env: Any, *, actions: Sequence[int] | None = None) -> None:
        base = env.unwrapped
        game = base.game
        if game.env_name not in DETERMINISTIC:
            raise CapabilityError(
                f"MinAtar's {game.env_name} draws random numbers in its steps, so it has no table",
                hint=f"deterministic games: {', '.join(DETERMINISTIC)}",
            )
        self._first = game.env
        chosen = checked_actions(actions, len(base.action_set))
        self._actions = tuple(int(base.action_set[action]) for action in chosen)

    @property
    def action_names(self) -> tuple[str, ...]:
        """MinAtar's names."""
        letters = self._first.action_map
        return tuple(_NAMES.get(letters[action], letters[action]) for action in self._actions)

    def start(self) -> Any:
        """Return the game as it is."""
        return self._first

    def step(self, state: Any, action: int) -> tuple[Any, float, bool]:
        """Step a copy."""
        game = copy.deepcopy(state, {id(state.random): state.random})
        reward, ended = game.act(self._actions[action])
        return game, float(reward), bool(ended)

    def key(self, state: Any) -> Hashable:
        """Return a digest of everything in the game."""
        digest = hashlib.blake2b(digest_size=16)
        for name, value in sorted(vars(state).items()):
            if name not in ("random", "channels", "action_map"):
                content = value.tobytes() if hasattr(value, "tobytes") else repr(value).encode()
                digest.update(name.encode() + b"=" + content + b";")
        return digest.digest()

    def name(self, state: Any) -> str:
        """Return nothing: only the way to a state is known."""
        return ""
