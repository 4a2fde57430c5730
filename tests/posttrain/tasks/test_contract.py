"""What every task promises, over the list of tasks."""

import dataclasses

import pytest

from pellucid.errors import InputError, UnknownNameError
from pellucid.posttrain.tasks import (
    TASKS,
    Addition,
    Corridor,
    Exam,
    ModularChain,
    Task,
    build_task,
    check_split,
    reward_columns,
    split_by_group,
)
from pellucid.posttrain.tasks.splits import says

OWN: list[Task] = [
    Addition(),
    Addition(n_digits=3),
    ModularChain(),
    Corridor(),
    Corridor(locked=False, n_rooms=8),
    Exam(),
]
own_tasks = pytest.mark.parametrize("task", OWN, ids=lambda task: task.name)


@own_tasks
def test_the_expert_is_right_and_others_are_wrong(task: Task) -> None:
    examples = task.examples(20, seed=1)
    for example, other in zip(examples, [*examples[1:], examples[0]], strict=True):
        assert task.verify(example.rationale, example)
        assert task.verify([{"role": "assistant", "content": example.rationale}], example)
        for nothing in (None, "", "####", "<answer></answer>", example.prompt, example.hint):
            assert not task.verify(nothing, example)
        if other.answer != example.answer:
            assert not task.verify(other.rationale, example)


@own_tasks
def test_one_seed_gives_one_set_of_examples(task: Task) -> None:
    first = task.examples(10, seed=5)
    assert task.examples(10, seed=5) == first
    assert task.examples(4, seed=5) == first[:4]
    assert task.examples(10, seed=6) != first
    assert task.examples(0, seed=5) == []


@own_tasks
def test_groups_are_distinct_and_everything_is_given(task: Task) -> None:
    examples = task.examples(50, seed=2)
    assert len({example.group_id for example in examples}) == 50
    assert {example.task for example in examples} == {task.name}
    assert all(e.prompt and e.answer and e.rationale and e.hint for e in examples)
    assert len({example.difficulty for example in examples}) > 1


@own_tasks
def test_one_difficulty_can_be_asked_for(task: Task) -> None:
    examples = task.examples(5, seed=3, difficulty=2)
    assert {example.difficulty for example in examples} == {2.0}
    with pytest.raises(InputError):
        task.examples(5, seed=3, difficulty=-1)


@own_tasks
def test_a_split_by_group_leaks_nothing(task: Task) -> None:
    split = split_by_group(task.examples(60, seed=4), test_share=0.25, seed=0)
    assert len(split.test) == 15
    check_split(split.train, split.test)


@pytest.mark.parametrize("task", [Addition(), Corridor(), Corridor(locked=False)])
def test_no_prompt_and_no_hint_says_the_answer(task: Task) -> None:
    check_split(task.examples(150, seed=0), [], answers_hidden=True)


def test_no_hint_of_the_exam_says_the_right_option() -> None:
    for example in Exam().examples(200, seed=0):
        assert example.hint is not None
        assert not says(example.hint, example.extra["options"][example.answer])
        assert not says(example.hint, f"option {example.answer}")


def test_the_hint_of_a_chain_is_not_its_last_step() -> None:
    for example in ModularChain().examples(200, seed=0):
        assert example.hint is not None
        assert example.rationale is not None
        last_step = example.rationale.split(";")[-2]
        assert example.difficulty > 1 or last_step not in example.hint


def test_more_examples_than_there_are_is_an_error() -> None:
    with pytest.raises(InputError, match="fewer than 1000 different"):
        Addition(n_digits=1).examples(1000, seed=0)
    with pytest.raises(InputError, match="not be negative"):
        Addition().examples(-1, seed=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Addition(n_digits=0), r"n_digits must be in 1\.\.18"),
        (lambda: ModularChain(modulus=11), r"modulus must be in 2\.\.10"),
        (lambda: ModularChain(max_operations=0), r"max_operations must be in 1\.\.100"),
        (lambda: Corridor(n_rooms=3), r"n_rooms must be in 4\.\.20"),
        (lambda: Exam(subjects=()), "at least one subject"),
        (lambda: Exam(subjects=("physic",)), "unknown subject 'physic'"),
        (lambda: Addition().examples(1, seed=0, difficulty=3), "number of carries, 0 to 2"),
        (lambda: ModularChain().examples(1, seed=0, difficulty=0), "number of operations"),
        (lambda: Corridor().examples(1, seed=0, difficulty=1.5), "number of moves"),
    ],
)
def test_settings_out_of_range_are_refused(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]


def test_tasks_are_built_by_name() -> None:
    assert build_task("addition", n_digits=3) == Addition(3)
    assert set(TASKS) >= {"addition", "corridor", "exam", "modular-chain", "reasoning-gym"}
    with pytest.raises(UnknownNameError) as caught:
        build_task("adition")
    assert caught.value.hint == "did you mean 'addition'?"
    with pytest.raises(UnknownNameError, match="option of the task 'addition' 'digits'"):
        build_task("addition", digits=3)


def test_columns_are_those_of_trl_and_the_data_set() -> None:
    first, second = Addition().examples(2, seed=0)
    second = dataclasses.replace(second, extra={"source": "x"})
    columns = reward_columns([first, second])
    assert columns["prompts"] == [first.prompt, second.prompt]
    assert columns["answer"] == [first.answer, second.answer]
    assert columns["source"] == [None, "x"]
    assert "prompt" not in columns
    assert set(columns) >= {"rationale", "hint", "difficulty", "group_id", "task"}
