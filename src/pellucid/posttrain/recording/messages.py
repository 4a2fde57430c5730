"""Prompts and completions that are lists of messages, as one text."""

from collections.abc import Mapping
from typing import Any

from pellucid.io.strict_json import dumps


def message_text(value: Any) -> str:
    r"""Return plain text for a text or a list of messages; one message stands without its role.

    Args:
        value: Text, or messages with `role` and `content`; content may be a list of typed parts,
            of which the text is taken. Calls of tools follow it, a line each.

    Raises:
        ValueError: Neither.

    Example:
        >>> message_text([{"role": "user", "content": "2 + 2 ="}])
        '2 + 2 ='
        >>> two = [{"role": "system", "content": "Add."}, {"role": "user", "content": "1+1"}]
        >>> message_text(two)
        '[system]\nAdd.\n[user]\n1+1'
        >>> call = {"function": {"name": "add", "arguments": {"a": 1, "b": 1}}}
        >>> message_text([{"role": "assistant", "content": None, "tool_calls": [call]}])
        '[calls add] {"a": 1, "b": 1}'
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise ValueError(f"expected text or a list of messages, got {value!r:.80}")
    parts = [_content(message) for message in value]
    if len(parts) == 1:
        return parts[0]
    return "\n".join(
        f"[{m.get('role', '?')}]\n{text}" for m, text in zip(value, parts, strict=True)
    )


def _content(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls")
    called = [_call(call) for call in calls] if isinstance(calls, list) else []
    said = _said(message.get("content"), message)
    return "\n".join([said, *called] if said else called)


def _said(content: Any, message: Mapping[str, Any]) -> str:
    if content is None:  # a message that is only a call of a tool
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    raise ValueError(f"expected a message with content, got {message!r:.80}")


def _call(call: Any) -> str:
    function = call.get("function", call) if isinstance(call, Mapping) else call
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise ValueError(f"expected a call of a tool with a name, got {call!r:.80}")
    given = function.get("arguments", "")
    return (
        f"[calls {function['name']}] {given if isinstance(given, str) else dumps(given)}".rstrip()
    )
