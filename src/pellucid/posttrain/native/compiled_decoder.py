"""The cached decoder for float32 on a CPU: each step is one call of a compiled function."""

from collections.abc import Iterator
from contextlib import nullcontext
from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from threadpoolctl import ThreadpoolController
from torch import Tensor

from pellucid.posttrain.native.attending_compiled import Stored, empty_store, store_prompts
from pellucid.posttrain.native.decoding import CachedDecoder, fold, read_prompts
from pellucid.posttrain.native.decoding_compiled import decode_step
from pellucid.posttrain.native.forward import Weights
from pellucid.posttrain.native.models import Decoder
from pellucid.posttrain.native.products_compiled import ROWS, packed

PART_BYTES = 6 * 2**20
"""Of keys and values that are decoded together, so that they stay in a cache from step to step."""
MIN_PART_ROWS = 16
"""Below, reading all weights for so few rows costs more than keys and values from memory."""
MAX_THREADED_WIDTH = 512
"""Of the model: beyond, matrix products are large enough for the threads that BLAS has."""


class CompiledDecoder:
    """Decodes rows token by token; satisfies `Decoder`.

    Args:
        weights: Of one model, float32 on the CPU; what is folded is a copy.
        prompt_ids: Left-padded prompts.
        prompt_mask: Their real tokens.
        prompts: The prompt of each row.
        max_new_tokens: How often `step` will be called at most.
    """

    @torch.no_grad()
    def __init__(
        self,
        weights: Weights,
        prompt_ids: Int[Tensor, "prompts prompt"],
        prompt_mask: Bool[Tensor, "prompts prompt"],
        prompts: Int[Tensor, " rows"],
        max_new_tokens: int,
    ) -> None:
        heads = weights.heads
        self._heads, self._embedding = heads, weights.embedding.detach()
        self._cosines, self._sines = weights.rotary.cosines[:, 0, 0], weights.rotary.sines[:, 0, 1]
        folded = [fold(layer, heads) for layer in weights.layers]
        names = ("query_key_value", "attention_output", "gate_up", "down")
        head = weights.head.detach() * weights.norm.detach()
        self._inner_width = weights.layers[0].down.shape[-1]
        # wide products are left to BLAS if it has more than this thread
        is_narrow = self._embedding.shape[-1] <= MAX_THREADED_WIDTH
        self._limit = _is_threaded() and is_narrow
        self._is_packed = is_narrow or not _is_threaded()
        # copies in this order, of which alone machine code is made
        order = packed if self._is_packed else _transposed
        self._maps = (
            *(np.stack([order(getattr(f, name).numpy()) for f in folded]) for name in names),
            _transposed(head.numpy()),
        )
        self._bias = _stacked([f.query_key_value_bias for f in folded], 1)
        self._head_norms = _stacked([f.head_norms for f in folded], 2)
        self._max_new_tokens = max_new_tokens
        self._read = self._store(len(prompt_ids), prompt_ids.shape[1])
        # set aside at the first step: each part has its own
        self._own: Stored | None = None
        self._length = 0
        n_real = prompt_mask.sum(-1)
        self._prompts = prompts.numpy()
        self._starts = (prompt_ids.shape[1] - n_real)[prompts].numpy()
        self._positions = n_real[prompts]
        read = read_prompts(weights, prompt_ids, prompt_mask)
        for layer, (keys, values) in enumerate(read.stored):
            store_prompts(self._read, layer, keys.numpy(), values.numpy())
        self._logits = read.logits[prompts].numpy()

    @property
    def logits(self) -> Float[Tensor, "rows vocabulary"]:
        """Of the next token of each row; overwritten by the next step."""
        return torch.from_numpy(self._logits)

    @property
    def drops_rows(self) -> bool:
        """Whether `keep` may be called."""
        return True

    def parts(self) -> Iterator[Decoder]:
        """Yield decoders of consecutive rows whose keys and values stay in a cache."""
        n_rows = len(self._prompts)
        n_together = rows_of_part(n_rows, n_rows * self._bytes_of_row())
        for rows in torch.split(torch.arange(n_rows), n_together):
            part = copy(self)
            part._choose(rows)
            yield part

    @torch.no_grad()
    def step(self, ids: Int[Tensor, " rows"]) -> None:
        """Append one token to each row and compute the logits of the next."""
        positions = self._positions
        if self._own is None:
            self._own = self._store(len(self._prompts), self._max_new_tokens)
        # setting a limit at each step costs more than some of its operations
        with _controller().limit(limits=1) if self._limit else nullcontext():
            decode_step(
                self._embedding[ids].numpy(),
                self._maps,
                self._bias,
                self._head_norms,
                (*self._read, *self._own),
                self._prompts,
                self._starts,
                self._cosines[positions].numpy(),
                self._sines[positions].numpy(),
                self._length,
                self._heads.n_query,
                self._inner_width,
                self._is_packed,
                np.float32(self._heads.norm_eps),
                self._logits,
            )
        self._length += 1
        self._positions = positions + 1

    @torch.no_grad()
    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Go on with some of the rows only."""
        if self._own is not None:
            # `take` keeps the order of dimensions in memory, an index need not
            self._own = Stored(*(np.take(stored, rows.numpy(), axis=1) for stored in self._own))
        self._choose(rows)

    def _choose(self, rows: Int[Tensor, " kept"]) -> None:
        kept = rows.numpy()
        self._prompts, self._starts = self._prompts[kept], self._starts[kept]
        self._logits = self._logits[kept]
        self._positions = self._positions[rows]

    def _store(self, n_rows: int, n_tokens: int) -> Stored:
        n_layers, heads = len(self._maps[0]), self._heads
        return empty_store(n_layers, n_rows, heads.n_key_value, heads.width, n_tokens)

    def _bytes_of_row(self) -> int:
        heads, n_tokens = self._heads, int(self._read.values.shape[2]) + self._max_new_tokens
        return 8 * len(self._maps[0]) * heads.n_key_value * heads.width * n_tokens


def decoder_of(
    weights: Weights,
    prompt_ids: Int[Tensor, "prompts prompt"],
    prompt_mask: Bool[Tensor, "prompts prompt"],
    prompts: Int[Tensor, " rows"],
    max_new_tokens: int,
) -> Decoder:
    """Return the fastest decoder for a model; see `CompiledDecoder` and `CachedDecoder`."""
    made = CompiledDecoder if can_be_compiled(weights, prompt_mask) else CachedDecoder
    return made(weights, prompt_ids, prompt_mask, prompts, max_new_tokens)


def rows_of_part(n_rows: int, n_bytes: int) -> int:
    """Return how many rows are best decoded together.

    Args:
        n_rows: Rows in all.
        n_bytes: Of the keys and values of all rows.
    """
    n_parts = max(1, -(-n_bytes // PART_BYTES))
    n_together = -(-n_rows // n_parts)
    # full tiles of products
    n_together = -(-n_together // ROWS) * ROWS
    return n_together if n_together >= MIN_PART_ROWS else n_rows


def can_be_compiled(weights: Weights, prompt_mask: Bool[Tensor, "prompts prompt"]) -> bool:
    """Whether `CompiledDecoder` can decode: one model, float32, on the CPU, prompts padded left."""
    tables = [weights.embedding, weights.norm, weights.head]
    tables += [weight for layer in weights.layers for weight in layer if weight is not None]
    if any(t.dtype != torch.float32 or t.device.type != "cpu" for t in tables):
        return False
    if weights.embedding.dim() != 2:
        return False
    # once real, real to the end
    return bool((prompt_mask[:, 1:] >= prompt_mask[:, :-1]).all())


def _transposed(weights: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(weights.T)


def _stacked(parts: list[Tensor | None], n_dimensions: int) -> np.ndarray:
    """Return what each layer has; without any, an array of no layers."""
    present = [part.numpy() for part in parts if part is not None]
    if not present:
        return np.empty((0,) + (1,) * n_dimensions, np.float32)
    return np.stack(present)


def _is_threaded() -> bool:
    return any(library["num_threads"] > 1 for library in _controller().info())


@lru_cache(maxsize=1)
def _controller() -> Any:
    return ThreadpoolController().select(user_api="blas")
