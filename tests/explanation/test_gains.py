"""Sentences on what a stand-in loses, where it gains."""

import pytest

from pellucid import registry
from pellucid.explanation import Surrogate
from pellucid.explanation.wording import Fact, fact, gain_for_loss, render

FACTS = {"d": fact(-3.4), "lo": fact(-9.0), "hi": fact(2.25), "unit": fact("points"), "r": fact(20)}


def test_a_loss_below_zero_is_a_gain_and_its_facts_are_those_that_are_shown() -> None:
    template, facts = gain_for_loss("It earns {d} {unit} less ({lo} to {hi}), limit {r}.", FACTS)
    assert render(template, facts) == "It earns 3.4 points more (-2.25 to 9), limit 20."
    assert facts["gain"] == Fact(3.4, "3.4")
    template, facts = gain_for_loss("It is **not** the agent: it earns {d} {unit} less.", FACTS)
    assert render(template, facts) == "It is **not** the agent: it earns 3.4 points more."


@pytest.mark.parametrize("d", [0.0, 3.4, float("nan"), "not measured"])
def test_other_sentences_stay_as_they_are(d: float | str) -> None:
    facts = {**FACTS, "d": fact(d)}
    template = "It earns {d} {unit} less ({lo} to {hi})."
    assert gain_for_loss(template, facts) == (template, facts)
    assert gain_for_loss("hiding it costs {d} {unit}.", FACTS)[0] == "hiding it costs {d} {unit}."
    assert gain_for_loss("no loss: {reason}", {})[0] == "no loss: {reason}"


def test_every_stand_in_tells_its_loss_in_that_form() -> None:
    told = 0
    for name in registry.names("explainers"):
        info = registry.load("explainers", name).info
        for sentence in (info.sentences.supported, info.sentences.thin, info.sentences.failed):
            if info.kind is Surrogate and "{d}" in sentence and " less" in sentence:
                assert "{d} {unit} less" in sentence, name
                told += 1
    assert told >= 12
