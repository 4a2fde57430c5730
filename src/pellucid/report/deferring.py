"""Keeps large pages quick to open: what is not looked at yet is built when it is needed.

Templates put what can wait into `noscript` elements that name a turn. Such an element is text where
scripts run, and markup like any other where none does: without scripts, nothing is missing. A page
with few elements keeps none of them. In a large one those of the first turns stay, as many as it
takes, and the page's script builds them when they are opened, come near the screen, are searched
or printed.
"""

import re
from collections.abc import Mapping

MOST_AT_LOAD = 4500
"""Most elements of a page where scripts run, before its script adds the controls of a timeline."""

_LATER = re.compile(r'<noscript data-later="(\d)">(.*?)</noscript>', re.DOTALL)
_ELEMENT = re.compile(r"<[a-zA-Z]")


def deferred(page: str) -> str:
    """Return a page in which as little as possible waits.

    Args:
        page: In HTML; outside text is escaped, so that every `noscript` in it is a template's.

    Example:
        >>> deferred('<p>here</p><noscript data-later="1"><p>there</p></noscript>')
        '<p>here</p><p>there</p>'
    """
    last = _last_turn(n_elements(_LATER.sub("", page)), _n_by_turn(page))
    return _LATER.sub(lambda found: found[0] if int(found[1]) <= last else found[2], page)


def n_elements(page: str) -> int:
    """Return how many elements some HTML has.

    Example:
        >>> n_elements("<p>one <b>bold</b> word</p>")
        2
    """
    return len(_ELEMENT.findall(page))


def _n_by_turn(page: str) -> dict[int, int]:
    counts: dict[int, int] = {}
    for turn, held in _LATER.findall(page):
        counts[int(turn)] = counts.get(int(turn), 0) + n_elements(held)
    return counts


def _last_turn(n_always: int, by_turn: Mapping[int, int]) -> int:
    """Return the last turn that has to wait, 0 if none has to."""
    n_shown = n_always + sum(by_turn.values())
    for turn in sorted(by_turn):
        if n_shown <= MOST_AT_LOAD:
            return turn - 1
        n_shown -= by_turn[turn]
    return max(by_turn, default=0)
