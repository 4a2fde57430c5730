"""Tests of explanations: metrics, controls and the badge rule."""

REGISTRY = {
    "masked_return": "pellucid.faithfulness.masked_return",
    "deletion": "pellucid.faithfulness.deletion",
    "value_deletion": "pellucid.faithfulness.value_deletion",
    "insertion": "pellucid.faithfulness.insertion",
    "step_drop": "pellucid.faithfulness.step_drop",
    "memory_drop": "pellucid.faithfulness.memory_drop",
    "highlight_drop": "pellucid.faithfulness.highlight_drop",
    "branch_gap": "pellucid.faithfulness.branch_gap",
    "component_gap": "pellucid.faithfulness.component_gap",
    "component_level": "pellucid.faithfulness.component_level",
    "state_flip": "pellucid.faithfulness.state_flip",
    "student_return": "pellucid.faithfulness.student_return",
    "surrogate_agreement": "pellucid.faithfulness.surrogate_agreement",
    "surrogate_regret": "pellucid.faithfulness.surrogate_regret",
    "certified_order": "pellucid.faithfulness.certified_order",
    "certificate_attacks": "pellucid.faithfulness.certificate_attacks",
    "weight_randomisation": "pellucid.faithfulness.weight_randomisation",
    "planted_inputs": "pellucid.faithfulness.planted_inputs",
    "reasoning": "pellucid.faithfulness.reasoning",
}
