"""`pellucid objective`: what formalisms can express, for an order of yours and in general."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pellucid.cli.process import limit_threads, talk_through_stderr
from pellucid.cli.streams import terminal_width, write_json, write_lines

if TYPE_CHECKING:
    from pellucid.tabular.objectives import Finding, Task

SAMPLE = (
    "This is about the policies and trajectories in the file. An order over all policies may be "
    "out of reach although every sample of it can be expressed."
)


def check(
    task: Annotated[
        Path,
        typer.Argument(metavar="TASK", help="YAML or JSON: a problem, policies and their order."),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> int:
    """Say which of 17 objective formalisms can express an order, with the objective or a proof."""
    limit_threads()
    talk_through_stderr(quiet=as_json)
    from pellucid.tabular.objectives import check_task, read_task

    read = read_task(task)
    findings = check_task(read)
    if as_json:
        write_json(document(read, findings))
    else:
        write_lines(text(read, findings))
    return 0


def diagram(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="SVG file to write.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> int:
    """Prove which formalisms express more than which, and draw it."""
    limit_threads()
    talk_through_stderr(quiet=as_json)
    from pellucid.io.atomic import atomic_write
    from pellucid.tabular.objectives import diagram_svg, matrix, verified, witnesses

    cells = matrix(witnesses())
    if out.is_dir():
        from pellucid.errors import InputError

        raise InputError(f"expected a file for --out, got the folder {out}")
    with atomic_write(out) as file:
        file.write(diagram_svg(cells).encode())
    n_holds = sum(cell.holds for cell in cells.values())
    n_proved = sum(verified(cell) for cell in cells.values() if not cell.holds)
    n_fails = len(cells) - n_holds
    if as_json:
        rows = [
            {
                "row": cell.row,
                "column": cell.column,
                "expresses": cell.holds,
                "way": list(cell.way or ()),
                "witness": cell.witness.name if cell.witness else None,
                "reason": cell.certificate.text() if cell.certificate else None,
            }
            for cell in cells.values()
        ]
        write_json({"diagram": str(out), "cells": rows})
    else:
        write_lines(
            f"{n_holds} pairs of classes hold, {n_proved} of the other {n_fails} are refuted by a "
            f"proof that was checked; drawn in {out}"
        )
    return 0


def document(task: "Task", findings: "list[Finding]") -> dict[str, object]:
    """Return what `--json` prints: one entry per formalism, and the order."""
    from pellucid.tabular.objectives import FORMALISMS, names

    by_group = {finding.group: finding for finding in findings}
    rows = []
    for one in FORMALISMS:
        finding = by_group[one.group]
        certificate = finding.certificate
        rows.append(
            {
                "formalism": one.short,
                "name": one.name,
                "class": names(one.group),
                "status": finding.status.replace(" ", "_"),
                "reason": finding.text,
                "objective": dict(finding.objective) or None,
                "certificate": type(certificate).__name__ if certificate else None,
                "verified": finding.verified,
            }
        )
    preferences = task.preferences
    return {
        "items": list(preferences.names),
        "better": [[preferences.names[i] for i in pair] for pair in preferences.wanted.better],
        "ties": [[preferences.names[i] for i in pair] for pair in preferences.wanted.ties],
        "discounts": [float(discount) for discount in task.discounts],
        "formalisms": rows,
        "scope": SAMPLE,
    }


def text(task: "Task", findings: "list[Finding]") -> str:
    """Return the findings as lines, one class after another, from the most expressive one."""
    import textwrap

    from pellucid.tabular.objectives import names

    width = max(40, terminal_width())
    lines = []
    for finding in findings:
        checked = ", checked exactly" if finding.verified else ""
        lines.append(f"{names(finding.group)}: {finding.status}{checked}")
        lines += textwrap.wrap(finding.text, width, initial_indent="  ", subsequent_indent="  ")
    return "\n".join([*lines, "", *textwrap.wrap(SAMPLE, width)])
