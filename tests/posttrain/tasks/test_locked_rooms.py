"""Corridors of locked rooms: answers by hand, and texts as often right as the beliefs."""

import pytest

from pellucid.errors import InputError
from pellucid.posttrain.native.tokenizing import WordTokenizer
from pellucid.posttrain.tasks import LockedRooms
from pellucid.posttrain.tasks.locked_rooms import (
    DOORS,
    N_PLACES,
    STEP_END,
    all_doors_right,
    doors_in,
    worked,
)


def test_the_answer_is_the_right_door_of_each_sign() -> None:
    world = LockedRooms(seed=1)
    (example,) = world.examples(1, seed=0, difficulty=3)
    signs = [word for word in example.prompt.split() if word in world.beliefs]
    assert example.answer.split() == [DOORS[world.beliefs[sign].right] for sign in signs]
    assert example.difficulty == len(signs) == 3
    assert world.verify(example.rationale, example)


def test_signs_stand_as_far_apart_as_steps_are_long() -> None:
    world = LockedRooms(seed=1)
    for example in world.examples(20, seed=0):
        prompt, steps = example.prompt.split(), (example.rationale or "").split()
        assert len(prompt) == 5 * N_PLACES + 1
        assert prompt[0 : 5 * 5 : 5] == steps[0 : 5 * 5 : 5]
        assert steps[4::5] == [STEP_END] * 5


@pytest.mark.parametrize(
    "text",
    [
        "redkey up take up",
        "redkey up take up | and",
        "redkey up take sideways |",
        "redkey up",
        "|",
    ],
)
def test_other_forms_take_no_door(text: str) -> None:
    assert doors_in(text) == ""


def test_one_wrong_door_fails_the_corridor() -> None:
    steps = worked(["redkey", "bluestar"], ["up", "north"])
    assert doors_in(steps) == "up north"
    assert all_doors_right([steps, steps], ["up north", "up south"]) == [1.0, 0.0]


def test_texts_are_right_as_often_as_the_beliefs() -> None:
    world = LockedRooms(seed=1)
    kinds = [world.known_trust] * world.n_known + [world.unsure_trust] * world.n_unsure
    trusts = dict(zip(world.beliefs, [*kinds, *[world.decoy_trust] * world.n_decoys], strict=True))
    right: dict[float, list[bool]] = {trust: [] for trust in trusts.values()}
    for _, text in world.texts(800, seed=0):
        for step in text.split(STEP_END)[:-1]:
            sign, door, *_ = step.split()
            right[trusts[sign]].append(DOORS[world.beliefs[sign].right] == door)
    for trust, found in right.items():
        assert sum(found) / len(found) == pytest.approx(trust, abs=0.04)


def test_all_texts_can_be_written() -> None:
    world = LockedRooms()
    tokenizer = WordTokenizer(world.vocabulary)
    for pair in world.texts(50, seed=0):
        for text in pair:
            assert tokenizer.decode(tokenizer.encode(text)) == text


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="1 to 36 signs, got 40"):
        LockedRooms(n_known=27)
    with pytest.raises(InputError, match="1 to 8 rooms, got lengths"):
        LockedRooms(lengths=(9,))
    with pytest.raises(InputError, match="no corridor of locked-rooms has 9 rooms"):
        LockedRooms().examples(1, seed=0, difficulty=9)
