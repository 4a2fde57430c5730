"""The timeline in a browser: keys, address, and that all it shows is what is stored."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.explanation.wording import show
from pellucid.report.document import build_document
from pellucid.report.write import write_report
from tests.report.browsing import opened
from tests.report.facts import problem, read
from tests.report.steps import seen_record

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOWEST_MS = 16
MARKS = ("[", "]")


@pytest.fixture(scope="module")
def document() -> Any:
    return build_document(seen_record())


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(seen_record(), tmp_path_factory.mktemp("run")).as_uri()


def shown_step(page: Any) -> int:
    """The step that the open timeline is at."""
    return int(page.locator(".film:not(.off) .where data").first.text_content())


def check_step(page: Any, episode: Any, step: int) -> None:
    """Number, sentence, frame, choices and words for the ear agree with what is stored."""
    film = page.locator(".film:not(.off)")
    i = episode["steps"].index(step)
    assert shown_step(page) == step
    chosen = episode["outputs"][episode["taken_output"][i]]
    percent = 100 * episode["choices"][i][episode["taken_output"][i]]
    words = film.locator(".words").first.text_content()
    assert re.match(rf"(Close call: it|It) chose {chosen}, ", words)
    told = re.search(r", ([\d.]+) %", words)
    assert told is not None
    assert told[1] == show(percent)
    value = film.locator("[role=slider], input[type=range]").get_attribute("aria-valuetext")
    assert value.startswith(f"Step {step} of {episode['n_steps']}: {chosen} ")
    assert f", value {show(episode['values'][i])}" in value
    stretch = episode["stretch"]
    inside = stretch is not None and stretch["start"] <= step < stretch["stop"]
    assert ("in decisive stretch" in value) is inside
    image = film.locator(".stage img")
    frame = max(s for s in episode["frames"]["steps"] if s <= step)
    assert image.get_attribute("alt") == value
    caption = film.locator(".stage figcaption").text_content()
    assert caption == ("" if frame == step else f"frame of step {frame}")
    bars = film.locator(".bars").first.locator(".bar")
    for row in range(bars.count()):
        name, shown = (bars.nth(row).locator(f":scope > :{at}-child").text_content()
                       for at in ("first", "last"))  # fmt: skip
        assert shown == show(100 * episode["choices"][i][episode["outputs"].index(name)])


def test_keys_walk_jump_and_go_to_both_ends(chromium: Any, address: str, document: Any) -> None:
    episode = document["timeline"]["episodes"][0]
    last = episode["n_steps"] - 1
    with opened(chromium, address, viewport={"width": 1280, "height": 800}) as (page, misdeeds):
        page.locator(".film:not(.off) input[type=range]").focus()
        walk = [
            ("Home", 0), ("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1), ("PageUp", 11),
            ("PageUp", 21), ("PageDown", 11), ("End", last), ("ArrowRight", last), ("Home", 0),
        ]  # fmt: skip
        for key, step in walk:
            page.keyboard.press(key)
            check_step(page, episode, step)
        marks = [m["step"] for m in episode["moments"]]
        for step in [m for m in marks if m > 0]:
            page.keyboard.press("]")
            check_step(page, episode, step)
        page.keyboard.press("[")
        check_step(page, episode, marks[-2])
        assert misdeeds == []


def test_every_answer_opens_its_step_and_a_reload_keeps_it(
    chromium: Any, address: str, document: Any
) -> None:
    with opened(chromium, address, viewport={"width": 1280, "height": 800}) as (page, _):
        links = page.locator(".card a[href^='#e']")
        assert links.count() == 2  # the stretch and the question why not
        for n in range(links.count()):
            target = links.nth(n).get_attribute("href")
            number, step = (int(x) for x in re.findall(r"\d+", target))
            links.nth(n).click()
            page.wait_for_function(f"location.hash === '{target}'")
            page.wait_for_timeout(600)
            top = page.evaluate(
                "document.querySelector('.film:not(.off)').getBoundingClientRect().top"
            )
            assert abs(top) < 60
            (episode,) = [
                e for e in document["timeline"]["episodes"] if e["episode"] == number
            ]  # fmt: skip
            check_step(page, episode, step)
        page.keyboard.press("Escape")
        page.locator(".film:not(.off) input[type=range]").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(400)
        assert page.url.endswith(f"#e{number}s{step + 1}")
        page.reload()
        check_step(page, episode, step + 1)
        assert page.locator(".film:not(.off) .stage").is_visible()


def test_the_why_not_answer_opens_the_panel_at_its_step(
    chromium: Any, address: str, document: Any
) -> None:
    asked = document["explanations"][2]
    (moment,) = asked["moments"]
    target = f"{address}#e{moment['episode']}s{moment['step']}"
    with opened(chromium, target) as (page, _):
        words = page.locator(".film:not(.off) .words")
        assert words.nth(1).inner_text().lower().startswith(asked["text"][:30].lower())


def test_the_picker_lists_every_episode_and_shows_one(
    chromium: Any, address: str, document: Any
) -> None:
    episodes = document["timeline"]["episodes"]
    with opened(chromium, address) as (page, _):
        options = page.locator(".picker option")
        assert options.count() == len(episodes)
        for k, episode in enumerate(episodes):
            page.locator(".picker select").select_option(str(k))
            assert page.locator(".film:visible").count() == 1
            check_step(page, episode, shown_step(page))


def test_what_the_script_writes_is_facts(chromium: Any, address: str, document: Any) -> None:
    with opened(chromium, address) as (page, _):
        page.locator(".film:not(.off) input[type=range]").focus()
        for _ in range(3):
            page.keyboard.press("PageUp")
            reader = read(page.content())
            assert reader.stray == []
            assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def test_a_step_is_there_within_a_frame_of_the_screen(chromium: Any, address: str) -> None:
    with opened(chromium, address) as (page, _):
        times = page.evaluate(
            """() => { const range = document.querySelector('.film:not(.off) input[type=range]');
            const times = [];
            for (let i = 0; i < 120; i++) { range.value = i; const start = performance.now();
              range.dispatchEvent(new Event('input')); times.push(performance.now() - start); }
            return times.sort((a, b) => a - b); }"""
        )
    assert times[int(0.95 * len(times))] <= SLOWEST_MS


def test_play_is_off_at_first_and_absent_where_motion_is_unwanted(
    chromium: Any, address: str
) -> None:
    with opened(chromium, address) as (page, _):
        before = shown_step(page)
        page.wait_for_timeout(300)
        assert shown_step(page) == before
        play = page.get_by_role("button", name="Play").first
        play.click()
        page.wait_for_timeout(900)
        steps = shown_step(page) - before
        page.get_by_role("button", name="Stop").click()
        assert 1 <= steps <= 5
    with opened(chromium, address, reduced_motion="reduce") as (page, _):
        assert page.get_by_role("button", name="Play").count() == 0


def test_the_step_is_said_once_after_the_hand_rests(chromium: Any, address: str) -> None:
    with opened(chromium, address) as (page, _):
        said = page.locator(".film:not(.off) [aria-live]")
        page.locator(".film:not(.off) input[type=range]").focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        assert said.text_content() == ""
        page.wait_for_timeout(400)
        assert said.text_content().startswith(f"Step {shown_step(page)} of ")


def test_without_scripts_there_is_a_storyboard_and_no_control(
    chromium: Any, address: str, document: Any
) -> None:
    with opened(chromium, address, java_script_enabled=False) as (page, _):
        boards = page.locator(".board")
        assert boards.count() == len(document["timeline"]["episodes"])
        assert page.locator("input, select").count() == 0
        for k, episode in enumerate(document["timeline"]["episodes"]):
            assert boards.nth(k).is_visible()
            figures = boards.nth(k).locator("li")
            assert figures.count() == len(episode["board"]) <= 12
            assert figures.first.locator("img").is_visible()


def test_inputs_stand_in_where_there_are_no_frames(chromium: Any, tmp_path: Path) -> None:
    record = seen_record(with_frames=False)
    target = write_report(record, tmp_path).as_uri()
    with opened(chromium, target) as (page, misdeeds):
        film = page.locator(".film:not(.off)")
        assert film.locator("img").count() == 0
        assert "what it sees" in film.locator(".rows").inner_text()
        assert film.locator(".lane").count() >= 6
        page.locator(".film:not(.off) input[type=range]").focus()
        page.keyboard.press("PageUp")
        assert misdeeds == []


def test_the_largest_reward_terms_of_a_step_are_shown_in_their_order(
    chromium: Any, tmp_path: Path
) -> None:
    names = [f"term {letter}" for letter in "abcdefg"]
    sizes = [0.000321, -5.0, 2.0, 3.0, -4.0, 0.0, 100.0]
    record = seen_record(with_frames=False)
    attempted = tuple(
        replace(e, terms={n: np.full(len(e), v) for n, v in zip(names, sizes, strict=True)})
        for e in record.episodes.attempted
    )
    record = replace(record, episodes=replace(record.episodes, attempted=attempted))
    with opened(chromium, write_report(record, tmp_path).as_uri()) as (page, misdeeds):
        terms = page.locator(".film:not(.off) .bars", has_text="reward terms, the largest here")
        rows = [row.split("\n") for row in terms.locator(".bar").all_inner_texts()]
        assert [row[0] for row in rows] == [names[k] for k in (1, 2, 3, 4, 6)]
        assert misdeeds == []


def test_small_numbers_are_written_as_everywhere(chromium: Any, tmp_path: Path) -> None:
    values = [0.000321, 0.0000321, -0.00123, 1234567.0, 12345.0]
    record = seen_record(with_frames=False)
    attempted = tuple(
        replace(e, terms={f"t{k}": np.full(len(e), v) for k, v in enumerate(values)})
        for e in record.episodes.attempted
    )
    record = replace(record, episodes=replace(record.episodes, attempted=attempted))
    with opened(chromium, write_report(record, tmp_path).as_uri()) as (page, _):
        terms = page.locator(".film:not(.off) .bars", has_text="reward terms")
        told = [row.split("\n")[-1] for row in terms.locator(".bar").all_inner_texts()]
        assert told == [show(float(f"{v:.3g}")) for v in values]
