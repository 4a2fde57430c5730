"""Sampled responses, one by one, before they become a batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.native.sampling import sample
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.objectives import Context
from pellucid.posttrain.tasks.example import Example


@dataclass(frozen=True)
class Response:
    """One response to one example.

    Args:
        example: What it responds to.
        group: Equal for responses that are compared with each other; over all processes.
        prompt: What it was sampled under.
        scored_prompt: What it is learned behind.
        context: What `prompt` adds to the plain prompt.
        ids: Its tokens, those of an environment included.
        turns: The turn of each token, from 0; -1 for tokens that the policy did not write.
        log_probs: Of each token where it was sampled, nats; of no meaning outside turns.
        finished: Whether the policy ended it; False if it was cut off.
        text: Its words.
        rewards: Raw, by component; NaN without a score.
        total: Weighted sum.
        failure: Why it has no score; empty if no function raised.
        used: Whether the update learns from it and takes statistics over it.
    """

    example: Example
    group: int
    prompt: str
    scored_prompt: str
    context: Context
    ids: Int[Tensor, " tokens"]
    turns: Int[Tensor, " tokens"]
    log_probs: Float[Tensor, " tokens"]
    finished: bool
    text: str
    rewards: Mapping[str, float] = field(default_factory=dict)
    total: float = float("nan")
    failure: str = ""
    used: bool = True

    @property
    def n_written(self) -> int:
        """How many tokens the policy wrote."""
        return int((self.turns >= 0).sum())


def respond(
    session: Session,
    examples: Sequence[Example],
    *,
    purpose: str,
    prompt_fn: Callable[[Example], str] | None = None,
    context: Context = Context.PLAIN,
    n_samples: int | None = None,
) -> list[Response]:
    """Return scored responses of the policy, group by group.

    Args:
        session: The update.
        examples: One group of responses each.
        purpose: Names the random stream.
        prompt_fn: The prompt to sample under; the plain one if None. All are scored behind the
            plain prompt.
        context: What that prompt adds.
        n_samples: Responses in a group; as the session says if None.

    Raises:
        InputError: The task has an environment, which the method does not play.
    """
    if session.environment is not None:
        raise InputError(
            "this method cannot play environments", hint="use 'plain' or 'entropy-modulation'"
        )
    n_samples = n_samples or session.sampling.samples_per_prompt
    responses: list[Response] = []
    drawn = draw(
        session,
        [prompt_fn(e) if prompt_fn else e.prompt for e in examples],
        n_samples=n_samples,
        purpose=purpose,
    )
    for row, piece in enumerate(drawn):
        position = row // n_samples
        responses.append(
            Response(
                example=examples[position],
                group=position * session.reducer.n_processes + session.rank,
                prompt=piece.prompt,
                scored_prompt=examples[position].prompt,
                context=context,
                ids=piece.ids,
                turns=torch.zeros_like(piece.ids),
                log_probs=piece.log_probs,
                finished=piece.finished,
                text=piece.text,
            )
        )
    return scored(session, responses)


@dataclass(frozen=True)
class Piece:
    """What the policy wrote after one prompt.

    Args:
        prompt: The prompt.
        ids: The tokens, with the end token if there is one.
        log_probs: Of the tokens where they were sampled.
        finished: Whether there is an end token.
        text: The words without it.
    """

    prompt: str
    ids: Int[Tensor, " tokens"]
    log_probs: Float[Tensor, " tokens"]
    finished: bool
    text: str


def draw(
    session: Session,
    prompts: Sequence[str],
    *,
    purpose: str,
    n_samples: int = 1,
    initial: bool = False,
) -> list[Piece]:
    """Return what a model writes after each prompt, `n_samples` times each, in order.

    Args:
        session: The update.
        prompts: Plain text.
        purpose: Names the random stream.
        n_samples: How often each prompt is continued.
        initial: Draw from the model that training started from, not from the policy.
    """
    if not prompts:
        return []
    encoded = [session.tokenizer.encode(prompt) for prompt in prompts]
    repeated = [ids for ids in encoded for _ in range(n_samples)]
    written = draw_after(session, repeated, purpose=purpose, initial=initial)
    return [replace(piece, prompt=prompts[row // n_samples]) for row, piece in enumerate(written)]


def draw_after(
    session: Session,
    prompt_ids: list[list[int]],
    *,
    purpose: str,
    initial: bool = False,
) -> list[Piece]:
    """Return what a model writes after each list of tokens; see `draw`."""
    sampling, tokenizer = session.sampling, session.tokenizer
    samples = sample(
        session.needed_reference() if initial else session.model,
        prompt_ids,
        max_new_tokens=sampling.max_new_tokens,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        eos_id=tokenizer.eos_id,
        pad_id=tokenizer.pad_id,
        generator=session.generator(purpose),
    )
    lengths = samples.mask.sum(1).tolist()
    ids, log_probs = samples.ids.cpu(), samples.log_probs.float().cpu()
    pieces = []
    for row, (length, finished) in enumerate(zip(lengths, samples.finished.tolist(), strict=True)):
        own = ids[row, :length]
        words = own[: length - 1] if finished else own
        text = tokenizer.decode(words.tolist())
        pieces.append(Piece("", own, log_probs[row, :length], bool(finished), text))
    return pieces


def scored(
    session: Session, responses: Sequence[Response], **columns: Sequence[Any]
) -> list[Response]:
    """Return the responses with their rewards.

    Args:
        session: The update.
        responses: Without rewards.
        columns: Further columns for the reward functions.
    """
    if not responses:
        return []
    texts, examples = [r.text for r in responses], [r.example for r in responses]
    scores = session.rewards.score(texts, examples, **columns)
    parts = {name: part.tolist() for name, part in scores.raw.items()}
    totals = scores.total.tolist()
    return [
        replace(
            response,
            rewards={name: part[row] for name, part in parts.items()},
            total=totals[row],
            failure=scores.failures[row],
        )
        for row, response in enumerate(responses)
    ]


def by_group(responses: Sequence[Response]) -> dict[int, list[Response]]:
    """Return the responses of each group, in the order of their first appearance."""
    groups: dict[int, list[Response]] = {}
    for response in responses:
        groups.setdefault(response.group, []).append(response)
    return groups


def without_uniform_groups(responses: Sequence[Response]) -> list[Response]:
    """Mark the responses of groups as not used whose scored rewards are all equal.

    Source: Yu et al. 2025 (DAPO), sec. 3.2; without drawing new prompts in their place.
    """
    uniform = {
        group
        for group, members in by_group(responses).items()
        if len({member.total for member in members if member.total == member.total}) < 2
    }
    return [replace(r, used=False) if r.group in uniform else r for r in responses]
