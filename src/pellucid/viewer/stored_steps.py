"""What a run stored step by step, whichever kind of run it is: an overview, and pages of it."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from pellucid.errors import PellucidError
from pellucid.posttrain.recording import RunRecord
from pellucid.report.language.record import Group
from pellucid.rollouts.episodes import Episodes
from pellucid.viewer import episodes as of_agents
from pellucid.viewer import samples as of_training
from pellucid.viewer.entries import Entry
from pellucid.viewer.rendering import render

MOST_ROWS = 300
"""Episodes or steps that the overview lists; all are on the pages."""


@dataclass(frozen=True)
class StoredEpisodes:
    """Episodes with the pages that show them."""

    episodes: Episodes
    pages: list[of_agents.StepsPage]


@dataclass(frozen=True)
class StoredSamples:
    """A record of training with the pages that show its answers."""

    record: RunRecord
    pages: list[list[Group]]


@dataclass(frozen=True)
class NothingStored:
    """Why there is nothing to page through.

    Args:
        reason: One sentence.
    """

    reason: str

    @property
    def pages(self) -> list[Any]:
        """None."""
        return []


Stored: TypeAlias = StoredEpisodes | StoredSamples | NothingStored


def files_of(entry: Entry) -> tuple[str, ...]:
    """Return the files that `read_stored` reads."""
    return of_training.FILES if entry.kind == "training" else of_agents.FILES


def read_stored(entry: Entry) -> Stored:
    """Return what a run stored; what cannot be read is said and raises nothing."""
    place = entry.place
    if not all(place.holds(name) for name in files_of(entry)[:1]):
        if entry.kind == "training":
            return NothingStored("The record was not written by pellucid, and lies elsewhere.")
        return NothingStored("No episode is stored yet.")
    try:
        if entry.kind == "training":
            record = of_training.read_record(place)
            pages = of_training.sample_pages(record)
            if not record.samples:
                return NothingStored(record.absent.get("samples", "No answer is stored yet."))
            return StoredSamples(record, pages)
        episodes = of_agents.read_episodes(place)
        return StoredEpisodes(episodes, of_agents.steps_pages(episodes))
    except PellucidError as error:
        return NothingStored(f"What is stored cannot be read: {error}")


def overview(stored: Stored, most_pages: int | None) -> dict[str, Any]:
    """Return what the page of a run says of what it stored.

    Args:
        stored: What was read.
        most_pages: Pages that there are at most; None for all.
    """
    rows: list[dict[str, Any]] = []
    if isinstance(stored, StoredEpisodes):
        rows = of_agents.episode_rows(stored.episodes)
    elif isinstance(stored, StoredSamples):
        rows = list(of_training.step_rows(stored.pages))
    count = len(stored.pages)
    shown = count if most_pages is None else min(count, most_pages)
    left_out = f"Here are the first {shown} of {count} pages; the rest is in the run."
    return {
        "rows": rows[:MOST_ROWS],
        "n_more": max(0, len(rows) - MOST_ROWS),
        "n_pages": shown,
        "left_out": left_out if shown < count else "",
        "reason": stored.reason if isinstance(stored, NothingStored) else "",
    }


def stored_page(entry: Entry, stored: Stored, number: int, count: int) -> bytes:
    """Return one page of what is stored.

    Args:
        entry: The run.
        stored: What was read.
        number: Of the page, from 1.
        count: How many pages there are.
    """
    shared = {"up": "../../", "entry": entry, "number": number, "count": count}
    if isinstance(stored, StoredSamples):
        page = of_training.samples_page(stored.record, stored.pages[number - 1])
        return render("answers.html.j2", **shared, **answer_tools(page))
    assert isinstance(stored, StoredEpisodes)
    document = of_agents.steps_document(stored.episodes, stored.pages[number - 1])
    return render("steps.html.j2", **shared, page=document)


def answer_tools(page: Any) -> dict[str, Any]:
    """Return what the reports' own rows of answers call."""
    return {
        "page": page,
        "doc": page.document,
        "f": page.fact,
        "t": page.told,
        "s": page.said,
        "shown": of_training.ANSWERS,
    }
