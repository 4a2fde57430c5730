"""Sampling of completions from any `LanguageModel`, with what each token's probability was."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pellucid.errors import InputError, NotFiniteError
from pellucid.posttrain.native.compiled_decoder import CompiledDecoder
from pellucid.posttrain.native.decoding_compiled import draw_rows
from pellucid.posttrain.native.models import Decoder, LanguageModel
from pellucid.types_torch import RowMask, TokenLabels, TokenMask, TokenValues

MAX_COMPILED_VOCABULARY = 4096
"""Beyond, torch's operations on whole rows are faster than loops over single tokens."""
COMPACT_BELOW = 0.75
"""Finished rows are dropped from the computation once fewer than this share are left."""


@dataclass(frozen=True)
class Samples:
    """Completions of prompts, one row each.

    Args:
        prompt_ids: Shape (rows, prompt); left-padded.
        prompt_mask: Their real tokens.
        ids: Shape (rows, tokens); right-padded, as long as the longest completion.
        mask: True up to and with the token that ends the completion.
        log_probs: In nats, of the distribution that each token was drawn from: after temperature,
            top-k and top-p. 0 outside the mask.
        finished: False for completions that were cut before they ended.
    """

    prompt_ids: TokenLabels
    prompt_mask: TokenMask
    ids: TokenLabels
    mask: TokenMask
    log_probs: TokenValues
    finished: RowMask

    def completions(self) -> list[list[int]]:
        """Return the ids of each row without padding, the ending token included."""
        lengths = self.mask.sum(-1).tolist()
        return [row[:n] for row, n in zip(self.ids.tolist(), lengths, strict=True)]


def pad_left(
    sequences: Sequence[Sequence[int]], *, pad_id: int, device: torch.device | str = "cpu"
) -> tuple[TokenLabels, TokenMask]:
    """Return sequences as one tensor that ends them all in its last column, and its real tokens.

    Raises:
        InputError: There is no sequence, or one is empty.
    """
    return _padded(sequences, pad_id, device, left=True)


def pad_right(
    sequences: Sequence[Sequence[int]], *, pad_id: int, device: torch.device | str = "cpu"
) -> tuple[TokenLabels, TokenMask]:
    """Return sequences as one tensor that starts them all in its first column, and its real tokens.

    Raises:
        InputError: There is no sequence, or one is empty.
    """
    return _padded(sequences, pad_id, device, left=False)


@torch.no_grad()
def sample(
    model: LanguageModel,
    prompt_ids: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    eos_id: int,
    pad_id: int,
    generator: torch.Generator,
) -> Samples:
    """Draw one completion for each prompt; repeat a prompt to draw several.

    A row ends with the token `eos_id` or after `max_new_tokens`. Equal prompts are read once. Each
    row's draws depend on its place in the batch and the generator, not on when others end.

    Args:
        model: What is sampled from.
        prompt_ids: Ids of each prompt, unpadded.
        max_new_tokens: Longest completion.
        temperature: Logits are divided by it; 0 takes the most likely token, of probability one.
        top_k: Only the k most likely tokens; 0 for all.
        top_p: Only the most likely tokens that together have this probability, at least one.
        eos_id: The token that ends a completion.
        pad_id: What fills the tensors beside the completions.
        generator: Source of all randomness, on the CPU.

    Raises:
        InputError: An option is out of range, a prompt is empty or has an id outside the
            vocabulary, or a prompt and `max_new_tokens` do not fit the context.
        NotFiniteError: The model's logits are not finite.
    """
    _check_options(model, max_new_tokens, temperature, top_k, top_p)
    _check_prompts(model, prompt_ids, max_new_tokens)
    distinct, prompts = _distinct(prompt_ids)
    device = model.device
    padded_ids, padded_mask = pad_left(distinct, pad_id=pad_id, device=device)
    rows = torch.tensor(prompts, device=device)
    decoder = model.decoder(padded_ids, padded_mask, rows, max_new_tokens - 1)
    options = _Options(temperature, top_k, top_p, eos_id)
    state = generator.get_state()
    uniforms = _uniforms(max_new_tokens, len(prompt_ids), generator).to(device)
    drawn: list[tuple[Tensor, Tensor]] = []
    first = 0
    for part in decoder.parts():
        numbers = uniforms[:, first : first + len(part.logits)]
        drawn.append(_decoded(part, numbers, options))
        first += numbers.shape[1]
    ids, log_probs = (torch.cat(tensors) for tensors in zip(*drawn, strict=True))
    ends = ids == eos_id
    mask = ends.cumsum(-1) - ends.long() == 0
    used = int(mask.sum(-1).max())
    # as many numbers are taken from the generator as if they had been drawn step by step
    generator.set_state(state)
    _uniforms(used, len(prompt_ids), generator)
    return Samples(
        prompt_ids=padded_ids[rows],
        prompt_mask=padded_mask[rows],
        ids=ids.masked_fill_(~mask, pad_id)[:, :used],
        mask=mask[:, :used],
        log_probs=log_probs.masked_fill_(~mask, 0.0)[:, :used],
        finished=(ends & mask).any(-1),
    )


class _Options(NamedTuple):
    """Of `sample`."""

    temperature: float
    top_k: int
    top_p: float
    eos_id: int


def _uniforms(n_steps: int, n_rows: int, generator: torch.Generator) -> Float[Tensor, "steps rows"]:
    return torch.rand((n_steps, n_rows), generator=generator, dtype=torch.float64)


def _decoded(
    decoder: Decoder, uniforms: Float[Tensor, "steps rows"], options: _Options
) -> tuple[Int[Tensor, "rows steps"], Float[Tensor, "rows steps"]]:
    """Return the tokens of a decoder's rows and their log-probabilities; anything after an end."""
    temperature, top_k, top_p, eos_id = options
    logits = decoder.logits
    if isinstance(decoder, CompiledDecoder) and _is_drawn_compiled(logits, *options[:3]):
        ids, log_probs, are_finite = decoder.complete(uniforms, temperature, eos_id)
        _check_finite(are_finite)
        return ids, log_probs
    shape = (len(logits), len(uniforms))
    # what is never drawn lies after the end
    ids = torch.full(shape, eos_id, device=logits.device)
    log_probs = torch.zeros(shape, device=logits.device)
    # rows of the decoder, by their number; a row may go on for a while after its end
    active: slice | Tensor = slice(None)
    running = torch.ones(len(logits), dtype=torch.bool, device=logits.device)
    for t, numbers in enumerate(uniforms):
        tokens, chosen = draw(decoder.logits, numbers[active], temperature, top_k, top_p)
        ids[active, t], log_probs[active, t] = tokens, chosen
        running &= tokens != eos_id
        n_left = int(running.sum())
        if n_left == 0 or t + 1 == len(uniforms):
            break
        if decoder.drops_rows and n_left < COMPACT_BELOW * len(running):
            kept = running.nonzero()[:, 0]
            decoder.keep(kept)
            active = kept if isinstance(active, slice) else active[kept]
            tokens, running = tokens[kept], running[kept]
        decoder.step(tokens)
    return ids, log_probs


def draw(
    logits: Float[Tensor, "rows vocabulary"],
    uniforms: Float[Tensor, " rows"],
    temperature: float,
    top_k: int,
    top_p: float,
) -> tuple[Int[Tensor, " rows"], Float[Tensor, " rows"]]:
    """Return a token of each row and its log-probability, by inversion of the distribution.

    Args:
        logits: Shape (rows, vocabulary).
        uniforms: Numbers of [0, 1) in float64, one per row.
        temperature: Logits are divided by it; 0 takes the first of the most likely tokens.
        top_k: Only the k most likely tokens; 0 for all.
        top_p: Only the most likely tokens that together have this probability.

    Raises:
        NotFiniteError: A distribution is not one.
    """
    if temperature == 0:
        tokens = logits.argmax(-1)
        return tokens, torch.zeros(len(logits), device=logits.device)
    if _is_drawn_compiled(logits, temperature, top_k, top_p):
        return _drawn_compiled(logits, uniforms, temperature)
    log_probs = torch.log_softmax(logits.float() / temperature, dim=-1)
    if not _is_whole(logits, top_k, top_p):
        log_probs = _truncated(log_probs, top_k, top_p)
    # sums in float64: the last is then above every product with a uniform number, and a token of
    # probability 0 adds nothing, so that it is never the first to exceed one
    sums = log_probs.double().exp_().cumsum(-1)
    _check_finite(bool(torch.isfinite(sums[:, -1]).all()))
    tokens = torch.searchsorted(sums, (uniforms * sums[:, -1])[:, None], right=True)
    return tokens[:, 0], log_probs.gather(-1, tokens)[:, 0]


def _check_finite(are_finite: bool) -> None:
    if not are_finite:
        raise NotFiniteError(
            "the model's logits are not finite, so nothing can be drawn from them",
            hint="load it again; if it was trained, lower the learning rate",
        )


def _is_whole(logits: Tensor, top_k: int, top_p: float) -> bool:
    return top_p == 1 and not 0 < top_k < logits.shape[-1]


def _is_drawn_compiled(logits: Tensor, temperature: float, top_k: int, top_p: float) -> bool:
    is_small = logits.shape[-1] <= MAX_COMPILED_VOCABULARY
    is_plain = logits.dtype == torch.float32 and logits.device.type == "cpu"
    return temperature > 0 and _is_whole(logits, top_k, top_p) and is_small and is_plain


def _drawn_compiled(
    logits: Float[Tensor, "rows vocabulary"], uniforms: Float[Tensor, " rows"], temperature: float
) -> tuple[Int[Tensor, " rows"], Float[Tensor, " rows"]]:
    tokens = torch.empty(len(logits), dtype=torch.int64)
    log_probs = torch.empty(len(logits), dtype=torch.float32)
    are_finite = draw_rows(
        logits.detach().contiguous().numpy(),
        uniforms.contiguous().numpy(),
        float(temperature),
        tokens.numpy(),
        log_probs.numpy(),
    )
    _check_finite(are_finite)
    return tokens, log_probs


def _truncated(
    log_probs: Float[Tensor, "rows vocabulary"], top_k: int, top_p: float
) -> Float[Tensor, "rows vocabulary"]:
    ordered, tokens = log_probs.sort(dim=-1, descending=True, stable=True)
    kept = torch.ones_like(ordered, dtype=torch.bool)
    if top_k > 0:
        kept[:, top_k:] = False
    if top_p < 1:
        # a token stays if those before it have not reached the share yet; among the k, if both
        probabilities = torch.where(kept, ordered, -math.inf).double().softmax(-1)
        kept &= probabilities.cumsum(-1) - probabilities < top_p
    dropped = torch.zeros_like(kept).scatter(-1, tokens, ~kept)
    return torch.log_softmax(log_probs.masked_fill(dropped, -math.inf), dim=-1)


def _distinct(prompt_ids: Sequence[Sequence[int]]) -> tuple[list[Sequence[int]], list[int]]:
    numbers: dict[tuple[int, ...], int] = {}
    rows = [numbers.setdefault(tuple(ids), len(numbers)) for ids in prompt_ids]
    return list(numbers), rows


def _padded(
    sequences: Sequence[Sequence[int]], pad_id: int, device: torch.device | str, *, left: bool
) -> tuple[Int[Tensor, "rows tokens"], Bool[Tensor, "rows tokens"]]:
    if not sequences:
        raise InputError("at least one sequence is needed, got none")
    empty = [i for i, ids in enumerate(sequences) if len(ids) == 0]
    if empty:
        raise InputError(f"sequence {empty[0]} has no tokens")
    longest = max(map(len, sequences))
    rows, masks = [], []
    for ids in sequences:
        fill, real = longest - len(ids), [True] * len(ids)
        padding, unreal = [pad_id] * fill, [False] * fill
        rows.append([*padding, *ids] if left else [*ids, *padding])
        masks.append([*unreal, *real] if left else [*real, *unreal])
    return torch.tensor(rows, device=device), torch.tensor(masks, device=device)


def _check_options(
    model: LanguageModel, max_new_tokens: int, temperature: float, top_k: int, top_p: float
) -> None:
    if max_new_tokens < 1:
        raise InputError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
    if not (temperature >= 0 and math.isfinite(temperature)):
        raise InputError(f"the temperature must be a number of at least 0, got {temperature}")
    if top_k < 0:
        raise InputError(f"top_k must be at least 1, or 0 for all tokens, got {top_k}")
    if not 0 < top_p <= 1:
        raise InputError(f"top_p must be above 0 and at most 1, got {top_p}")


def _check_prompts(
    model: LanguageModel, prompt_ids: Sequence[Sequence[int]], max_new_tokens: int
) -> None:
    limit, n_tokens = model.context_length, model.vocab_size
    for number, ids in enumerate(prompt_ids):
        if limit is not None and len(ids) + max_new_tokens > limit:
            raise InputError(
                f"prompt {number} has {len(ids)} tokens; with max_new_tokens = {max_new_tokens} "
                f"that exceeds the model's context of {limit}",
                hint="shorten the prompt, lower max_new_tokens, or use a longer context",
            )
        wrong = [i for i in ids if not 0 <= i < n_tokens]
        if wrong:
            raise InputError(
                f"prompt {number} has the id {wrong[0]}, and the model knows 0 to {n_tokens - 1}",
                hint="use the tokenizer that the model was made for",
            )
