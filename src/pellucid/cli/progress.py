"""Progress on stderr: one bar per command, and none where nobody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pellucid.cli.streams import safe


@contextmanager
def progress_bar(*, shown: bool) -> Iterator[Callable[[str, float], None]]:
    """Yield a function that takes the part worked on and the share of it that is done.

    Args:
        shown: False with `--quiet` or `--json`; a stderr that is no terminal shows none either.
    """
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield lambda part, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    # rich itself heeds NO_COLOR and the width of the terminal
    console = Console(stderr=True, highlight=False, markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def tell(part: str, share: float) -> None:
            bar.update(task, description=safe(part), completed=min(1.0, max(0.0, share)))

        yield tell
