"""The cached decoder for float32 on a CPU, whose steps are compiled functions."""

from collections.abc import Iterator
from contextlib import nullcontext
from copy import copy
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from threadpoolctl import ThreadpoolController
from torch import Tensor

from pellucid.posttrain.native.attending_compiled import Stored, empty_store, store_prompts
from pellucid.posttrain.native.decoding import CachedDecoder, fold, read_prompts
from pellucid.posttrain.native.decoding_compiled import Maps, Places, decode_step, draw_steps
from pellucid.posttrain.native.forward import Weights
from pellucid.posttrain.native.models import Decoder
from pellucid.posttrain.native.products_compiled import ROWS, packed

PART_BYTES = 3 * 2**20
"""Of keys and values that are decoded together, so that they stay in a cache from step to step."""
MAX_PART_WEIGHT_BYTES = 8 * 2**20
"""Of a model that stays there beside them; larger ones are read once for all rows."""
MIN_PART_ROWS = 16
"""Below, reading all weights for so few rows costs more than keys and values from memory."""
STEPS_AT_ONCE = 8
"""Inside compiled code, which nothing interrupts."""
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
        self._maps = compiled_maps(weights)
        self._limit = _is_threaded() and _is_narrow(weights)
        self._heads, self._max_new_tokens = weights.heads, max_new_tokens
        self._read = self._store(len(prompt_ids), prompt_ids.shape[1])
        self._length = 0
        n_real = prompt_mask.sum(-1)
        self._prompts = prompts.numpy()
        self._starts = (prompt_ids.shape[1] - n_real)[prompts].numpy()
        self._positions = n_real[prompts].numpy()
        read = read_prompts(weights, prompt_ids, prompt_mask)
        for layer, (keys, values) in enumerate(read.stored):
            store_prompts(self._read, layer, keys.numpy(), values.numpy())
        self._logits = read.logits[prompts].numpy()
        # where each row is stored
        self._places = np.arange(len(prompts))

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
        n_rows = len(self._places)
        n_weight_bytes = sum(array.nbytes for array in self._maps if isinstance(array, np.ndarray))
        n_together = rows_of_part(n_rows, n_rows * self._bytes_of_row(), n_weight_bytes)
        for start in range(0, n_rows, n_together):
            part, rows = copy(self), slice(start, start + n_together)
            part._prompts, part._starts = self._prompts[rows], self._starts[rows]
            part._positions, part._logits = self._positions[rows], self._logits[rows].copy()
            part._places = np.arange(len(part._prompts))
            yield part

    def step(self, ids: Int[Tensor, " rows"]) -> None:
        """Append one token to each row and compute the logits of the next."""
        with self._limited():
            decode_step(
                self._maps, self._stored, ids.numpy(), self._places, self._length, self._logits
            )
        self._length += 1

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Go on with some of the rows only."""
        kept = rows.numpy()
        self._places, self._logits = self._places[kept], self._logits[kept]

    def complete(
        self, uniforms: Float[Tensor, "steps rows"], temperature: float, eos_id: int
    ) -> tuple[Int[Tensor, "rows steps"], Float[Tensor, "rows steps"], bool]:
        """Draw a token of each row at each step, to the end that it draws or the last step.

        Before the first step, instead of any.

        Args:
            uniforms: Numbers of [0, 1) in float64.
            temperature: Logits are divided by it; above 0.
            eos_id: The token that ends a row.

        Returns:
            The tokens, `eos_id` after the end; their log-probabilities; whether all are finite: the
            first step with one that is not is the last.
        """
        shape = (len(self._places), len(uniforms))
        ids, log_probs = np.full(shape, eos_id), np.zeros(shape, np.float32)
        n_rows = shape[0]
        numbers = np.ascontiguousarray(uniforms.numpy())
        with self._limited():
            for start in range(0, shape[1], STEPS_AT_ONCE):
                n_rows = draw_steps(
                    self._maps,
                    self._stored,
                    (start, min(start + STEPS_AT_ONCE, shape[1])),
                    numbers,
                    float(temperature),
                    eos_id,
                    self._places,
                    n_rows,
                    self._logits,
                    ids,
                    log_probs,
                )
                if n_rows <= 0:
                    break
        return torch.from_numpy(ids), torch.from_numpy(log_probs), n_rows >= 0

    @cached_property
    def _stored(self) -> Places:
        # set aside when it is first needed: each part has its own
        own = self._store(len(self._places), self._max_new_tokens)
        return Places(*self._read, *own, self._prompts, self._starts, self._positions)

    def _limited(self) -> Any:
        # setting a limit at each step costs more than some of its operations
        return _controller().limit(limits=1) if self._limit else nullcontext()

    def _store(self, n_rows: int, n_tokens: int) -> Stored:
        n_layers, heads = len(self._maps.to_heads), self._heads
        return empty_store(n_layers, n_rows, heads.n_key_value, heads.width, n_tokens)

    def _bytes_of_row(self) -> int:
        heads, n_tokens = self._heads, int(self._read.values.shape[2]) + self._max_new_tokens
        return 8 * len(self._maps.to_heads) * heads.n_key_value * heads.width * n_tokens


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


def rows_of_part(n_rows: int, n_bytes: int, n_weight_bytes: int) -> int:
    """Return how many rows are best decoded together.

    Args:
        n_rows: Rows in all.
        n_bytes: Of the keys and values of all rows.
        n_weight_bytes: Of the model.
    """
    if n_weight_bytes > MAX_PART_WEIGHT_BYTES:
        return n_rows
    n_parts = max(1, -(-n_bytes // PART_BYTES))
    n_together = -(-n_rows // n_parts)
    # full tiles of products
    n_together = -(-n_together // ROWS) * ROWS
    return n_together if n_together >= MIN_PART_ROWS else n_rows


def compiled_maps(weights: Weights) -> Maps:
    """Return copies of weights in the order of which alone machine code is made."""
    folded = [fold(layer, weights.heads) for layer in weights.layers]
    # wide products are left to BLAS if it has more than this thread
    is_packed = _is_narrow(weights) or not _is_threaded()
    order = packed if is_packed else _transposed

    def stacked(name: str) -> np.ndarray:
        return np.stack([order(getattr(layer, name).numpy()) for layer in folded])

    return Maps(
        embedding=np.ascontiguousarray(weights.embedding.detach().numpy()),
        cosines=np.ascontiguousarray(weights.rotary.cosines[:, 0, 0].numpy()),
        sines=np.ascontiguousarray(weights.rotary.sines[:, 0, 1].numpy()),
        to_heads=stacked("query_key_value"),
        bias=_stacked([layer.query_key_value_bias for layer in folded], 1),
        head_norms=_stacked([layer.head_norms for layer in folded], 2),
        from_heads=stacked("attention_output"),
        to_gates=stacked("gate_up"),
        from_gates=stacked("down"),
        head=order((weights.head.detach() * weights.norm.detach()).numpy()),
        n_query=weights.heads.n_query,
        inner_width=weights.layers[0].down.shape[-1],
        is_packed=is_packed,
        eps=np.float32(weights.heads.norm_eps),
    )


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


def _is_narrow(weights: Weights) -> bool:
    return weights.embedding.shape[-1] <= MAX_THREADED_WIDTH


def _is_threaded() -> bool:
    return any(library["num_threads"] > 1 for library in _controller().info())


@lru_cache(maxsize=1)
def _controller() -> Any:
    return ThreadpoolController().select(user_api="blas")
