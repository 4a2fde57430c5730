"""What post-training optimises, as pure torch functions that know no engine.

A `Batch` of sampled responses goes through four kinds of function; each returns its result with a
ledger of named tensors (`Recorded`), which explainers read:

- rewards: `combined_rewards`, `overlong_penalties`;
- advantages, per row: `scaled_advantages`, `leave_one_out_advantages`; per token:
  `generalised_advantages`; per step: `step_advantages`, `entropy_modulated_advantages`;
  `rows_to_tokens` and `steps_to_tokens` bring them to (rows, tokens);
- losses per token: `clipped_losses`, `sequence_clipped_losses`, `clipped_weight_losses`,
  `reinforce_losses`, `guided_losses`, `kl_losses`, `entropy_losses`;
- reductions: `token_weights` once per optimiser batch, `reduce_losses` per micro-batch.

`prepare` and `policy_loss` run a published combination (`LITE_PPO`, `GRPO`, `DAPO`, `GSPO`,
`CISPO`) end to end. Statistics of a batch that is split over processes go through a
`ProcessReducer`. A reward of NaN means that a response could not be scored.
"""

from pellucid.posttrain.objectives.advantages import leave_one_out_advantages, scaled_advantages
from pellucid.posttrain.objectives.batch import Batch, Context, Ledger, Recorded, masked
from pellucid.posttrain.objectives.critic_advantages import generalised_advantages
from pellucid.posttrain.objectives.entropy import (
    entropy_losses,
    squared_score_norms,
    token_entropies,
)
from pellucid.posttrain.objectives.entropy_modulation import entropy_modulated_advantages
from pellucid.posttrain.objectives.guidance import guided_losses, shaping_constant
from pellucid.posttrain.objectives.kl import kl_losses
from pellucid.posttrain.objectives.masks import overlong_mask, scorable_mask
from pellucid.posttrain.objectives.recipes import (
    CISPO,
    DAPO,
    GRPO,
    GSPO,
    LITE_PPO,
    Prepared,
    Recipe,
    policy_loss,
    prepare,
)
from pellucid.posttrain.objectives.reducers import LOCAL, LocalReducer, ProcessReducer, Reducer
from pellucid.posttrain.objectives.reductions import reduce_losses, token_weights
from pellucid.posttrain.objectives.rewards import combined_rewards, overlong_penalties
from pellucid.posttrain.objectives.self_explanation import (
    explanation_losses,
    preference_losses,
    unsolved_groups,
)
from pellucid.posttrain.objectives.semantic_reward import (
    gated_rewards,
    length_factors,
    sentence_similarity,
    similarity_above_floor,
)
from pellucid.posttrain.objectives.steps import (
    rows_to_tokens,
    step_advantages,
    step_means,
    steps_to_tokens,
)
from pellucid.posttrain.objectives.token_losses import (
    clipped_losses,
    clipped_weight_losses,
    likelihood_ratios,
    reinforce_losses,
    sequence_clipped_losses,
)

__all__ = [
    "CISPO",
    "DAPO",
    "GRPO",
    "GSPO",
    "LITE_PPO",
    "LOCAL",
    "Batch",
    "Context",
    "Ledger",
    "LocalReducer",
    "Prepared",
    "ProcessReducer",
    "Recipe",
    "Recorded",
    "Reducer",
    "clipped_losses",
    "clipped_weight_losses",
    "combined_rewards",
    "entropy_losses",
    "entropy_modulated_advantages",
    "explanation_losses",
    "gated_rewards",
    "generalised_advantages",
    "guided_losses",
    "kl_losses",
    "leave_one_out_advantages",
    "length_factors",
    "likelihood_ratios",
    "masked",
    "overlong_mask",
    "overlong_penalties",
    "policy_loss",
    "preference_losses",
    "prepare",
    "reduce_losses",
    "reinforce_losses",
    "rows_to_tokens",
    "scaled_advantages",
    "scorable_mask",
    "sentence_similarity",
    "sequence_clipped_losses",
    "shaping_constant",
    "similarity_above_floor",
    "squared_score_norms",
    "step_advantages",
    "step_means",
    "steps_to_tokens",
    "token_entropies",
    "token_weights",
    "unsolved_groups",
]
