"""Any causal language model of `transformers` as a `LanguageModel`.

Models of the Llama, Qwen2 and Qwen3 families in their plain form are computed by the in-house
arithmetic on their own parameters, which is faster on a CPU; all others, and those with adapters,
hooks, dropout or gradient checkpointing, by their own `forward`.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from pellucid.errors import InputError
from pellucid.posttrain.native import conversion, forward, layers
from pellucid.posttrain.native.compiled_decoder import decoder_of
from pellucid.posttrain.native.forward import Weights
from pellucid.posttrain.native.layers import Rotary
from pellucid.posttrain.native.models import Decoder, Predictions
from pellucid.posttrain.native.transformer import TransformerConfig

_PLAIN_MODULES = ("Embedding", "Linear", "ModuleList", "SiLU", "SiLUActivation")


class HuggingFaceModel(nn.Module):
    """A causal language model of `transformers`; satisfies `LanguageModel`.

    Dropout is set to 0 in the model: with it, what is scored is not what was sampled.

    Args:
        model: A `PreTrainedModel` with a language-model head, or one wrapped by `peft`.
        in_house: Whether plain models of the families that `conversion` knows may be computed by
            the in-house arithmetic; False always calls the model's own `forward`.

    Raises:
        InputError: It has no language-model head.
    """

    def __init__(self, model: Any, *, in_house: bool = True) -> None:
        super().__init__()
        self.model = model
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        if not hasattr(inner, "get_output_embeddings") or inner.get_output_embeddings() is None:
            raise InputError(
                f"a {type(inner).__name__} has no language-model head",
                hint="load it with AutoModelForCausalLM",
            )
        _drop_dropout(model)
        self._accepted = frozenset(inspect.signature(inner.forward).parameters)
        self._text_config = inner.config.get_text_config()
        self._shape = _in_house_shape(model) if in_house else None
        self._rotary: Rotary | None = None

    # --- LanguageModel ---

    @property
    def vocab_size(self) -> int:
        """Number of logits."""
        return int(self._head().weight.shape[0])

    @property
    def context_length(self) -> int | None:
        """Most tokens of prompt and completion together, as its configuration says."""
        for name in ("max_position_embeddings", "n_positions"):
            length = getattr(self._text_config, name, None)
            if isinstance(length, int):
                return length
        return None

    @property
    def width(self) -> int:
        """Numbers per token in the hidden state."""
        return int(self._head().weight.shape[1])

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self._head().weight.device
        return device

    def forward(
        self, ids: Int[Tensor, "rows tokens"], mask: Bool[Tensor, "rows tokens"]
    ) -> Float[Tensor, "rows tokens vocabulary"]:
        """Return the logits of the token after each position, from the model's own `forward`.

        Raises:
            InputError: More real tokens than the context is long.
        """
        self._check_length(int(mask.sum(-1).max()))
        logits: Tensor = self._call(ids, mask, layers.positions_of(mask)).logits
        return logits

    def predict(
        self,
        prompt_ids: Int[Tensor, "rows prompt"],
        prompt_mask: Bool[Tensor, "rows prompt"],
        ids: Int[Tensor, "rows tokens"],
        mask: Bool[Tensor, "rows tokens"],
    ) -> Predictions:
        """Return what is predicted for each token of the completions.

        Raises:
            InputError: More real tokens than the context is long.
        """
        self._check_length(int((prompt_mask.sum(-1) + mask.sum(-1)).max()))
        weights = self._lent()
        if weights is not None:
            return forward.predictions(weights, prompt_ids, prompt_mask, ids, mask)
        whole, real = torch.cat((prompt_ids, ids), dim=1), torch.cat((prompt_mask, mask), dim=1)
        needed = ids.shape[1] + 1
        with _InputOf(self._head()) as hidden:
            out = self._call(whole, real, layers.positions_of(real), logits_to_keep=needed)
        # one more than the completion: the last token of the prompt predicts its first
        return Predictions(out.logits[:, -needed:-1], hidden.value[:, -needed:-1])

    def decoder(
        self,
        prompt_ids: Int[Tensor, "prompts prompt"],
        prompt_mask: Bool[Tensor, "prompts prompt"],
        prompts: Int[Tensor, " rows"],
        max_new_tokens: int,
    ) -> Decoder:
        """Return a decoder that has read the prompts.

        Raises:
            InputError: A prompt leaves no room for that many tokens in the context.
        """
        self._check_length(int(prompt_mask.sum(-1).max()) + max_new_tokens)
        with torch.no_grad():
            weights = self._lent()
            if weights is not None:
                return decoder_of(weights, prompt_ids, prompt_mask, prompts, max_new_tokens)
        return HuggingFaceDecoder(self._call, prompt_ids, prompt_mask, prompts, max_new_tokens)

    # --- parts ---

    def _head(self) -> Any:
        return self.model.get_output_embeddings()

    def _call(
        self,
        ids: Tensor,
        mask: Tensor,
        positions: Tensor,
        *,
        cache: Any = None,
        logits_to_keep: int = 0,
    ) -> Any:
        options: dict[str, Any] = {
            "position_ids": positions,
            "logits_to_keep": logits_to_keep,
            "past_key_values": cache,
        }
        accepted = {name: value for name, value in options.items() if name in self._accepted}
        return self.model(
            input_ids=ids, attention_mask=mask.long(), use_cache=cache is not None, **accepted
        )

    def _lent(self) -> Weights | None:
        """Return the model's weights if it is in the plain form, else None."""
        if self._shape is None or not is_plain(self.model):
            return None
        if self._rotary is None or self._rotary.cosines.device != self.device:
            shape = self._shape
            table = layers.rotary_table(shape.heads.width, shape.rotary_base, shape.context_length)
            self._rotary = Rotary(*(part.to(self.device) for part in table))
        return conversion.lent_weights(self.model, self._shape, rotary=self._rotary)

    def _check_length(self, n_tokens: int) -> None:
        limit = self.context_length
        if limit is not None and n_tokens > limit:
            raise InputError(
                f"a sequence of {n_tokens} tokens does not fit the model's context of {limit}",
                hint="shorten the prompts or max_new_tokens, or use a model with a longer context",
            )


class HuggingFaceDecoder:
    """Decodes with a model's own `forward`, keys and values kept in tensors set aside once.

    Args:
        call: Calls the model with ids, mask, positions and a cache.
        prompt_ids: Left-padded prompts.
        prompt_mask: Their real tokens.
        prompts: The prompt of each row.
        max_new_tokens: How often `step` will be called at most.
    """

    @torch.no_grad()
    def __init__(
        self,
        call: Any,
        prompt_ids: Int[Tensor, "prompts prompt"],
        prompt_mask: Bool[Tensor, "prompts prompt"],
        prompts: Int[Tensor, " rows"],
        max_new_tokens: int,
    ) -> None:
        # imports transformers, which takes seconds and is optional
        from pellucid.posttrain.native.hugging_face_cache import Preallocated

        self._call = call
        self._length = prompt_ids.shape[1]
        self._cache = Preallocated(self._length + max_new_tokens)
        positions = layers.positions_of(prompt_mask)
        out = call(prompt_ids, prompt_mask, positions, cache=self._cache, logits_to_keep=1)
        self._cache.choose(prompts)
        self._logits: Tensor = out.logits[:, -1][prompts]
        self._positions = prompt_mask.sum(-1)[prompts]
        # what is written later is real in every row
        self._mask = torch.ones(
            len(prompts), self._length + max_new_tokens, dtype=torch.bool, device=prompt_ids.device
        )
        self._mask[:, : self._length] = prompt_mask[prompts]

    @property
    def logits(self) -> Float[Tensor, "rows vocabulary"]:
        """Of the next token of each row."""
        return self._logits

    @property
    def drops_rows(self) -> bool:
        """Whether `keep` may be called."""
        return True

    def parts(self) -> Iterator[Decoder]:
        """Yield this decoder: all rows are decoded together."""
        yield self

    @torch.no_grad()
    def step(self, ids: Int[Tensor, " rows"]) -> None:
        """Append one token to each row and compute the logits of the next."""
        self._length += 1
        out = self._call(
            ids[:, None],
            self._mask[:, : self._length],
            self._positions[:, None],
            cache=self._cache,
            logits_to_keep=1,
        )
        self._logits = out.logits[:, -1]
        self._positions += 1

    @torch.no_grad()
    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Go on with some of the rows only."""
        self._cache.choose(rows)
        self._logits, self._mask = self._logits[rows], self._mask[rows]
        self._positions = self._positions[rows]


def is_plain(model: Any) -> bool:
    """Whether a model's `forward` does nothing but the arithmetic of its family.

    Adapters, hooks, compiled or quantised parts, half precision and gradient checkpointing all
    answer no.
    """
    for module in model.modules():
        if getattr(module, "gradient_checkpointing", False):
            return False
        if module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module):
            return False
        named = type(module).__name__.startswith(tuple(conversion.FAMILIES.values()))
        if not named and type(module).__name__ not in _PLAIN_MODULES:
            return False
    return all(weight.dtype == torch.float32 for weight in model.parameters())


def _drop_dropout(model: Any) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "attention_dropout") and isinstance(module.attention_dropout, float):
            module.attention_dropout = 0.0


def _in_house_shape(model: Any) -> TransformerConfig | None:
    try:
        return conversion.config_of(model)
    except InputError:
        return None


class _InputOf:
    """Keeps what a module is given while the block runs."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def __enter__(self) -> "_InputOf":
        def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self.value = inputs[0]

        self._handle = self._module.register_forward_pre_hook(keep)
        return self

    def __exit__(self, *error: object) -> None:
        self._handle.remove()
