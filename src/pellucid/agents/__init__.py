"""Adapters: one per framework, imported only when it is needed."""

REGISTRY = {
    "stable-baselines3": "pellucid.agents.sb3",
    "function": "pellucid.agents.function",
    "torch": "pellucid.agents.torch_module",
    "folder": "pellucid.agents.folder",
}
