"""A team's environment as one agent meets it: as one of its members, or as the whole team.

Members may die before the others and may appear after the start. To a member, its episode is the
time that it is there. To the whole team, an input per member tells whether it is there; the
observation of one who is not is zeros, and its action is not taken.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces

from pellucid.envs.turns import Turns
from pellucid.errors import CapabilityError

Memories: TypeAlias = dict[str, Any]
"""What members remember, by id; changed as they see more."""

ChooseFn: TypeAlias = Callable[
    [Mapping[str, "Seen"], np.random.Generator, Memories], dict[str, Any]
]
"""`choose(seen, rng, memories)` returns the action of each member of whom is told what it sees."""

MOST_JOINT_ACTIONS = 1024
"""Combinations of discrete actions up to which each is one action of the team."""


class Seen(NamedTuple):
    """What a member meets at a step.

    Args:
        observation: What it sees.
        mask: Which of its actions are allowed; None where nobody says.
    """

    observation: Any
    mask: Any = None


def bare_space(space: Any) -> Any:
    """Return what a member sees, without the mask that PettingZoo puts beside it.

    Example:
        >>> parts = {"observation": spaces.MultiBinary(9), "action_mask": spaces.MultiBinary(3)}
        >>> bare_space(spaces.Dict(parts))
        MultiBinary(9)
    """
    return space["observation"] if tells_mask(space) else space


def tells_mask(space: Any) -> bool:
    """Whether what a member sees comes with a mask of its actions."""
    return isinstance(space, spaces.Dict) and set(space.spaces) == {"observation", "action_mask"}


def seen_of(space: Any, observation: Any) -> Seen:
    """Return what a member meets, as it comes from an environment with that space."""
    if not tells_mask(space):
        return Seen(observation)
    return Seen(observation["observation"], np.asarray(observation["action_mask"], dtype=bool))


def member_view(
    env: Any, member: str, choose: ChooseFn, names: Mapping[str, Any] | None = None
) -> "MemberView":
    """Return the view of a member, with masks if its environment tells them; see `MemberView`."""
    masked = tells_mask(env.observation_space(member))
    return (MaskedMemberView if masked else MemberView)(env, member, choose, names)


class MemberView(gymnasium.Env[Any, Any]):
    """A team's environment in which all other members act by themselves.

    Where members take turns, a step lasts until it is this one's turn again.

    Args:
        env: In PettingZoo's parallel form.
        member: Who is looked at.
        choose: Chooses for the others.
        names: Names of inputs and actions, as `envs.naming` takes them; None for none.
    """

    def __init__(
        self, env: Any, member: str, choose: ChooseFn, names: Mapping[str, Any] | None = None
    ) -> None:
        self._env, self._member, self._choose = env, member, choose
        self._seen: dict[str, Any] = {}
        self._memories: Memories = {}
        self._before = 0.0
        self.observation_space = bare_space(env.observation_space(member))
        self.action_space = env.action_space(member)
        self.render_mode = getattr(env, "render_mode", None)
        self.metadata = _metadata(env, names)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """Start anew, and let the others act until the member is there.

        Raises:
            RuntimeError: It never was there.
        """
        super().reset(seed=seed)
        self._seen = dict(self._env.reset(seed=seed, options=options)[0])
        self._memories, self._before = {}, 0.0
        while self._member not in self._acting:
            if not self._env.agents:
                raise RuntimeError(f"{self._member} took no part in this episode")
            self._before += self._advance({})[0]
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Act, while the others act too; the episode ends when the member is no longer there."""
        reward, ended, cut = self._advance({self._member: action})
        # what it earned before its first turn belongs to no other step
        reward, self._before = reward + self._before, 0.0
        while self._member in self._env.agents and self._member not in self._acting:
            more, ended, cut = self._advance({})
            reward += more
        gone = self._member not in self._env.agents
        return self._observation(), reward, ended or (gone and not cut), cut, {}

    def render(self) -> Any:
        """Return a picture of the whole team."""
        return self._env.render()

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    @property
    def _acting(self) -> Sequence[str]:
        """Who acts now: everyone who is there, unless they take turns."""
        env = self._env
        acting: Sequence[str] = env.acting if isinstance(env, Turns) else env.agents
        return acting

    def _advance(self, own: dict[str, Any]) -> tuple[float, bool, bool]:
        """Let the others act; the member's reward, and whether it has ended or was cut off."""
        space = self._env.observation_space
        others = {m: seen_of(space(m), self._seen[m]) for m in self._acting if m not in own}
        actions = {**self._choose(others, self.np_random, self._memories), **own}
        observations, rewards, terminated, truncated, _ = self._env.step(actions)
        # what was last seen of one who is gone stays its final observation
        self._seen |= observations
        return (
            float(rewards.get(self._member, 0.0)),
            bool(terminated.get(self._member, False)),
            bool(truncated.get(self._member, False)),
        )

    def _met(self) -> Seen:
        return seen_of(self._env.observation_space(self._member), self._seen[self._member])

    def _observation(self) -> Any:
        return np.asarray(self._met().observation, dtype=self.observation_space.dtype)


class MaskedMemberView(MemberView):
    """The same for a member whose environment tells which of its actions are allowed."""

    def action_masks(self) -> Any:
        """Return which actions are allowed now."""
        return self._met().mask


class JointView(gymnasium.Env[Any, Any]):
    """A team's environment in which one agent acts for all members.

    The reward is the sum of the members' rewards.

    Args:
        env: In PettingZoo's parallel form.
        names: Names of each member's inputs and actions, where they are known.

    Raises:
        CapabilityError: The members' spaces cannot be put together, or members take turns.
    """

    def __init__(self, env: Any, names: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        if isinstance(env, Turns):
            raise CapabilityError(
                "the members take turns, so that there is no action of all together",
                hint="each member is explained by itself",
            )
        self._env = env
        self.members: tuple[str, ...] = tuple(env.possible_agents)
        self._spaces = [bare_space(env.observation_space(m)) for m in self.members]
        self._actions = [env.action_space(m) for m in self.members]
        self.observation_space = joint_observation_space(self._spaces)
        self.action_space = joint_action_space(self._actions)
        self.render_mode = getattr(env, "render_mode", None)
        self.metadata = _metadata(
            env, joint_names(self.members, self._spaces, self._actions, names)
        )
        self._seen: dict[str, Any] = {}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """Start anew."""
        super().reset(seed=seed)
        self._seen = dict(self._env.reset(seed=seed, options=options)[0])
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Act for every member that is there; the episode ends when none is."""
        chosen = split_actions(np.asarray(action), self._actions)
        actions = {m: a for m, a in zip(self.members, chosen, strict=True) if m in self._env.agents}
        observations, rewards, _, truncated, _ = self._env.step(actions)
        self._seen |= observations
        over = not self._env.agents
        # cut off where a limit ended it for anybody; else it ended by itself
        cut = over and any(truncated.values())
        return self._observation(), float(sum(rewards.values())), over and not cut, cut, {}

    def render(self) -> Any:
        """Return a picture of the team."""
        return self._env.render()

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def _observation(self) -> Any:
        parts = []
        for member, space in zip(self.members, self._spaces, strict=True):
            there = member in self._env.agents
            seen = np.zeros(int(np.prod(space.shape)))
            if there:
                seen = np.ravel(self._met(member).observation)
            parts.append(np.concatenate([[float(there)], seen]))
        return np.concatenate(parts).astype(np.float32)

    def _met(self, member: str) -> Seen:
        return seen_of(self._env.observation_space(member), self._seen[member])


class MaskedJointView(JointView):
    """The same for a team of which some members are told which of their actions are allowed.

    Raises:
        CapabilityError: There are so many combinations of actions that they are not one choice.
    """

    def __init__(self, env: Any, names: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        super().__init__(env, names)
        if not isinstance(self.action_space, spaces.Discrete):
            raise CapabilityError(
                "which of so many combinations of actions are allowed is not one question",
                hint="each member is explained by itself",
            )

    def action_masks(self) -> Any:
        """Return which combinations are allowed: those of which each part is."""
        allowed = np.ones(1, dtype=bool)
        for member, space in zip(self.members, self._actions, strict=True):
            told = self._met(member).mask if member in self._env.agents else None
            own = np.ones(int(space.n), dtype=bool) if told is None else told
            allowed = (allowed[:, None] & own[None, :]).reshape(-1)
        return allowed


def joint_view(env: Any, names: Mapping[str, Mapping[str, Any]] | None = None) -> JointView:
    """Return the view of all together, with masks if any member has some; see `JointView`."""
    masked = any(tells_mask(env.observation_space(m)) for m in env.possible_agents)
    return (MaskedJointView if masked else JointView)(env, names)


# --- putting spaces together ---


def joint_observation_space(members: Sequence[Any]) -> spaces.Box:
    """Return the space of the members' observations side by side, each after its presence.

    Raises:
        CapabilityError: One is not a Box.
    """
    lows, highs = [], []
    for space in members:
        if not isinstance(space, spaces.Box):
            raise CapabilityError(
                f"observations of type {type(space).__name__} cannot be put together for a team"
            )
        # zeros stand for one who is not there
        lows.append(np.append(0.0, np.minimum(space.low.ravel(), 0.0)))
        highs.append(np.append(1.0, np.maximum(space.high.ravel(), 0.0)))
    return spaces.Box(
        np.concatenate(lows).astype(np.float32), np.concatenate(highs).astype(np.float32)
    )


def joint_action_space(members: Sequence[Any]) -> spaces.Space[Any]:
    """Return the space of the members' actions together.

    Discrete ones: each combination is one action, if there are at most `MOST_JOINT_ACTIONS`; else
    one number per member. Continuous ones stand side by side.

    Raises:
        CapabilityError: They are of different kinds, or of others.
    """
    if all(isinstance(space, spaces.Discrete) for space in members):
        counts = [int(space.n) for space in members]
        combinations = int(np.prod(counts, dtype=np.float64))
        if combinations <= MOST_JOINT_ACTIONS:
            return spaces.Discrete(combinations)
        return spaces.MultiDiscrete(counts)
    if all(isinstance(space, spaces.Box) and space.dtype.kind == "f" for space in members):
        return spaces.Box(
            np.concatenate([space.low.ravel() for space in members]).astype(np.float32),
            np.concatenate([space.high.ravel() for space in members]).astype(np.float32),
        )
    kinds = ", ".join(sorted({type(space).__name__ for space in members}))
    raise CapabilityError(f"actions of the types {kinds} cannot be put together for a team")


def join_actions(actions: Sequence[Any], members: Sequence[Any]) -> Any:
    """Return rows of joint actions from one array per member, each of shape (batch, *action).

    Example:
        >>> join_actions([np.array([1]), np.array([2])], [spaces.Discrete(3), spaces.Discrete(5)])
        array([7])
    """
    joint = joint_action_space(members)
    if isinstance(joint, spaces.Box):
        return np.concatenate([a.reshape(len(a), -1) for a in actions], axis=1).astype(np.float32)
    columns = [a - int(space.start) for a, space in zip(actions, members, strict=True)]
    if isinstance(joint, spaces.MultiDiscrete):
        return np.column_stack(columns).astype(np.int64)
    counts = tuple(int(space.n) for space in members)
    return np.ravel_multi_index(tuple(c.astype(np.int64) for c in columns), counts)


def split_actions(action: Any, members: Sequence[Any]) -> list[Any]:
    """Return the action of each member in one joint action: what `join_actions` has joined."""
    joint = joint_action_space(members)
    if isinstance(joint, spaces.Box):
        sizes = [int(np.prod(space.shape)) for space in members]
        parts = np.split(action, np.cumsum(sizes)[:-1])
        return [p.reshape(s.shape).astype(s.dtype) for p, s in zip(parts, members, strict=True)]
    counts = tuple(int(space.n) for space in members)
    columns = (
        action if isinstance(joint, spaces.MultiDiscrete) else np.unravel_index(int(action), counts)
    )
    return [int(c) + int(s.start) for c, s in zip(columns, members, strict=True)]


def joint_names(
    members: Sequence[str],
    observations: Sequence[Any],
    actions: Sequence[Any],
    names: Mapping[str, Mapping[str, Any]] | None,
) -> dict[str, Any]:
    """Return names of the joint inputs and actions, each with the member that it is of."""
    inputs: list[str] = []
    per_member: list[list[str]] = []
    for member, seen, acts in zip(members, observations, actions, strict=True):
        known = (names or {}).get(member, {})
        size = int(np.prod(seen.shape))
        own = list(known.get("inputs") or [f"input {i}" for i in range(size)])
        inputs += [f"{member} is there", *(f"{member}: {name}" for name in own)]
        count = int(acts.n) if isinstance(acts, spaces.Discrete) else int(np.prod(acts.shape))
        own = list(known.get("actions") or [f"action {i}" for i in range(count)])
        per_member.append([f"{member}: {name}" for name in own])
    joint = joint_action_space(actions)
    if not isinstance(joint, spaces.Discrete):
        flat = [name for own in per_member for name in own]
        if isinstance(joint, spaces.MultiDiscrete):
            flat = [f"action of {member}" for member in members]
        return {"inputs": inputs, "actions": flat}
    counts = tuple(int(space.n) for space in actions)
    combined = [
        ", ".join(own[i] for own, i in zip(per_member, np.unravel_index(k, counts), strict=True))
        for k in range(int(joint.n))
    ]
    return {"inputs": inputs, "actions": combined}


def _metadata(env: Any, names: Mapping[str, Any] | None) -> dict[str, Any]:
    modes = (getattr(env, "metadata", None) or {}).get("render_modes", [])
    metadata: dict[str, Any] = {"render_modes": list(modes)}
    return metadata if names is None else {**metadata, "names": dict(names)}
