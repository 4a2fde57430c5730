"""Stated reasoning of language models as data: cut into steps, edited, and continued from."""

from pellucid.posttrain.reasoning.asking import Question, answers_of, completions_of, distinct
from pellucid.posttrain.reasoning.edits import (
    CUT_SHARES,
    cut,
    cut_lengths,
    fill,
    mistake,
    paraphrase,
    remove,
)
from pellucid.posttrain.reasoning.episodes import (
    collect_completions,
    recorded_completions,
    right_answers,
)
from pellucid.posttrain.reasoning.form import ReasoningForm, form_of
from pellucid.posttrain.reasoning.scripted import ScriptedWriter
from pellucid.posttrain.reasoning.splitting import (
    CustomSplitter,
    MarkedAnswer,
    Splitter,
    StatedReasoning,
    TaggedReasoning,
    same_answer,
    steps_of,
)

__all__ = [
    "CUT_SHARES",
    "CustomSplitter",
    "MarkedAnswer",
    "Question",
    "ReasoningForm",
    "ScriptedWriter",
    "Splitter",
    "StatedReasoning",
    "TaggedReasoning",
    "answers_of",
    "collect_completions",
    "completions_of",
    "cut",
    "cut_lengths",
    "distinct",
    "fill",
    "form_of",
    "mistake",
    "paraphrase",
    "recorded_completions",
    "remove",
    "right_answers",
    "same_answer",
    "steps_of",
]
