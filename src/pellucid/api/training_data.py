"""What a configuration trains on: examples, their split, rewards, prompts in other contexts."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pellucid.api.training_config import PLAIN, DatasetSection, RunConfig, TaskSection
from pellucid.errors import InputError
from pellucid.io.sections import read_section
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.rewards.building import REWARDS
from pellucid.posttrain.rewards.function import RewardFunction, row_reward
from pellucid.posttrain.tasks.building import TASKS
from pellucid.posttrain.tasks.datasets import FIELDS, digest, load_dataset
from pellucid.posttrain.tasks.example import Example, Task, reward_columns
from pellucid.posttrain.tasks.splits import Split, check_split, split_by_group, split_digest
from pellucid.registry import unknown_name
from pellucid.seeds import derived_seed

SOLVED = "solved"
"""Name of the reward that asks the task itself."""
Verify = Callable[[str, Example], bool | None]


@dataclass(frozen=True)
class Data:
    """Examples to train on and to test on, and how answers are judged.

    Args:
        split: Both parts.
        task: The procedural task, None for a data set.
        rewards: Functions by the name of their component.
        weights: By the same names.
        gold: The component that says whether an answer is right.
        verify: Whether a completion solves an example; None where that cannot be told.
        hashes: SHA-256 of the data set and of the split.
        facts: What the report says of them.
    """

    split: Split
    task: Task | None
    rewards: Mapping[str, RewardFunction]
    weights: Mapping[str, float]
    gold: str
    verify: Verify
    hashes: Mapping[str, str]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class TaskPrompt:
    """A prompt that a task makes of its examples.

    Args:
        task: The task.
        method: Name of its method that takes an example.
    """

    task: Task
    method: str

    def __call__(self, example: Example) -> str:
        """Return the prompt of an example."""
        return str(getattr(self.task, self.method)(example))


def load_data(config: RunConfig) -> Data:
    """Return what a configuration trains on.

    Raises:
        InputError: A name, an option or a column is not there, or the split leaks.
        DataError: A data set cannot be read.
    """
    task = None if config.task is None else make_task(config.task)
    needed = _needed_fields(config)
    if config.task is not None and task is not None:
        split = _task_split(task, config.task, config.seed)
    else:
        assert config.dataset is not None  # the configuration has one of the two
        split = _dataset_split(config.dataset, needed, config.seed)
    check_split(split.train, split.test)
    rewards, weights = _rewards(config, task, split.train)
    gold = _gold(config, task, rewards)
    _try_rewards(rewards, split.train[0])
    everything = [*split.train, *split.test]
    return Data(
        split,
        task,
        rewards,
        weights,
        gold,
        _Verify(task, gold, rewards[gold]),
        {"dataset": digest(everything), "split": split.digest},
        {
            "n_train": len(split.train),
            "n_test": len(split.test),
            "n_train_groups": len({example.group_id for example in split.train}),
            "n_test_groups": len({example.group_id for example in split.test}),
            "leak_test": "no group and no prompt of the held-out part is trained on",
        },
    )


def make_task(section: TaskSection) -> Task:
    """Return the task of a section.

    Raises:
        InputError: An unknown name or option.
    """
    if section.name not in TASKS:
        raise unknown_name("task", section.name, list(TASKS))
    return read_section(TASKS[section.name], section.options, where="task.options")


# --- examples ---


def _needed_fields(config: RunConfig) -> tuple[str, ...]:
    """Return the fields that every row of a data set must have."""
    named = ["prompt", "answer"]
    if config.method.name == "guidance":
        named.append("hint")
    if config.method.options.get("target") == "expert":
        named.append("rationale")
    return tuple(named)


def _task_split(task: Task, section: TaskSection, seed: int) -> Split:
    kinds = section.difficulty or (None,)
    test_kinds = kinds if section.test_difficulty is None else section.test_difficulty
    train: list[Example] = []
    test: list[Example] = []
    for difficulty in dict.fromkeys((*kinds, *test_kinds)):
        n_train = _share(section.n_train, difficulty, kinds)
        n_test = _share(section.n_test, difficulty, test_kinds)
        # one draw for both parts: no group is in it twice
        drawn = task.examples(
            n_train + n_test, seed=derived_seed(seed, "train", "examples"), difficulty=difficulty
        )
        train += drawn[:n_train]
        test += drawn[n_train:]
    worded = [_worded(part, section.prompt) for part in (train, test)]
    return Split(worded[0], worded[1], split_digest(*worded))


def _share(n: int, kind: float | None, kinds: Sequence[float | None]) -> int:
    """Return how many of n examples are of a kind; the first kinds get what does not divide."""
    if kind not in kinds:
        return 0
    return n // len(kinds) + (list(kinds).index(kind) < n % len(kinds))


def _worded(examples: Sequence[Example], template: str) -> tuple[Example, ...]:
    """Return examples with the prompts that a template makes of them."""
    if template == PLAIN:
        return tuple(examples)
    make = Template(template)
    return tuple(dataclasses.replace(e, prompt=make(e), messages=None) for e in examples)


def _dataset_split(section: DatasetSection, needed: Sequence[str], seed: int) -> Split:
    stored = load_dataset(
        Path(section.path),
        columns=section.columns,
        needed=needed,
        answer_form=section.answer_form,
        split=section.split,
    )
    examples = _worded(stored.examples, section.prompt)
    split = split_by_group(
        examples, test_share=section.test_share, seed=derived_seed(seed, "train", "split")
    )
    train, test = split.train[: section.n_train], split.test[: section.n_test]
    return Split(train, test, split_digest(train, test))


# --- rewards ---


def _rewards(
    config: RunConfig, task: Task | None, train: Sequence[Example]
) -> tuple[dict[str, RewardFunction], dict[str, float]]:
    rewards: dict[str, RewardFunction] = {}
    weights: dict[str, float] = {}
    for number, section in enumerate(config.rewards):
        name = section.called or section.name
        where = f"rewards.{number}"
        if section.name == SOLVED:
            if section.options:
                raise InputError(f"{where}: {SOLVED!r} has no options")
            rewards[name] = _solved(task, where)
        elif section.name in REWARDS:
            make = REWARDS[section.name]
            if "references" in inspect.signature(make).parameters:
                # what other explanations are like: only those that may be learned from
                make = partial(make, references=[e.rationale for e in train if e.rationale])
            rewards[name] = read_section(make, section.options, where=f"{where}.options")
        else:
            error = unknown_name("reward", section.name, [SOLVED, *REWARDS])
            raise InputError(f"{where}: {error}", hint=error.hint)
        weights[name] = section.weight
    if config.gold is None and task is not None and SOLVED not in rewards:
        # measured and not learned: success stands beside every reward
        rewards[SOLVED], weights[SOLVED] = _solved(task, "rewards"), 0.0
    return rewards, weights


def _solved(task: Task | None, where: str) -> RewardFunction:
    if task is None:
        raise InputError(
            f"{where}: {SOLVED!r} asks a task, and a dataset has none",
            hint="use exact-answer or math-answer",
        )
    names = [name for name in FIELDS if name != "prompt"]

    def score(text: str, prompt: str, *values: Any) -> float:
        example = Example(prompt=prompt, **dict(zip(names, values, strict=True)))
        return float(task.verify(text, example))

    return row_reward(SOLVED, score, columns=["prompts", *names])


def _gold(config: RunConfig, task: Task | None, rewards: Mapping[str, RewardFunction]) -> str:
    if config.gold is not None:
        if config.gold not in rewards:
            error = unknown_name("reward", config.gold, list(rewards))
            raise InputError(f"gold: {error}", hint=error.hint)
        return config.gold
    if task is None:
        raise InputError(
            "a dataset needs gold: the name of the reward that says whether an answer is right",
            hint=f"gold: {next(iter(rewards))}",
        )
    return SOLVED


def _try_rewards(rewards: Mapping[str, RewardFunction], example: Example) -> None:
    """Call each reward once, so that a missing column is said before anything is computed."""
    columns = reward_columns([example])
    for name, reward in rewards.items():
        try:
            reward(completions=[example.answer], **columns)
        except InputError as error:
            raise InputError(f"rewards, {name}: {error}", hint=error.hint) from None
        except Exception:  # noqa: S112  (training counts and tolerates what rewards raise)
            continue


@dataclass(frozen=True)
class _Verify:
    """Whether a completion solves an example: by the task, or by the gold reward."""

    task: Task | None
    gold: str
    reward: RewardFunction

    def __call__(self, completion: str, example: Example) -> bool | None:
        if self.task is not None and self.gold == SOLVED:
            return bool(self.task.verify(completion, example))
        (value,) = self.reward(completions=[completion], **reward_columns([example]))
        return None if value is None else value > 0
