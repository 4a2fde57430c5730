"""Tests of explanations: metrics, controls and the badge rule."""

REGISTRY = {
    "masked_return": "pellucid.faithfulness.masked_return",
    "deletion": "pellucid.faithfulness.deletion",
    "step_drop": "pellucid.faithfulness.step_drop",
    "branch_gap": "pellucid.faithfulness.branch_gap",
    "weight_randomisation": "pellucid.faithfulness.weight_randomisation",
    "planted_inputs": "pellucid.faithfulness.planted_inputs",
}
