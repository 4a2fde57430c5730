"""The page on a training run: facts, states, structure and sameness."""

import base64
import hashlib
import re
from typing import Any

import pytest

from pellucid.report.language.write import page_of
from tests.contracts.test_registered import FORBIDDEN
from tests.report.facts import problem, read
from tests.report.language import runs
from tests.report.language.states import STATES

SCRIPT_BYTES = 30_000
MOST_ELEMENTS = 5_000


@pytest.fixture(scope="module")
def pages() -> dict[str, tuple[Any, str]]:
    made = {}
    for state in STATES:
        document, _, page = page_of(runs.record(**STATES[state]))
        made[state] = (document, page)
    return made


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
    assert len(re.findall(r"<[a-z]", before)) <= MOST_ELEMENTS
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
