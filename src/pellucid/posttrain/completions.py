"""Reads what a model wrote: its text, its sections and its answer, in time linear in the text.

Completions are hostile: they may be missing, a megabyte long, or made of half-open tags. Nothing
here raises on them, and nothing searches with a pattern that can backtrack.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, TypeAlias

ANSWER_MARKER = "####"
"""What precedes the final answer of a worked solution, as in GSM8K (Cobbe et al. 2021)."""

AnswerForm: TypeAlias = Literal["marker", "tag", "boxed", "whole"]
"""Where an answer stands: after `####`, in `<answer>…</answer>`, in `\\boxed{…}`, or everywhere."""

MAX_ANSWER_CHARS = 1000
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
# exponents are left out on purpose: Fraction("1e999999999") would fill the memory
_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?(?:/0*[1-9]\d{0,39})?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3}){1,12}(?:\.\d{1,40})?")


def text_of(completion: Any) -> str:
    """Return the text of a completion: a string, or what the assistant says in a list of messages.

    Several messages of the assistant are joined by line ends; other roles, tool results among them,
    are not the model's own words. Anything else is no text. Lone surrogates become U+FFFD, so that
    what is returned can always be encoded.

    Example:
        >>> text_of([{"role": "assistant", "content": "4"}, {"role": "tool", "content": "5"}])
        '4'
        >>> text_of(None)
        ''
    """
    if isinstance(completion, str):
        return _LONE_SURROGATES.sub("\ufffd", completion)
    if isinstance(completion, Mapping):
        completion = [completion]
    if not isinstance(completion, Sequence) or isinstance(completion, bytes | bytearray):
        return ""
    said = [
        _content(message.get("content"))
        for message in completion
        if isinstance(message, Mapping) and message.get("role", "assistant") == "assistant"
    ]
    return _LONE_SURROGATES.sub("\ufffd", "\n".join(said))


def sections(text: str, names: Sequence[str]) -> dict[str, str] | None:
    """Return what stands in each tag, or None unless the text has exactly the form asked for.

    The form: each of `<name>` and `</name>` occurs once, the tags come in the order of `names`,
    none inside another, and nothing but white space stands outside them.

    Example:
        >>> sections("<a>x</a> <b>y</b>", ["a", "b"])
        {'a': 'x', 'b': 'y'}
        >>> sections("<a>x</a><a>x</a><b>y</b>", ["a", "b"]) is None
        True
    """
    found: dict[str, str] = {}
    at = 0
    for name in names:
        opening, closing = f"<{name}>", f"</{name}>"
        if text.count(opening) != 1 or text.count(closing) != 1:
            return None
        start, stop = text.find(opening), text.find(closing)
        if start < at or stop < start or text[at:start].strip():
            return None
        found[name] = text[start + len(opening) : stop]
        at = stop + len(closing)
    return None if text[at:].strip() else found


def tagged(text: str, name: str) -> str | None:
    """Return what stands in the only `<name>…</name>` of a text, None if there is not exactly one.

    A text that gives several answers has given none: the tag is never searched for a right one.
    """
    opening, closing = f"<{name}>", f"</{name}>"
    if text.count(opening) != 1 or text.count(closing) != 1:
        return None
    start, stop = text.find(opening) + len(opening), text.find(closing)
    return text[start:stop] if start <= stop else None


def extract_answer(text: str, form: AnswerForm = "marker") -> str | None:
    """Return the final answer of a text, without surrounding white space; None if it has none.

    Args:
        text: What the model wrote.
        form: Where the answer stands. After the marker it ends with its line. Marker and tag must
            occur exactly once; of several boxes the last one counts.

    Example:
        >>> extract_answer("7+8=15;3+4+1=8;####85")
        '85'
    """
    if form == "marker":
        found = _after_marker(text)
    elif form == "tag":
        found = tagged(text, "answer")
    elif form == "boxed":
        found = _last_box(text)
    else:
        found = text
    if found is None or len(found) > MAX_ANSWER_CHARS:
        return None
    return found.strip() or None


def normalise_answer(answer: str) -> str:
    """Return an answer without what does not change its meaning.

    Case, white space, a final full stop, surrounding `$` and thousands separators go; a plain
    number becomes a reduced fraction, so that `0.50`, `1/2` and `+.5`'s usual spelling `0.5` agree.

    Example:
        >>> normalise_answer(" 1,250.0 ") == normalise_answer("1250")
        True
    """
    plain = " ".join(answer[:MAX_ANSWER_CHARS].casefold().split())
    plain = plain.strip("$ ").removesuffix(".").rstrip()
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    if not (plain.isascii() and _NUMBER.fullmatch(plain)):
        return plain
    number, _, divisor = plain.partition("/")
    return str(Fraction(number) / Fraction(divisor or "1"))


def same_answer(given: str | None, gold: str) -> bool:
    """Whether an extracted answer is the gold one, both normalised; no answer is never right."""
    return given is not None and normalise_answer(given) == normalise_answer(gold)


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence) or isinstance(content, bytes | bytearray):
        return ""
    # the parts of a multimodal message
    parts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "".join(part for part in parts if isinstance(part, str))


def _after_marker(text: str) -> str | None:
    if text.count(ANSWER_MARKER) != 1:
        return None
    return text.partition(ANSWER_MARKER)[2].strip().partition("\n")[0]


def _last_box(text: str) -> str | None:
    opening = "\\boxed{"
    start = text.rfind(opening)
    if start < 0:
        return None
    start += len(opening)
    depth = 1
    for offset, character in enumerate(text[start : start + MAX_ANSWER_CHARS + 1]):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[start : start + offset]
    return None
