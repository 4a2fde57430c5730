"""ROUGE-L: the longest common subsequence of words with a reference."""

from collections.abc import Sequence
from typing import Any

from pellucid.posttrain.completions import tagged
from pellucid.posttrain.rewards.function import RewardFunction, row_reward, texts_in

_MAX_WORDS = 2000
_LONGEST_WORD = 100


def rouge_reward(*, section: str | None = None, column: str = "rationale") -> RewardFunction:
    """Return the reward that is the ROUGE-L F-measure with a reference, in 0..1.

    Args:
        section: Tag whose content is compared, 0 if there is not exactly one; None for the whole
            text.
        column: Column of the data set with the reference: text (its section, if it has one), or a
            list of texts of which the nearest counts. Without a reference the reward is None.

    Source: Lin 2004, section 3.1 with equal weight of precision and recall.
    """

    def score(text: str, reference: Any) -> float | None:
        references = [other for other in texts_in(reference) if other.strip()]
        if not references:
            return None
        said: str | None = text
        if section is not None:
            said = tagged(text, section)
            references = [tagged(other, section) or other for other in references]
        return 0.0 if said is None else max(rouge_l(said, other) for other in references)

    return row_reward("rouge_l", score, columns=[column])


def rouge_l(text: str, reference: str) -> float:
    """Return 2PR / (P + R) with P and R the shares of words in the longest common subsequence.

    Words are compared without case and punctuation at their ends. The first 2000 words of each are
    aligned; P counts all of them, so that padding always costs.

    Example:
        >>> rouge_l("police kill the gunman", "police killed the gunman")
        0.75
    """
    (said, n_said), (wanted, n_wanted) = _words(text), _words(reference)
    if not said or not wanted:
        return 0.0
    # 2PR / (P + R) with P = common / |said| and R = common / |wanted|
    return 2 * _common_length(said, wanted) / (n_said + n_wanted)


def _words(text: str) -> tuple[list[str], int]:
    """Return the words that are aligned, and how many there are."""
    first = text.split(maxsplit=_MAX_WORDS)
    n_rest = len(first.pop().split()) if len(first) > _MAX_WORDS else 0
    stripped = (word[:_LONGEST_WORD].casefold().strip(".,;:!?()[]\"'") for word in first)
    words = [word for word in stripped if word]
    return words, len(words) + n_rest


def _common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    One row of the table is one integer whose bits are the steps of that row (Hyyrö 2004), so that
    a row costs one addition.
    """
    places: dict[str, int] = {}
    for k, word in enumerate(second):
        places[word] = places.get(word, 0) | 1 << k
    full = (1 << len(second)) - 1
    row = full
    for word in first:
        match = row & places.get(word, 0)
        row = ((row + match) | (row - match)) & full
    return len(second) - row.bit_count()
