"""Rewards for completions as plain functions, which TRL's trainers take unchanged.

Each is called `fn(completions, **columns)` and returns one number per completion, None where it
cannot be scored: the form (`tag_reward`, `marked_answer_reward`), the answer
(`exact_answer_reward`, `math_answer_reward`), `length_reward`, `repetition_penalty`, and closeness
to an expert's explanation (`SemanticReward`, `rouge_reward`), and what another model thinks
(`judge_reward`). `check_similarity` measures what an encoder is blind to. `GuardedReward` keeps a
function that raises on some completions from ending a run.
"""

from pellucid.posttrain.rewards.building import REWARDS, build_reward
from pellucid.posttrain.rewards.encoders import (
    CachedEncoder,
    Encoder,
    SentenceEncoder,
    minilm_encoder,
    texts_per_second,
)
from pellucid.posttrain.rewards.exact import exact_answer_reward
from pellucid.posttrain.rewards.form import EXPLAINED_ANSWER, marked_answer_reward, tag_reward
from pellucid.posttrain.rewards.function import RewardFunction, row_reward
from pellucid.posttrain.rewards.guarding import GuardedReward, RewardFailure
from pellucid.posttrain.rewards.judge import Judge, Judgement, JudgeModel
from pellucid.posttrain.rewards.judged import judge_reward
from pellucid.posttrain.rewards.length import length_reward
from pellucid.posttrain.rewards.math_answer import math_answer_reward
from pellucid.posttrain.rewards.probes import (
    Probe,
    check_similarity,
    cosine_similarity,
    make_probes,
    probe_rates,
)
from pellucid.posttrain.rewards.repetition import repetition_penalty
from pellucid.posttrain.rewards.rouge import rouge_l, rouge_reward
from pellucid.posttrain.rewards.semantic import SemanticReward

__all__ = [
    "EXPLAINED_ANSWER",
    "REWARDS",
    "CachedEncoder",
    "Encoder",
    "GuardedReward",
    "Judge",
    "JudgeModel",
    "Judgement",
    "Probe",
    "RewardFailure",
    "RewardFunction",
    "SemanticReward",
    "SentenceEncoder",
    "build_reward",
    "check_similarity",
    "cosine_similarity",
    "exact_answer_reward",
    "judge_reward",
    "length_reward",
    "make_probes",
    "marked_answer_reward",
    "math_answer_reward",
    "minilm_encoder",
    "probe_rates",
    "repetition_penalty",
    "rouge_l",
    "rouge_reward",
    "row_reward",
    "tag_reward",
    "texts_per_second",
]
