"""A configuration that trains in a second, for the tests of training."""

from pathlib import Path

TINY = """
task:
  name: modular-chain
  n_train: 16
  n_test: 6
  difficulty: [1]
  options: {modulus: 4, max_operations: 1}
model: {layers: 1, width: 16, heads: 2, context_length: 40}
warm_start: {n_steps: 8, n_texts: 30, batch_size: 8}
rewards:
  - {name: solved}
sampling: {prompts_per_update: 2, samples_per_prompt: 4, max_new_tokens: 8}
optimiser: {n_updates: 3, learning_rate: 1e-3, checkpoint_every: 1, patience: null}
evaluation: {n_samples: 2, k: [1, 2]}
"""


def write_tiny(folder: Path, text: str = TINY) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(text)
    return path
