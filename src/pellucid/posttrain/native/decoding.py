"""The cached decoder of the in-house transformer: one token for each row per step.

Keys and values of all layers lie in two tensors that are set aside once. The scales of norms are
multiplied into the maps that follow them, so that a step is few and large operations.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from pellucid.posttrain.native import layers
from pellucid.posttrain.native.forward import Weights
from pellucid.posttrain.native.layers import Heads, LayerWeights, Layout, Rotary
from pellucid.posttrain.native.models import Decoder


class Folded(NamedTuple):
    """Weights of one layer with the scales of norms multiplied in."""

    query_key_value: Tensor
    query_key_value_bias: Tensor | None
    head_norms: Tensor | None
    attention_output: Tensor
    gate_up: Tensor
    down: Tensor


class PromptStates(NamedTuple):
    """What prompts leave behind.

    Args:
        stored: Keys and values of each layer, each (all models' prompts, key-value heads, length,
            head width).
        logits: Shape (all models' prompts, vocabulary); of the token after each prompt.
    """

    stored: list[tuple[Tensor, Tensor]]
    logits: Tensor


class CachedDecoder:
    """Decodes rows token by token; satisfies `Decoder`.

    Args:
        weights: Of the model, or of S stacked ones; what is folded is a copy.
        prompt_ids: Left-padded prompts; stacked models all read all of them.
        prompt_mask: Their real tokens.
        prompts: The prompt of each row; stacked models have equally many rows each, one model's
            after the other's.
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
        heads, embedding = weights.heads, weights.embedding.detach()
        self._heads, self._rotary, self._embedding = heads, weights.rotary, embedding
        self._folded = [fold(layer, heads) for layer in weights.layers]
        self._head = weights.head.detach() * weights.norm.detach()[..., None, :]
        # nothing, or the number of stacked models: the leading dimensions of tokens
        self._models = embedding.shape[:-2]
        self._length = prompt_ids.shape[1]
        self._capacity = self._length + max_new_tokens
        shape = (len(weights.layers), len(prompts), heads.n_key_value, self._capacity, heads.width)
        self._keys, self._values = embedding.new_empty(shape), embedding.new_empty(shape)
        self._positions = prompt_mask.sum(-1)[prompts]
        self._bias = self._bias_of(prompt_mask, prompts)
        chosen = _of_each_model(prompts, len(prompt_ids), self._models)
        read = read_prompts(weights, prompt_ids, prompt_mask)
        for layer, stored in enumerate(read.stored):
            for store, new in zip((self._keys, self._values), stored, strict=True):
                store[layer, :, :, : self._length] = new[chosen]
        self._logits = read.logits[chosen]

    @property
    def logits(self) -> Float[Tensor, "rows vocabulary"]:
        """Of the next token of each row."""
        return self._logits

    @property
    def drops_rows(self) -> bool:
        """Whether `keep` may be called: stacked models must all keep equally many rows."""
        return not self._models

    def parts(self) -> Iterator[Decoder]:
        """Yield this decoder: all rows are decoded together."""
        yield self

    @torch.no_grad()
    def step(self, ids: Int[Tensor, " rows"]) -> None:
        """Append one token to each row and compute the logits of the next."""
        heads = self._heads
        x = layers.embedded(ids.view(*self._models, -1), self._embedding)
        rotary = Rotary(*(table[self._positions] for table in self._rotary))
        stop = self._length + 1
        bias = None if self._bias is None else self._bias[..., :stop]
        for index, folded in enumerate(self._folded):
            queries = self._project(x, folded, rotary, index)
            keys, values = self._keys[index, :, :, :stop], self._values[index, :, :, :stop]
            # each key-value head serves its queries in one product
            grouped = queries.reshape(len(ids), heads.n_key_value, -1, heads.width)
            scores = torch.matmul(grouped, keys.mT).mul_(heads.width**-0.5)
            if bias is not None:
                scores += bias
            found = torch.matmul(torch.softmax(scores, dim=-1), values)
            x = x + layers.linear(found.view(*x.shape[:-1], -1), folded.attention_output)
            gate, up = layers.linear(self._unit(x), folded.gate_up).chunk(2, dim=-1)
            x += layers.linear(functional.silu(gate).mul_(up), folded.down)
        self._length = stop
        self._positions += 1
        self._logits = self._to_logits(x)

    @torch.no_grad()
    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Go on with some of the rows only."""
        self._keys, self._values = self._keys[:, rows], self._values[:, rows]
        self._positions, self._logits = self._positions[rows], self._logits[rows]
        if self._bias is not None:
            self._bias = self._bias[rows]

    def _project(self, x: Tensor, folded: Folded, rotary: Rotary, index: int) -> Tensor:
        """Return the queries of the new tokens; their keys and values are stored."""
        heads = self._heads
        flat = layers.linear(self._unit(x), folded.query_key_value, folded.query_key_value_bias)
        split = flat.view(*x.shape[:-1], -1, heads.width)
        n_turned = heads.n_query + heads.n_key_value
        turned = split[..., :n_turned, :]
        if folded.head_norms is not None:
            turned = self._unit(turned) * folded.head_norms
        turned = layers.rotated(turned.flatten(0, -3), rotary)
        self._keys[index, :, :, self._length] = turned[:, heads.n_query :]
        self._values[index, :, :, self._length] = split[..., n_turned:, :].flatten(0, -3)
        return turned[:, : heads.n_query]

    def _unit(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, x.shape[-1:], eps=self._heads.norm_eps)

    def _to_logits(self, x: Tensor) -> Float[Tensor, "rows vocabulary"]:
        return layers.linear(self._unit(x), self._head).flatten(0, -2)

    def _bias_of(self, prompt_mask: Tensor, prompts: Tensor) -> Tensor | None:
        """Return what keeps padding from being read; None if there is none."""
        if bool(prompt_mask.all()):
            return None
        bias = self._keys.new_zeros(len(prompts), 1, 1, self._capacity)
        unseen = ~prompt_mask[prompts][:, None, None]
        bias[..., : self._length].masked_fill_(unseen, float("-inf"))
        return bias


@torch.no_grad()
def read_prompts(
    weights: Weights,
    prompt_ids: Int[Tensor, "prompts prompt"],
    prompt_mask: Bool[Tensor, "prompts prompt"],
) -> PromptStates:
    """Return what prompts leave behind; stacked models all read all of them.

    Args:
        weights: Of the model, or of stacked ones.
        prompt_ids: Left-padded.
        prompt_mask: Their real tokens.
    """
    models = weights.embedding.shape[:-2]
    n_prompts, length = prompt_ids.shape
    tokens = (*models, n_prompts * length)
    positions = layers.positions_of(prompt_mask).flatten().expand(tokens)
    layout = Layout(positions, (layers.sequence_block(prompt_mask, models),))
    rotary = Rotary(*(table[positions] for table in weights.rotary))
    eps = weights.heads.norm_eps
    x = layers.embedded(prompt_ids.flatten().expand(tokens), weights.embedding)
    stored = []
    for layer in weights.layers:
        turned = layers.turned(layers.heads_of(x, layer, weights.heads), weights.heads, rotary)
        keys, values = (
            new.reshape(-1, length, *new.shape[-2:]).transpose(1, 2) for new in turned[1:]
        )
        stored.append((keys, values))
        found = layers.attended(*turned, weights.heads, layout)
        if layer is weights.layers[-1]:
            # of the rest only keys and values are needed
            x, found = (_last_tokens(part, n_prompts, length) for part in (x, found))
        x = layers.after_attention(x, found, layer, eps)
    logits = layers.linear(layers.normed(x, weights.norm, eps), weights.head)
    return PromptStates(stored, logits.flatten(0, -2))


def _last_tokens(
    tokens: Float[Tensor, "*models tokens width"], n_prompts: int, length: int
) -> Float[Tensor, "*models prompts width"]:
    return tokens.view(*tokens.shape[:-2], n_prompts, length, -1)[..., -1, :].contiguous()


def _of_each_model(
    prompts: Int[Tensor, " rows"], n_prompts: int, models: torch.Size
) -> Int[Tensor, " rows"]:
    """Return the place of each row's prompt among those of all models."""
    if not models:
        return prompts
    of_model = torch.arange(models[0], device=prompts.device) * n_prompts
    return prompts + of_model.repeat_interleave(len(prompts) // models[0])


def fold(layer: LayerWeights, heads: Heads) -> Folded:
    """Return a layer's weights with the scales of its norms multiplied in."""
    head_norms = None
    if layer.query_norm is not None and layer.key_norm is not None:
        parts = ((layer.query_norm, heads.n_query), (layer.key_norm, heads.n_key_value))
        scales = [norm.detach()[..., None, :].expand(*norm.shape[:-1], n, -1) for norm, n in parts]
        head_norms = torch.cat(scales, dim=-2)
        if layer.query_norm.dim() > 1:
            # stacked models: one row of scales for all rows of a model
            head_norms = head_norms[:, None]
    bias = layer.query_key_value_bias
    return Folded(
        query_key_value=layer.query_key_value.detach()
        * layer.attention_norm.detach()[..., None, :],
        query_key_value_bias=None if bias is None else bias.detach(),
        head_norms=head_norms,
        attention_output=layer.attention_output.detach(),
        gate_up=layer.gate_up.detach() * layer.feed_forward_norm.detach()[..., None, :],
        down=layer.down.detach(),
    )
