"""`pellucid reproduce`: run claims about published systems and say which come out."""

import math
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pellucid.cli.errors import BAD_INPUT
from pellucid.cli.process import limit_threads, raise_on_sigterm, talk_through_stderr
from pellucid.cli.progress import progress_bar
from pellucid.cli.streams import write_json, write_lines, write_note
from pellucid.errors import InputError

if TYPE_CHECKING:
    from pellucid.claims.claim import Claim
    from pellucid.claims.engines import Engine
    from pellucid.claims.harness import Reproduction
    from pellucid.claims.outcome import Outcome

NOT_REPRODUCED = 1


class ClaimScale(StrEnum):
    """How much is run."""

    smoke = "smoke"
    cpu = "cpu"
    full = "full"


class EngineName(StrEnum):
    """Where cells run."""

    auto = "auto"
    local = "local"
    ray = "ray"


NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[CLAIM]...", help="Ids of claims, or systems for all their parts."),
]
ScaleOption = Annotated[
    ClaimScale, typer.Option(help="smoke: does it run; cpu: two cores; full: the paper's.")
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Cells side by side, each in a process; results do not depend on it. By default one "
        "per core, and at smoke none but this process.",
        show_default=False,
    ),
]
EngineOption = Annotated[
    EngineName,
    typer.Option(
        help="local: processes on this machine; ray: Ray tasks, on the cluster that RAY_ADDRESS "
        "names or on this machine; auto: ray if RAY_ADDRESS names a cluster that can be used, "
        "else local."
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Longest time for one cell, after which it is run once more and then is not "
        "measured; 120 at smoke, 3600 at cpu and none at full if not given.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where records go; results/claims if not given, and none at smoke.",
        show_default=False,
    ),
]


def reproduce(
    names: NamesArgument = None,
    everything: Annotated[bool, typer.Option("--all", help="Every claim.")] = False,
    scale: ScaleOption = ClaimScale.cpu,
    seed_offset: Annotated[int, typer.Option(metavar="K", min=0, help="Added to every seed.")] = 0,
    jobs: JobsOption = None,
    engine: EngineOption = EngineName.auto,
    timeout: TimeoutOption = None,
    out: OutOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no warnings.")] = False,
) -> int:
    """Run claims, store what each cell measured, and exit with 1 if one is not reproduced."""
    limit_threads()
    talk_through_stderr(quiet=quiet)
    if bool(names) == everything:
        raise InputError(
            "expected claims or --all, got " + ("both" if names else "neither"),
            hint="`pellucid list claims` shows them",
        )
    if timeout is not None and not 0 < timeout < math.inf:
        raise InputError(f"expected a timeout of some seconds, got {timeout:g}")
    from pellucid import registry
    from pellucid.api.run_folder import check_writable
    from pellucid.claims.harness import choose
    from pellucid.claims.records import DEFAULT_FOLDER

    claims = choose(registry.names("claims") if everything else names or [])
    folder = out or (None if scale is ClaimScale.smoke else DEFAULT_FOLDER)
    if folder is not None:
        check_writable(folder)
    raise_on_sigterm()
    runner = _engine(engine, scale, jobs, timeout, quiet=quiet)
    done = _run(claims, scale, seed_offset, folder, runner, quiet=quiet, talk=not as_json)
    _tell(done, as_json=as_json, quiet=quiet)
    if done.not_run and names:
        return BAD_INPUT  # with --all it is enough that it is said
    return exit_code(done.outcomes, named=names or ())


def _engine(
    name: EngineName, scale: ClaimScale, jobs: int | None, timeout: float | None, *, quiet: bool
) -> "Engine | None":
    """Return what runs the cells; None is this process."""
    from pellucid.claims.engine_choice import choose_engine
    from pellucid.claims.engines import MOST_SECONDS, all_cores

    if scale is ClaimScale.smoke and jobs is None and name is not EngineName.ray:
        return None  # starting another process takes longer than the cells
    return choose_engine(
        name.value,
        jobs=jobs or all_cores(),
        seconds=timeout or MOST_SECONDS[scale.value],
        setup=partial(talk_through_stderr, quiet=quiet),
    )


def _run(
    claims: "Sequence[Claim]",
    scale: ClaimScale,
    seed_offset: int,
    folder: Path | None,
    engine: "Engine | None",
    *,
    quiet: bool,
    talk: bool,
) -> "Reproduction":
    from pellucid.claims.harness import reproduce_all

    try:
        with progress_bar(shown=talk and not quiet) as tell:
            return reproduce_all(
                claims,
                scale=scale.value,
                folder=folder,
                seed_offset=seed_offset,
                engine=engine,
                progress=lambda status: tell(str(status), status.share),
            )
    except KeyboardInterrupt:
        if folder is not None and not quiet:
            write_note(f"pellucid: finished cells are in {folder}; the same command goes on")
        raise


def _tell(done: "Reproduction", *, as_json: bool, quiet: bool) -> None:
    from pellucid.claims.outcome import over_budget, system_verdicts

    outcomes = done.outcomes
    systems = system_verdicts(outcomes)
    if as_json:
        write_json(
            {
                "claims": [o.document() for o in outcomes],
                "systems": [{"system": name, "verdict": v} for name, v in systems.items()],
                "not_run": [{"id": n.claim.id, "reason": n.reason} for n in done.not_run],
            }
        )
    elif outcomes:
        write_lines(table(outcomes))
        write_lines("\n".join(f"{n}: {_words(v) if v else 'not run'}" for n, v in systems.items()))
    for lacking in done.not_run:
        write_note(f"pellucid: {lacking.claim.id} cannot be run here: {lacking.reason}")
    for sentence in () if quiet else over_budget(outcomes):
        write_note(f"pellucid: warning: {sentence}")


def exit_code(outcomes: Sequence["Outcome"], *, named: Sequence[str]) -> int:
    """Return 1 if a claim that counts is not reproduced, else 0.

    Primary claims count, and those that the user named by their id: other parts may be there to
    show that the harness rejects them. At smoke a failure is a fault of the code, so all count.
    """
    for outcome in outcomes:
        counts = (
            outcome.claim.primary
            or outcome.claim.id in named
            or outcome.record.start.scale == ClaimScale.smoke
        )
        if counts and outcome.verdict == "not_reproduced":
            return NOT_REPRODUCED
    return 0


def table(outcomes: Sequence["Outcome"]) -> str:
    """Return one line per claim: id, verdict, effect with its interval, and why."""
    from pellucid.explanation.wording import show

    rows = []
    for outcome in outcomes:
        judged = outcome.record.judgement
        measured = judged.effect == judged.effect
        effect = f"{show(judged.effect)} ({show(judged.low)} to {show(judged.high)})"
        rows.append(
            (
                outcome.claim.id,
                _words(judged.verdict),
                effect if measured else f"n = {judged.n}",
                judged.reason,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[3]])
        for row in rows
    )


def _words(verdict: str) -> str:
    return str(verdict).replace("_", " ")
