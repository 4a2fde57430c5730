"""LanguageRecord: everything that a report on the training of a language model is made from."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pellucid.explanation import Explanation, Score
from pellucid.posttrain.recording import RunRecord, SampleRow, TokenRow


@dataclass(frozen=True)
class Group:
    """The completions of one prompt at one step; their advantages are only understood together.

    Args:
        step: The update that they were sampled for.
        prompt_id: Of their prompt.
        samples: In the order in which they were drawn.
    """

    step: int
    prompt_id: str
    samples: tuple[SampleRow, ...]


@dataclass(frozen=True)
class LanguageRecord:
    """One run of `explain` on the record of a training run.

    Args:
        run: The record, whoever wrote it.
        source: Where it was read from, as the user named it.
        source_kind: What that is, in words: `pellucid run`, `TRL output folder`, `JSONL file`.
        command: What makes this report again.
        seed: Seed of the report's own choices, where the run had fixed none.
        explanations: Of the stated reasoning; empty if none was made.
        instrument: How the tests of stated reasoning did on models whose truth is planted; None
            if they were not run.
        no_reasoning: Why there is no explanation of the stated reasoning, and what would allow it.
        other: Another run to stand beside this one, matched by prompt.
        other_source: Where that was read from.
        hashed: Whether prompts and completions are replaced by their hashes.
        versions: Of what made the report.
        hashes: SHA-256 of the files read, by name.
        warnings: What the reader should know, one sentence each.
    """

    run: RunRecord
    source: str
    source_kind: str
    command: str
    seed: int = 0
    explanations: tuple[Explanation, ...] = ()
    instrument: Score | None = None
    no_reasoning: tuple[str, str] = (
        "the tests of stated reasoning were not run",
        "run them on the model of this run",
    )
    other: RunRecord | None = None
    other_source: str = ""
    hashed: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The kept completions by step and prompt, in the order in which they were drawn."""
        return groups_of(self.run)

    @cached_property
    def tokens(self) -> Mapping[tuple[int, int], TokenRow]:
        """Token records by step and index of their completion."""
        return {(row.step, row.index): row for row in self.run.tokens}


def groups_of(run: RunRecord) -> tuple[Group, ...]:
    """Return the completions of a run by step and prompt, by step and first index.

    Those that were told the right answer are no members of a group: nothing was compared with them.
    """
    found: dict[tuple[int, str], list[SampleRow]] = defaultdict(list)
    for row in sorted(run.samples, key=lambda s: (s.step, s.index)):
        if row.context != "answered":
            found[row.step, row.prompt_id].append(row)
    return tuple(Group(step, name, tuple(rows)) for (step, name), rows in found.items())
