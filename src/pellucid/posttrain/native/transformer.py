"""A small decoder-only transformer in the layout of the Llama and Qwen families.

Its weights convert to and from `transformers` without loss (`conversion`). The maps that read the
same input lie in one matrix, prompts that several rows share are computed once, and a batch is one
flat row of tokens (`layers`): on a CPU that is most of what there is to gain.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from pellucid.errors import InputError
from pellucid.posttrain.native import forward, layers
from pellucid.posttrain.native.compiled_decoder import decoder_of
from pellucid.posttrain.native.forward import Weights
from pellucid.posttrain.native.layers import Heads, LayerWeights, Rotary
from pellucid.posttrain.native.models import Decoder, Predictions


@dataclass(frozen=True)
class TransformerConfig:
    """Shape of a `Transformer`.

    Args:
        vocab_size: Number of tokens.
        n_layers: Number of layers.
        width: Numbers per token between layers.
        n_heads: Query heads.
        n_key_value_heads: Key-value heads; None for as many as query heads.
        head_width: Numbers per head; None for `width / n_heads`.
        hidden_width: Numbers per token inside a feed-forward map; None for three times the width,
            which has about the weights of the usual four times without gates.
        context_length: Most tokens of prompt and completion together.
        rotary_base: Longest wavelength of positions, over 2π.
        norm_eps: Added to mean squares before the root.
        tied: Whether the output map is the embedding.
        query_key_norm: Whether each head's queries and keys are normed, as in Qwen3.
        query_key_value_bias: Whether those maps have biases, as in Qwen2.

    Raises:
        InputError: A size is not positive, heads do not divide, or a head is of odd width.
    """

    vocab_size: int
    n_layers: int = 4
    width: int = 128
    n_heads: int = 4
    n_key_value_heads: int | None = None
    head_width: int | None = None
    hidden_width: int | None = None
    context_length: int = 512
    rotary_base: float = 10_000.0
    norm_eps: float = 1e-6
    tied: bool = True
    query_key_norm: bool = False
    query_key_value_bias: bool = False

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "n_layers", "width", "n_heads", "context_length")
        for name in (*sizes, "n_key_value_heads", "head_width", "hidden_width"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        if self.head_width is None and self.width % self.n_heads:
            raise InputError(f"n_heads = {self.n_heads} must divide width = {self.width}")
        if self.n_heads % self.heads.n_key_value:
            raise InputError(
                f"n_key_value_heads = {self.n_key_value_heads} must divide n_heads = {self.n_heads}"
            )
        if self.heads.width % 2:
            raise InputError(f"a head must be of even width, got {self.heads.width}")

    @property
    def heads(self) -> Heads:
        """How the width is divided."""
        return Heads(
            n_query=self.n_heads,
            n_key_value=self.n_key_value_heads or self.n_heads,
            width=self.head_width or self.width // self.n_heads,
            norm_eps=self.norm_eps,
        )

    @property
    def inner_width(self) -> int:
        """Numbers per token inside a feed-forward map."""
        return self.hidden_width or 3 * self.width


class TransformerLayer(nn.Module):
    """The weights of one layer.

    Args:
        config: The model's shape.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        heads = config.heads
        n_outputs = (heads.n_query + 2 * heads.n_key_value) * heads.width
        self.attention_norm = nn.Parameter(torch.ones(config.width))
        self.query_key_value = nn.Parameter(torch.empty(n_outputs, config.width))
        self.attention_output = nn.Parameter(torch.empty(config.width, heads.n_query * heads.width))
        self.feed_forward_norm = nn.Parameter(torch.ones(config.width))
        self.gate_up = nn.Parameter(torch.empty(2 * config.inner_width, config.width))
        self.down = nn.Parameter(torch.empty(config.width, config.inner_width))
        self.query_key_value_bias: nn.Parameter | None = None
        self.query_norm: nn.Parameter | None = None
        self.key_norm: nn.Parameter | None = None
        if config.query_key_value_bias:
            self.query_key_value_bias = nn.Parameter(torch.zeros(n_outputs))
        if config.query_key_norm:
            self.query_norm = nn.Parameter(torch.ones(heads.width))
            self.key_norm = nn.Parameter(torch.ones(heads.width))

    def weights(self) -> LayerWeights:
        """Return the weights by name."""
        return LayerWeights(**{name: getattr(self, name) for name in LayerWeights._fields})


class Transformer(nn.Module):
    """A decoder-only transformer; satisfies `LanguageModel`.

    Args:
        config: Its shape.
        seed: Of the initial weights: normal with standard deviation 0.02, maps back into the
            residual stream divided by sqrt(2 · layers), norms one, biases zero.

    Example:
        >>> model = Transformer(TransformerConfig(vocab_size=10, n_layers=1, width=8), seed=0)
        >>> ids = torch.tensor([[1, 2, 3]])
        >>> model(ids, torch.ones_like(ids, dtype=torch.bool)).shape
        torch.Size([1, 3, 10])
    """

    def __init__(self, config: TransformerConfig, *, seed: int) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(torch.empty(config.vocab_size, config.width))
        self.layers = nn.ModuleList(TransformerLayer(config) for _ in range(config.n_layers))
        self.norm = nn.Parameter(torch.ones(config.width))
        self.head: nn.Parameter | None = None
        if not config.tied:
            self.head = nn.Parameter(torch.empty(config.vocab_size, config.width))
        self._initialise(torch.Generator().manual_seed(seed))
        cosines, sines = layers.rotary_table(
            config.heads.width, config.rotary_base, config.context_length
        )
        self.cosines = nn.Buffer(cosines, persistent=False)
        self.sines = nn.Buffer(sines, persistent=False)

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
        return self.embedding.device

    def forward(
        self, ids: Int[Tensor, "rows tokens"], mask: Bool[Tensor, "rows tokens"]
    ) -> Float[Tensor, "rows tokens vocabulary"]:
        """Return the logits of the token after each position.

        Raises:
            InputError: More real tokens than the context is long.
        """
        self.check_length(int(mask.sum(-1).max()))
        return forward.all_logits(self.weights(), ids, mask)

    def predict(
        self,
        prompt_ids: Int[Tensor, "rows prompt"],
        prompt_mask: Bool[Tensor, "rows prompt"],
        ids: Int[Tensor, "rows tokens"],
        mask: Bool[Tensor, "rows tokens"],
    ) -> Predictions:
        """Return what is predicted for each token of the completions.

        A prompt that several rows share is computed once.

        Args:
            prompt_ids: Left-padded, so that the last column ends every prompt.
            prompt_mask: Their real tokens.
            ids: Of the completions, right-padded.
            mask: Their real tokens.

        Raises:
            InputError: More real tokens than the context is long.
        """
        self.check_length(int((prompt_mask.sum(-1) + mask.sum(-1)).max()))
        return forward.predictions(self.weights(), prompt_ids, prompt_mask, ids, mask)

    def decoder(
        self,
        prompt_ids: Int[Tensor, "prompts prompt"],
        prompt_mask: Bool[Tensor, "prompts prompt"],
        prompts: Int[Tensor, " rows"],
        max_new_tokens: int,
    ) -> Decoder:
        """Return a decoder that has read the prompts; it sees a copy of the weights.

        Raises:
            InputError: A prompt leaves no room for that many tokens in the context.
        """
        self.check_length(int(prompt_mask.sum(-1).max()) + max_new_tokens)
        return decoder_of(self.weights(), prompt_ids, prompt_mask, prompts, max_new_tokens)

    # --- parts ---

    def weights(self) -> Weights:
        """Return all that a forward pass reads."""
        return Weights(
            embedding=self.embedding,
            layers=tuple(module.weights() for module in self.layers),  # type: ignore[operator]
            norm=self.norm,
            head=self.embedding if self.head is None else self.head,
            heads=self.config.heads,
            rotary=Rotary(self.cosines, self.sines),
        )

    def check_length(self, n_tokens: int) -> None:
        """Raise InputError if a sequence is longer than the context."""
        if n_tokens > self.config.context_length:
            raise InputError(
                f"a sequence of {n_tokens} tokens does not fit the model's context of "
                f"{self.config.context_length}",
                hint="shorten the prompts or max_new_tokens, or use a model with a longer context",
            )

    def _initialise(self, generator: torch.Generator) -> None:
        into_residual = 0.02 / (2 * self.config.n_layers) ** 0.5
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if weight.dim() == 2:
                    back = name.endswith(("attention_output", "down"))
                    weight.normal_(0.0, into_residual if back else 0.02, generator=generator)
