"""`pellucid reproduce`: run claims about published systems and say which come out."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pellucid.cli.process import limit_threads, raise_on_sigterm, talk_through_stderr
from pellucid.cli.progress import progress_bar
from pellucid.cli.streams import write_json, write_lines, write_note
from pellucid.errors import InputError

if TYPE_CHECKING:
    from pellucid.claims.harness import Outcome

NOT_REPRODUCED = 1


class ClaimScale(StrEnum):
    """How much is run."""

    smoke = "smoke"
    cpu = "cpu"
    full = "full"


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CLAIM]...", help="Ids of claims, or systems for all their parts."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every claim.")] = False,
    scale: Annotated[
        ClaimScale, typer.Option(help="smoke: does it run; cpu: two cores; full: the paper's.")
    ] = ClaimScale.cpu,
    seed_offset: Annotated[int, typer.Option(metavar="K", min=0, help="Added to every seed.")] = 0,
    engine: Annotated[
        str, typer.Option(metavar="auto|local", help="Where cells run: in this process.")
    ] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where records go; results/claims if not given, and none at smoke.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no warnings.")] = False,
) -> int:
    """Run claims, store what each cell measured, and exit with 1 if one is not reproduced."""
    limit_threads()
    talk_through_stderr(quiet=quiet)
    _check_engine(engine)
    if bool(names) == everything:
        raise InputError(
            "expected claims or --all, got " + ("both" if names else "neither"),
            hint="`pellucid list claims` shows them",
        )
    from pellucid import registry
    from pellucid.claims.harness import choose, system_verdicts
    from pellucid.claims.harness import reproduce as run_claim
    from pellucid.claims.records import DEFAULT_FOLDER

    claims = choose(registry.names("claims") if everything else names or [])
    folder = out or (None if scale is ClaimScale.smoke else DEFAULT_FOLDER)
    raise_on_sigterm()
    outcomes: list[Outcome] = []
    try:
        with progress_bar(shown=not (quiet or as_json)) as progress:
            for claim in claims:
                outcome = run_claim(
                    claim,
                    scale=scale.value,
                    folder=folder,
                    seed_offset=seed_offset,
                    progress=progress,
                )
                outcomes.append(outcome)
    except KeyboardInterrupt:
        if folder is not None and not quiet:
            write_note(f"pellucid: finished cells are in {folder}; the same command goes on")
        raise
    systems = system_verdicts(outcomes)
    if as_json:
        rows = [{"system": name, "verdict": verdict} for name, verdict in systems.items()]
        write_json({"claims": [o.document() for o in outcomes], "systems": rows})
    else:
        write_lines(table(outcomes))
        write_lines("\n".join(f"{n}: {_words(v) if v else 'not run'}" for n, v in systems.items()))
    return exit_code(outcomes, named=names or ())


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


def _check_engine(engine: str) -> None:
    if engine == "ray":
        raise InputError("the engine 'ray' is not there yet", hint="use --engine local")
    if engine not in ("auto", "local"):
        raise InputError(f"expected the engine auto or local, got {engine!r}")
