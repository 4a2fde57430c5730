"""Between the in-house transformer and the Llama, Qwen2 and Qwen3 models of `transformers`.

Weights are moved, never approximated: there and back gives the same bytes. What the in-house
layout has no place for (scaled rotary positions, sliding windows, other activations) is refused.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pellucid.errors import InputError
from pellucid.io.imports import optional_import
from pellucid.posttrain.native import layers
from pellucid.posttrain.native.forward import Weights
from pellucid.posttrain.native.layers import LayerWeights, Rotary
from pellucid.posttrain.native.transformer import Transformer, TransformerConfig

FAMILIES = {"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3"}
"""Model types that convert, and the first part of their classes' names."""


def to_hugging_face(model: Transformer, *, eos_id: int = 1, pad_id: int = 0) -> Any:
    """Return a `LlamaForCausalLM`, `Qwen2ForCausalLM` or `Qwen3ForCausalLM` with the same weights.

    Args:
        model: Qwen3 if heads are normed, Qwen2 if there are biases, else Llama.
        eos_id: The token that ends a completion, for the configuration.
        pad_id: The token of padding, likewise.

    Raises:
        InputError: It has both head norms and biases, which no family has, or `transformers` is
            not installed.
    """
    config = model.config
    if config.query_key_norm and config.query_key_value_bias:
        raise InputError("no model of transformers has both head norms and biases in this layout")
    family = "qwen3" if config.query_key_norm else "llama"
    family = "qwen2" if config.query_key_value_bias else family
    transformers = optional_import("transformers", extra="llm")
    made_config = getattr(transformers, f"{FAMILIES[family]}Config")(
        **_hugging_face_shape(config, family), eos_token_id=eos_id, pad_token_id=pad_id
    )
    # the class draws initial weights, which are replaced: nobody else's random numbers are used up
    with torch.random.fork_rng(devices=[]):
        made = getattr(transformers, f"{FAMILIES[family]}ForCausalLM")(made_config)
    made.to(device=model.device, dtype=model.embedding.dtype)
    made.load_state_dict(_hugging_face_table(model))
    return made.eval()


def from_hugging_face(model: Any) -> Transformer:
    """Return the in-house transformer with the same weights.

    Raises:
        InputError: It is of another family, or uses a part that the in-house layout lacks.
    """
    config = config_of(model)
    lent = lent_weights(model, config)
    made = Transformer(config, seed=0).to(device=lent.embedding.device, dtype=lent.embedding.dtype)
    with torch.no_grad():
        made.embedding.copy_(lent.embedding)
        made.norm.copy_(lent.norm)
        if made.head is not None:
            made.head.copy_(lent.head)
        for module, weights in zip(made.layers, lent.layers, strict=True):
            for name, weight in weights._asdict().items():
                if weight is not None:
                    getattr(module, name).copy_(weight)
    return made


def config_of(model: Any) -> TransformerConfig:
    """Return the in-house shape of a Llama, Qwen2 or Qwen3 model.

    Raises:
        InputError: It is of another family, or uses a part that the in-house layout lacks.
    """
    config = model.config
    family = str(getattr(config, "model_type", None))
    if FAMILIES.get(family, "") + "ForCausalLM" != type(model).__name__:
        raise InputError(
            f"a {type(model).__name__} does not convert; {', '.join(FAMILIES.values())} do",
            hint="use HuggingFaceModel, which takes any causal language model",
        )
    lacking = _lacking(config)
    if lacking:
        raise InputError(f"the in-house layout has no place for {lacking[0]}")
    return TransformerConfig(
        vocab_size=config.vocab_size,
        n_layers=config.num_hidden_layers,
        width=config.hidden_size,
        n_heads=config.num_attention_heads,
        n_key_value_heads=config.num_key_value_heads,
        head_width=getattr(config, "head_dim", None),
        hidden_width=config.intermediate_size,
        context_length=config.max_position_embeddings,
        rotary_base=float(config.rope_parameters["rope_theta"]),
        norm_eps=config.rms_norm_eps,
        tied=bool(config.tie_word_embeddings),
        query_key_norm=family == "qwen3",
        query_key_value_bias=family == "qwen2",
    )


def lent_weights(model: Any, config: TransformerConfig, *, rotary: Rotary | None = None) -> Weights:
    """Return the weights of a model of `transformers`; gradients flow back to its parameters.

    Args:
        model: A model that `config_of` takes.
        config: What it returned.
        rotary: Rotations of every position, if they are at hand.
    """
    inner = model.model
    table = rotary or Rotary(
        *layers.rotary_table(config.heads.width, config.rotary_base, config.context_length)
    )
    return Weights(
        embedding=inner.embed_tokens.weight,
        layers=tuple(_lent_layer(layer) for layer in inner.layers),
        norm=inner.norm.weight,
        head=inner.embed_tokens.weight if config.tied else model.lm_head.weight,
        heads=config.heads,
        rotary=table,
    )


# --- parts ---


def _lent_layer(layer: Any) -> LayerWeights:
    attention, feed_forward = layer.self_attn, layer.mlp
    maps = (attention.q_proj, attention.k_proj, attention.v_proj)
    biased = maps[0].bias is not None
    normed = hasattr(attention, "q_norm")
    return LayerWeights(
        attention_norm=layer.input_layernorm.weight,
        query_key_value=torch.cat([one.weight for one in maps]),
        query_key_value_bias=torch.cat([one.bias for one in maps]) if biased else None,
        query_norm=attention.q_norm.weight if normed else None,
        key_norm=attention.k_norm.weight if normed else None,
        attention_output=attention.o_proj.weight,
        feed_forward_norm=layer.post_attention_layernorm.weight,
        gate_up=torch.cat((feed_forward.gate_proj.weight, feed_forward.up_proj.weight)),
        down=feed_forward.down_proj.weight,
    )


def _lacking(config: Any) -> list[str]:
    rope = getattr(config, "rope_parameters", None) or {}
    windows = set(getattr(config, "layer_types", None) or ["full_attention"])
    present = {
        f"the activation {config.hidden_act!r}": config.hidden_act not in ("silu", "swish"),
        f"rotary positions of type {rope.get('rope_type')!r}": rope.get("rope_type") != "default",
        "rotary positions of a part of each head": rope.get("partial_rotary_factor", 1.0) != 1.0,
        "attention over sliding windows": windows != {"full_attention"},
        "biases of the feed-forward maps": bool(getattr(config, "mlp_bias", False)),
        "a bias of the attention's output": bool(getattr(config, "attention_bias", False)),
    }
    return [name for name, used in present.items() if used]


def _hugging_face_shape(config: TransformerConfig, family: str) -> dict[str, Any]:
    shape = {
        "vocab_size": config.vocab_size,
        "num_hidden_layers": config.n_layers,
        "hidden_size": config.width,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.heads.n_key_value,
        "head_dim": config.heads.width,
        "intermediate_size": config.inner_width,
        "max_position_embeddings": config.context_length,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rotary_base},
        "rms_norm_eps": config.norm_eps,
        "tie_word_embeddings": config.tied,
        "bos_token_id": None,
    }
    if family == "qwen2":
        if config.heads.width * config.n_heads != config.width:
            raise InputError("heads of Qwen2 have width / n_heads numbers each")
        del shape["head_dim"]
    return shape


def _hugging_face_table(model: Transformer) -> Mapping[str, Tensor]:
    weights, heads = model.weights(), model.config.heads
    parts = [heads.n_query * heads.width, *[heads.n_key_value * heads.width] * 2]
    table = {
        "model.embed_tokens.weight": weights.embedding,
        "model.norm.weight": weights.norm,
        "lm_head.weight": weights.head,
    }
    for index, layer in enumerate(weights.layers):
        named = {
            "input_layernorm.weight": layer.attention_norm,
            "post_attention_layernorm.weight": layer.feed_forward_norm,
            "self_attn.o_proj.weight": layer.attention_output,
            "self_attn.q_norm.weight": layer.query_norm,
            "self_attn.k_norm.weight": layer.key_norm,
            "mlp.down_proj.weight": layer.down,
        }
        named |= _split("self_attn.{}_proj.weight", "qkv", layer.query_key_value, parts)
        named |= _split("self_attn.{}_proj.bias", "qkv", layer.query_key_value_bias, parts)
        named |= _split(
            "mlp.{}_proj.weight", ("gate", "up"), layer.gate_up, [model.config.inner_width] * 2
        )
        table |= {f"model.layers.{index}.{k}": v for k, v in named.items() if v is not None}
    return {name: weight.detach() for name, weight in table.items()}


def _split(
    form: str, names: tuple[str, ...] | str, weight: Tensor | None, parts: list[int]
) -> dict[str, Tensor | None]:
    if weight is None:
        return {}
    return {form.format(n): part for n, part in zip(names, torch.split(weight, parts), strict=True)}
