"""`pellucid evaluate`: do every test of a stored run again and compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pellucid.cli.process import (
    allow_working_directory,
    limit_threads,
    prepare_torch,
    raise_on_sigterm,
    talk_through_stderr,
)
from pellucid.cli.progress import progress_bar
from pellucid.cli.streams import write_json, write_lines, write_note

if TYPE_CHECKING:
    from pellucid.api.evaluating import Evaluation
    from pellucid.explanation import Interval

LEFT_ITS_INTERVAL = 1


def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run folder.")],
    code: Annotated[
        list[str] | None,
        typer.Option(
            metavar="M:F",
            help="Code of yours that the run names and that may be imported; may be repeated.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Worker processes.")] = 1,
    device: Annotated[
        str, typer.Option(metavar="D", help="Device of the agent's weights.")
    ] = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no warnings.")] = False,
) -> int:
    """Redo every score of a stored run; exit with 1 if one leaves its stored interval."""
    limit_threads()
    talk_through_stderr(quiet=quiet)
    if code:
        allow_working_directory()
    from pellucid.api.evaluating import evaluate as evaluate_run

    prepare_torch()
    raise_on_sigterm()
    with progress_bar(shown=not (quiet or as_json)) as progress:
        outcome = evaluate_run(
            folder, code=tuple(code or ()), jobs=jobs, device=device, progress=progress
        )
    if as_json:
        write_json(outcome.document())
    else:
        write_lines(table(outcome))
    for method in outcome.differing:
        if not quiet:
            write_note(f"pellucid: warning: {method} did not come out the same as it is stored")
    return 0 if outcome.passed else LEFT_ITS_INTERVAL


def table(outcome: "Evaluation") -> str:
    """Return the comparison as lines of text."""
    from pellucid.explanation.wording import show

    def text(interval: "Interval") -> str:
        if not interval.measured:
            return "not measured"
        return f"{show(interval.value)} ({show(interval.low)} to {show(interval.high)})"

    head = ("metric", "stored", "now", "inside")
    rows = [
        (
            f"{row.method} {row.metric}",
            text(row.stored),
            show(row.now.value),
            "yes" if row.inside else "NO",
        )
        for row in outcome.rows
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
    n_outside = sum(not row.inside for row in outcome.rows)
    verdict = f"{n_outside} left their stored interval" if n_outside else "all inside"
    return "\n".join([*lines, f"{len(outcome.rows)} scores: {verdict}"])
