"""The last screen as data: what the words of this report mean, and the names of its methods.

Which words are explained is found in the page itself, so that none is missing that a reader meets
and none is there that a reader does not meet.
"""

import re
from collections.abc import Mapping, Sequence
from html import unescape

from pellucid.report.overview import PERCENT
from pellucid.report.said import Document, said

MOST_WORDS = 15

_MEANINGS: Mapping[str, tuple[str, str]] = {
    "agent": (r"agents?", "The program that chooses the actions; this report is about it."),
    "environment": (
        r"environments?",
        "The world in which the agent acts: it shows inputs, takes actions and pays rewards.",
    ),
    "return": (r"returns?", "All rewards of one episode, added up."),
    "episode": (r"episodes?", "One run of the environment, from its start to its end."),
    "input": (r"inputs?", "One of the numbers that the agent sees before it chooses an action."),
    "interval": (
        r"intervals?|likely between",
        "The range in which the true mean probably lies: {c} % of such ranges hold it.",
    ),
    "random baseline": (
        r"random baseline|Random",
        "What a meaningless explanation of the same kind scores in the same test.",
    ),
    "gap": (r"[Gg]ap", "How much better an explanation scores than its random baseline."),
    "badge": (
        r"[Bb]adges?",
        "How far an explanation can be relied on: supported, weak, failed or not measured.",
    ),
    "decisive test": (
        r"decisive|Decisive test",
        "The one test, named before the run, that gives an explanation its badge.",
    ),
    "sanity check": (
        r"[Ss]anity checks?",
        "A test that any sound explanation passes; it can lower a badge and never raise one.",
    ),
    "stand-in": (r"stand-in|stand in", "A short list of rules that acts in place of the agent."),
    "leaf": (r"(?<!survey )(?:leaf|leaves)", "An end of a tree, at which it chooses an action."),
    "future": (r"[Ff]utures?", "What follows when the environment is run on from one moment."),
    "reward term": (r"reward terms?", "One of the parts that add up to a reward."),
    "replay": (r"replays?", "An episode that is run again, with something changed on the way."),
    "stretch": (r"stretch(?:es)?", "Some steps of an episode in a row."),
    "seed": (r"[Ss]eeds?", "The number that all chance comes from: the same seed, the same run."),
    "unscored": (r"unscored", "Attempted, but without a number: left out of the mean and counted."),
    "agent query": (r"agent quer(?:y|ies)", "One question to the agent: what to do in one state."),
    "wrapper": (r"[Ww]rappers?", "Code around an environment that changes what the agent meets."),
}
"""By term: how it occurs, and its meaning in one sentence; those that readers need most first."""

_FAMILIES: Mapping[str, str] = {
    "A": "explains the agent itself",
    "B": "explains by rewards",
    "C": "explains by states and inputs",
    "D": "explains by tasks and goals",
    "E": "brings in knowledge from outside",
    "F1": "sums up behaviour",
    "F2": "looks inside the network",
    "F3": "explains in text",
    "F4": "explains by data",
}
_NOT_TEXT = re.compile(r"<(script|style|svg)\b.*?</\1>|<[^>]+>", re.DOTALL)


def words_of(page: str, meanings: Mapping[str, tuple[str, str]] = _MEANINGS) -> list[Document]:
    """Return the words of a page with their meanings, in alphabetical order.

    At most fifteen; if more occur, those that readers need the most.

    Args:
        page: The page in HTML, without this screen.
        meanings: By term: how it occurs, as an expression, and its meaning in one sentence; those
            that readers need most first.
    """
    text = unescape(_NOT_TEXT.sub(" ", page[page.find("<main") :]))
    found = [
        {"term": term, **said(meaning, **({"c": PERCENT} if "{c}" in meaning else {}))}
        for term, (pattern, meaning) in meanings.items()
        if re.search(rf"\b(?:{pattern})\b", text)
    ]
    return sorted(found[:MOST_WORDS], key=lambda word: str(word["term"]))


def methods_of(explanations: Sequence[Document]) -> list[Document]:
    """Return each method once, with the question that it answers here and what its code means."""
    rows: dict[str, Document] = {}
    for explanation in explanations:
        leaf = explanation["leaf"]
        family = _FAMILIES.get(leaf[:2]) or _FAMILIES.get(leaf[:1]) or "outside the survey"
        rows.setdefault(
            explanation["method"],
            {
                "method": explanation["method"],
                "leaf": leaf,
                "family": family,
                "question": explanation["question"],
            },
        )
    return list(rows.values())
