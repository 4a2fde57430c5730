"""Several small models of one shape, computed at once: the seeds or arms of an experiment.

Small models spend their time on the overhead of operations. S of them with stacked weights spend it
once. Rows of a batch belong to one model after the other, equally many to each; with that, a stack
is a `LanguageModel` like any other for `sample` and `token_log_probs`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from pellucid.errors import InputError
from pellucid.posttrain.native import layers
from pellucid.posttrain.native.decoding import CachedDecoder
from pellucid.posttrain.native.forward import Weights, hidden_states, shared_prompts
from pellucid.posttrain.native.layers import LayerWeights, Layout, Rotary
from pellucid.posttrain.native.models import Predictions
from pellucid.posttrain.native.transformer import Transformer


class StackedTransformer(nn.Module):
    """Models whose weights lie in one tensor each; satisfies `LanguageModel`.

    The gradient of a sum over all rows holds each model's own gradient, and an optimiser that works
    number by number, as AdamW does, trains each as it would alone. Gradients must be clipped by
    `clip_gradients`, which knows the models apart.

    Args:
        models: At least one, all of the same shape; their weights are copied.

    Raises:
        InputError: There is no model, or their shapes differ.
    """

    def __init__(self, models: Sequence[Transformer]) -> None:
        super().__init__()
        if not models:
            raise InputError("a stack needs at least one model, got none")
        self.config = models[0].config
        if any(model.config != self.config for model in models):
            raise InputError("the models of a stack must all have the same shape")
        self.n_models = len(models)
        # a parameter's name cannot have a dot in it
        self.stacked = nn.ParameterDict(
            {
                name.replace(".", "/"): torch.stack(
                    [model.get_parameter(name).detach() for model in models]
                )
                for name, _ in models[0].named_parameters()
            }
        )
        self.cosines = nn.Buffer(models[0].cosines, persistent=False)
        self.sines = nn.Buffer(models[0].sines, persistent=False)

    def unstacked(self) -> list[Transformer]:
        """Return each model by itself, with a copy of its weights."""
        found = []
        for index in range(self.n_models):
            model = Transformer(self.config, seed=0).to(self.device)
            with torch.no_grad():
                for name, weight in model.named_parameters():
                    weight.copy_(self.stacked[name.replace(".", "/")][index])
            found.append(model)
        return found

    def clip_gradients(self, max_norm: float) -> Float[Tensor, " models"]:
        """Shorten each model's gradient to `max_norm`; return how long each was."""
        gradients = [weight.grad for weight in self.stacked.values() if weight.grad is not None]
        squares = [gradient.flatten(1).square().sum(1) for gradient in gradients]
        norms = torch.stack(squares).sum(0).sqrt()
        factors = (max_norm / (norms + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient *= factors.view(-1, *[1] * (gradient.dim() - 1))
        return norms

    # --- LanguageModel ---

    @property
    def vocab_size(self) -> int:
        """Number of logits."""
        return self.config.vocab_size

    @property
    def context_length(self) -> int:
        """Most tokens of prompt and completion together."""
        return self.config.context_length

    @property
    def width(self) -> int:
        """Numbers per token in the hidden state."""
        return self.config.width

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.cosines.device

    def forward(
        self, ids: Int[Tensor, "rows tokens"], mask: Bool[Tensor, "rows tokens"]
    ) -> Float[Tensor, "rows tokens vocabulary"]:
        """Return the logits of the token after each position.

        Raises:
            InputError: The rows cannot be shared out equally, or a sequence is too long.
        """
        self._check(ids, mask.sum(-1))
        block = layers.sequence_block(mask)
        layout = Layout(
            self._by_model(layers.positions_of(mask)),
            (layers.Block(len(ids) // self.n_models, block.length, block.mask),),
        )
        hidden = hidden_states(self.weights(), self._by_model(ids), layout)
        return self._to_logits(hidden).view(*ids.shape, -1)

    def predict(
        self,
        prompt_ids: Int[Tensor, "rows prompt"],
        prompt_mask: Bool[Tensor, "rows prompt"],
        ids: Int[Tensor, "rows tokens"],
        mask: Bool[Tensor, "rows tokens"],
    ) -> Predictions:
        """Return what is predicted for each token of the completions.

        Raises:
            InputError: The rows cannot be shared out equally, or a sequence is too long.
        """
        self._check(ids, prompt_mask.sum(-1) + mask.sum(-1))
        unique_ids, unique_mask, prompts = shared_prompts(prompt_ids, prompt_mask)
        n_rows = len(ids) // self.n_models
        if len(unique_ids) > n_rows:
            # every model would read every prompt; then it is cheaper that each reads its own
            whole = torch.cat((prompt_ids, ids), dim=1), torch.cat((prompt_mask, mask), dim=1)
            return self._predict_whole(*whole, n_tokens=ids.shape[1])
        return self._predict_shared(unique_ids, unique_mask, prompts, ids[:, :-1], mask[:, :-1])

    def decoder(
        self,
        prompt_ids: Int[Tensor, "prompts prompt"],
        prompt_mask: Bool[Tensor, "prompts prompt"],
        prompts: Int[Tensor, " rows"],
        max_new_tokens: int,
    ) -> CachedDecoder:
        """Return a decoder that has read the prompts; every model reads all of them.

        Raises:
            InputError: The rows cannot be shared out equally, or a prompt leaves no room.
        """
        self._check(prompts, prompt_mask.sum(-1) + max_new_tokens)
        return CachedDecoder(self.weights(), prompt_ids, prompt_mask, prompts, max_new_tokens)

    # --- parts ---

    def weights(self) -> Weights:
        """Return all that a forward pass reads, each tensor with a dimension of models."""
        embedding = self.stacked["embedding"]
        return Weights(
            embedding=embedding,
            layers=tuple(self._layer(index) for index in range(self.config.n_layers)),
            norm=self.stacked["norm"],
            head=embedding if self.config.tied else self.stacked["head"],
            heads=self.config.heads,
            rotary=Rotary(self.cosines, self.sines),
        )

    def _layer(self, index: int) -> LayerWeights:
        names = {field: f"layers/{index}/{field}" for field in LayerWeights._fields}
        found: dict[str, Any] = {field: self.stacked.get(name) for field, name in names.items()}
        return LayerWeights(**found)

    def _predict_whole(self, ids: Tensor, mask: Tensor, *, n_tokens: int) -> Predictions:
        block = layers.sequence_block(mask)
        layout = Layout(
            self._by_model(layers.positions_of(mask)),
            (layers.Block(len(ids) // self.n_models, block.length, block.mask),),
        )
        flat = hidden_states(self.weights(), self._by_model(ids), layout)
        hidden = flat.view(*ids.shape, -1)[:, -n_tokens - 1 : -1]
        logits = self._to_logits(hidden.reshape(self.n_models, -1, self.width))
        return Predictions(logits.view(*hidden.shape[:2], -1), hidden)

    def _predict_shared(
        self,
        prompt_ids: Tensor,
        prompt_mask: Tensor,
        prompts: Tensor,
        ids: Tensor,
        mask: Tensor,
    ) -> Predictions:
        n_prompts, length = prompt_ids.shape
        n_prompt_tokens = n_prompts * length
        prompt_positions = layers.positions_of(prompt_mask)
        own_positions = prompt_positions[prompts, -1:] + 1 + layers.positions_of(mask)
        own_block = layers.continued_block(prompt_mask, prompts, mask, self.n_models)
        of_model = torch.arange(self.n_models, device=ids.device) * n_prompts
        chosen = prompts + of_model.repeat_interleave(len(ids) // self.n_models)
        layout = Layout(
            torch.cat(
                (
                    prompt_positions.flatten().expand(self.n_models, -1),
                    self._by_model(own_positions),
                ),
                dim=1,
            ).clamp(max=self.config.context_length - 1),
            (
                layers.sequence_block(prompt_mask, (self.n_models,)),
                layers.Block(own_block.n_rows, own_block.length, own_block.mask, chosen),
            ),
        )
        tokens = torch.cat(
            (prompt_ids.flatten().expand(self.n_models, -1), self._by_model(ids)), dim=1
        )
        flat = hidden_states(self.weights(), tokens, layout)
        first = flat[:, :n_prompt_tokens].reshape(-1, length, self.width)[chosen, -1:]
        rest = flat[:, n_prompt_tokens:].reshape(*ids.shape, self.width)
        hidden = torch.cat((first, rest), dim=1)
        logits = self._to_logits(hidden.view(self.n_models, -1, self.width))
        return Predictions(logits.view(*hidden.shape[:2], -1), hidden)

    def _to_logits(self, hidden: Float[Tensor, "models tokens width"]) -> Tensor:
        return layers.linear(hidden, self.weights().head)

    def _by_model(self, values: Int[Tensor, "rows tokens"]) -> Int[Tensor, "models tokens"]:
        return values.reshape(self.n_models, -1)

    def _check(self, rows: Tensor, lengths: Tensor) -> None:
        if len(rows) % self.n_models:
            raise InputError(
                f"{len(rows)} rows cannot be shared out to {self.n_models} models equally"
            )
        if int(lengths.max()) > self.config.context_length:
            raise InputError(
                f"a sequence of {int(lengths.max())} tokens does not fit the models' context of "
                f"{self.config.context_length}",
                hint="shorten the prompts or max_new_tokens",
            )
