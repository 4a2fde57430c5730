"""Aliases for torch tensors that several modules share.

A row is one sampled response; a token column is one position of the padded responses.
"""

from typing import TypeAlias

from jaxtyping import Bool, Float, Int
from torch import Tensor

RowValues: TypeAlias = Float[Tensor, " rows"]
"""One number per response."""

RowLabels: TypeAlias = Int[Tensor, " rows"]
"""One integer per response, such as its group."""

RowMask: TypeAlias = Bool[Tensor, " rows"]
"""True for the responses that count."""

TokenValues: TypeAlias = Float[Tensor, "rows tokens"]
"""One number per token; only what a mask selects is ever read."""

TokenLabels: TypeAlias = Int[Tensor, "rows tokens"]
"""One integer per token, such as its turn."""

TokenMask: TypeAlias = Bool[Tensor, "rows tokens"]
"""True for the tokens that the policy wrote and that count."""

StepValues: TypeAlias = Float[Tensor, "rows steps"]
"""One number per step (turn) of a response; NaN where the response has no such step."""

Scalar: TypeAlias = Float[Tensor, ""]
"""A single number."""
