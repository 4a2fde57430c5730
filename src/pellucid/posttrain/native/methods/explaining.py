"""How a policy explains an answer that it was told, and what of it can be learned from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch

from pellucid.errors import InputError
from pellucid.posttrain.native.prompting import EXPLAIN_PROMPT, Template
from pellucid.posttrain.native.responses import Response, draw, scored
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.teaching import rewritten
from pellucid.posttrain.objectives import Context, unsolved_groups
from pellucid.posttrain.tasks.example import Example

Target = Literal["explained", "expert"]
"""What is taught: the policy's own explanation of the answer, or the expert's worked steps."""


@dataclass(frozen=True)
class Explaining:
    """Which questions are explained, how, and which explanations are kept.

    Args:
        explain_prompt: The problem with its answer; what an explanation is sampled under.
        answer_marker: An explanation is cut where this text first stands, and what follows it is
            replaced by `answer_tail`; empty to leave explanations as they are.
        answer_tail: The end of the text that is taught, from the marker on.
        keep: Whether an explanation, uncut, is learned from; None for those that earn the reward
            of a right answer by themselves. Explanations that were cut off are never kept.
        target: What is taught.
        only_unsolved: Explain only questions to which no response was right.
        n_explanations: Explanations of each question.
        explain_with: `current` is the policy as it is; `initial` the model that training started
            from, which is to make explanations once and for all.

    Raises:
        InputError: `n_explanations` is below 1.
    """

    explain_prompt: Callable[[Example], str] = EXPLAIN_PROMPT
    answer_marker: str = "####"
    answer_tail: Callable[[Example], str] = field(default_factory=lambda: Template("####{answer}"))
    keep: Callable[[Example, str], bool] | None = None
    target: Target = "explained"
    only_unsolved: bool = True
    n_explanations: int = 1
    explain_with: Literal["current", "initial"] = "current"

    def __post_init__(self) -> None:
        if self.n_explanations < 1:
            raise InputError(f"n_explanations must be at least 1, got {self.n_explanations}")
        if self.target not in ("explained", "expert"):
            raise InputError(f"target must be 'explained' or 'expert', got {self.target!r}")


@dataclass(frozen=True)
class Explained:
    """What came of explaining.

    Args:
        kept: Texts to be learned behind the plain prompt.
        n_asked: Texts that were sampled or looked up.
        n_generated: Tokens sampled for them.
    """

    kept: tuple[Response, ...]
    n_asked: int
    n_generated: int


def explain(explaining: Explaining, session: Session, responses: Sequence[Response]) -> Explained:
    """Explain questions of a batch.

    Args:
        explaining: How.
        session: The update.
        responses: The plain responses, whole groups.

    Raises:
        InputError: The expert's steps are wanted and an example has none.
    """
    asked = _questions(explaining, session, responses)
    if explaining.target == "expert":
        return Explained(tuple(_expert(session, r) for r in asked), len(asked), 0)
    pieces = draw(
        session,
        [explaining.explain_prompt(r.example) for r in asked],
        purpose="explain",
        n_samples=explaining.n_explanations,
        initial=explaining.explain_with == "initial",
    )
    drawn = [
        replace(
            asked[row // explaining.n_explanations],
            prompt=piece.prompt,
            context=Context.ANSWERED,
            ids=piece.ids,
            turns=torch.zeros_like(piece.ids),
            log_probs=piece.log_probs,
            finished=piece.finished,
            text=piece.text,
        )
        for row, piece in enumerate(pieces)
    ]
    kept = [
        rewritten(session, response, spliced(explaining, response))
        for response in scored(session, drawn)
        if _is_kept(explaining, session, response)
    ]
    return Explained(tuple(kept), len(drawn), sum(response.n_written for response in drawn))


def spliced(explaining: Explaining, response: Response) -> str:
    """Return an explanation cut at its own answer, with the canonical answer after it.

    The text has the answer once, at its end, whatever the policy wrote after the marker.
    """
    if not explaining.answer_marker:
        return response.text
    own, _, _ = response.text.partition(explaining.answer_marker)
    return own + explaining.answer_tail(response.example)


def _questions(
    explaining: Explaining, session: Session, responses: Sequence[Response]
) -> list[Response]:
    """Return the first response of each group that is to be explained."""
    firsts: dict[int, Response] = {}
    for response in responses:
        firsts.setdefault(response.group, response)
    if not explaining.only_unsolved:
        return list(firsts.values())
    groups = torch.tensor([response.group for response in responses])
    unsolved = unsolved_groups(successes(session, responses), groups, reducer=session.reducer)
    open_groups = set(groups[unsolved].tolist())
    return [first for group, first in firsts.items() if group in open_groups]


def successes(session: Session, responses: Sequence[Response]) -> torch.Tensor:
    """Return what says of each response whether it is right (above 0), NaN where nothing does."""
    gold = session.rewards.gold
    return torch.tensor(
        [r.total if gold is None else r.rewards[gold] for r in responses], dtype=torch.float64
    )


def _is_kept(explaining: Explaining, session: Session, response: Response) -> bool:
    own, _, _ = response.text.partition(explaining.answer_marker or "\0")
    if not response.finished or not own.strip():
        return False
    if explaining.keep is not None:
        return explaining.keep(response.example, response.text)
    return bool(successes(session, [response])[0] > 0)


def _expert(session: Session, response: Response) -> Response:
    rationale = response.example.rationale
    if rationale is None:
        raise InputError(
            f"the example {response.example.prompt[:60]!r} has no expert's rationale",
            hint="use target 'explained', or examples with rationales",
        )
    expert = rewritten(session, response, rationale)
    return scored(session, [expert])[0]
