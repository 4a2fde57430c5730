"""Makes examples of stored data sets in TRL's column convention."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pellucid.errors import DataError, InputError
from pellucid.io import strict_json
from pellucid.posttrain.completions import AnswerForm, extract_answer, text_of
from pellucid.posttrain.tasks.example import Example
from pellucid.posttrain.tasks.reading import read_rows
from pellucid.registry import unknown_name

FIELDS = tuple(f.name for f in fields(Example) if f.name not in ("messages", "extra"))
_TEXTS = ("answer", "rationale", "hint", "group_id", "task")


@dataclass(frozen=True)
class Dataset:
    """Examples that were read, and what they are identified by.

    Args:
        examples: In the order of the file.
        digest: SHA-256 of what the examples say; equal for equal examples, whatever the format.
        source: Where they were read.
    """

    examples: tuple[Example, ...]
    digest: str
    source: str


def load_dataset(
    path: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    needed: Sequence[str] = ("prompt", "answer"),
    answer_form: AnswerForm = "whole",
    split: str | None = None,
) -> Dataset:
    """Return the examples of a JSONL or Parquet file or of a folder.

    Args:
        path: See `read_rows`.
        columns: `{field: column}` where a column is not called as the field of `Example`; a dot
            goes into a nested column, as in `{"answer": "reward_model.ground_truth"}`.
        needed: Fields that every row must have.
        answer_form: Where the gold answer stands in its column, such as `marker` for GSM8K and
            `boxed` for MATH; the whole text is the rationale then, if there is no other.
        split: Which part of a folder with several.

    A prompt is text, or a list of messages; `messages` keeps these, and `prompt` is their text. In
    other fields the last message counts. Without a column for it, the group is the prompt itself,
    so that copies of a prompt are never parted. Columns that no field takes are in `extra`.

    Raises:
        DataError: A row lacks a needed field or has a value of another type; the message names the
            line and the nearest column.
        InputError: `columns` names no field, or there is no row.
    """
    path = Path(path)
    mapping = dict(columns or {})
    for name in [*mapping, *needed]:
        if name not in FIELDS:
            raise unknown_name("field of an example", name, list(FIELDS))
    reader = _RowReader(mapping, tuple(needed), answer_form, path.stem)
    examples = tuple(
        reader.example(row, where, number)
        for number, (where, row) in enumerate(read_rows(path, split=split))
    )
    if not examples:
        raise InputError(f"{path} has no rows")
    return Dataset(examples, digest(examples), str(path))


def digest(examples: Sequence[Example]) -> str:
    """Return the SHA-256 of what examples say, in their order."""
    found = hashlib.sha256()
    for example in examples:
        row = {name: getattr(example, name) for name in FIELDS}
        row |= {"messages": example.messages, "extra": dict(example.extra)}
        found.update(strict_json.dumps(_plain(row)).encode("ascii") + b"\n")
    return found.hexdigest()


@dataclass(frozen=True)
class _RowReader:
    columns: Mapping[str, str]
    needed: tuple[str, ...]
    answer_form: AnswerForm
    task: str

    def example(self, row: Mapping[str, Any], where: str, number: int) -> Example:
        found = {name: self._value(row, name, where) for name in FIELDS}
        messages = _messages(found["prompt"], where)
        prompt = _conversation(messages) if messages else _text(found["prompt"], "prompt", where)
        texts = {name: _text(found[name], name, where) for name in _TEXTS}
        answer, rationale = texts["answer"], texts["rationale"]
        if answer is not None and self.answer_form != "whole":
            rationale = answer if rationale is None else rationale
            answer = extract_answer(answer, self.answer_form)
            if answer is None:
                raise DataError(f"{where}: the answer has not the form {self.answer_form!r}")
        taken = {self.columns.get(name, name).partition(".")[0] for name in FIELDS}
        return Example(
            prompt=prompt or "",
            answer=answer or "",
            rationale=rationale,
            hint=texts["hint"],
            difficulty=_difficulty(found["difficulty"]),
            group_id=texts["group_id"] or _prompt_group(prompt, number),
            task=texts["task"] or self.task,
            messages=messages,
            extra={key: value for key, value in row.items() if key not in taken},
        )

    def _value(self, row: Mapping[str, Any], name: str, where: str) -> Any:
        column = self.columns.get(name, name)
        value: Any = row
        for part in [column] if column in row else column.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None and (name in self.needed or name in self.columns):
            hint = unknown_name("column", column, [str(key) for key in row]).hint
            what = "no" if column.partition(".")[0] not in row else "nothing in the"
            raise DataError(f"{where}: there is {what} column {column!r}", hint=hint)
        return value


def _messages(value: Any, where: str) -> tuple[Mapping[str, Any], ...] | None:
    if not isinstance(value, list):
        return None
    for message in value:
        content = message.get("content") if isinstance(message, Mapping) else None
        if not isinstance(content, str) or not isinstance(message.get("role"), str):
            raise DataError(f"{where}: a message needs a role and a content, both text")
    if not value:
        raise DataError(f"{where}: the prompt is a list of no messages")
    return tuple({"role": m["role"], "content": text_of(m["content"])} for m in value)


def _conversation(messages: tuple[Mapping[str, Any], ...]) -> str:
    if len(messages) == 1:
        return str(messages[0]["content"])
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)


def _text(value: Any, name: str, where: str) -> str | None:
    if isinstance(value, list):
        messages = _messages(value, where)
        value = messages[-1]["content"] if messages else None
    if isinstance(value, bool) or (value is not None and not isinstance(value, str | int | float)):
        raise DataError(f"{where}: {name} must be text, got {type(value).__name__}")
    return None if value is None else text_of(str(value))


def _difficulty(value: Any) -> float:
    if isinstance(value, str):
        value = value.rpartition(" ")[2]  # "Level 5"
        return float(value) if value.isascii() and value.isdigit() and len(value) < 10 else math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value)


def _prompt_group(prompt: str | None, number: int) -> str:
    if not prompt:
        return f"row-{number}"
    plain = " ".join(prompt.casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(value: Any) -> Any:
    # Parquet has types that JSON lacks, such as times; their text identifies them
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return repr(value)
