"""`pellucid bench`: speed and error beside other packages, and explainers put to a known truth."""

from typing import TYPE_CHECKING, Annotated

import typer

from pellucid.cli.process import limit_threads, prepare_torch, talk_through_stderr
from pellucid.cli.streams import write_json, write_lines, write_note

if TYPE_CHECKING:
    from pellucid.bench.harness import NoteFn, Scale


def bench(
    suite: Annotated[
        str | None,
        typer.Argument(
            help="Which suite; all comparisons with other packages if not given. "
            "planted: every explainer on tasks whose answer is known."
        ),
    ] = None,
    scale: Annotated[
        str, typer.Option("--scale", help="full, or smoke: only shows that it runs.")
    ] = "full",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> int:
    """Compare speed and error with other packages, or put explainers to a known truth."""
    limit_threads()
    talk_through_stderr(quiet=as_json)
    from pellucid.bench import BOARDS, SUITES
    from pellucid.bench.harness import document, run_suite, scale_named
    from pellucid.bench.table import text

    size = scale_named(scale)
    prepare_torch()
    note = (lambda message: None) if as_json else write_note
    if suite in BOARDS:
        return _board(suite, size, note, as_json=as_json)
    names = list(SUITES) if suite is None else [suite]
    rows = [row for name in names for row in run_suite(name, scale=size, note=note)]
    if as_json:
        write_json(document(rows, size))
    else:
        write_lines(text(rows))
    return 0


def _board(name: str, scale: "Scale", note: "NoteFn", *, as_json: bool) -> int:
    from pellucid.bench.board_table import text
    from pellucid.bench.boards import document, run_board
    from pellucid.bench.standing import told
    from pellucid.faithfulness.standing import failure

    rows = run_board(name, scale=scale, note=note)
    made = document(rows, scale)
    made["explainers"] = told(made["rows"])
    if as_json:
        write_json(made)
        return 0
    failed = [entry for entry in made["explainers"] if entry["standing"] == "failed"]
    lines = [
        f"{entry['method']} fails its planted truth: {', '.join(map(failure, entry['failed']))}"
        for entry in failed
    ]
    write_lines("\n".join([text(rows), *lines]))
    return 0
