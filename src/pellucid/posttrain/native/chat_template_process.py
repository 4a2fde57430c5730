"""The process in which a chat template is rendered; reads one JSON document, writes one.

It is run by path, not imported as a part of the package, so that it starts quickly.
"""

import json
import sys
from datetime import datetime
from typing import Any, NoReturn

from jinja2.exceptions import TemplateRuntimeError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment


class GenerationTag(Extension):
    """`{% generation %}` marks the assistant's words; here it only passes them on."""

    tags = {"generation"}  # noqa: RUF012  (the base class declares it)

    def parse(self, parser: Parser) -> CallBlock:
        """Return the block without its marks."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return CallBlock(self.call_method("_words"), [], [], body, lineno=line)

    def _words(self, caller: Any) -> Any:
        return caller()


def refuse(message: object) -> NoReturn:
    """Raise what a template raises by `raise_exception`."""
    raise TemplateRuntimeError(str(message))


def rendered(asked: dict[str, Any]) -> list[str]:
    """Return the text of each conversation."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols]
    )
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(
        value, ensure_ascii=False, indent=indent
    )
    environment.globals["raise_exception"] = refuse
    # the local day, as the template's author expects
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)  # noqa: DTZ005
    template = environment.from_string(asked["template"])
    texts: list[str] = []
    left = asked["max_characters"]
    for messages in asked["conversations"]:
        text = template.render(
            messages=messages,
            add_generation_prompt=asked["add_generation_prompt"],
            **asked["special_tokens"],
        )
        left -= len(text)
        if left < 0:
            refuse(f"its text has more than {asked['max_characters']} characters")
        texts.append(text)
    return texts


def limit_memory(n_bytes: int) -> None:
    """Keep this process from taking more memory, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))


def main() -> None:
    """Answer one question."""
    asked = json.loads(sys.stdin.buffer.read())
    limit_memory(asked["memory_bytes"])
    try:
        answer: dict[str, Any] = {"texts": rendered(asked)}
    except Exception as error:  # a template may raise anything
        first = (str(error).splitlines() or [""])[0][:200]
        answer = {"error": f"{type(error).__name__}: {first}"}
    # lone surrogates and all else outside ASCII travel as escapes
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
