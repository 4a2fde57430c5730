"""Writes every page of a site as plain files, which open from disk without server and network."""

from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import InputError
from pellucid.io import atomic
from pellucid.viewer.site import Site

MOST_STORED = 50
"""Pages of stored steps of each run; the page of the run says what is left out."""


@dataclass(frozen=True)
class Bundle:
    """What was written.

    Args:
        folder: Where.
        index: The page to open.
        n_runs: Runs in it.
        n_files: Files written.
        n_bytes: Of all of them.
        left_out: What is not in it, one sentence each.
    """

    folder: Path
    index: Path
    n_runs: int
    n_files: int
    n_bytes: int
    left_out: tuple[str, ...]


def write_bundle(root: str | Path, out: str | Path, *, most_stored: int = MOST_STORED) -> Bundle:
    """Write every page over a folder of runs.

    Args:
        root: The folder, or a single run's.
        out: Made if it is not there; must be empty and not inside a run.
        most_stored: Pages of stored steps of each run.

    Raises:
        InputError: `root` is no folder, or `out` holds something or lies in a run.
        OSError: It cannot be written.
    """
    site, folder = Site(root, most_stored=most_stored), Path(out)
    entries = site.entries()
    _check_target(folder, [entry.place.folder for entry in entries])
    # listed before anything is written: the folder may lie among the runs
    addresses = list(site.addresses())
    n_files = n_bytes = 0
    for address in addresses:
        page = site.page(address)
        if page is None:  # the run has gone since
            continue
        target = folder / address
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(target, page.content)
        n_files, n_bytes = n_files + 1, n_bytes + len(page.content)
    return Bundle(folder, folder / "index.html", len(entries), n_files, n_bytes, site.left_out())


def _check_target(folder: Path, runs: list[Path]) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"expected an empty folder for the bundle, got {folder}",
            hint="choose another --bundle, or remove what is there",
        )
    place = folder.resolve()
    for run in runs:
        if place.is_relative_to(run.resolve()):
            raise InputError(
                f"{folder} lies in the run {run}, which is only read",
                hint="choose a folder elsewhere",
            )
