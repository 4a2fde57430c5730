"""Forward passes of a decoder-only transformer from its weights, whatever object holds them.

`Transformer` holds its own; `HuggingFaceModel` lends those of the Llama family, so that such a
model is computed here too, with gradients back to its own parameters; `StackedTransformer` holds
those of several models, each tensor with a leading dimension for the models.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from pellucid.posttrain.native import layers
from pellucid.posttrain.native.layers import Heads, LayerWeights, Layout, Rotary
from pellucid.posttrain.native.models import Predictions


class Weights(NamedTuple):
    """All that a forward pass reads.

    Args:
        embedding: Shape (vocabulary, width).
        layers: Weights of each layer.
        norm: Scale of the last norm, shape (width,).
        head: Shape (vocabulary, width); the embedding itself if they are tied.
        heads: How the width is divided.
        rotary: Rotations of every position of the context.
    """

    embedding: Tensor
    layers: tuple[LayerWeights, ...]
    norm: Tensor
    head: Tensor
    heads: Heads
    rotary: Rotary


def hidden_states(
    weights: Weights, ids: Int[Tensor, "*models tokens"], layout: Layout
) -> Float[Tensor, "*models tokens width"]:
    """Return the normed hidden states of a flat row of tokens."""
    rotary = Rotary(*(table[layout.positions] for table in weights.rotary))
    x = layers.embedded(ids, weights.embedding)
    for layer in weights.layers:
        x = layers.layer(x, layer, weights.heads, rotary, layout)
    return layers.normed(x, weights.norm, weights.heads.norm_eps)


def all_logits(
    weights: Weights, ids: Int[Tensor, "rows tokens"], mask: Bool[Tensor, "rows tokens"]
) -> Float[Tensor, "rows tokens vocabulary"]:
    """Return the logits of the token after each position."""
    layout = Layout(layers.positions_of(mask).flatten(), (layers.sequence_block(mask),))
    flat = hidden_states(weights, ids.flatten(), layout)
    return functional.linear(flat, weights.head).view(*ids.shape, -1)


def predictions(
    weights: Weights,
    prompt_ids: Int[Tensor, "rows prompt"],
    prompt_mask: Bool[Tensor, "rows prompt"],
    ids: Int[Tensor, "rows tokens"],
    mask: Bool[Tensor, "rows tokens"],
) -> Predictions:
    """Return what is predicted for each token of completions; equal prompts are computed once.

    Args:
        weights: Of the model.
        prompt_ids: Left-padded, so that the last column ends every prompt.
        prompt_mask: Their real tokens.
        ids: Of the completions, right-padded.
        mask: Their real tokens.
    """
    unique_ids, unique_mask, prompts = shared_prompts(prompt_ids, prompt_mask)
    n_prompts, prompt_length = unique_ids.shape
    # the last token of a completion predicts nothing that is asked for
    read_ids, read_mask = ids[:, :-1], mask[:, :-1]
    prompt_positions = layers.positions_of(unique_mask)
    own_positions = prompt_positions[prompts, -1:] + 1 + layers.positions_of(read_mask)
    layout = Layout(
        # those of padding may lie beyond the context
        torch.cat((prompt_positions.flatten(), own_positions.flatten())).clamp(
            max=len(weights.rotary.cosines) - 1
        ),
        (
            layers.sequence_block(unique_mask),
            layers.continued_block(unique_mask, prompts, read_mask),
        ),
    )
    flat = hidden_states(weights, torch.cat((unique_ids.flatten(), read_ids.flatten())), layout)
    n_prompt_tokens = n_prompts * prompt_length
    width = flat.shape[-1]
    first = flat[:n_prompt_tokens].view(n_prompts, prompt_length, width)[prompts, -1:]
    hidden = torch.cat((first, flat[n_prompt_tokens:].view(*read_ids.shape, width)), dim=1)
    return Predictions(functional.linear(hidden, weights.head), hidden)


def shared_prompts(
    prompt_ids: Int[Tensor, "rows prompt"], prompt_mask: Bool[Tensor, "rows prompt"]
) -> tuple[Int[Tensor, "prompts prompt"], Bool[Tensor, "prompts prompt"], Int[Tensor, " rows"]]:
    """Return each different prompt once, its mask, and the prompt of each row."""
    marked = torch.where(prompt_mask, prompt_ids, -1)
    different, rows = torch.unique(marked, dim=0, return_inverse=True)
    return different.clamp(min=0), different >= 0, rows
