"""`pellucid train`: train a language model as a file says, and keep the record of it."""

import shlex
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pellucid.cli.errors import INTERRUPTED
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
    from pellucid.api.training import TrainedRun

STOPPED = 1
"""Exit code of a run that found nothing to learn, or numbers that are not finite."""


class Engine(StrEnum):
    """What trains."""

    native = "native"
    trl = "trl"


class Track(StrEnum):
    """Where numbers are sent."""

    tensorboard = "tensorboard"
    wandb = "wandb"
    trackio = "trackio"


ConfigArgument = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="YAML file; see docs/training.md and configs/.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="A.B=VALUE",
        help="Change one value of the file; may be repeated.",
        show_default=False,
    ),
]
EngineOption = Annotated[
    Engine | None,
    typer.Option(
        help="native: small models and exact resuming; trl: large models on GPUs. By default what "
        "the file says.",
        show_default=False,
    ),
]
TrackOption = Annotated[
    Track | None,
    typer.Option(help="Send the numbers of each update there as well.", show_default=False),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Run folder; a run in it goes on where it stopped. By default runs/<time>-<file>.",
        show_default=False,
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        metavar="S",
        min=0,
        help="Seed of everything; that of the file if not given.",
        show_default=False,
    ),
]


def train(
    config: ConfigArgument,
    changes: SetOption = None,
    engine: EngineOption = None,
    track: TrackOption = None,
    out: OutOption = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start again, whatever the run folder holds.")
    ] = False,
    seed: SeedOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no warnings.")] = False,
) -> int:
    """Train a language model, ask it before and after, and keep the record of every update."""
    limit_threads()
    talk_through_stderr(quiet=quiet)
    allow_working_directory()
    from pellucid.api.training import default_folder, train_model
    from pellucid.api.training_config import load_config
    from pellucid.api.training_summary import summary_text

    asked = load_config(
        config, changes or (), engine=None if engine is None else engine.value, seed=seed
    )
    folder = out or default_folder(asked)
    prepare_torch()
    raise_on_sigterm()
    try:
        with progress_bar(shown=not (quiet or as_json)) as tell:
            run = train_model(
                asked,
                out=folder,
                fresh=fresh,
                track=None if track is None else track.value,
                progress=with_time_left(tell),
                command=command_line(config, changes or (), engine, seed),
            )
    except KeyboardInterrupt:
        write_note(f"pellucid: stopped; the same command with --out {folder} goes on from here")
        return INTERRUPTED
    if run.reused and not (quiet or as_json):
        write_note(f"pellucid: {run.folder} was finished before; nothing was computed again")
    if as_json:
        write_json(run.document)
    else:
        write_lines(summary_text(run.document))
    return exit_code(run)


def exit_code(run: "TrainedRun") -> int:
    """Return 1 if training stopped itself: nothing was learned, and that is no success."""
    return 0 if run.record.state == "finished" else STOPPED


def command_line(
    config: Path, changes: Sequence[str], engine: Engine | None, seed: int | None
) -> str:
    """Return the command that makes the same run."""
    words = ["pellucid", "train", str(config)]
    for change in changes:
        words += ["--set", change]
    if engine is not None:
        words += ["--engine", engine.value]
    if seed is not None:
        words += ["--seed", str(seed)]
    return shlex.join(words)


def with_time_left(
    tell: Callable[[str, float], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[str, float], None]:
    """Return a progress function that says how long the rest will take.

    The time is counted from the first update that is told, so that a run that goes on is not
    taken for a fast one.

    Args:
        tell: Takes the part worked on and the share that is done.
        clock: Seconds.
    """
    first: list[tuple[float, float]] = []

    def tell_with_time(part: str, share: float) -> None:
        if share > 0 and not first:
            first.append((clock(), share))
        if first and share > first[0][1]:
            began, from_share = first[0]
            left = (clock() - began) / (share - from_share) * (1 - share)
            part = f"{part}, {_time(left)} left"
        tell(part, share)

    return tell_with_time


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
