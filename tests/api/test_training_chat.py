"""Prompts through a chat template: the plain one, and those with hints, each rendered once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pellucid.api.training_chat import through_chat
from pellucid.api.training_config import ModelSection, load_config
from pellucid.api.training_data import load_data
from pellucid.api.training_models import source_of
from pellucid.errors import InputError
from pellucid.posttrain.native.prompting import Template
from tests.api.training_configs import write_tiny


class Angled:
    """Renders a message as `<user>text</user>`."""

    def render(self, conversations: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
        return [
            "".join(f"<{m['role']}>{m['content']}</{m['role']}>" for m in conversation)
            for conversation in conversations
        ]


def test_every_prompt_is_rendered_with_its_hint_inside_the_message(tmp_path: Path) -> None:
    data = load_data(load_config(write_tiny(tmp_path)))
    prompts = {"hint_prompt": Template("{prompt} ({hint})")}
    chatty, rendered = through_chat(data, prompts, Angled())
    plain, example = data.split.train[0], chatty.split.train[0]
    assert example.prompt == f"<user>{plain.prompt}</user>"
    assert rendered["hint_prompt"](example) == f"<user>{plain.prompt} ({plain.hint})</user>"
    assert len(chatty.split.test) == len(data.split.test)
    assert chatty.hashes == data.hashes
    with pytest.raises(InputError, match="has no prompt for hint_prompt"):
        rendered["hint_prompt"](plain)


def test_the_in_house_model_has_no_template(tmp_path: Path) -> None:
    data = load_data(load_config(write_tiny(tmp_path)))
    with pytest.raises(InputError, match="the in-house model has none"):
        through_chat(data, {}, object())


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="'no_such_package' is not installed"):
        source_of(ModelSection(package="no_such_package", gguf_file="x.gguf"))
    with pytest.raises(InputError, match="expected the name of a package"):
        source_of(ModelSection(package="os.path", gguf_file="x.gguf"))
