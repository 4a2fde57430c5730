"""`pellucid explain RUN`: the report on the training of a language model."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.cli.streams import terminal_width, write_json, write_lines
from pellucid.errors import InputError

if TYPE_CHECKING:
    from pellucid.api.language import LanguageRun

ONLY_HERE = ("compare", "hash_texts", "reasoning", "answer_marker")
"""Options that only records of training runs take."""
SHARED = ("agent", "out", "seed", "fail_on", "as_json", "quiet", *ONLY_HERE)
"""Options that both take."""


def names_record(source: str | None) -> bool:
    """Whether the argument of the command is the record of a training run, and no agent."""
    if source is None:
        return False
    from pellucid.api.language import is_language_source

    return is_language_source(source)


def explain_record(
    source: str, asked: Mapping[str, Any], defaults: Mapping[str, Any], *, as_json: bool
) -> "LanguageRun":
    """Write the report on a training run and show it.

    Args:
        source: What the user named.
        asked: Every option of the command.
        defaults: What each option is if it is not given.
        as_json: Write the document in place of the summary.

    Raises:
        InputError: An option that only agents take was given.
    """
    given = {name: value for name, value in asked.items() if value != defaults.get(name)}
    for name in given:
        if name not in SHARED:
            raise InputError(
                f"--{name.replace('_', '-')} is for agents, and {source} is the record of a "
                "training run",
                hint="see `pellucid explain --help` for what language models take",
            )
    from pellucid.api.language import explain_training

    run = explain_training(
        source,
        compare=asked["compare"],
        out=asked["out"],
        seed=asked["seed"],
        hash_texts=asked["hash_texts"],
        reasoning=asked["reasoning"],
        answer_marker=asked["answer_marker"],
        command=_command(source, given),
    )
    if as_json:
        write_json(run.document)
    else:
        _show(run)
    return run


def check_no_record_options(asked: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Check that an agent got no option that only records take.

    Raises:
        InputError: It did.
    """
    for name in ONLY_HERE:
        if asked[name] != defaults[name]:
            raise InputError(
                f"--{name.replace('_', '-')} is for records of training runs, and this is an agent",
                hint="name a run folder, a TRL output folder or a .jsonl file",
            )


def _command(source: str, given: Mapping[str, Any]) -> str:
    words = ["pellucid", "explain", source]
    if "compare" in given:
        words += ["--compare", str(given["compare"])]
    if "seed" in given:
        words += ["--seed", str(given["seed"])]
    if "answer_marker" in given:
        words += ["--answer-marker", str(given["answer_marker"])]
    if "hash_texts" in given:
        words.append("--hash-texts")
    if "reasoning" in given:
        words.append("--no-reasoning")
    return shlex.join(words)


def _show(run: "LanguageRun") -> None:
    from pellucid.report.language.terminal import terminal_summary

    write_lines(
        terminal_summary(run.document, width=terminal_width(), report=Path(run.document["report"]))
    )
