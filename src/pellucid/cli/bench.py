"""`pellucid bench`: speed and error beside those of other packages."""

from typing import Annotated

import typer

from pellucid.cli.process import limit_threads, prepare_torch, talk_through_stderr
from pellucid.cli.streams import write_json, write_lines, write_note


def bench(
    suite: Annotated[str | None, typer.Argument(help="Which suite; all if not given.")] = None,
    scale: Annotated[
        str, typer.Option("--scale", help="full, or smoke: only shows that it runs.")
    ] = "full",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> int:
    """Compare speed, evaluations and error with other packages, those installed."""
    limit_threads()
    talk_through_stderr(quiet=as_json)
    from pellucid.bench import SUITES
    from pellucid.bench.harness import document, run_suite, scale_named
    from pellucid.bench.table import text

    size = scale_named(scale)
    prepare_torch()
    names = list(SUITES) if suite is None else [suite]
    note = (lambda message: None) if as_json else write_note
    rows = [row for name in names for row in run_suite(name, scale=size, note=note)]
    if as_json:
        write_json(document(rows, size))
    else:
        write_lines(text(rows))
    return 0
