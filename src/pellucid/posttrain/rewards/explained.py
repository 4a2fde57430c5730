"""Parts a completion into the explanation and the answer that follows it."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pellucid.posttrain.completions import ANSWER_MARKER, extract_answer, sections
from pellucid.posttrain.rewards.form import EXPLAINED_ANSWER

ExplainedForm: TypeAlias = Literal["tags", "marker"]
"""`<explanation>…</explanation><answer>…</answer>`, or an explanation, `####` and the answer."""

MAX_SENTENCES = 64
# one alternative per kind of end; neither can match the other's text, so nothing is tried twice
_SENTENCE_END = re.compile(r"(?<=[.!?;])[ \t]+|\n")


@dataclass(frozen=True)
class Explained:
    """An explanation and its answer.

    Args:
        explanation: Without tags and marker.
        answer: Without white space around it.
    """

    explanation: str
    answer: str


def explained(
    text: str, form: ExplainedForm = "tags", *, min_words: int = 20, max_words: int = 400
) -> Explained | None:
    """Return both parts, or None unless the text has the form and the explanation its length."""
    if form == "tags":
        found = sections(text, EXPLAINED_ANSWER)
        explanation, answer = (found or {}).get("explanation"), (found or {}).get("answer")
    else:
        explanation, answer = text.partition(ANSWER_MARKER)[0], extract_answer(text, "marker")
    if not explanation or not answer or not answer.strip():
        return None
    n_words = len(explanation.split(maxsplit=max_words))
    if not min_words <= n_words <= max_words:
        return None
    return Explained(explanation.strip(), answer.strip())


def explanation_of(text: str) -> str:
    """Return an expert's explanation without an answer in either form that follows it."""
    found = sections(text, EXPLAINED_ANSWER)
    return (found["explanation"] if found else text.partition(ANSWER_MARKER)[0]).strip()


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text that hold a letter or a digit, the first 64 of them.

    A sentence ends with `.`, `!`, `?` or `;` before a space, or with its line.

    Example:
        >>> sentences_of("A mole is 6.02e23. So what? Count")
        ['A mole is 6.02e23.', 'So what?', 'Count']
    """
    parts = (part.strip() for part in _SENTENCE_END.split(text))
    kept = [part for part in parts if any(character.isalnum() for character in part)]
    return kept[:MAX_SENTENCES]
