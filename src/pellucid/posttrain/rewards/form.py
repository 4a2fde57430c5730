"""Rewards the form that was asked for: tags once, in order, with enough between them."""

from collections.abc import Sequence

from pellucid.errors import InputError
from pellucid.posttrain.completions import AnswerForm, extract_answer, sections
from pellucid.posttrain.rewards.function import RewardFunction, row_reward

EXPLAINED_ANSWER = ("explanation", "answer")
"""The sections of an explanation followed by its answer."""


def tag_reward(
    names: Sequence[str] = EXPLAINED_ANSWER, *, min_words: int = 0, max_words: int | None = None
) -> RewardFunction:
    """Return the reward that is 1 if the text is exactly these sections, else 0.

    Args:
        names: Tags in their order; each must open and close once, with nothing around them.
        min_words: Fewest words of the first section.
        max_words: Most words of the first section; None for no bound.

    Raises:
        InputError: No name, one that is not a plain word, or bounds that exclude each other.
    """
    _check(names, min_words, max_words)

    def score(text: str) -> float:
        return float(is_well_formed(text, names, min_words=min_words, max_words=max_words))

    return row_reward("form", score)


def marked_answer_reward(form: AnswerForm = "marker") -> RewardFunction:
    """Return the reward that is 1 if the text gives exactly one answer in this form, else 0."""
    return row_reward("form", lambda text: float(extract_answer(text, form) is not None))


def is_well_formed(
    text: str, names: Sequence[str], *, min_words: int = 0, max_words: int | None = None
) -> bool:
    """Whether a text is exactly these sections; see `tag_reward`."""
    found = sections(text, names)
    if found is None or not all(content.strip() for content in found.values()):
        return False
    # split at most one word beyond the bound: a megabyte of words is not counted
    limit = -1 if max_words is None else max_words
    n_words = len(found[names[0]].split(maxsplit=limit))
    return n_words >= min_words and (max_words is None or n_words <= max_words)


def _check(names: Sequence[str], min_words: int, max_words: int | None) -> None:
    if isinstance(names, str) or not names:
        raise InputError(f"names must be a list of tags, got {names!r}")
    wrong = [name for name in names if not name.isidentifier()]
    if wrong:
        raise InputError(f"a tag must be a plain word, got {wrong[0]!r}")
    if len(set(names)) < len(names):
        raise InputError(f"a tag occurs twice in {list(names)}")
    if min_words < 0 or (max_words is not None and max_words < max(min_words, 1)):
        raise InputError(f"no text has {min_words} to {max_words} words")
