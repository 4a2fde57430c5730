"""Renders conversations with the template of a model folder, which is a program by a stranger.

It runs in a sandbox (no attributes that start with an underscore, nothing is changed), in a process
of its own with limits on time and memory. That process imports nothing but the template engine.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import InputError
from pellucid.io import strict_json

SECONDS = 10.0
MEMORY_BYTES = 1024**3
MAX_TEMPLATE_CHARACTERS = 1_000_000
MAX_CHARACTERS = 50_000_000
_PROGRAM = Path(__file__).with_name("chat_template_process.py")


def render(
    template: str,
    conversations: Sequence[Sequence[Mapping[str, Any]]],
    *,
    special_tokens: Mapping[str, str] | None = None,
    add_generation_prompt: bool = True,
    seconds: float = SECONDS,
) -> list[str]:
    """Return the text of each conversation.

    Args:
        template: A Jinja template as `transformers` understands it.
        conversations: Lists of messages, each with `role` and `content`.
        special_tokens: Texts that the template may name, such as `eos_token`.
        add_generation_prompt: Whether to end with what opens the assistant's turn.
        seconds: Limit for all together.

    Raises:
        InputError: The template is damaged, reaches for what the sandbox keeps from it, refuses a
            conversation, or exceeds the limits.
    """
    if len(template) > MAX_TEMPLATE_CHARACTERS:
        raise InputError(f"a chat template of {len(template)} characters is not read")
    asked = strict_json.dumps(
        {
            "template": template,
            "conversations": [list(conversation) for conversation in conversations],
            "special_tokens": dict(special_tokens or {}),
            "add_generation_prompt": add_generation_prompt,
            "memory_bytes": MEMORY_BYTES,
            "max_characters": MAX_CHARACTERS,
        }
    )
    try:
        # -I: neither the working directory nor the environment can put a module in its way
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "-I", str(_PROGRAM)],
            input=asked.encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"the chat template did not end within {seconds:g} s",
            hint="give prompts as plain text, or a tokenizer with another template",
        ) from None
    return _texts(ended.stdout, ended.returncode)


def _texts(answer: bytes, code: int) -> list[str]:
    if code != 0 or not answer:
        raise InputError(
            "the chat template ended its process: it asked for too much memory, or was killed",
            hint="give prompts as plain text, or a tokenizer with another template",
        )
    document = strict_json.loads(answer, where="the answer of the chat template")
    if "error" in document:
        raise InputError(f"the chat template cannot be rendered: {document['error']}")
    texts: list[str] = document["texts"]
    return texts
