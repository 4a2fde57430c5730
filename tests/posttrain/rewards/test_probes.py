"""The probe suite against similarities whose blindness is known."""

import logging

import pytest

from pellucid.posttrain.rewards import Probe, check_similarity, make_probes, probe_rates
from pellucid.posttrain.rewards.consistency import contradict
from pellucid.posttrain.rewards.explained import sentences_of
from pellucid.posttrain.rewards.probes import PARAPHRASES


def test_corruptions_change_what_their_name_says() -> None:
    probes = make_probes([("the fox is 3 metres from the hen.", "the hen is 3 metres away.")])
    copies = {probe.kind: probe.corrupted for probe in probes}
    assert copies["negation"] == "the fox is not 3 metres from the hen."
    assert copies["entity swap"] == "the hen is 3 metres from the fox."
    assert copies["number"].startswith("the fox is ")
    assert " 3 " not in copies["number"]
    assert "metres" not in copies["unit"]


def test_a_text_without_a_place_has_no_probe() -> None:
    assert make_probes([("go away", "leave")]) == ()


def test_probes_are_the_same_every_time() -> None:
    assert make_probes() == make_probes()
    assert len({probe.kind for probe in make_probes()}) == 4
    assert len(make_probes()) > 30


def test_rates_are_shares_with_their_intervals() -> None:
    probes = [Probe("number", "a 1", "one a", "a 2")] * 3 + [Probe("unit", "a m", "m a", "a s")]
    first_letters = probe_rates(lambda text, reference: float(text[0] == "o"), probes)
    assert first_letters["number"].value == 1.0
    assert first_letters["unit"].value == 0.0
    assert (first_letters["all"].value, first_letters["all"].n) == (0.75, 4)
    assert first_letters["all"].low < 0.75 < first_letters["all"].high


def test_a_tie_counts_against_the_similarity() -> None:
    assert probe_rates(lambda text, reference: 0.5, make_probes())["all"].value == 0.0


def test_a_blind_similarity_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check_similarity(lambda text, reference: float(len(set(text) & set(reference))), name="it")
    assert "it prefers a paraphrase to a corrupted copy too rarely" in caplog.text


def test_a_seeing_similarity_is_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    paraphrases = {paraphrase for _, paraphrase in PARAPHRASES}
    with caplog.at_level(logging.WARNING):
        rates = check_similarity(lambda text, reference: float(text in paraphrases), name="it")
    assert rates["all"].value == 1.0
    assert caplog.text == ""


def test_contradictions_tell_copies_from_paraphrases() -> None:
    probes = make_probes()
    found = [_contradicts(probe.corrupted, probe.reference) for probe in probes]
    assert sum(found) / len(found) > 0.9


def _contradicts(text: str, reference: str) -> bool:
    pairs = zip(sentences_of(text), sentences_of(reference), strict=True)
    return any(contradict(ours, theirs) for ours, theirs in pairs)
