"""The report on the training of a language model: the same page, other screens."""
