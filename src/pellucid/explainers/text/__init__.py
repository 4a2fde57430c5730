"""Explainers of language models: what they state about themselves."""

REGISTRY = {
    "stated-reasoning": "pellucid.explainers.text.stated_reasoning",
}
