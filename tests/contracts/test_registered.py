"""F74: what every registered item comes with, and what its declaration must say."""

import re
from pathlib import Path

import pytest

from pellucid import registry
from pellucid.explanation import KINDS
from pellucid.explanation.wording import fact_names

ROOT = Path(__file__).resolve().parents[2]
CITED = re.compile(r"([A-Z][\w'’-]+)(?: & [A-Z][\w'’-]+| et al\.)? (\d{4})")
FORBIDDEN = (
    "thinks",
    "wants",
    "understands",
    "because",
    "significant",
    "proves",
    "accurate explanation",
    "trustworthy",
)
LEAVES = re.compile(r"(A1|A2|B1|B2|C1|C2|C3|D1|D2|D|E|F1|F2|F3|F4)[a-z]?")
MOST_WORDS = 25
ITEMS = [(family, name) for family in registry.FAMILIES for name in registry.names(family)]
EXPLAINERS, METRICS = registry.names("explainers"), registry.names("metrics")


def info_of(family, name):
    return registry.load(family, name).info


@pytest.mark.parametrize(("family", "name"), ITEMS)
def test_every_item_has_a_test_file_in_the_same_place(family, name) -> None:
    module = registry.items(family)[name].module.removeprefix("pellucid.")
    *folders, stem = module.split(".")
    assert ROOT.joinpath("tests", *folders, f"test_{stem}.py").is_file()


@pytest.mark.parametrize(
    ("family", "name"), [item for item in ITEMS if item[0] in ("explainers", "metrics")]
)
def test_every_source_has_an_entry_in_the_references(family, name) -> None:
    keys = set(re.findall(r"@\w+\{(\w+),", (ROOT / "docs" / "references.bib").read_text()))
    source = info_of(family, name).source
    cited = {f"{author.lower()}{year}" for author, year in CITED.findall(source)}
    own = source.startswith("pellucid")
    assert cited or own, f"{name} names no source: {source!r}"
    assert cited <= keys


def test_every_reference_is_closed_before_the_next_one_begins() -> None:
    found = re.split(r"^@", (ROOT / "docs" / "references.bib").read_text(), flags=re.MULTILINE)[1:]
    assert [entry.split(",")[0] for entry in found if entry.count("{") != entry.count("}")] == []


@pytest.mark.parametrize("name", registry.names("claims"))
def test_every_claim_names_where_it_was_stated(name) -> None:
    # its example is its record (tests/faults/test_f75_stored_records.py)
    source = info_of("claims", name).source
    assert CITED.search(source) or source.startswith("pellucid")


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_has_an_example_that_uses_it(name) -> None:
    example = (ROOT / "examples" / f"{name.replace('-', '_')}.py").read_text()
    assert f'method="{name}"' in example


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_scores_a_kind_that_some_explainer_returns(name) -> None:
    returned = {info_of("explainers", explainer).kind for explainer in EXPLAINERS}
    assert info_of("metrics", name).kind in returned


@pytest.mark.parametrize("name", registry.names("adapters"))
def test_every_adapter_says_what_it_takes(name) -> None:
    info = info_of("adapters", name)
    assert info.accepts
    assert info.capabilities


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_is_declared_in_full(name) -> None:
    info = info_of("explainers", name)
    assert info.kind in KINDS.values()
    assert LEAVES.fullmatch(info.leaf)
    assert info.question.endswith("?")
    assert set(info.targets) <= {"action", "value", "return"}
    for decisive in info.decisive:
        tested = info_of("metrics", decisive)
        assert tested.kind is info.kind
        assert tested.role == "test"


@pytest.mark.parametrize("name", EXPLAINERS)
def test_sentences_keep_to_the_words_of_the_report(name) -> None:
    info = info_of("explainers", name)
    for sentences in (info.sentences, info.logged_sentences):
        for text in vars(sentences).values():
            words = re.sub(r"\{\w+\}", "x", text).lower()
            assert not [word for word in FORBIDDEN if re.search(rf"\b{word}\b", words)]
            parts = re.split(r"[.;:]\s", words)
            longest = max(len(re.findall(r"[\w'-]+", part)) for part in parts)
            assert longest <= MOST_WORDS, text
        assert {"reason", "need"} == set(fact_names(sentences.not_measured))
        assert re.search(r"\b(not|no)\b", sentences.failed.lower())
        assert re.search(r"\bnot\b", sentences.not_measured)
        assert not re.search(r"\b(may|not|no)\b", sentences.supported.lower())
        assert "may" in sentences.weak or "could" in sentences.weak
