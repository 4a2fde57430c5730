"""`pellucid doctor`: what a bug report needs, and what is missing."""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from pellucid.cli.process import limit_threads, talk_through_stderr
from pellucid.cli.streams import write_json, write_lines
from pellucid.workers import THREAD_VARIABLES


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> int:
    """Show versions, devices, extras and plug-ins, and what is wrong with them."""
    limit_threads()
    talk_through_stderr(quiet=True)
    report = examine()
    if as_json:
        write_json(report)
    else:
        write_lines(text(report))
    return 0


def examine() -> dict[str, Any]:
    """Return the state of this installation as plain JSON values."""
    from pellucid import provenance, registry

    system = provenance.system_report()
    plugins, problems = [], []
    for family in registry.FAMILIES:
        loaded, found = registry.load_all(family)
        items = registry.items(family)
        plugins += [
            {"family": family, "name": name, "from": items[name].source}
            for name in loaded
            if items[name].source != "pellucid"
        ]
        problems += [
            {
                "family": family,
                "name": problem.item.name,
                "from": problem.item.source,
                "message": problem.message,
            }
            for problem in found
        ]
    return {
        **system,
        "extras": {name: _extra(name, found) for name, found in system["extras"].items()},
        "threads": _threads(),
        "devices": _devices(),
        "plugins": plugins,
        "problems": problems,
        "write": _write_test(),
    }


def text(report: dict[str, Any]) -> str:
    """Return the report as lines of text."""
    lines = [f"{name} {version}" for name, version in report["versions"].items()]
    lines.append(f"{report['platform']}, {report['processors']} processors")
    lines.append(f"devices: {', '.join(report['devices'])}")
    threads = report["threads"]
    denormal = "zero" if threads["flush_denormal"] else "kept, as this processor has no choice"
    lines.append(
        f"threads for matrix work: {threads['torch']}; denormal numbers are {denormal}; "
        "work is spread with --jobs"
    )
    for name, extra in report["extras"].items():
        state = "installed" if not extra["missing"] else f"missing: {extra['install']}"
        lines.append(f"extra {name}: {state}")
    lines += [f"plug-in {p['family']} {p['name']} from {p['from']}" for p in report["plugins"]]
    lines += [
        f"PROBLEM {p['family']} {p['name']} from {p['from']}: {p['message']}"
        for p in report["problems"]
    ]
    written = report["write"]
    lines.append(
        f"writing in {written['folder']}: {'works' if written['works'] else written['message']}"
    )
    return "\n".join(lines)


def _extra(name: str, found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "install": f'pip install "pellucid[{name}]"' if found["missing"] else None}


def _threads() -> dict[str, Any]:
    import torch

    from pellucid.cli.process import prepare_torch

    flush_denormal = prepare_torch()
    return {
        "torch": torch.get_num_threads(),
        "flush_denormal": flush_denormal,
        "variables": {name: os.environ.get(name) for name in THREAD_VARIABLES},
    }


def _devices() -> list[str]:
    import torch

    found = ["cpu"]
    if torch.cuda.is_available():
        found += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    return found


def _write_test() -> dict[str, Any]:
    """Try to write where runs go by default."""
    here = Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=here) as file:
            file.write(b"pellucid")
    except OSError as error:
        return {"folder": str(here), "works": False, "message": error.strerror or str(error)}
    return {"folder": str(here), "works": True, "message": ""}
