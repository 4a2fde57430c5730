"""One run on a member of a team, or on the whole team as one agent: set up, and found again."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pellucid.agents.joint import JointAgent
from pellucid.agents.spaces import Spaces
from pellucid.agents.team import LoadedTeam, TeamFactory, load_team
from pellucid.api.locating import Located, agent_facts
from pellucid.api.run_folder import RunFolder
from pellucid.envs import EnvSpec, resolve_env
from pellucid.envs.parallel import cycle_limit, names_team_env
from pellucid.errors import DataError, InputError
from pellucid.rollouts import Episodes
from pellucid.types import Agent, PolicyMode

TEAM, MEMBERS, JOINT = "team", "members", "joint"
"""Folders in the run of a team: the agents, the members' runs, and the run on all together."""


def member_run(team: LoadedTeam, env: str, member: str, policy: PolicyMode) -> Located:
    """Return one member in the environment as it meets it: the others act by themselves.

    Args:
        team: The team.
        env: The team's environment.
        member: Who is looked at; empty for the whole team as one agent.
        policy: How the others act.

    Raises:
        CapabilityError: The members' spaces cannot be put together, or they take turns.
    """
    factory = TeamFactory(env, team.agents, member, policy)
    name = f"{env}, {member or 'all together'}"
    # first, so that what cannot be put together is said as it is and not as a broken environment
    agent: Agent = team.agents[member] if member else joint_agent(team, factory)
    spec = resolve_env(EnvSpec(name, max_steps=cycle_limit(env), factory=factory))
    facts = replace(agent_facts(agent, None, {}), name=member or f"{team.name}, all together")
    asked = {"team": team.sha256, "team_env": env, "team_member": member}
    if team.source:
        asked["team_source"] = team.source
    return Located(agent, spec, facts, None, asked=asked)


def joint_agent(team: LoadedTeam, factory: TeamFactory) -> JointAgent:
    """Return the whole team as one agent, in the environment that a factory makes."""
    probe = factory()
    try:
        spaces = Spaces(probe.observation_space, probe.action_space)
    finally:
        probe.close()
    return JointAgent(f"{team.name}, all together", team.agents, spaces)


def team_of_run(
    run: RunFolder, episodes: Episodes, code: Sequence[str], device: str
) -> tuple[Agent, Episodes]:
    """Return agent and episodes of a stored run on a team, which lies beside its team.

    Raises:
        InputError: The team is not there, or needs code that was not named.
        DataError: It is another team than the one that was explained.
    """
    inputs = run.head["inputs"]
    env, member = inputs.get("team_env"), inputs.get("team_member")
    if not isinstance(env, str) or not isinstance(member, str):
        raise DataError(f"{run.path} does not tell its team's environment")
    source = inputs.get("team_source")
    needed = [] if names_team_env(env) else [env]
    needed += [source] if isinstance(source, str) else []
    unknown = [name for name in needed if name not in code]
    if unknown:
        raise InputError(
            f"the stored run needs code that is not in it: {', '.join(unknown)}",
            hint=f"if you trust it, add {' '.join(f'--code {name}' for name in unknown)}",
        )
    place = source or next((p for p in _beside(run.path) if p.is_dir()), None)
    if place is None:
        raise InputError(
            f"the team of {run.path} is missing: it is stored beside the runs on its members",
            hint="evaluate the run in the folder that pellucid explain wrote",
        )
    team = load_team(place, env, device=device, code=code)
    if team.sha256 != inputs.get("team"):
        raise DataError(
            f"the team beside {run.path} is not the one that was explained",
            hint="explain it again, or restore the files",
        )
    factory = TeamFactory(env, team.agents, member, episodes.policy)
    limit = cycle_limit(env)
    spec = resolve_env(EnvSpec(str(inputs.get("env")), max_steps=limit, factory=factory))
    agent: Agent = team.agents[member] if member else joint_agent(team, factory)
    return agent, replace(episodes, spec=spec)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.resolve().parent / TEAM, folder.resolve().parent.parent / TEAM
