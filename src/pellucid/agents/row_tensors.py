"""Rows as the dicts and tuples of tensors that a torch module takes."""

from typing import Any

from gymnasium import spaces
from torch import Tensor

from pellucid.envs.row_codecs import ArrayCodec, Codec, PartsCodec
from pellucid.envs.rows import RowSpace
from pellucid.errors import InputError


def elements_of(rows: Tensor, space: Any) -> Any:
    """Return observations in the structure of their space, one tensor with one row each per part.

    Args:
        rows: Shape (batch, *observation); gradients flow to the parts that are quantities.
        space: The observation space. One that is no row space leaves them as they are.

    Raises:
        InputError: A part has no fixed size.
    """
    return _elements(space.codec, rows) if isinstance(space, RowSpace) else rows


def _elements(codec: Codec, rows: Tensor) -> Any:
    if isinstance(codec, PartsCodec):
        together = zip(codec.parts, codec.slices, strict=True)
        return codec.put_together([_elements(part, rows[:, columns]) for part, columns in together])
    if not isinstance(codec, ArrayCodec):
        part = getattr(codec, "space", codec)
        raise InputError(
            f"a torch module takes parts of a fixed size, not {part!s:.80}",
            hint="wrap the module in a function, which gets a list for such a part",
        )
    values = rows.reshape(len(rows), *(codec.space.shape or ()))
    # numbers that are names stay whole, for embeddings
    return values if isinstance(codec.space, spaces.Box) else values.round().long()
