"""`pellucid list`: what is registered, our own and that of plug-ins."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from pellucid.cli.process import limit_threads, talk_through_stderr
from pellucid.cli.streams import write_json, write_lines, write_note


class Family(StrEnum):
    """What can be listed."""

    explainers = "explainers"
    metrics = "metrics"
    adapters = "adapters"
    claims = "claims"


def list_items(
    family: Annotated[Family, typer.Argument(help="What to list.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> int:
    """List explainers, metrics, adapters or claims, those of plug-ins included."""
    limit_threads()
    talk_through_stderr(quiet=True)
    from pellucid import registry

    loaded, problems = registry.load_all(family.value)
    for problem in problems:
        item = problem.item
        write_note(
            f"pellucid: warning: {family.value} {item.name!r} of {item.source}: {problem.message}"
        )
    items = registry.items(family.value)
    rows = [row(items[name], found) for name, found in loaded.items()]
    if family is Family.claims:
        rows = [{**columns, **standing(columns["name"])} for columns in rows]
    if family is Family.explainers:
        rows = [{**columns, "planted": planted(columns["name"])} for columns in rows]
    if as_json:
        write_json(rows)
    else:
        write_lines("\n".join(map(line, rows)) if rows else f"no {family.value} are registered")
    return 0


def row(item: Any, found: Any) -> dict[str, Any]:
    """Return one row of `list --json`.

    Args:
        item: Where it is registered.
        found: What is registered; its `info` tells the rest.
    """
    info = found.info
    kind = getattr(info, "kind", None)
    columns: dict[str, Any] = {
        "name": item.name,
        "family": item.family,
        "leaf": getattr(info, "leaf", None),
        "source": getattr(info, "source", None),
        "needs": sorted(getattr(info, "needs", ())),
        "from": item.source,
    }
    if kind is not None:
        columns["kind"] = kind.kind
    capabilities = getattr(info, "capabilities", None)
    if capabilities is not None:
        columns["capabilities"] = {form: list(can) for form, can in capabilities.items()}
    for name in ("system", "statement"):
        value = getattr(info, name, None)
        if value is not None:
            columns[name] = value
    return columns


def standing(claim: str) -> dict[str, Any]:
    """Return what the records under the working directory say of a claim.

    Args:
        claim: Its id.

    Returns:
        `verdict`, `scale` and `stale` of its record at the largest scale; None where there is none.
    """
    from pellucid.claims.harness import is_stale
    from pellucid.claims.records import DEFAULT_FOLDER, path_of, read_record

    for scale in ("full", "cpu"):
        path = path_of(DEFAULT_FOLDER, claim, scale, 0)
        if path.is_file():
            record = read_record(path)
            verdict = str(record.judgement.verdict)
            return {"verdict": verdict, "scale": scale, "stale": is_stale(record)}
    return {"verdict": None, "scale": None, "stale": None}


def planted(explainer: str) -> dict[str, Any]:
    """Return what the record in the package says of an explainer's planted truth.

    Args:
        explainer: Its name.

    Returns:
        `standing` (None where there is no record), the rows that it `failed` and in which it was
        `unmeasured`, whether the record is `stale`, and the same in `words`.
    """
    from pellucid.bench.standing import standing_of

    found = standing_of(explainer)
    return {
        "standing": found.verdict,
        "failed": list(found.failed),
        "unmeasured": list(found.unmeasured),
        "stale": found.stale,
        "words": found.words,
    }


def line(columns: Mapping[str, Any]) -> str:
    """Return one row as a line of text."""
    words = [str(columns["name"])]
    if columns.get("leaf"):
        words.append(f"[{columns['leaf']}]")
    if columns.get("source"):
        words.append(str(columns["source"]))
    if columns["needs"]:
        words.append(f"needs: {', '.join(columns['needs'])}")
    if columns.get("verdict"):
        stale = ", stale" if columns["stale"] else ""
        words.append(f"{columns['verdict'].replace('_', ' ')} ({columns['scale']}{stale})")
    if columns.get("planted"):
        words.append(columns["planted"]["words"])
    if columns["from"] != "pellucid":
        words.append(f"from {columns['from']}")
    forms = columns.get("capabilities", {})
    return "\n".join(
        ["  ".join(words), *(f"  {form}: {', '.join(can)}" for form, can in forms.items())]
    )
