"""Makes a page small enough to open anywhere, and says what was left out of it.

First fewer frames, those of key moments and the five steps around them last; then rows of long
lists in the page's data; then digits. `report.json` and the run's folder keep everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pellucid.report.moments import key_moments
from pellucid.report.record import EpisodeFrames, RunRecord
from pellucid.report.said import Document, said

PAGE_BYTES = 5_000_000
"""Most bytes of a page."""
FRAME_BYTES = 2_500_000
"""Most bytes of the frames in it, as text."""
AROUND = 5
"""Steps on both sides of a key moment whose frames are kept longest."""
LONG_TEXT = 2000
"""Signs of a text in the page's data; the page itself has it in full."""


@dataclass(frozen=True)
class Limits:
    """What a page may hold.

    Args:
        frame_bytes: Bytes of its frames, as text.
        rows: Rows of each list in its data, the timeline aside.
        digits: Significant digits of the numbers in its data.
    """

    frame_bytes: int = FRAME_BYTES
    rows: int = 2000
    digits: int = 4


def tightening() -> Iterator[Limits]:
    """Yield limits from the usual ones to the tightest, in the order in which things go."""
    yield Limits()
    for frame_bytes in (FRAME_BYTES // 2, FRAME_BYTES // 4, FRAME_BYTES // 16):
        yield Limits(frame_bytes)
    for rows in (500, 60):
        yield Limits(FRAME_BYTES // 16, rows)
    yield Limits(0, 60, 3)


def limits_of(document: Document) -> Limits:
    """Return the limits that a document was made for."""
    page = document["page"]
    return Limits(page["frame_bytes"], page["rows"], page["digits"])


def with_fewer_frames(record: RunRecord, positions: Sequence[int], limits: Limits) -> RunRecord:
    """Return the run with the frames of the shown episodes that fit.

    Args:
        record: The run.
        positions: Episodes that are shown; frames of others are left out.
        limits: Of the page.
    """
    shown = {p: record.frames[p] for p in positions if p in record.frames}
    keys = {p: _key_steps(record, p) for p in shown}
    for choice in _choices(shown, keys):
        if sum(_text_bytes(shown[p], kept) for p, kept in choice.items()) <= limits.frame_bytes:
            return replace(record, frames={p: _only(shown[p], k) for p, k in choice.items() if k})
    return replace(record, frames={})


def page_part(whole: RunRecord, fitted: RunRecord, document: Document, limits: Limits) -> Document:
    """Return the limits of a page and one sentence for everything that it leaves out.

    Args:
        whole: The run as it was recorded.
        fitted: The run with the frames that fit.
        document: The document so far.
        limits: Of the page.
    """
    dropped = []
    n_all = sum(len(frames.steps) for frames in whole.frames.values())
    n_kept = sum(len(frames.steps) for frames in fitted.frames.values())
    if n_kept < n_all:
        dropped.append(
            said(
                "Of {n} frames, {k} are in this page, those of key moments first; all are in the "
                "folder {where} of the run.",
                n=n_all,
                k=n_kept,
                where="frames",
            )
        )
    sampled = [e for e in document["timeline"]["episodes"] if e["n_kept"] < e["n_steps"]]
    if sampled:
        first = sampled[0]
        dropped.append(
            said(
                "Of episodes with more than {m} steps the page holds even samples and all key "
                "moments: {k} of {n} steps of episode {e}; all are in the folder {where} of the "
                "run.",
                m=first["n_kept"],
                k=first["n_kept"],
                n=first["n_steps"],
                e=first["episode"],
                where="episodes",
            )
        )
    n_long = _n_longer(document, limits.rows)
    if n_long:
        dropped.append(
            said(
                "Lists of which the page's data holds the first {rows} rows only: {k}; all rows "
                "are in {where}.",
                rows=limits.rows,
                k=n_long,
                where="report.json",
            )
        )
    return {
        "frame_bytes": limits.frame_bytes,
        "rows": limits.rows,
        "digits": limits.digits,
        "dropped": dropped,
    }


def shortened(document: Document, rows: int) -> Document:
    """Return a document for the page's data: long lists and texts cut, the timeline whole."""
    return {
        key: value if key == "timeline" else _cut(value, rows) for key, value in document.items()
    }


# --- frames ---


def _choices(
    shown: Mapping[int, EpisodeFrames], keys: Mapping[int, Sequence[int]]
) -> Iterator[dict[int, list[int]]]:
    """Yield which frames to keep, fewer each time; those around key moments go last."""
    longest = max((len(frames.steps) for frames in shown.values()), default=0)
    every = 1
    while every <= max(1, longest):
        yield {p: _thinned(frames, keys[p], every, AROUND) for p, frames in shown.items()}
        every = max(every + 1, every * 5 // 4)
    for around in (AROUND, 0):
        yield {p: _thinned(frames, keys[p], None, around) for p, frames in shown.items()}
    every = 2
    while every <= max(2, longest):
        yield {
            p: _thinned(frames, sorted({*keys[p][::every], *keys[p][-1:]}), None, 0)
            for p, frames in shown.items()
        }
        every *= 2


def _thinned(
    frames: EpisodeFrames, keys: Sequence[int], every: int | None, around: int
) -> list[int]:
    """Return the frames at each k-th place and those around key steps.

    Of a key step without a frame of its own, the nearest earlier frame stands for it.
    """
    kept = set(range(0, len(frames.steps), every)) if every is not None else set()
    for key in keys:
        near = [i for i, step in enumerate(frames.steps) if abs(step - key) <= around]
        earlier = [i for i, step in enumerate(frames.steps) if step <= key]
        kept |= {*near, *earlier[-1:]}
    return sorted(kept)


def _key_steps(record: RunRecord, position: int) -> list[int]:
    episode = record.episodes.used[position]
    moments = key_moments(len(episode), position, record.steps.get(position), record.explanations)
    return [moment.step for moment in moments]


def _text_bytes(frames: EpisodeFrames, kept: Sequence[int]) -> int:
    return sum(-(-len(frames.images[i]) // 3) * 4 for i in kept)


def _only(frames: EpisodeFrames, kept: Sequence[int]) -> EpisodeFrames:
    if len(kept) == len(frames.steps):
        return frames
    return replace(
        frames,
        steps=tuple(frames.steps[i] for i in kept),
        images=tuple(frames.images[i] for i in kept),
    )


# --- rows ---


def _n_longer(document: Document, rows: int) -> int:
    return sum(_count(value, rows) for key, value in document.items() if key != "timeline")


def _count(value: Any, rows: int) -> int:
    if isinstance(value, Mapping):
        return sum(_count(item, rows) for item in value.values())
    if isinstance(value, (list, tuple)):
        return (len(value) > rows) + sum(_count(item, rows) for item in value[:rows])
    return 0


def _cut(value: Any, rows: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONG_TEXT else f"{value[:LONG_TEXT]}…"
    if isinstance(value, Mapping):
        return {key: _cut(item, rows) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, rows) for item in value[:rows]]
    return value
