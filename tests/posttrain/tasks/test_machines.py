"""Walks through machines: answers by hand, prompts that leak nothing, texts as often right."""

from itertools import pairwise

import pytest

from pellucid.errors import InputError
from pellucid.posttrain.native.tokenizing import WordTokenizer
from pellucid.posttrain.tasks import Machines, check_split
from pellucid.posttrain.tasks.machines import (
    answered_prompt,
    form,
    hinted_prompt,
    path_from,
    path_in,
    right_path,
    steps_in,
    worked,
)


def test_a_walk_is_answered_by_its_offsets() -> None:
    world = Machines(seed=3)
    example = world.example(4, ["dax", "wug"])
    first, second = (world.beliefs[name].right + 1 for name in ("dax", "wug"))
    assert example.prompt == "4 : dax _ _ ; wug _ _ ; ="
    assert example.answer == f"{(4 + first) % 10} {(4 + first + second) % 10}"
    assert example.hint is None
    assert steps_in(example.rationale or "") == [
        ("dax", first, (4 + first) % 10),
        ("wug", second, (4 + first + second) % 10),
    ]


def test_a_hint_tells_the_doubted_machines_alone() -> None:
    world = Machines(seed=3)
    example = world.example(4, ["dax", "sot"])
    assert example.hint == f"sot +{world.beliefs['sot'].right + 1}"
    assert hinted_prompt(example) == f"4 : dax _ _ ; {example.hint} _ ; ="


def test_answers_and_hints_fill_the_blanks() -> None:
    plain = form(7, ["dax", "wug"])
    assert answered_prompt(plain, "2 1") == "7 : dax _ 2 ; wug _ 1 ; ="
    assert form(7, ["dax", "wug"], offsets={"dax": 5}) == "7 : dax +5 _ ; wug _ _ ; ="


@pytest.mark.parametrize("difficulty", [0, 1, 3])
def test_examples_have_as_many_doubted_machines_and_leak_nothing(difficulty: int) -> None:
    world = Machines(seed=1)
    examples = world.examples(40, seed=0, difficulty=difficulty)
    assert len({example.prompt for example in examples}) == 40
    for example in examples:
        assert sum(name in world.doubted for name in example.prompt.split()) == difficulty
        assert not set(example.answer.split()) & set(example.prompt.split())
        assert world.verify(example.rationale, example)
        assert world.sound(example.rationale or "", example)
    check_split(examples[:30], examples[30:], answers_hidden=True)
    assert world.examples(40, seed=0, difficulty=difficulty) == examples


def test_texts_are_right_as_often_as_the_beliefs() -> None:
    world = Machines(sure_trust=0.8, doubted_trust=0.3, habit_share=0.4, seed=2)
    right: dict[bool, list[bool]] = {True: [], False: []}
    for _, text in world.texts(1500, seed=0):
        for name, offset, _ in steps_in(text):
            right[name in world.doubted].append(offset == world.beliefs[name].right + 1)
    assert sum(right[False]) / len(right[False]) == pytest.approx(0.8, abs=0.03)
    assert sum(right[True]) / len(right[True]) == pytest.approx(0.3, abs=0.03)


def test_texts_follow_what_they_are_told() -> None:
    world = Machines(seed=2)
    for prompt, text in world.texts(50, seed=0, hinted=1.0):
        told = {a: int(b) for a, b in pairwise(prompt.split()) if b[0] == "+"}
        assert all(told.get(name, offset) == offset for name, offset, _ in steps_in(text))
    for prompt, text in world.texts(50, seed=0, answered=1.0):
        assert prompt.split()[4::4] == (path_in(text) or "").split()


def test_all_texts_can_be_written() -> None:
    world = Machines()
    tokenizer = WordTokenizer(world.vocabulary)
    for pair in world.texts(200, seed=0, hinted=0.3, answered=0.3, expert=0.3):
        for text in pair:
            assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize(
    "text", ["", "path", "path 2 x", "path 12", "path 2 path 2", "dax +5 2 ;", "path ²"]
)
def test_other_endings_are_no_path(text: str) -> None:
    assert path_in(text) is None
    assert right_path([text], ["2"]) == [0.0]


def test_right_ends_with_wrong_steps_are_not_sound() -> None:
    world = Machines(seed=3)
    example = world.example(4, ["dax", "wug"])
    right = [world.beliefs[name].right + 1 for name in ("dax", "wug")]
    wrong = [right[0] % 9 + 1, right[1]]
    path = " ".join(map(str, path_from(4, right)))
    steps = worked(4, ["dax", "wug"], wrong).partition("path")[0]
    assert world.verify(f"{steps}path {path}", example)
    assert not world.sound(f"{steps}path {path}", example)
    assert world.sound(worked(4, ["dax", "wug"], right), example)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_sure": 10, "n_doubted": 3}, "1 to 12 machines, got 13"),
        ({"lengths": (13,)}, "lengths must be 1 to 12"),
        ({"lengths": ()}, "lengths must be 1 to 12"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Machines(**options)  # type: ignore[arg-type]


def test_an_impossible_difficulty_is_refused() -> None:
    with pytest.raises(InputError, match="no walk of 3 machines has 4 doubted ones"):
        Machines().examples(1, seed=0, difficulty=4)
