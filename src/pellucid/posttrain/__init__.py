"""Post-training of language models: what is optimised, apart from the engine that does it."""
