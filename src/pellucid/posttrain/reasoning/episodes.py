"""Prompts and completions as episodes of one step, so that everything made for agents applies."""

import math
from collections.abc import Sequence

import numpy as np

from pellucid.envs.names import Names
from pellucid.errors import InputError
from pellucid.posttrain.reasoning.asking import Question, answers_of, completions_of
from pellucid.posttrain.reasoning.form import form_of
from pellucid.posttrain.reasoning.splitting import same_answer
from pellucid.rollouts.episodes import Episode, Episodes, Failure
from pellucid.types import Agent, PolicyMode

UNASKABLE = Failure("agent", "the prompt is too long, or the vocabulary lacks a part of it", 0)
NAMES = Names(("prompt",), ("",), ("completion",), ("",), reward_unit="right answers")


def collect_completions(
    agent: Agent,
    prompts: Sequence[str],
    *,
    gold: Sequence[str | None] | None = None,
    policy: PolicyMode = "greedy",
    seed: int = 0,
) -> Episodes:
    """Let a language model complete prompts, one episode of one step each.

    Args:
        agent: With the capability `text`.
        prompts: What is asked, as plain text.
        gold: The right answer of each prompt; None where it is not known.
        policy: Most-likely or drawn tokens.
        seed: Of the draws.

    A prompt that the model cannot be asked is an episode with a failure, which enters no number.

    Raises:
        CapabilityError: It is no language model.
        InputError: There is no prompt, one is no text, it can be asked none, or there is not one
            right answer each.
    """
    splitter = form_of(agent).splitter
    if not prompts or not all(isinstance(prompt, str) for prompt in prompts):
        raise InputError("the prompts must be at least one text", hint="a list of strings")
    questions = [Question(prompt) for prompt in prompts]
    completions = completions_of(agent, questions, policy=policy, seed=seed)
    if all(text is None for text in completions):
        raise InputError(
            f"{agent.name} can be asked none of {len(prompts)} prompts: its vocabulary lacks a "
            "part of each, or they are too long for it",
            hint="prompts as it was trained on",
        )
    answers = answers_of(completions, splitter)
    return recorded_completions(
        prompts, completions, correct=right_answers(answers, gold), policy=policy, seed=seed
    )


def right_answers(answers: Sequence[str], gold: Sequence[str | None] | None) -> list[float]:
    """Return 1 for each right answer, 0 for a wrong or missing one, NaN where it is not known.

    Raises:
        InputError: There is not one right answer per answer.
    """
    known: Sequence[str | None] = [None] * len(answers) if gold is None else gold
    if len(known) != len(answers):
        raise InputError(f"expected one right answer per prompt: {len(answers)}, got {len(known)}")
    return [
        math.nan if right is None else float(bool(found) and same_answer(found, right))
        for found, right in zip(answers, known, strict=True)
    ]


def recorded_completions(
    prompts: Sequence[str],
    completions: Sequence[str | None],
    *,
    correct: Sequence[float],
    policy: PolicyMode = "greedy",
    seed: int = -1,
) -> Episodes:
    """Return prompts and completions that exist already as episodes of one step.

    Args:
        prompts: What was asked.
        completions: What was written, one per prompt; None where it could not be asked.
        correct: 1 where the answer was right, 0 where wrong, NaN where not known.
        policy: How the tokens were chosen.
        seed: Of the draws; -1 for logs.

    Raises:
        InputError: The numbers of prompts, completions and marks differ.
    """
    counts = (len(prompts), len(completions), len(correct))
    if len(set(counts)) != 1:
        raise InputError(f"expected equal numbers of prompts, completions and marks, got {counts}")
    made = tuple(
        Episode(
            index=index,
            seed=-1,
            observations=np.array([prompt, ""]),
            actions=np.array([completion or ""]),
            rewards=np.array([float(mark)]),
            terminated=True,
            truncated=False,
            failure=UNASKABLE if completion is None else None,
        )
        for index, (prompt, completion, mark) in enumerate(
            zip(prompts, completions, correct, strict=True)
        )
    )
    return Episodes(made, spec=None, names=NAMES, seed=seed, policy=policy)
