"""The arithmetic of a decoder-only transformer, as functions of tensors and a layout of tokens.

All tokens of a batch lie in one flat row of N tokens, so that each linear map is one product. A
`Layout` says how the row is cut into blocks of sequences for attention. The same functions serve
one model (weights of shape (out, in)) and S stacked models (weights (S, out, in), tokens
(S, N, width)): every function takes any leading dimensions that both have.

Source: Vaswani et al. 2017; Su et al. 2021 (rotary positions); Shazeer 2020 (SwiGLU); Zhang and
Sennrich 2019 (root-mean-square norm). The order of operations is that of the Llama family.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from pellucid.posttrain.native.attending import MAX_KEYS, Place, attended_heads
from pellucid.posttrain.native.fused import (
    are_compiled_alone,
    can_be_compiled,
    gated,
    scaled_norm,
    turned_heads,
    unit_norm,
)
from pellucid.posttrain.native.fused_layer import (
    added_projection,
    fed_forward_with_norm,
    fills_tiles,
    normed_projection,
)


class LayerWeights(NamedTuple):
    """The weights of one layer; with S stacked models each has a leading dimension S.

    Args:
        attention_norm: Shape (width,).
        query_key_value: Shape ((query heads + 2 key-value heads) · head width, width): all
            queries, then all keys, then all values.
        query_key_value_bias: One per output of the former; None for none.
        query_norm: Shape (head width,), a norm of each query head; None for none.
        key_norm: Likewise.
        attention_output: Shape (width, query heads · head width).
        feed_forward_norm: Shape (width,).
        gate_up: Shape (2 · hidden width, width): all gates, then what they let through.
        down: Shape (width, hidden width).
    """

    attention_norm: Tensor
    query_key_value: Tensor
    query_key_value_bias: Tensor | None
    query_norm: Tensor | None
    key_norm: Tensor | None
    attention_output: Tensor
    feed_forward_norm: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass(frozen=True)
class Heads:
    """How the width is divided.

    Args:
        n_query: Query heads.
        n_key_value: Key-value heads; each serves `n_query / n_key_value` query heads.
        width: Numbers per head.
        norm_eps: Added to mean squares before the root.
    """

    n_query: int
    n_key_value: int
    width: int
    norm_eps: float


class Rotary(NamedTuple):
    """Rotations by position, ready to be multiplied.

    Args:
        cosines: Shape (..., N, 1, 2, head width / 2).
        sines: Likewise, the first half negated.
    """

    cosines: Tensor
    sines: Tensor


@dataclass(frozen=True)
class Block:
    """Sequences of equal padded length that lie next to each other in the flat row.

    Args:
        n_rows: Sequences, of each model.
        length: Tokens of each.
        mask: What each token may read: (rows, 1, length, keys), keys being `length` tokens of
            the sequence itself after those of its prompt; None for all that came before. Stacked
            models have their rows one after the other here.
        prompts: Shape (rows,); the sequence of the first block that comes before each sequence;
            None for none.
    """

    n_rows: int
    length: int
    mask: Bool[Tensor, "rows 1 length keys"] | None
    prompts: Int[Tensor, " rows"] | None = None


_NOTHING, _NO_MASK = np.empty(0, np.int64), np.empty((0, 0, 0), np.bool_)


@dataclass(frozen=True)
class Layout:
    """Where each token stands.

    Args:
        positions: Shape (..., N); the position of each token in its sequence, 0 at padding.
        blocks: One block, or a block of prompts and one of what follows them.
    """

    positions: Int[Tensor, "*models tokens"]
    blocks: tuple[Block, ...]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The blocks for compiled attention; those without tokens are left out."""
        found: list[Place] = []
        start = before = 0
        for block in self.blocks:
            if block.length == 0:
                continue  # completions of one token: the prompt alone predicts it
            sizes = (start, block.n_rows, block.length, 0 if block.prompts is None else before)
            prompts = _NOTHING if block.prompts is None else block.prompts.numpy()
            mask = _NO_MASK if block.mask is None else block.mask[:, 0].contiguous().numpy()
            found.append(Place(sizes, prompts, mask))
            start, before = start + block.n_rows * block.length, block.length
        return tuple(found)

    @cached_property
    def is_short(self) -> bool:
        """Whether no token reads more tokens than compiled attention is made for."""
        return sum(block.length for block in self.blocks) <= MAX_KEYS


# --- layouts ---


def positions_of(mask: Bool[Tensor, "*rows length"]) -> Int[Tensor, "*rows length"]:
    """Return the position of each token among the real ones of its sequence; 0 at padding."""
    return (mask.cumsum(-1) - 1).clamp_(min=0)


def sequence_block(
    mask: Bool[Tensor, "rows length"], models: torch.Size | tuple[int, ...] = ()
) -> Block:
    """Return the block of sequences that start from nothing.

    Args:
        mask: The real tokens, the same for all models.
        models: The number of stacked models; nothing for one model alone.
    """
    n_rows, length = mask.shape
    if bool(mask.all()):
        return Block(n_rows, length, None)
    own = torch.ones(length, length, dtype=torch.bool, device=mask.device)
    visible = own.tril() & mask[:, None, None, :]
    # a token of padding reads itself: a softmax over nothing would be NaN
    visible |= own.tril().triu()
    return Block(n_rows, length, visible.repeat(*models, 1, 1, 1) if models else visible)


def continued_block(
    prompt_mask: Bool[Tensor, "prompts prompt"],
    prompts: Int[Tensor, " rows"],
    mask: Bool[Tensor, "rows length"],
    n_models: int = 1,
) -> Block:
    """Return the block of sequences that each continue a prompt of the block before.

    Args:
        prompt_mask: The real tokens of the prompts.
        prompts: The prompt of each sequence.
        mask: The real tokens of the sequences, of all models.
        n_models: Stacked models, which have equally many sequences each.
    """
    n_rows, length = mask.shape
    before = prompt_mask[prompts][:, None, None, :].expand(-1, -1, length, -1)
    own = sequence_block(mask).mask
    if own is None:
        own = torch.ones(length, length, dtype=torch.bool, device=mask.device).tril()
        own = own[None, None].expand(n_rows, -1, -1, -1)
    visible = torch.cat((before, own), dim=-1)
    return Block(n_rows // n_models, length, visible, prompts)


# --- parts of a layer ---


def embedded(ids: Int[Tensor, "*models tokens"], table: Tensor) -> Tensor:
    """Return the embedding of each token, for one model or S stacked ones."""
    if table.dim() == 2:
        return functional.embedding(ids, table)
    return table.gather(1, ids[..., None].expand(-1, -1, table.shape[-1]))


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x Wᵀ + b, for one model or S stacked ones."""
    if weight.dim() == 2:
        return functional.linear(x, weight, bias)
    product = torch.bmm(x, weight.mT)
    return product if bias is None else product + bias[:, None]


def normed(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Return x divided by the root of its mean square over the last dimension, times the scale.

    In float32 or wider.
    """
    if scale.dim() == 1 and can_be_compiled(x, scale):
        return scaled_norm(x, scale, eps)
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    # stacked models: their scales have a dimension of models, then anything between, then width
    shape = (*scale.shape[:-1], *[1] * (x.dim() - scale.dim()), scale.shape[-1])
    return unit_norm(wide, eps).to(x.dtype) * scale.view(shape)


def rotary_table(head_width: int, base: float, length: int) -> tuple[Tensor, Tensor]:
    """Return cosine and signed sine of every position, each (length, 1, 2, head width / 2)."""
    exponents = torch.arange(0, head_width, 2, dtype=torch.float32) / head_width
    frequencies = 1.0 / base**exponents
    angles = torch.arange(length, dtype=torch.float32)[:, None] * frequencies
    cosines, sines = angles.cos(), angles.sin()
    return (
        torch.stack((cosines, cosines), dim=1)[:, None],
        torch.stack((-sines, sines), dim=1)[:, None],
    )


def rotated(x: Float[Tensor, "*tokens heads width"], rotary: Rotary) -> Tensor:
    """Return each head turned by its token's position; pairs are (i, i + width / 2)."""
    halves = x.reshape(*x.shape[:-1], 2, -1)
    turned = torch.addcmul(halves * rotary.cosines, halves.flip(-2), rotary.sines)
    return turned.flatten(-2)


def heads_of(
    x: Tensor, weights: LayerWeights, heads: Heads
) -> Float[Tensor, "*tokens heads width"]:
    """Return all queries, then keys, then values of tokens, not turned yet."""
    scale, maps, eps = weights.attention_norm, weights.query_key_value, heads.norm_eps
    if weights.query_key_value_bias is None and fills_tiles(x, maps):
        flat = normed_projection(x, scale, maps, eps)
    else:
        flat = linear(normed(x, scale, eps), maps, weights.query_key_value_bias)
    split = flat.view(*flat.shape[:-1], -1, heads.width)
    if weights.query_norm is None or weights.key_norm is None:
        return split
    n_turned = heads.n_query + heads.n_key_value
    return torch.cat(
        (
            normed(split[..., : heads.n_query, :], weights.query_norm, eps),
            normed(split[..., heads.n_query : n_turned, :], weights.key_norm, eps),
            split[..., n_turned:, :],
        ),
        dim=-2,
    )


def turned(split: Tensor, heads: Heads, rotary: Rotary) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values, the first two turned, each (..., N, heads, head width)."""
    return turned_heads(split, *rotary, n_query=heads.n_query, n_key_value=heads.n_key_value)


def fed_forward(x: Tensor, weights: LayerWeights) -> Tensor:
    """Return down(silu(gate x) · up x) of normed tokens."""
    return linear(gated(linear(x, weights.gate_up)), weights.down)


def attended(
    queries: Tensor, keys: Tensor, values: Tensor, heads: Heads, layout: Layout
) -> Float[Tensor, "*models tokens width"]:
    """Return what each token reads from the tokens that it may see, heads side by side."""
    outputs = []
    prompt: tuple[Tensor, Tensor] | None = None
    start = 0
    for block in layout.blocks:
        if block.length == 0:
            continue  # completions of one token: the prompt alone predicts it
        stop = start + block.n_rows * block.length
        q, k, v = (
            _by_head(x[..., start:stop, :, :], block.length) for x in (queries, keys, values)
        )
        if block.prompts is not None and prompt is not None:
            k = torch.cat((prompt[0][block.prompts], k), dim=2)
            v = torch.cat((prompt[1][block.prompts], v), dim=2)
        prompt = (k, v)
        outputs.append(_read(q, k, v, heads, block, queries.shape[:-3]))
        start = stop
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-2)


def read_heads(
    split: Float[Tensor, "*tokens heads width"], heads: Heads, rotary: Rotary, layout: Layout
) -> Float[Tensor, "*models tokens width"]:
    """Return what each token reads, from heads that are not turned yet."""
    if split.dim() == 3 and layout.is_short and are_compiled_alone(split):
        return attended_heads(split, *rotary, heads.n_query, layout.places).flatten(1)
    return attended(*turned(split, heads, rotary), heads, layout)


def layer(
    x: Float[Tensor, "*models tokens width"],
    weights: LayerWeights,
    heads: Heads,
    rotary: Rotary,
    layout: Layout,
) -> Float[Tensor, "*models tokens width"]:
    """Return the tokens after one layer."""
    found = read_heads(heads_of(x, weights, heads), heads, rotary, layout)
    return after_attention(x, found, weights, heads.norm_eps)


def after_attention(
    x: Float[Tensor, "*models tokens width"], found: Tensor, weights: LayerWeights, eps: float
) -> Float[Tensor, "*models tokens width"]:
    """Return tokens after a layer, from what they have read in it."""
    output, scale = weights.attention_output, weights.feed_forward_norm
    if fills_tiles(x, output):
        x = added_projection(x, found.contiguous(), output)
    else:
        x = x + linear(found, output)
    if fills_tiles(x, weights.gate_up, weights.down):
        return fed_forward_with_norm(x, scale, weights.gate_up, weights.down, eps)
    return x + fed_forward(normed(x, scale, eps), weights)


def _by_head(x: Tensor, length: int) -> Float[Tensor, "rows heads length width"]:
    return x.reshape(-1, length, *x.shape[-2:]).transpose(1, 2)


def _read(
    q: Tensor, k: Tensor, v: Tensor, heads: Heads, block: Block, models: torch.Size
) -> Tensor:
    copies = heads.n_query // heads.n_key_value
    if copies > 1:
        k, v = k.repeat_interleave(copies, dim=1), v.repeat_interleave(copies, dim=1)
    read = functional.scaled_dot_product_attention(
        q, k, v, attn_mask=block.mask, is_causal=block.mask is None
    )
    return read.transpose(1, 2).reshape(*models, -1, heads.n_query * heads.width)
