"""Games in which members take turns (PettingZoo's AEC form), in the form in which all act at once.

At each step exactly one member acts: whose turn it is. All that is said of steps elsewhere is then
true of turns as well.
"""

from collections.abc import Mapping
from typing import Any

_GAME = ("agent_iter", "observe", "last", "step", "reset", "possible_agents")


def takes_turns(env: Any) -> bool:
    """Whether the members of an environment take turns."""
    return all(hasattr(env, part) for part in _GAME)


class Turns:
    """A game in which members take turns, as an environment whose steps one member takes.

    Args:
        game: In PettingZoo's AEC form.
    """

    def __init__(self, game: Any) -> None:
        self._game = game
        self.possible_agents = list(game.possible_agents)
        self.metadata = getattr(game, "metadata", None) or {}
        self.render_mode = getattr(game, "render_mode", None)
        self.max_cycles = getattr(game.unwrapped, "max_cycles", None)

    @property
    def agents(self) -> list[str]:
        """Members that are still in the game."""
        over = [self._game.terminations, self._game.truncations]
        return [m for m in self._game.agents if not any(ends.get(m, False) for ends in over)]

    @property
    def acting(self) -> list[str]:
        """Whose turn it is, as a list of one; empty if the game is over."""
        return [self._game.agent_selection] if self.agents else []

    def observation_space(self, member: str) -> Any:
        """Return the space of what a member sees."""
        return self._game.observation_space(member)

    def action_space(self, member: str) -> Any:
        """Return the space of a member's actions."""
        return self._game.action_space(member)

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], Any]:
        """Start anew; what the first to move sees."""
        self._game.reset(seed=seed, options=options)
        self._let_go()
        return self._seen(self.acting), {}

    def step(self, actions: Mapping[str, Any]) -> tuple[Any, Any, Any, Any, Any]:
        """Move; the parts are as in the parallel form, of every member that they are told of."""
        game = self._game
        (mover,) = self.acting
        here = list(game.agents)
        game.step(actions[mover])
        rewards = {m: float(game.rewards.get(m, 0.0)) for m in here}
        terminated = {m: bool(game.terminations.get(m, False)) for m in here}
        truncated = {m: bool(game.truncations.get(m, False)) for m in here}
        ended = [m for m in here if terminated[m] or truncated[m]]
        seen = self._seen(ended)
        self._let_go()
        return seen | self._seen(self.acting), rewards, terminated, truncated, {}

    def render(self) -> Any:
        """Return a picture of the game."""
        return self._game.render()

    def close(self) -> None:
        """Close the game."""
        self._game.close()

    def _let_go(self) -> None:
        # one who is out still gets a turn, in which nothing may be done
        game = self._game
        while game.agents and game.agent_selection not in self.agents:
            game.step(None)

    def _seen(self, members: list[str]) -> dict[str, Any]:
        return {member: self._game.observe(member) for member in members}
