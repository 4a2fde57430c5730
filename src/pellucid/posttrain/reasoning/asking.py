"""Asks a language model how it goes on from many beginnings, in one call."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from pellucid.errors import AgentError, PellucidError
from pellucid.posttrain.reasoning.splitting import Splitter
from pellucid.types import Agent, HasText, PolicyMode


class Question(NamedTuple):
    """A prompt and the beginning of the completion that the model must go on from."""

    prompt: str
    beginning: str = ""


def distinct(questions: Sequence[Question]) -> list[Question]:
    """Return each question once, in the order of their first occurrence."""
    return list(dict.fromkeys(questions))


def completions_of(
    agent: Agent, questions: Sequence[Question], *, policy: PolicyMode, seed: int
) -> list[str | None]:
    """Return the whole completion of each question, its beginning included; None if not askable.

    All are asked in one call, each distinct one once: equal questions have equal completions also
    where these are drawn.

    Args:
        agent: With the capability `text`; metered, one query per distinct question.
        questions: In any order, with repetitions.
        policy: Most-likely or drawn tokens.
        seed: Of the draws.

    Raises:
        AgentError: The model raised, or did not return one text per question.
        BudgetError: The budget does not pay for all of them.
    """
    asked = distinct(questions)
    try:
        written = cast(HasText, agent).complete(
            [q.prompt for q in asked], [q.beginning for q in asked], policy=policy, seed=seed
        )
    except PellucidError:
        raise
    except Exception as error:  # a model may raise anything; it becomes a named failure
        lines = str(error).splitlines()
        raise AgentError(
            f"{agent.name} raised {type(error).__name__}: {(lines or [''])[0][:200]}"
        ) from error
    if len(written) != len(asked) or not all(isinstance(t, str | None) for t in written):
        raise AgentError(
            f"{agent.name} must return one text for each of {len(asked)} questions, "
            f"got {len(written)} of {sorted({type(text).__name__ for text in written})}"
        )
    whole = {
        q: None if text is None else q.beginning + text
        for q, text in zip(asked, written, strict=True)
    }
    return [whole[q] for q in questions]


def answers_of(completions: Sequence[str | None], splitter: Splitter) -> list[str]:
    """Return the answer of each completion, empty where none could be read or asked for."""
    return ["" if text is None else splitter.answer(text) for text in completions]
