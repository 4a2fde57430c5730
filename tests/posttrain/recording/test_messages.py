"""Lists of messages as text: roles, parts and calls of tools."""

from typing import Any

import pytest

from pellucid.posttrain.recording.messages import message_text

ADD = {"type": "function", "function": {"name": "add", "arguments": {"a": 1, "b": 1}}}


def test_what_was_said_stands_before_what_was_called() -> None:
    turns = [
        {"role": "assistant", "content": "Let me see.", "tool_calls": [ADD, ADD]},
        {"role": "tool", "name": "add", "content": "2"},
    ]
    assert message_text(turns) == (
        '[assistant]\nLet me see.\n[calls add] {"a": 1, "b": 1}\n[calls add] {"a": 1, "b": 1}\n'
        "[tool]\n2"
    )


def test_arguments_that_are_text_stay_as_they_are() -> None:
    call = {"name": "add", "arguments": '{"a": 1'}
    assert message_text([{"role": "assistant", "tool_calls": [call]}]) == '[calls add] {"a": 1'


def test_parts_are_joined_and_pictures_left_out() -> None:
    parts = [{"type": "image"}, {"type": "text", "text": "What"}, {"text": " is it?"}]
    assert message_text([{"role": "user", "content": parts}]) == "What is it?"


@pytest.mark.parametrize(
    "value",
    [3, ["text"], [{"content": 3}], [{"tool_calls": [3]}], [{"tool_calls": [{"function": {}}]}]],
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        message_text(value)
