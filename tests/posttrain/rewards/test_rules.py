"""The rewards that follow a rule, by hand."""

import pytest

from pellucid.errors import InputError, UnknownNameError
from pellucid.posttrain import rewards as r

GOOD = "<explanation>because it is so</explanation><answer>B</answer>"


def test_tags_must_be_exactly_those_asked_for() -> None:
    reward = r.tag_reward()
    assert reward([GOOD, GOOD + GOOD, "B", None]) == [1.0, 0.0, 0.0, 0.0]
    assert reward([[{"role": "assistant", "content": GOOD}]]) == [1.0]


def test_an_empty_section_has_not_the_form() -> None:
    assert r.tag_reward(["answer"])(["<answer> </answer>"]) == [0.0]


def test_words_of_the_first_section_are_bounded() -> None:
    texts = [f"<a>{'w ' * n}</a><b>x</b>" for n in (1, 2, 3, 4)]
    assert r.tag_reward(["a", "b"], min_words=2, max_words=3)(texts) == [0.0, 1.0, 1.0, 0.0]


def test_the_answer_is_the_gold_one_or_not() -> None:
    reward = r.exact_answer_reward("tag")
    assert reward([GOOD, GOOD, GOOD], answer=["b", "C", None]) == [1.0, 0.0, None]
    assert r.exact_answer_reward(column="solution")(["#### 4"], solution=[4.0]) == [1.0]


def test_marked_answer_is_one_answer() -> None:
    assert r.marked_answer_reward()(["#### 4", "#### 4 #### 5", "4"]) == [1.0, 0.0, 0.0]


def test_length_falls_with_the_ratio() -> None:
    reward = r.length_reward(10, 20, unit="characters")
    assert reward(["", "x" * 5, "x" * 10, "x" * 20, "x" * 40]) == [0.0, 0.5, 1.0, 1.0, 0.5]


def test_length_in_tokens_counts_the_ids() -> None:
    reward = r.length_reward(2, 2, unit="tokens")
    assert reward(["a", "b"], completion_ids=[[1, 2], [1]]) == [1.0, 0.5]


def test_repetition_counts_what_was_said_before() -> None:
    # b c a | c a b | a b c | b c d: 5 of 2-grams ab bc ca ab bc, 3 are new
    assert r.repetition_penalty(2)(["a b c a b c"]) == [pytest.approx(-2 / 5)]
    assert r.repetition_penalty()(["", "a b"]) == [0.0, 0.0]


def test_repetition_without_white_space_is_seen() -> None:
    assert r.repetition_penalty(1)(["ab" * 400])[0] == pytest.approx(-0.99)


def test_rouge_by_hand() -> None:
    # the example of Lin 2004: both have "police ... the gunman" in common, one word order breaks
    assert r.rouge_l("the gunman kill police", "police killed the gunman") == 0.5
    assert r.rouge_l("a x b y c", "a b c") == pytest.approx(2 * 3 / 8)
    assert r.rouge_l("", "a") == r.rouge_l("a", "") == 0.0


def test_rouge_agrees_with_the_table_of_the_common_subsequence() -> None:
    first, second = ["a", "b", "a", "c", "c", "a", "b", "a"], ["c", "a", "b", "b", "a", "c", "b"]
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            table[i + 1][j + 1] = (
                table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
            )
    expected = 2 * table[-1][-1] / (len(first) + len(second))
    assert r.rouge_l(" ".join(first), " ".join(second)) == pytest.approx(expected)


def test_rouge_takes_the_nearest_reference() -> None:
    reward = r.rouge_reward()
    assert reward(["a b", "a b"], rationale=[["c", "a b"], None]) == [1.0, None]


def test_rouge_of_a_section_ignores_the_rest() -> None:
    reward = r.rouge_reward(section="explanation")
    assert reward([GOOD, "because it is so"], rationale=["because it is so", GOOD]) == [1.0, 0.0]


def test_rewards_have_names_for_logs() -> None:
    made = [r.tag_reward(), r.exact_answer_reward(), r.rouge_reward(), r.length_reward(1, 2)]
    assert [f.__name__ for f in made] == ["form", "exact_answer", "rouge_l", "length"]  # type: ignore[attr-defined]


def test_a_missing_column_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="needs the column 'answer'") as caught:
        r.exact_answer_reward()(["x"], answers=["x"], prompts=["y"])
    assert caught.value.hint == "did you mean 'answers'?"
    with pytest.raises(InputError, match="2 values for 1 completions"):
        r.exact_answer_reward()(["x"], answer=["x", "y"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: r.tag_reward([]), "list of tags"),
        (lambda: r.tag_reward("ab"), "list of tags"),
        (lambda: r.tag_reward(["a b"]), "plain word"),
        (lambda: r.tag_reward(["a", "a"]), "twice"),
        (lambda: r.tag_reward(min_words=5, max_words=4), "5 to 4 words"),
        (lambda: r.length_reward(0, 1), "1 <= low <= high"),
        (lambda: r.length_reward(1, 1, unit="pages"), "words, characters or tokens"),  # type: ignore[arg-type]
        (lambda: r.repetition_penalty(0), "at least 1"),
        (lambda: r.SemanticReward(lambda texts: texts, min_words=9, max_words=8), "9 to 8"),  # type: ignore[arg-type,return-value]
    ],
)
def test_impossible_settings_are_refused(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]


def test_rewards_are_built_by_name() -> None:
    assert r.build_reward("length", low=1, high=2)(["one"]) == [1.0]
    with pytest.raises(UnknownNameError, match="unknown reward 'exact'") as caught:
        r.build_reward("exact")
    assert "exact-answer" in str(caught.value.hint)
    with pytest.raises(UnknownNameError, match="option of the reward 'length' 'hihg'") as caught:
        r.build_reward("length", low=1, hihg=2)
    assert caught.value.hint == "did you mean 'high'?"
    with pytest.raises(InputError, match="needs the option 'low'"):
        r.build_reward("length")
    with pytest.raises(InputError, match="cannot be made with low='a'"):
        r.build_reward("length", low="a", high=2)
