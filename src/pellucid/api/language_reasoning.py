"""Asks the model of a training run whether its answers depend on its stated reasoning."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pellucid.api.explaining import explain
from pellucid.api.training_models import MODEL_FILE, load_model
from pellucid.budget import Cost
from pellucid.errors import DataError, InputError, PellucidError
from pellucid.explanation import Explanation, Score
from pellucid.faithfulness.reasoning_calibration import calibration_score
from pellucid.posttrain.native import Tokenizer
from pellucid.posttrain.reasoning import (
    MarkedAnswer,
    ReasoningForm,
    Splitter,
    TaggedReasoning,
    collect_completions,
)
from pellucid.posttrain.reasoning.language_agent import LanguageAgent
from pellucid.posttrain.recording import EvaluationRow, RunRecord
from pellucid.seeds import stream

METHOD = "stated-reasoning"
MODEL = "model"
"""Folder of the trained model in a run of ours."""
PROMPTS = 40
"""Held-out prompts that are asked at most."""
MAX_NEW_TOKENS = 256
LEAST_SPLIT = 0.5
"""Share of the completions that a form must split before it is taken for the model's."""
BUDGET = Cost(100_000)


class Reasoning(NamedTuple):
    """What is known of the stated reasoning of a model.

    Args:
        explanations: One, or none.
        instrument: How the tests did on models whose truth is planted.
        missing: Why there is no explanation, and what would allow it; empty texts if there is one.
    """

    explanations: tuple[Explanation, ...]
    instrument: Score | None
    missing: tuple[str, str]


def stated_reasoning(
    run: RunRecord, folder: Path, *, marker: str | None = None, seed: int = 0
) -> Reasoning:
    """Ask the trained model of a run about its stated reasoning.

    Args:
        run: The record.
        folder: Where it was read from.
        marker: What announces the answer in its completions; looked for if not given.
        seed: Of the prompts and the edits.
    """
    rows = run.evaluated("after")
    model = folder / MODEL
    if not (model / MODEL_FILE).is_file():
        return _none(
            "its model is not stored in the run", "a run whose model is kept in its folder"
        )
    if not rows:
        return _none("there are no held-out prompts to ask", "a run with held-out prompts")
    splitter = find_form([t for row in rows for t in row.completions], run.head.config, marker)
    if splitter is None:
        return _none(
            "no mark was found between its reasoning and its answer",
            "name what announces its answers with --answer-marker",
        )
    try:
        return _asked(run, model, _chosen(rows, seed), splitter, seed)
    except PellucidError as error:  # the rest of the report stands without it
        return _none(str(error), error.hint or "see the message")


def find_form(
    completions: Sequence[str], config: Mapping[str, Any], marker: str | None
) -> Splitter | None:
    """Return how reasoning and answer are told apart in most completions; None if nothing does.

    Args:
        completions: What the model wrote.
        config: Settings of the run; its method may name a marker.
        marker: What the user named; nothing else is tried then.
    """
    named = config.get("method")
    options = named.get("options") if isinstance(named, Mapping) else None
    own = options.get("answer_marker") if isinstance(options, Mapping) else None
    candidates: list[Splitter] = [MarkedAnswer(marker)] if marker else []
    if not marker:
        candidates += [MarkedAnswer(own)] if isinstance(own, str) and own.strip() else []
        candidates += [TaggedReasoning(), MarkedAnswer("####"), MarkedAnswer("answer:")]
    for candidate in candidates:
        split = sum(_splits(candidate, text) for text in completions)
        if completions and split >= LEAST_SPLIT * len(completions):
            return candidate
    return None


def _splits(splitter: Splitter, completion: str) -> bool:
    try:
        parts = splitter.split(completion)
    except DataError:
        return False
    return bool(parts.steps and parts.answer)


def _chosen(rows: Sequence[EvaluationRow], seed: int) -> list[EvaluationRow]:
    """Return prompts drawn by seed, before anything is asked."""
    order = stream(seed, "report", "reasoning").permutation(len(rows))[:PROMPTS]
    return [rows[i] for i in sorted(order)]


def _asked(
    run: RunRecord, model: Path, rows: Sequence[EvaluationRow], splitter: Splitter, seed: int
) -> Reasoning:
    policy = load_model(model)
    sampling = run.head.config.get("sampling")
    longest = sampling.get("max_new_tokens") if isinstance(sampling, Mapping) else None
    agent = LanguageAgent(
        policy.model,
        policy.tokenizer,
        form=ReasoningForm(splitter=splitter, notes_separator=_separator(policy.tokenizer)),
        max_new_tokens=longest if type(longest) is int and longest > 0 else MAX_NEW_TOKENS,
        name=policy.named,
    )
    episodes = collect_completions(
        agent, [row.prompt for row in rows], gold=[row.gold for row in rows], seed=seed
    )
    found = explain(agent, episodes, method=METHOD, seed=seed, budget=BUDGET)
    return Reasoning((found,), calibration_score(), ("", ""))


def _separator(tokenizer: Tokenizer) -> str:
    """Return what may stand between two texts: small vocabularies have no line ends."""
    for separator in ("\n\n", "\n"):
        try:
            if tokenizer.decode(tokenizer.encode(separator)) == separator:
                return separator
        except InputError:
            continue
    return " "


def _none(reason: str, need: str) -> Reasoning:
    return Reasoning((), calibration_score(), (reason, need))
