"""Takes away from texts that say the same again and again."""

from pellucid.errors import InputError
from pellucid.posttrain.rewards.function import RewardFunction, row_reward

_MAX_WORDS = 4000
_PIECE = 8  # of a "word" without white space, which may be as long as the text
_LONGEST_WORD = 40


def repetition_penalty(n_gram: int = 3) -> RewardFunction:
    """Return the reward that is minus the share of n-grams that occurred before, in -1..0.

    Words are compared without case; a run without white space counts as words of eight characters.
    The first 4000 words are looked at.

    Args:
        n_gram: Words that make a repeated unit, at least 1.

    Raises:
        InputError: `n_gram` is not positive.

    Example:
        >>> repetition_penalty(1)(["a b c d", "a a a a"])
        [0.0, -0.75]
    """
    if n_gram < 1:
        raise InputError(f"n_gram must be at least 1, got {n_gram}")
    return row_reward("repetition", lambda text: 0.0 - repeated_share(text, n_gram))


def repeated_share(text: str, n_gram: int) -> float:
    """Return the share of a text's n-grams that occurred before; 0 if it has none."""
    words = _words(text)
    grams = list(zip(*(words[k:] for k in range(n_gram)), strict=False))
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def _words(text: str) -> list[str]:
    words: list[str] = []
    # a cut by characters first: splitting and folding a megabyte takes longer than the rest
    for word in text[: _MAX_WORDS * _LONGEST_WORD].casefold().split()[:_MAX_WORDS]:
        if len(word) <= _LONGEST_WORD:
            words.append(word)
        else:
            words += [word[k : k + _PIECE] for k in range(0, len(word), _PIECE)]
    return words[:_MAX_WORDS]
