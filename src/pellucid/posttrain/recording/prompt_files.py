"""Reads JSONL of prompts, completions and rewards.

One JSON object per line. Columns:

| column | meaning |
|---|---|
| `prompt` | text, or a list of messages; needed |
| `completion` | text or messages; or `completions`, a list of them; one of the two is needed |
| `reward` or `rewards` | a number; or numbers by component; with `completions` a list of either |
| `step` | whole number from 0; 0 if there is none |
| `prompt_id` | text; made from the prompt if there is none |
| `advantage`, `total`, `length` | numbers; with `completions` lists |
| `answer` | the right answer |
| `parsed`, `correct`, `cut` | per completion |
| `scored_prompt`, `context` | `plain`, `hinted` or `answered`, where sampling and scoring differ |

Other columns are left out, with a warning.
"""

import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pellucid.errors import DataError
from pellucid.io import strict_json
from pellucid.io.files import read_bytes
from pellucid.posttrain.recording.keeping import KeepLimits
from pellucid.posttrain.recording.messages import message_text
from pellucid.posttrain.recording.rows import ContextName, RunHead, RunRecord, SampleRow
from pellucid.posttrain.recording.thinning import prompt_name, thinned, update_of

COLUMNS = (
    "prompt", "completion", "completions", "reward", "rewards", "step", "prompt_id", "advantage",
    "total", "length", "answer", "parsed", "correct", "cut", "scored_prompt", "context",
)  # fmt: skip
PER_COMPLETION = ("reward", "rewards", "advantage", "total", "length", "parsed", "correct", "cut")
_OTHER_NAMES = {
    "prompt": ("question", "query", "input", "instruction", "problem"),
    "completion": ("response", "output", "generation", "generated_text", "text", "answer_text"),
}
_ABSENT = {
    "tokens": "the file has no numbers per token",
    "evaluations": "the file has no held-out evaluations",
}


def import_jsonl(path: Path, *, limits: KeepLimits | None = None) -> RunRecord:
    """Return the record that a file of prompts, completions and rewards makes.

    Args:
        path: The file.
        limits: How many completions are kept.

    Raises:
        DataError: A line is not JSON, lacks a column, or holds a value of another type; the
            message says which line.
    """
    lines = read_bytes(path).split(b"\n")
    samples: dict[int, list[SampleRow]] = {}
    left_out: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = strict_json.loads(line.strip(), where=where, non_finite_literals=True)
        if not isinstance(row, Mapping):
            raise DataError(f"{where}: expected an object with columns, got {row!r:.80}")
        _check_columns(row, where)
        left_out.update(dict.fromkeys(key for key in row if key not in COLUMNS))
        step = _step(row, where)
        rows = samples.setdefault(step, [])
        rows += _samples(row, step, len(rows), where)
    if not samples:
        raise DataError(f"{path} holds no lines", hint="one JSON object per line is expected")
    kept, note = thinned(dict(sorted(samples.items())), (limits or KeepLimits()).samples)
    warnings = [_left_out(name) for name in [*left_out][:20]] + ([note] if note else [])
    head = RunHead(
        run_id=path.resolve().stem,
        engine="jsonl (imported)",
        absent=_ABSENT,
        kept={"note": note or "all"},
    )
    return RunRecord(
        head,
        "finished",
        updates=tuple(update_of(step, rows) for step, rows in sorted(samples.items())),
        samples=tuple(kept),
        warnings=tuple(warnings),
    )


def _check_columns(row: Mapping[str, Any], where: str) -> None:
    for needed in ("prompt", "completion"):
        if needed in row or (needed == "completion" and "completions" in row):
            continue
        others = [key for key in row if key not in COLUMNS]
        near = [key for key in others if key.lower() in _OTHER_NAMES[needed]]
        near += difflib.get_close_matches(needed, others, 1, 0.7)
        hint = f"rename {near[0]!r} to {needed!r}" if near else f"columns: {', '.join(COLUMNS)}"
        raise DataError(f"{where}: the column {needed!r} is missing", hint=hint)


def _left_out(name: str) -> str:
    near = difflib.get_close_matches(name, COLUMNS, 1, 0.8)
    more = f"; did you mean {near[0]!r}?" if near else ""
    return f"the column {name!r:.80} is left out{more}"


def _samples(row: Mapping[str, Any], step: int, start: int, where: str) -> list[SampleRow]:
    if "completions" not in row:
        return [_sample(row, row["completion"], step, start, where)]
    texts = row["completions"]
    if not isinstance(texts, list):
        raise DataError(f"{where}, column 'completions': expected a list, got {texts!r:.80}")
    listed = {name: row[name] for name in PER_COMPLETION if row.get(name) is not None}
    for name, values in listed.items():
        if not isinstance(values, list) or len(values) != len(texts):
            raise DataError(
                f"{where}, column {name!r}: expected a list of {len(texts)}, one per completion"
            )
    return [
        _sample(
            {**row, **{n: values[i] for n, values in listed.items()}}, text, step, start + i, where
        )
        for i, text in enumerate(texts)
    ]


def _sample(row: Mapping[str, Any], text: Any, step: int, index: int, where: str) -> SampleRow:
    read = _Cells(row, where)
    prompt = read.messages("prompt", row["prompt"])
    rewards = read.rewards()
    total = read.number("total")
    context = read.text("context") or "plain"
    if context not in get_args(ContextName):
        raise DataError(
            f"{where}, column 'context': expected {', '.join(get_args(ContextName))}, "
            f"got {context!r:.80}"
        )
    scored = row.get("scored_prompt")
    return SampleRow(
        step,
        index,
        read.text("prompt_id") or prompt_name(prompt),
        prompt,
        read.messages("completion", text),
        scored_prompt=None if scored is None else read.messages("scored_prompt", scored),
        context=context,  # type: ignore[arg-type]  # checked above
        rewards=rewards,
        total=rewards["reward"] if math.isnan(total) and [*rewards] == ["reward"] else total,
        advantage=read.number("advantage"),
        gold=read.text("answer"),
        parsed=read.text("parsed"),
        correct=read.truth("correct"),
        length=read.whole("length"),
        cut=read.truth("cut"),
    )


def _step(row: Mapping[str, Any], where: str) -> int:
    step = _Cells(row, where).whole("step")
    if step is not None and step < 0:
        raise DataError(f"{where}, column 'step': expected a number from 0, got {step}")
    return step or 0


class _Cells:
    """The values of one row, each read as what its column holds."""

    def __init__(self, row: Mapping[str, Any], where: str) -> None:
        self._row, self._where = row, where

    def number(self, name: str) -> float:
        return self._number(self._row.get(name), name)

    def rewards(self) -> dict[str, float]:
        value = self._row.get("rewards", self._row.get("reward"))
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {name: self._number(item, f"rewards.{name}") for name, item in value.items()}
        return {"reward": self._number(value, "reward")}

    def text(self, name: str) -> str | None:
        value = self._row.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise self._wrong(name, "text", value)

    def messages(self, name: str, value: Any) -> str:
        try:
            return message_text(value)
        except ValueError as error:
            raise DataError(f"{self._where}, column {name!r}: {error}") from None

    def truth(self, name: str) -> bool | None:
        value = self._row.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(name, "true or false", value)

    def whole(self, name: str) -> int | None:
        value = self._row.get(name)
        if value is None or type(value) is int:
            return value
        raise self._wrong(name, "a whole number", value)

    def _number(self, value: Any, name: str) -> float:
        if value is None:
            return math.nan
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number", value)
        return float(value)

    def _wrong(self, name: str, what: str, value: Any) -> DataError:
        return DataError(f"{self._where}, column {name!r}: expected {what}, got {value!r:.80}")
