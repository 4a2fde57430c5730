"""Asks through a chat template: prompts become conversations, rendered once for the whole run."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pellucid.api.training_data import Data
from pellucid.errors import InputError
from pellucid.posttrain.tasks.example import Example
from pellucid.posttrain.tasks.splits import Split, split_digest

Prompt = Callable[[Example], str]


class Renders(Protocol):
    """A tokenizer with a chat template."""

    def render(self, conversations: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
        """Return conversations as text that ends where the assistant begins."""


@dataclass(frozen=True)
class RenderedPrompts:
    """Prompts of examples, rendered before the run.

    Args:
        prompts: By the example's own rendered prompt.
        what: What they add, for messages.
    """

    prompts: Mapping[str, str] = field(repr=False)
    what: str

    def __call__(self, example: Example) -> str:
        """Return the prompt of an example.

        Raises:
            InputError: There is none: the example lacks what it needs.
        """
        if example.prompt not in self.prompts:
            raise InputError(f"the example {example.group_id!r:.60} has no prompt for {self.what}")
        return self.prompts[example.prompt]


def through_chat(
    data: Data, prompts: Mapping[str, Prompt], tokenizer: Any
) -> tuple[Data, dict[str, Prompt]]:
    """Return data and prompts of methods with every prompt rendered by a chat template.

    Args:
        data: Plain prompts, or messages.
        prompts: What makes prompts of contexts out of plain examples, by argument.
        tokenizer: Has the template.

    Raises:
        InputError: The tokenizer has no chat template, or it fails.
    """
    if not hasattr(tokenizer, "render"):
        raise InputError(
            "model.chat asks through a chat template, and the in-house model has none",
            hint="model.chat: false",
        )
    examples = (*data.split.train, *data.split.test)
    plain = tokenizer.render([_conversation(example) for example in examples])
    rendered = [
        dataclasses.replace(example, prompt=text, messages=None)
        for example, text in zip(examples, plain, strict=True)
    ]
    n_train = len(data.split.train)
    train, test = tuple(rendered[:n_train]), tuple(rendered[n_train:])
    split = Split(train, test, split_digest(train, test))
    others = {
        name: RenderedPrompts(_table(make, examples, plain, tokenizer), name)
        for name, make in prompts.items()
    }
    return dataclasses.replace(data, split=split), dict(others)


def _conversation(example: Example) -> Sequence[Mapping[str, Any]]:
    return example.messages or [{"role": "user", "content": example.prompt}]


def _table(
    make: Prompt, examples: Sequence[Example], plain: Sequence[str], tokenizer: Renders
) -> dict[str, str]:
    made: dict[str, str] = {}
    for example, prompt in zip(examples, plain, strict=True):
        try:
            made[prompt] = make(example)
        except InputError:  # without a hint it is never hinted
            continue
    texts = tokenizer.render([[{"role": "user", "content": text}] for text in made.values()])
    return dict(zip(made, texts, strict=True))
