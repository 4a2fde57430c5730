"""Explain an agent by several methods and write a report: what `pellucid explain` does."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pellucid.api.locating import Located, code_sha256, locate
from pellucid.api.recording import STOPPED, make_record, write_run_report
from pellucid.api.request import (
    DEFAULT_ENV_STEPS,
    DEFAULT_EPISODES,
    DEFAULT_METHODS,
    DEFAULT_QUERIES,
    Request,
    check_time_limit,
    make_request,
    suited,
)
from pellucid.api.run_folder import RunFolder, check_writable, inputs_sha256, open_run
from pellucid.api.stages import Progress, Work, make_parts
from pellucid.api.stopping import Interrupted, Terminated
from pellucid.api.turns import taking_turns
from pellucid.budget import Meter, TimeLimit
from pellucid.errors import AgentError, EnvError, InputError, PellucidError, TimeLimitError
from pellucid.report.record import RunRecord
from pellucid.rollouts.workers import kept_workers

RUNS = Path("runs")


@dataclass(frozen=True)
class Run:
    """A run that is stored and reported.

    Args:
        folder: Where everything is stored.
        report: The page for people.
        record: What the page is made from.
        document: What `report.json` holds.
        reused: The run was finished before, and nothing was computed again.
        out_of_time: The time limit ended it; the same call goes on from there.
    """

    folder: Path
    report: Path
    record: RunRecord
    document: dict[str, Any]
    reused: bool = False
    out_of_time: bool = False


@taking_turns
def explain_all(
    agent: Any = None,
    env: Any = None,
    *,
    out: str | Path | None = None,
    methods: str | Sequence[str] = DEFAULT_METHODS,
    n_episodes: int = DEFAULT_EPISODES,
    seed: int = 0,
    budget: int = DEFAULT_QUERIES,
    env_steps: int = DEFAULT_ENV_STEPS,
    policy: str = "greedy",
    episode: int | None = None,
    step: int | None = None,
    wrappers: Sequence[str] = (),
    names: str | Path | None = None,
    groups: str | None = None,
    other_seeds: int = 0,
    reward_terms: str | None = None,
    jobs: int = 1,
    device: str = "cpu",
    policy_class: str | None = None,
    outputs: str | None = None,
    code: Sequence[str] = (),
    normalize: str | Path | None = None,
    logs: str | Path | None = None,
    fresh: bool = False,
    time_limit: float | None = None,
    progress: Progress | None = None,
    command: str = "pellucid.explain_all(...)",
) -> Run:
    """Collect episodes, explain them by each method, test every explanation, write the report.

    Calls from several threads take turns.

    Args:
        agent: What `load_agent` takes, or a run folder; None for the agent that ships here.
        env: What `resolve_env` takes; None for the one that the agent's card names.
        out: Run folder; a run that is there is resumed. By default `runs/<time>-<inputs>`.
        methods: Names of explainers, or `all`.
        n_episodes: Episodes to collect.
        seed: Seed of everything.
        budget: Agent queries of the whole run, tests and controls included.
        env_steps: Environment steps of the whole run, replays included.
        policy: `greedy` (most-likely actions) or `sampled`.
        episode: Episode to explain, for methods that explain one.
        step: Step to explain, for methods that explain one.
        wrappers: `module:callable` of each wrapper, innermost first.
        names: YAML file with names and units of inputs and actions.
        groups: What methods of inputs explain and hide together: a grid of image patches such as
            `8x8`, or a YAML file that maps names of groups to lists of inputs.
        other_seeds: Seeds under which each explanation is made again, tests aside, for the Trust
            page: how much of an answer changes with the seed alone. Budget is kept back for them.
        reward_terms: `module:callable` that splits the reward into terms.
        jobs: Worker processes; results do not depend on it.
        device: Device of the agent's weights.
        policy_class: `module:Class` of the network whose weights a file holds.
        outputs: What a torch module returns: `logits` (default) or `q_values` for discrete
            actions, `mean` for continuous ones.
        code: Each `module:callable` that a run folder or a card names and that may be imported.
        normalize: JSON file with the statistics by which the agent's inputs were normalised while
            it learned, or `none` to state that they were not.
        logs: Recorded episodes of the agent, in place of an environment: `minari:id`, a folder of
            Minari or a log folder. With such a log as `agent`, its agent is not known.
        fresh: Start again, whatever the folder holds.
        time_limit: Seconds, looked at between pieces of work. A run that reaches it is reported as
            far as it came, with badges lowered to weak, and is resumed by the same `out`.
        progress: Called with the part that is worked on and the share done.
        command: What the report says makes this run again.

    Raises:
        PellucidError: Something that was given cannot be used, before any work if possible.
        Interrupted: Ctrl-C; what was finished is stored and reported, and `.run` tells of it.
    """
    started = time.perf_counter()
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
        groups=groups,
        other_seeds=other_seeds,
    )
    check_writable(RUNS if out is None else Path(out))
    located = locate(
        agent,
        env,
        wrappers=wrappers,
        reward_terms=reward_terms,
        device=device,
        policy_class=policy_class,
        outputs=outputs,
        code=code,
        normalize=normalize,
        logs=logs,
        n_episodes=request.n_episodes,
    )
    return explain_located(
        request,
        located,
        out,
        jobs=jobs,
        fresh=fresh,
        limit=limit,
        progress=progress,
        command=command,
        started=started,
    )


def explain_located(
    request: Request,
    located: Located,
    out: str | Path | None,
    *,
    jobs: int = 1,
    fresh: bool = False,
    limit: TimeLimit | None = None,
    progress: Progress | None = None,
    command: str = "",
    started: float,
) -> Run:
    """Do what `explain_all` does once agent and environment are found.

    Args:
        request: What was asked for, checked.
        located: Agent and environment.
        out: As for `explain_all`.
        jobs: As for `explain_all`.
        fresh: As for `explain_all`.
        limit: The time limit that runs already; None for none.
        progress: As for `explain_all`.
        command: As for `explain_all`.
        started: When the work began, by `time.perf_counter`.

    Raises:
        PellucidError: As for `explain_all`.
        Interrupted: As for `explain_all`.
    """
    request = suited(request, located.agent)
    folder = _open(request, located, out, command=command, fresh=fresh)
    meter = Meter(request.allowed, time_limit=limit)
    tell = progress or (lambda part, share: None)
    return _run_in(Work(request, located, folder, meter, jobs, tell), started)


def _run_in(work: Work, started: float) -> Run:
    folder = work.folder
    try:
        with kept_workers():
            return _run(work, started)
    finally:
        folder.close()


def _open(
    request: Request, located: Located, out: str | Path | None, *, command: str, fresh: bool
) -> RunFolder:
    facts = located.facts
    inputs = request.inputs(facts.name, facts.sha256, code_sha256(located.agent), located.spec)
    inputs |= located.asked
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%d-%H%M%S}-{inputs_sha256(inputs)[:8]}"
    head = {
        "run_id": run_id,
        "time": now.isoformat(timespec="seconds"),
        "command": command,
        "inputs": inputs,
    }
    return open_run(RUNS / run_id if out is None else Path(out), head, fresh=fresh)


def _run(work: Work, started: float) -> Run:
    """Make every part that is missing; whatever happens, `run.json` tells it."""
    folder = work.folder
    reused = folder.state == "finished"
    before = folder.seconds
    try:
        make_parts(work)
        if not reused:
            folder.seconds = before + time.perf_counter() - started
            work.progress("report", 0.0)
        run = _report(work, write=not reused)
        _check_usable(run)
    except KeyboardInterrupt:
        folder.seconds = before + time.perf_counter() - started
        folder.set_state("interrupted")
        raise Interrupted(_report(work, write=True, stopped=STOPPED)) from None
    except TimeLimitError as error:
        folder.seconds = before + time.perf_counter() - started
        folder.set_state("stopped: time limit")
        return replace(_report(work, write=True, stopped=str(error)), out_of_time=True)
    except Terminated:
        folder.set_state("failed: terminated")
        raise
    except BaseException as error:
        with suppress(OSError):  # the folder itself may be gone; the first error is the one to tell
            folder.set_state(f"failed: {type(error).__name__}: {error}")
        raise
    if not reused:
        folder.set_state("finished")
    return replace(run, reused=reused)


# --- the report ---


def _report(work: Work, *, write: bool, stopped: str = "") -> Run:
    record = make_record(
        work.request,
        work.located,
        work.folder,
        episodes=work.episodes,
        explanations=work.explanations,
        frames=work.frames or {},
        steps=work.steps,
        used=work.meter.used,
        warnings=work.warnings,
        stability=work.stability,
        stopped=stopped,
    )
    report, document = write_run_report(record, work.folder.path, write=write)
    return Run(work.folder.path, report, record, document)


def _check_usable(run: Run) -> None:
    """Refuse to call a run finished of which no episode could be used; its report is there.

    Raises:
        AgentError: The agent failed first.
        InputError: The reward terms of the user did.
        EnvError: The environment did.
    """
    episodes = run.record.episodes
    if len(episodes):
        return
    first = episodes.excluded[0].failure
    assert first is not None
    kinds: dict[str, type[PellucidError]] = {"agent": AgentError, "reward": InputError}
    raise kinds.get(first.kind, EnvError)(
        f"none of {len(episodes.attempted)} episodes could be used: {first.message}",
        hint=f"see {run.report}",
    )
