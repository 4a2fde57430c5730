"""Explain a team: every member in the environment as it meets it, and all of them together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pellucid import registry
from pellucid.agents.team import LoadedTeam, card_env, load_team, save_team
from pellucid.api.request import Request, check_time_limit, make_request
from pellucid.api.run_folder import check_writable
from pellucid.api.running import RUNS, Run, explain_located
from pellucid.api.stages import Progress
from pellucid.api.stopping import Interrupted
from pellucid.api.team_runs import JOINT, MEMBERS, TEAM, member_run
from pellucid.api.turns import taking_turns
from pellucid.budget import TimeLimit
from pellucid.errors import CapabilityError, InputError, PellucidError
from pellucid.io import atomic
from pellucid.report.team import TeamPart, build_team_document, write_team_report


@dataclass(frozen=True)
class TeamRun:
    """A run on a team that is stored and reported.

    Args:
        folder: Where everything is stored.
        report: The page for people.
        document: What `report.json` holds.
        runs: The run on each member by id, and on all together under an empty one.
        out_of_time: The time limit ended it; the same call goes on from there.
    """

    folder: Path
    report: Path
    document: dict[str, Any]
    runs: dict[str, Run]
    out_of_time: bool = False


@taking_turns
def explain_team(
    team: Any,
    env: str | None = None,
    *,
    out: str | Path | None = None,
    methods: str | Sequence[str],
    n_episodes: int = 20,
    seed: int = 0,
    budget: int = 5_000_000,
    env_steps: int = 400_000,
    policy: str = "greedy",
    episode: int | None = None,
    step: int | None = None,
    names: str | Path | None = None,
    jobs: int = 1,
    device: str = "cpu",
    code: Sequence[str] = (),
    fresh: bool = False,
    time_limit: float | None = None,
    progress: Progress | None = None,
    command: str = "pellucid.explain_team(...)",
) -> TeamRun:
    """Explain each member of a team and the whole of it, and write one report over them.

    A member is explained in the environment that the others are a part of: their answers are not
    counted as queries. The budget is shared out equally among the members and the whole.

    Args:
        team: What `agents.team.load_team` takes.
        env: `mpe2:name`, `pettingzoo:name` or `module:callable`; by default the one that the
            team's card names.
        out: As for `explain_all`; each member has a run folder in it.
        methods: As for `explain_all`.
        n_episodes: Of each member, and of the whole.
        seed: As for `explain_all`.
        budget: Agent queries of everything together.
        env_steps: Environment steps of everything together.
        policy: How all members act.
        episode: As for `explain_all`.
        step: As for `explain_all`.
        names: As for `explain_all`; for teams whose members have the same inputs.
        jobs: As for `explain_all`.
        device: As for `explain_all`.
        code: As for `explain_all`.
        fresh: As for `explain_all`.
        time_limit: As for `explain_all`.
        progress: As for `explain_all`.
        command: As for `explain_all`.

    Raises:
        PellucidError: Something that was given cannot be used, before any work if possible.
        Interrupted: Ctrl-C; what was finished is stored and reported, and `.run` tells of it.
    """
    check_time_limit(time_limit)
    limit = None if time_limit is None else TimeLimit(time_limit)
    request = make_request(
        methods=methods,
        n_episodes=n_episodes,
        seed=seed,
        budget=budget,
        env_steps=env_steps,
        policy=policy,
        episode=episode,
        step=step,
        names=names,
    )
    check_writable(RUNS if out is None else Path(out))
    name = _env_of(team, env, code)
    loaded = load_team(team, name, device=device, code=code)
    folder = _folder(loaded, out)
    save_team(loaded, name, folder / TEAM)
    whole = _Whole(request, loaded, name, folder, command, jobs, fresh, limit, progress)
    return whole.explain()


@dataclass
class _Whole:
    """What the runs on a team have in common."""

    request: Request
    team: LoadedTeam
    env: str
    folder: Path
    command: str
    jobs: int
    fresh: bool
    limit: TimeLimit | None
    progress: Progress | None

    def explain(self) -> TeamRun:
        """Run member after member, then the whole, and report."""
        started = time.perf_counter()
        places = {m: self._place(i, m) for i, m in enumerate(self.team.agents)}
        places[""] = self.folder / JOINT
        share = self.request.allowed.share(1 / len(places))
        runs: dict[str, Run] = {}
        failures: dict[str, str] = {}
        try:
            for member, place in places.items():
                try:
                    runs[member] = self._run(member, place, replace(self.request, allowed=share))
                except CapabilityError as error:
                    # said in the report: the others can be explained all the same
                    failures[member] = str(error)
                except PellucidError as error:
                    if not (place / "report.json").is_file():
                        raise
                    failures[member] = str(error)  # of no use, and its own report says why
        except Interrupted as stop:
            runs[_missing(places, runs)] = stop.run
            made = self._report(runs, failures, started, "the run was stopped")
            raise Interrupted(made) from None
        return self._report(runs, failures, started, "")

    def _run(self, member: str, place: Path, request: Request) -> Run:
        if member:
            # credit is shared among members: a question about all of them and not about one
            request = replace(request, methods=_of_one_agent(request.methods))
        located = member_run(self.team, self.env, member, self.request.policy)
        tell = self.progress
        return explain_located(
            request,
            located,
            place,
            jobs=self.jobs,
            fresh=self.fresh,
            limit=self.limit,
            progress=None
            if tell is None
            else lambda part, share: tell(f"{member or 'all'}: {part}", share),
            command=self.command,
            started=time.perf_counter(),
        )

    def _place(self, position: int, member: str) -> Path:
        return self.folder / MEMBERS / f"{position}-{atomic.safe_name(member)}"

    def _report(
        self, runs: dict[str, Run], failures: dict[str, str], started: float, stopped: str
    ) -> TeamRun:
        out_of_time = any(run.out_of_time for run in runs.values())
        parts = [
            TeamPart(
                member,
                runs[member].document if member in runs else None,
                _link(runs[member].report, self.folder) if member in runs else "",
                failures.get(member, stopped or "it was not reached"),
            )
            for member in (*self.team.agents, "")
        ]
        document = build_team_document(
            parts,
            team=self.team.name,
            env=self.env,
            run_id=self.folder.name,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            command=self.command,
            sha256=self.team.sha256,
            banner="Stopped before its end; badges are lowered to weak."
            if stopped or out_of_time
            else "",
            seconds=time.perf_counter() - started,
        )
        report, document = write_team_report(document, self.folder)
        return TeamRun(self.folder, report, document, runs, out_of_time)


def _of_one_agent(methods: Sequence[str]) -> tuple[str, ...]:
    """Return the methods that can be asked of one agent."""
    return tuple(m for m in methods if "team" not in registry.load("explainers", m).info.needs)


def _env_of(team: Any, env: str | None, code: Sequence[str]) -> str:
    if env is not None:
        return env
    named = card_env(team)
    if named is None:
        raise InputError(
            "no environment is named, and the team does not name one",
            hint="give --env, such as --env mpe2:simple_spread_v3",
        )
    if not named.startswith(("mpe2:", "pettingzoo:")) and named not in code:
        raise InputError(
            f"the team's card names code for its environment: {named}",
            hint=f"if you trust it, add --code {named}; or name the environment, with --env",
        )
    return named


def _folder(team: LoadedTeam, out: str | Path | None) -> Path:
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{team.sha256[:8]}"
    folder = RUNS / stamp if out is None else Path(out)
    held = {p.name for p in folder.iterdir()} if folder.is_dir() else set()
    strange = sorted(held - {TEAM, MEMBERS, JOINT, "report.html", "report.json"})
    if strange:
        raise InputError(
            f"expected an empty folder or one of a team's earlier run, got {folder} which holds "
            f"{strange[0]!r:.60}",
            hint="choose another --out",
        )
    return folder


def _missing(places: dict[str, Path], runs: dict[str, Run]) -> str:
    return next(member for member in places if member not in runs)


def _link(report: Path, folder: Path) -> str:
    return report.relative_to(folder).as_posix()
