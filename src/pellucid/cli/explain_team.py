"""`pellucid explain TEAM`: the report on every member of a team and on all together."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.api.stopping import Interrupted
from pellucid.cli.process import prepare_torch, raise_on_sigterm
from pellucid.cli.progress import progress_bar
from pellucid.cli.streams import terminal_width, write_lines
from pellucid.errors import InputError

if TYPE_CHECKING:
    from pellucid.api.teams import TeamRun

NOT_FOR_TEAMS = (
    "wrappers", "reward_terms", "policy_class", "outputs", "normalize", "logs", "groups",
    "other_seeds",
)  # fmt: skip


def names_team(agent: str | None, env: str | None) -> bool:
    """Whether the arguments of the command name a team."""
    from pellucid.agents.team import is_team
    from pellucid.envs.parallel import names_team_env
    from pellucid.io.imports import import_object, is_import_string

    if names_team_env(env):
        return True
    if agent is None or Path(agent).exists():
        return agent is not None and is_team(agent)
    if env is None or not is_import_string(env) or not is_import_string(agent):
        return False
    return is_team(import_object(agent))  # the user's own code, which a run would import as well


def explain_team_run(
    agent: str | None,
    env: str | None,
    asked: Mapping[str, Any],
    *,
    jobs: int,
    talk: bool,
    command: str,
) -> "tuple[TeamRun, bool]":
    """Return the run on a team, and whether Ctrl-C stopped it.

    Raises:
        InputError: An option that only single agents take was given, or no team.
    """
    if agent is None:
        raise InputError(
            f"{env} is the environment of a team, and no team is named",
            hint="a folder whose card.json names its members, or module:callable",
        )
    for name in NOT_FOR_TEAMS:
        if asked[name]:
            option = "--wrap" if name == "wrappers" else f"--{name.replace('_', '-')}"
            raise InputError(
                f"{option} is for single agents, and {agent} is a team",
                hint="give it to the members, in code that module:callable names",
            )
    from pellucid.api.teams import explain_team

    prepare_torch()
    raise_on_sigterm()
    options = {name: value for name, value in asked.items() if name not in NOT_FOR_TEAMS}
    with progress_bar(shown=talk) as progress:
        try:
            run = explain_team(agent, env, **options, jobs=jobs, progress=progress, command=command)
        except Interrupted as stop:
            return stop.run, True
    return run, False


def show(run: "TeamRun") -> None:
    """Print one line per member and where the report is."""
    from pellucid.explanation.outside import terminal_safe
    from pellucid.report.team import team_summary
    from pellucid.report.terminal import wrapped

    lines = [row for line in team_summary(run.document) for row in wrapped(line, terminal_width())]
    write_lines("\n".join([*lines, f"Report {terminal_safe(str(run.report))}"]))
