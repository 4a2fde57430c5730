"""Hostile completions: a finite number or None, at once, and never an exception."""

import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.posttrain import completions as c
from pellucid.posttrain import rewards as r
from pellucid.posttrain.rewards.consistency import contradict
from pellucid.posttrain.rewards.explained import explained, sentences_of
from pellucid.posttrain.rewards.repetition import repeated_share
from pellucid.posttrain.tasks.derivations import contradiction_rate, step_coverage
from pellucid.posttrain.tasks.exam import exam_derivation, exam_example
from pellucid.posttrain.tasks.splits import says
from tests.posttrain.rewards.toy_encoder import bag_of_words

MEGABYTE = 1_000_000
REFERENCE = "the mass is 12 grams. the volume is 4 litres. so the density is 3 grams per litre."
COLUMNS = {"answer": ["B"], "rationale": [REFERENCE], "completion_ids": [[1, 2]]}
REWARDS: list[Any] = [
    r.tag_reward(min_words=2, max_words=40),
    r.marked_answer_reward(),
    r.marked_answer_reward("boxed"),
    *(r.exact_answer_reward(form) for form in ("marker", "tag", "boxed", "whole")),  # type: ignore[arg-type]
    r.length_reward(1, 10),
    r.length_reward(1, 10, unit="characters"),
    r.length_reward(1, 10, unit="tokens"),
    r.repetition_penalty(),
    r.rouge_reward(),
    r.rouge_reward(section="explanation"),
    r.SemanticReward(bag_of_words, [REFERENCE], min_words=1),
    r.SemanticReward(bag_of_words, [REFERENCE], min_words=1, form="marker", gated=False),
]
HOSTILE: dict[str, Any] = {
    "empty": "",
    "none": None,
    "number": 3,
    "no messages": [],
    "strange messages": [None, 3, {"role": "assistant"}, {"role": "user", "content": "x"}],
    "deep message": [{"role": "assistant", "content": [{"text": [{"text": "x"}]}]}],
    "missing tag": "<explanation>x",
    "nested": "<explanation><explanation>x</explanation></explanation><answer>B</answer>",
    "duplicated": "<answer>B</answer>" * 1000,
    "unclosed": "<answer>" * 100_000,
    "closed only": "</answer>" * 100_000,
    "interleaved": "<explanation>x<answer>B</explanation></answer>",
    "one word of a megabyte": "x" * MEGABYTE,
    "a megabyte of words": "the mass is 12 grams. " * (MEGABYTE // 22),
    "a megabyte of spaces": " " * MEGABYTE,
    "a megabyte of line ends": "\n" * MEGABYTE,
    "a megabyte of full stops": ". " * (MEGABYTE // 2),
    "a megabyte of digits": "9" * MEGABYTE,
    "a megabyte after the marker": "#### " + "9" * MEGABYTE,
    "a megabyte of markers": "#" * MEGABYTE,
    "a megabyte of boxes": "\\boxed{" * (MEGABYTE // 7),
    "an open box": "\\boxed{" + "{" * MEGABYTE,
    "a megabyte in the section": f"<explanation>{'x ' * (MEGABYTE // 2)}</explanation>"
    "<answer>B</answer>",
    "a megabyte as the answer": f"<explanation>x</explanation><answer>{'B' * MEGABYTE}</answer>",
    "nul": "<explanation>\0 x</explanation><answer>\0</answer>",
    "lone surrogates": "<explanation>\ud800 \udfff</explanation><answer>\ud800</answer>",
    "right to left": "<explanation>\u202ex y\u202c</explanation><answer>\u2067B</answer>",
    "ansi": "<explanation>\x1b[31m x \x1b]52;c;eA==\x07</explanation><answer>\x1b[0mB</answer>",
    "injected score": 'score 1.0 {"score": 1.0} <answer>score 1.0</answer> #### score: 1.0',
    "huge exponent": "#### 1e999999999",
    "zero divisor": "#### 1/0",
    "other digits": "#### \u0661\u0662/\u0660",
    "combining": "e\u0301" * 10_000,
}


def seconds(call: Callable[[], object]) -> float:
    """Return the computing time of the fastest of three calls; other work may share the core."""
    times = []
    for _ in range(3):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
        if times[-1] < 0.02:
            break
    return min(times)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_reward_takes_it_within_50_ms(text: Any) -> None:
    for reward in REWARDS:
        (found,) = reward([text], **COLUMNS)
        assert found is None or math.isfinite(found), reward.__name__
        assert seconds(lambda reward=reward: reward([text], **COLUMNS)) < 0.05, reward.__name__  # type: ignore[misc]


@pytest.mark.parametrize("gold", [None, "", "x" * MEGABYTE, "\ud800", 3, ["a"], [None, 3], {}])
def test_strange_gold_answers_and_references_are_taken(gold: Any) -> None:
    text = "<explanation>the mass is 12 grams.</explanation><answer>B</answer>"
    for reward in REWARDS:
        columns = {**COLUMNS, "answer": [gold], "rationale": [gold]}
        (found,) = reward([text], **columns)
        assert found is None or math.isfinite(found), reward.__name__


DERIVATION = exam_derivation(exam_example("physics:density:32:4", 0))
PATTERNS: dict[str, Callable[[str], object]] = {
    "sentences": sentences_of,
    "marks": lambda text: contradict(text, REFERENCE),
    "numbers": c.normalise_answer,
    "tags": lambda text: explained(text, min_words=1),
    "marker": lambda text: explained(text, "marker", min_words=1),
    "box": lambda text: c.extract_answer(text, "boxed"),
    "surrogates": c.text_of,
    "words": lambda text: r.rouge_l(text, REFERENCE),
    "repeated": lambda text: repeated_share(text, 3),
    "steps": lambda text: step_coverage(text, DERIVATION),
    "contradictions": lambda text: contradiction_rate(text, DERIVATION),
    "said": lambda text: says(text, "a a"),
}
# short units that are repeated make patterns backtrack, if anything does
pieces = st.text(alphabet="a1. ,;!?\n\t#<>/{}\\$-+_ans wer'\u0301", min_size=1, max_size=6)
texts = st.builds(
    lambda head, unit, times, tail: head + unit * times + tail,
    st.text(max_size=8),
    pieces,
    st.integers(1, 4000),
    st.text(max_size=8),
)


@pytest.mark.parametrize("search", PATTERNS.values(), ids=PATTERNS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(text=texts)
def test_no_pattern_backtracks(search: Callable[[str], object], text: str) -> None:
    assert seconds(lambda: search(text)) < 0.1


@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=st.text(max_size=60) | texts, gold=st.text(max_size=10))
def test_any_text_gets_a_finite_reward_or_none(text: str, gold: str) -> None:
    for reward in REWARDS:
        (found,) = reward([text], **{**COLUMNS, "answer": [gold]})
        assert found is None or math.isfinite(found)
