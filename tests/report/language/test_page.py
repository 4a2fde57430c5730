"""The page on a training run: facts, states, structure and sameness."""

import base64
import hashlib
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pellucid.report.language import write
from pellucid.report.language.answers import Limits
from pellucid.report.language.record import Group, LanguageRecord
from pellucid.report.language.samples import samples, thinned
from pellucid.report.language.write import page_of, write_report
from tests.contracts.test_registered import FORBIDDEN
from tests.report.facts import problem, read
from tests.report.language import runs
from tests.report.language.hostile import hostile_record
from tests.report.language.states import STATES

SCRIPT_BYTES = 30_000
MOST_ELEMENTS = 5_000


class _Pages(dict[str, tuple[Any, str]]):
    """Documents and pages by state, each made when it is first asked for."""

    def __missing__(self, state: str) -> tuple[Any, str]:
        document, _, page = page_of(runs.record(**STATES[state]))
        self[state] = document, page
        return self[state]


@pytest.fixture(scope="session")
def pages() -> _Pages:
    return _Pages()


def shown_text(page: str) -> str:
    return re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)


@pytest.mark.parametrize("state", list(STATES))
def test_every_digit_in_prose_is_a_fact_that_equals_its_rounding(pages: Any, state: str) -> None:
    document, page = pages[state]
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []
    assert len(reader.facts) > 20


@pytest.mark.parametrize("state", list(STATES))
def test_nothing_missing_is_shown_as_a_number_or_as_code(pages: Any, state: str) -> None:
    text = shown_text(pages[state][1]).replace("the loss was NaN for 5 updates", "")
    assert not re.search(r"\b(NaN|nan|None|null|undefined|inf)\b", text)


@pytest.mark.parametrize("state", list(STATES))
def test_the_page_is_small_and_well_formed(pages: Any, state: str) -> None:
    page = pages[state][1]
    before = page[: page.index('<script type="application/json"')]
    at_load = re.sub(r"<noscript.*?</noscript>", "", before, flags=re.DOTALL)
    assert len(re.findall(r"<[a-z]", at_load)) <= MOST_ELEMENTS
    assert page.count("<h1>") == 1
    ids = re.findall(r' id="([^"]+)"', before)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([\w-]+)"', page)) <= set(ids)
    tables = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)
    assert all("<caption" in table and 'scope="col"' in table for table in tables)


@pytest.mark.parametrize("state", list(STATES))
def test_no_forbidden_word_is_ours(pages: Any, state: str) -> None:
    page = re.sub(r'<bdi class="told.*?</bdi>', " ", pages[state][1], flags=re.DOTALL)
    text = shown_text(page)
    assert [w for w in FORBIDDEN if re.search(rf"\b{w}\b", text)] == []


def test_the_policy_names_the_hashes_of_style_and_script(pages: Any) -> None:
    page = pages["everything"][1]
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    words = policy[1].replace("&#39;", "'")
    for kind in ("style", "script"):
        source = re.findall(rf"<{kind}>(.*?)</{kind}>", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source[0].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in words
    assert " style=" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert len(re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)[0]) < SCRIPT_BYTES


# --- order and states ---


def test_samples_drawn_by_seed_come_before_every_list(pages: Any) -> None:
    document, page = pages["everything"]
    screen = page[page.index('<section id="samples"') : page.index('<section id="terms"')]
    last_entry = screen.rindex("data-entry=")
    assert last_entry < min(screen.index(f'id="{name}"') for name in ("wrong", "equal", "changes"))
    assert [e["prompt_id"] for e in document["samples"]["entries"]] == [f"p{i}" for i in range(20)]
    assert "drawn by seed before training started" in document["samples"]["chosen"]["text"]


def test_prompts_that_the_run_did_not_fix_are_drawn_by_the_reports_seed() -> None:
    def drawn(seed: int) -> list[str]:
        head = replace(runs.run().head, kept={})
        found = samples(runs.record(head=head, seed=seed), Limits())
        return [entry["prompt_id"] for entry in found["entries"]]

    assert len(drawn(0)) == 20
    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


def test_every_state_says_first_what_became_of_the_run(pages: Any) -> None:
    for state, words in (
        ("interrupted", "Interrupted after 30 updates of 40"),
        ("running", "Still running: 30 updates are recorded of 40"),
        ("stopped", "the loss was NaN for 5 updates"),
        ("empty", "Nothing was recorded"),
    ):
        main = pages[state][1][pages[state][1].index("<main") :]
        assert main.index(words) < main.index("<h1>")
    assert 'class="banner"' not in pages["everything"][1]


def test_rewards_that_rose_alone_are_named_above_the_findings(pages: Any) -> None:
    page = pages["rewards alone"][1]
    assert page.index('class="alarm hacking"') < page.index('class="findings"')
    assert "Rewards rose and right answers did not clearly rise" in page
    assert 'class="alarm hacking"' not in pages["everything"][1]
    assert 'class="alarm hacking"' not in pages["no gold"][1]
    assert "does not say which answers are right" in pages["no gold"][1]


def test_what_a_source_lacks_is_shown_as_not_measured(pages: Any) -> None:
    document, page = pages["rows alone"]
    assert [e["badge"] for e in document["explanations"]].count("not_measured") >= 3
    for part in ("no held-out evaluations", "no numbers per token"):
        assert part in page
    assert '<section id="credit"' in page
    assert '<section id="reasoning"' in page


def test_parts_that_do_not_add_up_are_crossed(pages: Any) -> None:
    page = pages["off"][1]
    assert 'class="total off"' in page
    assert "parts are off by" in page
    assert "are not used" in page
    assert 'class="total off"' not in pages["everything"][1]


def test_pushes_that_do_not_add_up_are_not_shown(pages: Any) -> None:
    assert 'class="tokens"' not in pages["wrong pushes"][1]
    assert 'class="tokens"' in pages["everything"][1]
    assert "have one advantage here" in pages["everything"][1]


def test_unscored_answers_are_counted_and_in_no_mean(pages: Any) -> None:
    document, _ = pages["unscored"]
    rows = {row["id"]: row for row in document["samples"]["lists"]}
    n = sum(s.index % 2 for s in runs.run().samples)
    assert rows["unscored"]["n"] == n
    assert rows["unscored"]["rows"][0]["answer"]["unscored"].startswith("the grader raised")


def test_groups_with_equal_rewards_say_that_nothing_was_learned(pages: Any) -> None:
    document, page = pages["all equal"]
    assert (
        "In 66 of 66 kept groups all answers earned the same"
        in (document["samples"]["lists"][1]["told"]["text"])
    )
    assert "in no group did the answers earn differently" in page


# --- hashes, size, sameness ---


def test_hashed_pages_hold_no_text_of_the_run_and_the_same_numbers(pages: Any) -> None:
    document, page = pages["hashed"]
    usual = pages["everything"][0]
    for sample in runs.run().samples[:50]:
        for text in (sample.prompt, sample.completion):
            assert text not in page
    assert "Tens first" not in page
    assert "sha256:" in page
    assert document["summary"]["terms"] == usual["summary"]["terms"]
    assert document["explanations"][2]["facts"] == usual["explanations"][2]["facts"]
    assert "replaced by their hashes" in page
    assert "drawn by seed before training started" in document["samples"]["chosen"]["text"]


def test_same_run_same_bytes(tmp_path: Path) -> None:
    record: LanguageRecord = runs.record()
    first, _ = write_report(record, tmp_path / "a")
    second, document = write_report(record, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    digest = hashlib.sha256((tmp_path / "a" / "report.json").read_bytes()).hexdigest()
    assert digest in first.read_text(encoding="utf-8")
    assert document["run"] == record.run.head.run_id


def test_a_megabyte_of_text_is_cut_in_the_page_and_the_page_says_so() -> None:
    large = replace(runs.run().samples[-1], completion="<&\x00" * 350_000, total=99.0)
    document, _, page = page_of(runs.record(samples=(*runs.run().samples[:-1], large)))
    assert len(page.encode()) < 5_000_000
    assert "signs; the rest is in the run." in page
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def test_long_answers_and_names_are_bounded_too() -> None:
    long = "9" * 200_000
    rows = tuple(
        replace(s, gold=long, parsed=long, prompt_id=f"{s.prompt_id} {long}", unscored_reason=long)
        for s in runs.run().samples
    )
    document, _, page = page_of(runs.record(samples=rows, tokens=()))
    assert len(page.encode()) < 5_000_000
    assert [p for p in (problem(document, f) for f in read(page).facts) if p] == []


@pytest.mark.parametrize(("most", "steps"), [(1, [9]), (2, [0, 9]), (3, [0, 4, 9]), (20, None)])
def test_steps_that_can_be_picked_are_spread_with_both_ends(most: int, steps: Any) -> None:
    groups = [Group(step, "p", ()) for step in range(10)]
    assert [g.step for g in thinned(groups, most)] == (steps or list(range(10)))


@pytest.mark.slow
def test_a_page_that_would_be_too_large_has_less_text_and_says_what() -> None:
    long = tuple(replace(s, completion=f"{s.completion}\n" * 250) for s in runs.run().samples)
    document, _, page = page_of(runs.record(samples=long))
    assert len(page.encode()) < 5_000_000
    assert document["left_out"]
    assert "The whole texts are in the run." in page


@pytest.mark.parametrize("largest", [0, 300_000])
def test_every_step_down_in_size_is_a_whole_page(
    monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr(write, "LARGEST_PAGE", largest)
    document, _, page = page_of(runs.record(**STATES["compared"]))
    assert document["left_out"] == [f"{write.STEPS[-1][1]} The whole texts are in the run."]
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def test_many_reward_terms_are_listed_in_part() -> None:
    names = [f"term {i}" for i in range(40)]
    many = tuple(
        replace(s, rewards=dict.fromkeys(names, s.rewards["answer"]), total=math.nan)
        for s in runs.run().samples
    )
    head = replace(runs.run().head, reward_weights={})
    document, _, page = page_of(runs.record(samples=many, updates=(), tokens=(), head=head))
    assert len(document["terms"]["rows"]) == 40
    assert len(document["samples"]["groups"][0]["answers"][0]["terms"]) == 8
    assert "No weights were recorded" in page
    assert [p for p in (problem(document, f) for f in read(page).facts) if p] == []


def test_f64_hostile_texts_stay_inert() -> None:
    document, _, page = page_of(hostile_record())
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\x00" not in page
    assert "\u202e" not in page
    reader = read(page)
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def test_f65_the_page_names_nothing_outside_itself(pages: Any) -> None:
    page = pages["everything"][1]
    addresses = re.findall(r'(?:src|href|action|data|poster|srcset)="([^"]*)"', page)
    assert all(a.startswith("#") for a in addresses)
    outside = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http://" not in outside
    assert "https://" not in outside
    assert "url(" not in outside
