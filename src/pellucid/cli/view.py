"""`pellucid view`: look at stored runs in a browser, or write them as plain files."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli.errors import INTERRUPTED
from pellucid.cli.process import limit_threads, talk_through_stderr
from pellucid.cli.streams import write_json, write_lines, write_note


def view(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of runs, or one run's folder.")
    ],
    bundle: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Write all pages as plain files into this folder and serve nothing.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=65535, help="First port to try; 0 for any that is free."
        ),
    ] = 8710,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the list in a browser.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the address as one JSON document.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No warnings.")] = False,
) -> int:
    """Show stored runs in a browser on this machine: read only, until Ctrl-C."""
    limit_threads()
    talk_through_stderr(quiet=quiet or as_json)
    if bundle is not None:
        return _bundle(folder, bundle, as_json=as_json)
    from pellucid.viewer.server import open_server, serve
    from pellucid.viewer.site import Site

    server = open_server(Site(folder), port)

    def ready(url: str) -> None:
        if as_json:
            write_json({"address": url, "folder": str(folder)})
        else:
            write_lines(f"Runs in {folder}: {url}\nOnly this machine can open it. Ctrl-C ends it.")
        if browser and not as_json:
            _open(url)

    try:
        serve(server, ready=ready)
    except KeyboardInterrupt:
        # not an error: it is how a viewer is closed
        if not as_json:
            write_note("pellucid: closed")
    return INTERRUPTED


def _bundle(folder: Path, out: Path, *, as_json: bool) -> int:
    from pellucid.viewer.bundle import write_bundle

    made = write_bundle(folder, out)
    if as_json:
        write_json(
            {
                "bundle": str(made.folder),
                "index": str(made.index),
                "runs": made.n_runs,
                "files": made.n_files,
                "bytes": made.n_bytes,
                "left_out": list(made.left_out),
            }
        )
        return 0
    megabytes = made.n_bytes / 1e6
    write_lines(f"{made.n_runs} runs, {made.n_files} files, {megabytes:.1f} MB: open {made.index}")
    for sentence in made.left_out:
        write_note(f"pellucid: warning: {sentence}")
    return 0


def _open(url: str) -> None:
    # without a screen the browser would be one of text, which takes the terminal
    has_screen = sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if has_screen:
        import webbrowser

        webbrowser.open(url)
