"""Large runs: small pages that open at once, say what they leave out, and come out the same."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.explanation import Contributions
from pellucid.report.document import build_document
from pellucid.report.fitting import (
    FRAME_BYTES,
    PAGE_BYTES,
    Limits,
    shortened,
    with_fewer_frames,
)
from pellucid.report.html import render_html
from pellucid.report.moments import key_moments
from pellucid.report.record import EpisodeFrames, RunRecord
from pellucid.report.write import write_report
from tests.report import lunar
from tests.report.browsing import opened
from tests.report.steps import seen_record, steps_of

MOST_ELEMENTS = 5000
READY_MS = 1000
FRAME = 2048
N_ROWS = 100_000
LONG_TEXT = 1_000_000


def frame_bytes(episode: Any) -> list[bytes]:
    """A few drawn frames, filled up to the size that a frame of the simulator has."""
    drawn = lunar._episode_frames(episode, 20).images
    return [image.ljust(FRAME, b"\0") for image in drawn]


def large_record() -> RunRecord:
    """Three episodes of 1000 steps with all frames, a list of 1e5 rows, a text of 1e6 signs."""
    collected = replace(
        lunar.episodes([1.0]),
        attempted=tuple(
            replace(lunar.episode(i, steps=1000, total=10.0 * i), index=i) for i in range(3)
        ),
    )
    frames = {}
    for position, episode in enumerate(collected.used):
        images = frame_bytes(episode)
        steps = tuple(range(1000))
        frames[position] = EpisodeFrames(
            steps, tuple(images[step // 50] for step in steps), 300, 200
        )
    rows = Contributions(
        tuple(f"row {i}" for i in range(N_ROWS)),
        np.linspace(1, 0, N_ROWS),
        np.full(N_ROWS, 0.01),
        N_ROWS / 2,
    )
    long = replace(lunar.supported(), content=rows, warnings=("word " * (LONG_TEXT // 5),))
    record = lunar.lunar_record(
        collected=collected,
        explanations=(lunar.critical(), long, lunar.failed(), lunar.unmeasured()),
        with_frames=False,
        steps={p: steps_of(e) for p, e in enumerate(collected.used)},
    )
    return replace(record, frames=frames)


# --- frames ---


def test_all_frames_stay_where_they_fit() -> None:
    record = seen_record()
    fitted = with_fewer_frames(record, list(record.frames), Limits())
    assert fitted.frames == record.frames


def test_frames_of_key_moments_and_their_neighbours_are_kept_longest() -> None:
    episode = lunar.episode(0, steps=400)
    collected = replace(lunar.episodes([1.0]), attempted=(episode,))
    frames = EpisodeFrames(tuple(range(400)), (bytes(3000),) * 400, 300, 200)
    record = lunar.lunar_record(
        collected=collected, with_frames=False, explanations=(), steps={0: steps_of(episode)}
    )
    record = replace(record, frames={0: frames})
    keys = [m.step for m in key_moments(400, 0, record.steps[0])]
    half = with_fewer_frames(record, [0], Limits(200 * 4000)).frames[0].steps
    assert len(half) <= 200
    around = {s for key in keys for s in range(max(0, key - 5), min(400, key + 6))}
    assert around <= set(half)
    few = with_fewer_frames(record, [0], Limits(len(keys) * 4000)).frames[0].steps
    assert list(few) == keys
    assert with_fewer_frames(record, [0], Limits(0)).frames == {}


def test_frames_of_episodes_that_are_not_shown_do_not_travel() -> None:
    record = seen_record()
    first = next(iter(record.frames))
    assert list(with_fewer_frames(record, [first], Limits()).frames) == [first]


# --- rows and texts ---


def test_long_lists_and_texts_are_cut_in_the_data_and_the_timeline_is_not() -> None:
    whole = {
        "rows": list(range(10)),
        "deep": {"text": "x" * 3000, "more": [[1] * 9]},
        "timeline": list(range(10)),
    }
    cut = shortened(whole, 4)
    assert cut["rows"] == [0, 1, 2, 3]
    assert cut["deep"] == {"text": "x" * 2000 + "…", "more": [[1] * 4]}
    assert cut["timeline"] == whole["timeline"]


def test_what_was_left_out_is_said_and_counted() -> None:
    record = seen_record()
    heavy = {
        p: replace(f, images=tuple(i.ljust(60_000, b"\0") for i in f.images))
        for p, f in record.frames.items()
    }
    document = build_document(replace(record, frames=heavy))
    n_all = sum(len(f.steps) for f in heavy.values())
    shown = [len(e["frames"]["steps"]) for e in document["timeline"]["episodes"]]
    (told,) = document["page"]["dropped"]
    assert told["facts"] == {"n": n_all, "k": sum(shown), "where": "frames"}
    assert sum(shown) * 80_000 <= FRAME_BYTES
    page = render_html(replace(record, frames=heavy), document, json_sha256="")
    assert "are in this page, those of key moments first" in page
    assert build_document(record)["page"]["dropped"] == []


# --- the whole ---


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(large_record(), tmp_path_factory.mktemp("large"))


@pytest.mark.browser
@pytest.mark.slow
def test_a_large_run_makes_a_page_that_opens_at_once(chromium: Any, large: Path) -> None:
    assert large.stat().st_size <= PAGE_BYTES
    with opened(chromium, large.as_uri()) as (page, misdeeds):
        assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS
        ready = []
        for _ in range(3):
            page.reload()
            ready.append(page.evaluate("performance.getEntriesByType('navigation')[0].duration"))
        assert min(ready) <= READY_MS
        assert page.locator(".film:not(.off) .stage img").get_attribute("src").startswith("data:")
        said = page.locator("#behaviour").text_content()
        assert "are in this page, those of key moments first" in said
        assert "first 2000 rows only" in page.locator("body").text_content()
        assert "show all" in page.locator("body").text_content()
        assert misdeeds == []


@pytest.mark.slow
def test_a_large_run_twice_gives_the_same_bytes(large: Path, tmp_path: Path) -> None:
    again = write_report(large_record(), tmp_path)
    assert again.read_bytes() == large.read_bytes()
    assert again.with_name("report.json").read_bytes() == (
        large.with_name("report.json").read_bytes()
    )


@pytest.mark.slow
def test_the_long_text_is_in_the_page_once(large: Path) -> None:
    page = large.read_text(encoding="utf-8")
    whole = re.findall(r"(?:word ){100000,}", page)
    assert len(whole) == 1
