"""Plays text environments: turns of the policy and replies of the environment, side by side."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pellucid.errors import EnvError
from pellucid.posttrain.native.environments import TextEnvironment
from pellucid.posttrain.native.responses import Piece, Response, draw_after, scored
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.objectives import Context
from pellucid.posttrain.tasks.example import Example
from pellucid.seeds import derived_seed

MAX_TURNS = 100
"""A response that an environment does not end is cut after so many turns."""


@dataclass
class _Play:
    """One response while it is played."""

    example: Example
    group: int
    environment: TextEnvironment
    prompt: str
    prompt_ids: list[int]
    ids: list[Tensor] = field(default_factory=list)
    turns: list[Tensor] = field(default_factory=list)
    log_probs: list[Tensor] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    reward: float = 0.0
    n_turns: int = 0
    done: bool = False
    finished: bool = True

    def context(self) -> list[int]:
        return self.prompt_ids + [token for part in self.ids for token in part.tolist()]

    def add(self, ids: Tensor, turn: int, log_probs: Tensor, text: str) -> None:
        self.ids.append(ids)
        self.turns.append(torch.full_like(ids, turn))
        self.log_probs.append(log_probs)
        self.texts.append(text)

    def response(self) -> Response:
        return Response(
            example=self.example,
            group=self.group,
            prompt=self.prompt,
            scored_prompt=self.prompt,
            context=Context.PLAIN,
            ids=torch.cat(self.ids),
            turns=torch.cat(self.turns),
            log_probs=torch.cat(self.log_probs),
            finished=self.finished,
            text="".join(self.texts),
        )


def play(
    session: Session,
    examples: Sequence[Example],
    environment: Callable[[Example], TextEnvironment],
    *,
    purpose: str,
) -> list[Response]:
    """Return scored responses, each one play of its example's environment.

    The prompt is the example's followed by what the environment shows first. The plays of a group
    start with the same seed. The environment's words are in the response and belong to no turn.
    Reward functions see the whole text, and what the environment paid in all as the column
    `environment_reward`; the function `environment_reward` is that.

    Args:
        session: The update.
        examples: One group of responses each.
        environment: Makes the environment of an example.
        purpose: Names the random stream.

    Raises:
        EnvError: The environment paid a reward that is no finite number.
    """
    plays = _started(session, examples, environment)
    for turn in range(MAX_TURNS):
        active = [one for one in plays if not one.done]
        if not active:
            break
        written = draw_after(
            session, [one.context() for one in active], purpose=f"{purpose}/turn/{turn}"
        )
        for one, piece in zip(active, written, strict=True):
            _advance(session, one, piece)
    for one in plays:
        one.finished = one.finished and one.done
    return _scored(session, plays)


def _started(
    session: Session,
    examples: Sequence[Example],
    environment: Callable[[Example], TextEnvironment],
) -> list[_Play]:
    plays = []
    for position, example in enumerate(examples):
        seed = derived_seed(session.seed, "environment", session.update, session.rank, position)
        group = position * session.reducer.n_processes + session.rank
        for _ in range(session.sampling.samples_per_prompt):
            world = environment(example)
            prompt = example.prompt + world.reset(seed)
            plays.append(_Play(example, group, world, prompt, session.tokenizer.encode(prompt)))
    return plays


def _advance(session: Session, one: _Play, piece: Piece) -> None:
    """Hand a turn to the environment and take in its reply."""
    one.add(piece.ids, one.n_turns, piece.log_probs, piece.text)
    one.n_turns += 1
    if not piece.finished:
        # a turn that hit the limit is not what the policy meant to say: nothing comes after it
        one.done, one.finished = True, False
        return
    reply = one.environment.step(piece.text)
    if not math.isfinite(reply.reward):
        raise EnvError(f"the environment paid a reward of {reply.reward} for {piece.text[:80]!r}")
    one.reward += reply.reward
    one.done = reply.done
    if reply.text and not reply.done:
        ids = torch.tensor(session.tokenizer.encode(reply.text), dtype=piece.ids.dtype)
        one.add(ids, -1, torch.zeros(len(ids)), reply.text)


def _scored(session: Session, plays: Sequence[_Play]) -> list[Response]:
    return scored(
        session, [one.response() for one in plays], environment_reward=[one.reward for one in plays]
    )
