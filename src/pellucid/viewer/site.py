"""Site: every page over a folder of runs by its address, made when it is asked for.

Addresses are relative and the same whether pages are served or written as files:

- `index.html`, the list of runs;
- `runs/<key>/index.html`, one run: its state, what it stored, other runs to put beside it;
- `runs/<key>/report.html` and `report.json`, its report;
- `runs/<key>/stored-<n>.html`, its stored episodes or answers;
- `compare/<key>/<key>.html`, two runs matched by question.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.errors import InputError, PellucidError
from pellucid.viewer.entries import BADGES, Entry, entry_of, matched_answers
from pellucid.viewer.keeping import Keeper
from pellucid.viewer.reading import (
    DEEPEST,
    HTML_FILE,
    JSON_FILE,
    LOCK_FILE,
    MAX_REPORT_BYTES,
    RUN_FILE,
    Found,
    Place,
    find_runs,
)
from pellucid.viewer.rendering import render
from pellucid.viewer.samples import shared_page
from pellucid.viewer.stored_page import fit_to_show
from pellucid.viewer.stored_steps import (
    Stored,
    StoredSamples,
    answer_tools,
    files_of,
    overview,
    read_stored,
    stored_page,
)

HTML, JSON = "text/html; charset=utf-8", "application/json"
MOST_PARTNERS = 12
"""Other runs that the page of a run offers to put beside it."""
_RUN_PAGE = re.compile(r"runs/(?P<key>[\w.-]+)/(?P<name>index\.html|report\.html|report\.json)")
_STORED = re.compile(r"runs/(?P<key>[\w.-]+)/stored-(?P<number>[1-9]\d{0,8})\.html")
_COMPARED = re.compile(r"compare/(?P<first>[\w.-]+)/(?P<second>[\w.-]+)\.html")


@dataclass(frozen=True)
class Page:
    """What is at an address.

    Args:
        content: Its bytes.
        media: Their type.
    """

    content: bytes
    media: str = HTML


class Site:
    """Pages over a folder of runs, which may be written meanwhile.

    Args:
        root: The folder, or a single run's.
        most_stored: Pages of stored steps of each run; None for all.

    Raises:
        InputError: It is no folder.
    """

    def __init__(self, root: str | Path, *, most_stored: int | None = None) -> None:
        self.root = Path(root)
        self.most_stored = most_stored
        if not self.root.is_dir():
            raise InputError(
                f"expected a folder of runs, got {self.root}",
                hint="give the folder that holds your runs, usually runs",
            )
        self._entries: Keeper[Entry] = Keeper(most=4096)
        self._stored: Keeper[Stored] = Keeper(most=2)

    # --- addresses ---

    def page(self, address: str) -> Page | None:
        """Return what is at an address, None if nothing is.

        Args:
            address: Without a leading slash; it is compared with what there is, and never used as
                a path.
        """
        if address in ("", "index.html"):
            return self._list()
        for pattern, make in (
            (_RUN_PAGE, self._run_page),
            (_STORED, self._stored_page),
            (_COMPARED, self._compared),
        ):
            match = pattern.fullmatch(address)
            if match is not None:
                return make(match)
        return None

    def addresses(self) -> Iterator[str]:
        """Yield the address of every page that another one leads to."""
        yield "index.html"
        entries = self.entries()
        pairs: dict[str, None] = {}
        for entry in entries:
            yield f"runs/{entry.key}/index.html"
            if entry.has_report:
                yield f"runs/{entry.key}/{HTML_FILE}"
                yield f"runs/{entry.key}/{JSON_FILE}"
            for number in range(1, self._count(self._read(entry)) + 1):
                yield f"runs/{entry.key}/stored-{number}.html"
            pairs.update(dict.fromkeys(address for _, address in partners(entry, entries)))
        yield from pairs

    def entries(self) -> list[Entry]:
        """Return every run, the newest first."""
        return self._newest_first(find_runs(self.root))

    def left_out(self) -> tuple[str, ...]:
        """Return what was not looked at, one sentence each."""
        return find_runs(self.root).left_out

    # --- pages ---

    def _list(self) -> Page:
        found = find_runs(self.root)
        entries = self._newest_first(found)
        return Page(
            render(
                "list.html.j2",
                up="",
                folder=self.root.resolve().name or "/",
                entries=entries,
                left_out=found.left_out,
                badges=BADGES,
                deepest=DEEPEST,
            )
        )

    def _run_page(self, match: re.Match[str]) -> Page | None:
        entry = self._entry(match["key"])
        if entry is None:
            return None
        refused = ""
        if match["name"] != "index.html":
            if not entry.has_report:
                return None
            try:
                return _report(entry.place, match["name"])
            except PellucidError as error:
                if match["name"] == JSON_FILE:
                    return None
                refused = str(error)
        return self._of_run(entry, refused)

    def _of_run(self, entry: Entry, refused: str) -> Page:
        return Page(
            render(
                "run.html.j2",
                up="../../",
                entry=entry,
                refused=refused,
                stored=overview(self._read(entry), self.most_stored),
                partners=partners(entry, self.entries()),
            )
        )

    def _stored_page(self, match: re.Match[str]) -> Page | None:
        entry, number = self._entry(match["key"]), int(match["number"])
        if entry is None:
            return None
        stored = self._read(entry)
        count = self._count(stored)
        if number > count:
            return None
        return Page(stored_page(entry, stored, number, count))

    def _compared(self, match: re.Match[str]) -> Page | None:
        first, second = self._entry(match["first"]), self._entry(match["second"])
        if first is None or second is None or first.kind != second.kind:
            return None
        values: dict[str, Any] = {"page": None, "doc": None, "f": None, "t": None, "s": None}
        pairs: list[tuple[int, int]] = []
        n_shared = 0
        if first.kind == "training":
            ours, others = self._read(first), self._read(second)
            if isinstance(ours, StoredSamples) and isinstance(others, StoredSamples):
                page, pairs, n_shared = shared_page(ours.record, others.record)
                values = answer_tools(page)
        return Page(
            render(
                "compare.html.j2",
                **{"shown": 0, **values},
                up="../../",
                first=first,
                second=second,
                rows=_questions(first, second),
                pairs=pairs,
                n_shared=n_shared,
            )
        )

    # --- what is stored ---

    def _newest_first(self, found: Found) -> list[Entry]:
        entries = [self._entry_at(place) for place in found.places]
        return sorted(entries, key=lambda entry: (-entry.when, entry.key))

    def _entry(self, key: str) -> Entry | None:
        places = find_runs(self.root).places
        return next((self._entry_at(place) for place in places if place.key == key), None)

    def _entry_at(self, place: Place) -> Entry:
        # the lock too: whether its holder lives is asked again whenever the run is not finished
        stamps = place.stamps(RUN_FILE, JSON_FILE, HTML_FILE, LOCK_FILE)
        kept = self._entries.get((place.name, stamps), lambda: entry_of(place))
        return entry_of(place) if kept.state == "running" else kept

    def _read(self, entry: Entry) -> Stored:
        stamps = entry.place.stamps(*files_of(entry))
        return self._stored.get((entry.place.name, stamps), lambda: read_stored(entry))

    def _count(self, stored: Stored) -> int:
        count = len(stored.pages)
        return count if self.most_stored is None else min(count, self.most_stored)


def partners(entry: Entry, entries: list[Entry]) -> list[tuple[Entry, str]]:
    """Return other runs to put beside one, with the addresses of the pages that do so.

    Args:
        entry: The run.
        entries: All runs, the newest first; those in the same environment come first.
    """
    others = [e for e in entries if e.kind == entry.kind and e.key != entry.key]
    others.sort(key=lambda other: other.environment != entry.environment)
    found = []
    for other in others[:MOST_PARTNERS]:
        # one page for both orders
        first, second = sorted((entry.key, other.key))
        found.append((other, f"compare/{first}/{second}.html"))
    return found


def _questions(first: Entry, second: Entry) -> list[dict[str, Any]]:
    matched = matched_answers(first.answers, second.answers)
    rows = []
    for ours, at in zip(first.answers, matched, strict=True):
        theirs = second.answers[at] if at is not None else None
        other = theirs.question if theirs is not None and theirs.question != ours.question else ""
        rows.append({"question": ours.question, "other": other, "first": ours, "second": theirs})
    rows += [
        {"question": theirs.question, "other": "", "first": None, "second": theirs}
        for i, theirs in enumerate(second.answers)
        if i not in matched
    ]
    return rows


def _report(place: Place, name: str) -> Page:
    content = place.read(name, max_bytes=MAX_REPORT_BYTES)
    return Page(content, JSON) if name == JSON_FILE else Page(fit_to_show(content))
