"""Edits of stated reasoning: pure functions on its steps.

Every edit keeps the separators that steps end with. An edit that cannot be made of a text, such as
a mistake where there is nothing to change, returns None: that unit is not scored.
"""

import re
from collections.abc import Sequence

import numpy as np

FILLER = "."
"""What takes the place of a character."""
CUT_SHARES = (0.0, 0.25, 0.5, 0.75)
"""Shares of the steps that are kept when reasoning is cut short."""

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
_WORD = re.compile(r"\S+")
_SUM = re.compile(r"(?<![\w.])(\d+)(\s*[+*]\s*)(\d+)(?=\s*=)")
_OPERATORS = ("+", "-", "*", "/", "^", "%", "−", "×", "÷")
_OPPOSITES = (
    ("is not", "is"),
    ("is", "is not"),
    ("are", "are not"),
    ("more", "less"),
    ("less", "more"),
    ("yes", "no"),
    ("no", "yes"),
    ("true", "false"),
    ("false", "true"),
    ("left", "right"),
    ("right", "left"),
    ("first", "last"),
    ("before", "after"),
    ("after", "before"),
    ("all", "none"),
)
_SYNONYMS = (
    ("therefore", "hence"),
    ("hence", "therefore"),
    ("thus", "therefore"),
    ("so", "therefore"),
    ("first", "to begin"),
    ("then", "next"),
    ("next", "then"),
    ("finally", "at last"),
    ("we get", "this gives"),
    ("is equal to", "equals"),
    ("equals", "is equal to"),
    ("add", "sum up"),
    ("begin", "start"),
    ("start", "begin"),
    ("find", "work out"),
    ("calculate", "compute"),
    ("compute", "calculate"),
    ("big", "large"),
    ("large", "big"),
    ("also", "too"),
    ("needs to", "must"),
    ("must", "has to"),
)


def cut(steps: Sequence[str], n_kept: int) -> tuple[str, ...]:
    """Return the first steps: the answer comes early.

    Source: Lanham 2023, section 2.3 (early answering).

    Raises:
        ValueError: More steps are to be kept than there are, or fewer than none.
    """
    if not 0 <= n_kept <= len(steps):
        raise ValueError(f"expected from 0 to {len(steps)} steps to keep, got {n_kept}")
    return tuple(steps[:n_kept])


def cut_lengths(n_steps: int, shares: Sequence[float] = CUT_SHARES) -> tuple[int, ...]:
    """Return the distinct numbers of steps that are kept for shares of them, all below `n_steps`.

    Example:
        >>> cut_lengths(8), cut_lengths(3), cut_lengths(1)
        ((0, 2, 4, 6), (0, 1, 2), (0,))
    """
    return tuple(sorted({int(share * n_steps) for share in shares} - {n_steps}))


def remove(steps: Sequence[str], index: int) -> tuple[str, ...]:
    """Return the steps without one.

    Raises:
        IndexError: There is no such step.
    """
    if not 0 <= index < len(steps):
        raise IndexError(f"there is no step {index} among {len(steps)}")
    return (*steps[:index], *steps[index + 1 :])


def fill(steps: Sequence[str], filler: str = FILLER) -> tuple[str, ...]:
    r"""Return steps in which every character is a filler, the space between words kept.

    Source: Lanham 2023, section 2.6 (filler tokens).

    Example:
        >>> fill(("1 + 2 = 3 ;\n", "so 3"))
        ('. . . . . .\n', '.. .')
    """
    return tuple(_WORD.sub(lambda word: filler * len(word.group()), step) for step in steps)


def mistake(step: str, rng: np.random.Generator) -> str | None:
    """Return a step with one thing wrong, of the same length in words where possible.

    The last number becomes another one of as many digits; without a number a word becomes its
    opposite. None if there is neither.

    Source: Lanham 2023, section 2.4 (adding mistakes), there written by another model.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> mistake("1 + 2 = 3 ;", rng), mistake("it is red", rng), mistake("hm", rng)
        ('1 + 2 = 8 ;', 'it is not red', None)
    """
    numbers = list(_NUMBER.finditer(step))
    if numbers:
        last = numbers[-1]
        return step[: last.start()] + _other_number(last.group(), rng) + step[last.end() :]
    return _replaced(step, _OPPOSITES)


def paraphrase(step: str) -> str | None:
    """Return a step in other words or another order that says the same; None if none is known.

    `a + b =` becomes `b + a =` (and so with a product); else a word becomes a synonym. Rules and
    not a model write it, so that nothing of the meaning can slip in or out; give a function of
    yours for free text.

    Example:
        >>> paraphrase("3 + 4 = 7 ;"), paraphrase("so it is red"), paraphrase("9 - 4 = 5")
        ('4 + 3 = 7 ;', 'therefore it is red', None)
    """
    for match in _SUM.finditer(step):
        # behind another operator the first number is not a whole operand
        alone = not step[: match.start()].rstrip().endswith(_OPERATORS)
        if alone and match[1] != match[3]:
            swapped = f"{match[3]}{match[2]}{match[1]}"
            return step[: match.start()] + swapped + step[match.end() :]
    return _replaced(step, _SYNONYMS)


def _other_number(number: str, rng: np.random.Generator) -> str:
    """Return another number with the same sign, point and count of digits."""
    digits = [place for place, sign in enumerate(number) if sign.isdigit()]
    whole = number.split(".")[0].lstrip("-")
    for _ in range(64):
        drawn = list(number)
        for place in digits:
            drawn[place] = str(rng.integers(10))
        found = "".join(drawn)
        leading_zero = len(whole) > 1 and found.split(".")[0].lstrip("-").startswith("0")
        if float(found) != float(number) and not leading_zero:
            return found
    raise AssertionError("one of sixty-four draws differs")


def _replaced(text: str, pairs: Sequence[tuple[str, str]]) -> str | None:
    """Return the text with the first pair that occurs applied once, its capital letter kept."""
    for old, new in pairs:
        match = re.search(rf"\b{old}\b", text, flags=re.IGNORECASE)
        if match:
            kept = new.capitalize() if match.group()[0].isupper() else new
            return text[: match.start()] + kept + text[match.end() :]
    return None
