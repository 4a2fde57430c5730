"""Texts of prompts and answers as the page holds them: bounded in length, hashed if asked."""

import hashlib
from dataclasses import replace

from pellucid.explanation.outside import clip
from pellucid.posttrain.recording import EvaluationRow, RunHead, RunRecord, SampleRow, TokenRow
from pellucid.report.said import Document

HASH_DIGITS = 16
LONGEST_SHORT = 500
"""Signs of gold and parsed answers, names and reasons."""
FIXED = "fixed_prompt_ids"
"""Where a run's head names the prompts that it fixed before it started."""


def shortened(text: str, longest: int, n_signs: int | None = None) -> Document:
    """Return a text for the document, with its length where it is not all there.

    Args:
        text: The text, as recorded.
        longest: Signs that are kept.
        n_signs: Its length where the record itself holds only its beginning.

    Example:
        >>> shortened("abcdef", 4)
        {'text': 'abcd', 'shown': 4, 'signs': 6}
        >>> shortened("abc", 4)
        {'text': 'abc', 'shown': 3, 'signs': 3}
    """
    kept = text[:longest]
    return {"text": kept, "shown": len(kept), "signs": max(len(text), n_signs or 0)}


def short(text: str | None) -> str | None:
    """Return a name, an answer or a reason as the page holds it: its beginning if it is long."""
    return None if text is None else clip(text, LONGEST_SHORT)


def hashed(text: str) -> str:
    """Return what stands for a text that must not be shown; equal texts stay equal.

    Example:
        >>> hashed("2 + 2 =")
        'sha256:154e0c9c61763891'
    """
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"sha256:{digest[:HASH_DIGITS]}"


def without_texts(run: RunRecord) -> RunRecord:
    """Return a run whose prompts, completions, answers and tokens are their hashes.

    Numbers and settings stay as they are. Reasons may quote an answer and are hashed too.
    """
    return replace(
        run,
        head=_head(run.head),
        samples=tuple(map(_sample, run.samples)),
        tokens=tuple(map(_tokens, run.tokens)),
        evaluations=tuple(map(_evaluation, run.evaluations)),
    )


def _optional(text: str | None) -> str | None:
    return None if text is None else hashed(text)


def _head(head: RunHead) -> RunHead:
    kept = dict(head.kept)
    fixed = kept.get(FIXED)
    if isinstance(fixed, list | tuple):
        kept[FIXED] = [hashed(str(name)) for name in fixed]
    return replace(head, kept=kept)


def _sample(row: SampleRow) -> SampleRow:
    return replace(
        row,
        prompt_id=hashed(row.prompt_id),
        prompt=hashed(row.prompt),
        completion=hashed(row.completion),
        scored_prompt=_optional(row.scored_prompt),
        gold=_optional(row.gold),
        parsed=_optional(row.parsed),
        unscored_reason=_optional(row.unscored_reason),
        n_characters=None,
    )


def _tokens(row: TokenRow) -> TokenRow:
    return replace(row, tokens=tuple(hashed(token)[-4:] for token in row.tokens))


def _evaluation(row: EvaluationRow) -> EvaluationRow:
    return replace(
        row,
        example_id=hashed(row.example_id),
        prompt=hashed(row.prompt),
        gold=_optional(row.gold),
        completions=tuple(map(hashed, row.completions)),
    )
