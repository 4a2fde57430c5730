"""Teams: agents by id, loaded, stored, and put into their environment one by one or together."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context
from pellucid.agents.folder import CARD, save_agent
from pellucid.agents.loading import agent_sha256, load_agent
from pellucid.agents.spaces import Spaces
from pellucid.envs.parallel import make_parallel
from pellucid.envs.team_names import names_of
from pellucid.envs.team_views import (
    JointView,
    MemberView,
    Memories,
    Seen,
    bare_space,
    joint_view,
    member_view,
)
from pellucid.errors import DataError, InputError
from pellucid.io import atomic, strict_json
from pellucid.io.imports import import_object, is_import_string
from pellucid.io.records import check_stamp, stamp
from pellucid.types import (
    Agent,
    Context,
    PolicyMode,
    Recurrent,
)

KIND = "team"
ANYONE = "*"
"""In a card or a table, the agent of every member that is not named."""
SCHEMA = 1
MAX_CARD_BYTES = 1024**2
_MAX_MEMBERS = 100


@dataclass(frozen=True)
class LoadedTeam:
    """A team whose members are loaded.

    Args:
        name: Short name for people.
        agents: The members by id, in the order of the environment.
        source: `module:callable` that it was imported from; empty if it was not.
    """

    name: str
    agents: dict[str, Agent]
    source: str = ""

    @property
    def sha256(self) -> str:
        """Checksum of the members' checksums, names and frameworks."""
        told = [[m, a.name, a.framework, agent_sha256(a)] for m, a in self.agents.items()]
        return hashlib.sha256(strict_json.dumps(told).encode()).hexdigest()


def is_team(source: Any) -> bool:
    """Whether a source is a team's folder, a table of agents, or an object with `agents`."""
    if isinstance(source, Mapping) or (hasattr(source, "agents") and not hasattr(source, "act")):
        return True
    if not isinstance(source, str | Path) or not (Path(source) / CARD).is_file():
        return False
    try:
        card = strict_json.read(Path(source) / CARD, max_bytes=MAX_CARD_BYTES)
    except DataError:
        return False
    return isinstance(card, Mapping) and card.get("kind") == KIND


def load_team(
    source: Any,
    env: str,
    *,
    device: str = "cpu",
    code: Sequence[str] = (),
) -> LoadedTeam:
    """Return a team with an agent for every member of its environment.

    Args:
        source: A folder whose `card.json` names its members' folders or files, `module:callable`
            that returns a team, an object with `agents`, or a table of them. `*` stands for every
            member that is not named.
        env: The team's environment; tells members and spaces.
        device: Where the weights of files go.
        code: Every `module:attribute` that may be imported because a card names it.

    Raises:
        InputError: A member has no agent, an agent has no place, or one does not fit.
        DataError: The card is damaged.
    """
    name, given = _given(source)
    probe = make_parallel(env)
    try:
        members = tuple(str(member) for member in probe.possible_agents)
        fitting = {
            m: Spaces(bare_space(probe.observation_space(m)), probe.action_space(m))
            for m in members
        }
    finally:
        probe.close()
    unknown = [member for member in given if member not in (*members, ANYONE)]
    missing = [member for member in members if member not in given and ANYONE not in given]
    if unknown or missing:
        what = f"no agent for {missing[0]!r}" if missing else f"an agent {unknown[0]!r:.60}"
        raise InputError(
            f"{name} has {what}; the members in {env} are {', '.join(members[:10])}",
            hint="name each of them, or * for all others",
        )
    agents: dict[str, Agent] = {}
    for member in members:
        view: Any = SimpleNamespace(
            observation_space=fitting[member].observation, action_space=fitting[member].action
        )
        agents[member] = load_agent(
            given.get(member, given.get(ANYONE)), env=view, device=device, code=code
        )
    return LoadedTeam(name, agents, str(source) if _is_code(source) else "")


def save_team(team: LoadedTeam, env: str, folder: Path) -> None:
    """Store a team: each member as `save_agent` stores it, and a card that names them.

    Args:
        team: The team.
        env: Its environment.
        folder: Made if it is missing.
    """
    places = {}
    for position, (member, agent) in enumerate(team.agents.items()):
        place = PurePosixPath("members") / f"{position}-{atomic.safe_name(member)}"
        save_agent(agent, folder / place)
        places[member] = str(place)
    card = {**stamp(SCHEMA), "kind": KIND, "name": team.name, "env": env, "agents": places}
    atomic.write_text(folder / CARD, strict_json.dumps(card, indent=1) + "\n")


def card_env(source: Any) -> str | None:
    """Return the environment that a team's card names, None if there is none."""
    if not isinstance(source, str | Path) or not is_team(source):
        return None
    card = strict_json.read(Path(source) / CARD, max_bytes=MAX_CARD_BYTES)
    named = card.get("env")
    return named if isinstance(named, str) else None


def _given(source: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the name of a team and what it gives for each member."""
    if _is_code(source):
        found = import_object(source)
        if not hasattr(found, "agents") and not isinstance(found, Mapping):
            found = _called(found, source)
        return source, _agents_of(found, source)
    if isinstance(source, str | Path):
        return Path(source).name, _in_card(Path(source))
    return getattr(source, "name", "team"), _agents_of(source, "the team")


def _is_code(source: Any) -> bool:
    return isinstance(source, str) and is_import_string(source) and not Path(source).exists()


def _called(maker: Any, name: str) -> Any:
    try:
        return maker()
    except Exception as error:  # the user's code may raise anything
        raise InputError(
            f"{name} raised {type(error).__name__}: {error!s:.160}",
            hint="it is called without arguments and returns a team",
        ) from error


def _agents_of(found: Any, name: str) -> Mapping[str, Any]:
    agents = found if isinstance(found, Mapping) else getattr(found, "agents", None)
    if not isinstance(agents, Mapping) or not agents:
        raise InputError(
            f"{name} is no team: it has no agents by id",
            hint="a team has an attribute `agents`, a table from id to agent",
        )
    return agents


def _in_card(folder: Path) -> Mapping[str, Path]:
    where = folder / CARD
    card = strict_json.read(where, max_bytes=MAX_CARD_BYTES)
    if not isinstance(card, Mapping) or card.get("kind") != KIND:
        raise DataError(f"{where} does not describe a team")
    if "schema" in card:
        check_stamp(card, newest=SCHEMA, where=str(where))
    named = card.get("agents")
    if not isinstance(named, Mapping) or not 0 < len(named) <= _MAX_MEMBERS:
        raise DataError(f"{where}: 'agents' must name 1 to {_MAX_MEMBERS} members")
    found = {}
    for member, place in named.items():
        path = PurePosixPath(place) if isinstance(place, str) and place else None
        # a card is a file from anywhere: it names what lies in its own folder, and nothing else
        if path is None or path.is_absolute() or ".." in path.parts or "\0" in str(path):
            raise DataError(f"{where}: {member!r:.60} must name a file or folder beside the card")
        found[member] = folder / path
    return found


# --- in the environment ---


class Others:
    """Chooses for the members that are not looked at; never copied, since agents have no state.

    What they remember is kept by the environment that they are a part of, and copied with it.

    Args:
        agents: By id.
        policy: Most-likely actions, or drawn ones where a member draws.
    """

    def __init__(self, agents: Mapping[str, Agent], policy: PolicyMode) -> None:
        self._agents, self._policy = agents, policy

    def __call__(
        self, seen: Mapping[str, Seen], rng: np.random.Generator, memories: Memories
    ) -> dict[str, Any]:
        """Return the action of each member of whom is told what it sees."""
        actions = {}
        for member, (observation, mask) in seen.items():
            agent = self._agents[member]
            rows = np.asarray(observation, dtype=agent.observation_space.dtype)[None]
            draws = self._policy == "sampled" and "sampling" in agent.capabilities
            policy: PolicyMode = "sampled" if draws else "greedy"
            context = _context(agent, mask, memories.get(member))
            asked = in_context(agent, context)
            chosen = choose_actions(asked, rows, policy, [rng])[0]
            if context.memory is not None:
                memories[member] = cast(Recurrent, asked).next_memory(rows)
            actions[member] = int(chosen) if np.ndim(chosen) == 0 else chosen
        return actions

    def __deepcopy__(self, memo: Any) -> "Others":
        return self


def _context(agent: Agent, mask: Any, memory: Any) -> Context:
    """Return what the answer of one member depends on beside what it sees, one row."""
    needs = agent.capabilities
    if "masks" not in needs:
        mask = None
    elif mask is None:
        mask = np.ones(int(agent.action_space.n), dtype=bool)
    if "recurrent" in needs and memory is None:
        memory = np.asarray(cast(Recurrent, agent).initial_memory)[None]
    return Context(
        masks=None if mask is None else np.asarray(mask, dtype=bool)[None],
        memory=memory if "recurrent" in needs else None,
    )


@dataclass(frozen=True)
class TeamFactory:
    """Makes a team's environment as one member or as the whole team meets it.

    Args:
        env: The environment's name.
        agents: All members.
        member: Who is looked at; empty for the whole team.
        policy: How the others act.
    """

    env: str
    agents: Mapping[str, Agent]
    member: str = ""
    policy: PolicyMode = "greedy"

    def __call__(self, render_mode: str | None = None) -> MemberView | JointView:
        """Return a new environment."""
        env = make_parallel(self.env, render_mode)
        known = {m: names_of(self.env, m, env) for m in env.possible_agents}
        if not self.member:
            return joint_view(env, {m: names for m, names in known.items() if names is not None})
        others = Others(self.agents, self.policy)
        return member_view(env, self.member, others, known[self.member])
