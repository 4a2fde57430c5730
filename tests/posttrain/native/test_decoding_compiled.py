"""The compiled decoder against the one of torch, and its exponential."""

import numpy as np
import pytest
import torch

from pellucid.posttrain.native import compiled_decoder, pad_left
from pellucid.posttrain.native.compiled_decoder import (
    MAX_PART_WEIGHT_BYTES,
    PART_BYTES,
    CompiledDecoder,
    can_be_compiled,
    decoder_of,
    rows_of_part,
)
from pellucid.posttrain.native.decoding import CachedDecoder
from pellucid.posttrain.native.exponential_compiled import exponential
from pellucid.posttrain.native.stacked import StackedTransformer

from .models_for_tests import SHAPES, small_model

PROMPTS = [[3, 4, 5], [7], [9, 10, 11, 12]]
ROWS = torch.tensor([0, 0, 1, 2, 1])


def test_exponential_is_exact_to_float32() -> None:
    for x in np.linspace(-86.9, 87.9, 997, dtype=np.float32):
        assert exponential(x) == pytest.approx(np.exp(np.float64(x)), rel=3e-7)
    assert exponential(np.float32(0)) == 1
    assert exponential(np.float32(-np.inf)) == pytest.approx(0, abs=1e-37)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("is_packed", [True, False])
def test_both_decoders_give_the_same_logits(
    monkeypatch: pytest.MonkeyPatch, shape: str, is_packed: bool
) -> None:
    monkeypatch.setattr(compiled_decoder, "_is_narrow", lambda weights: is_packed)
    monkeypatch.setattr(compiled_decoder, "_is_threaded", lambda: not is_packed)
    weights = small_model(shape).weights()
    ids, mask = pad_left(PROMPTS, pad_id=0)
    decoders = [made(weights, ids, mask, ROWS, 6) for made in (CompiledDecoder, CachedDecoder)]
    for step in range(6):
        torch.testing.assert_close(decoders[0].logits, decoders[1].logits, atol=1e-5, rtol=1e-5)
        tokens = decoders[1].logits.argmax(-1)
        if step == 3:
            kept = torch.tensor([4, 0, 2])
            tokens = tokens[kept]
            for decoder in decoders:
                decoder.keep(kept)
        for decoder in decoders:
            decoder.step(tokens)


def test_parts_are_rows_whose_keys_and_values_fit_a_cache() -> None:
    assert rows_of_part(128, PART_BYTES, 0) == 128
    assert rows_of_part(128, 4 * PART_BYTES, MAX_PART_WEIGHT_BYTES) == 32
    # three parts of 43, filled up to tiles of 8 rows
    assert rows_of_part(128, 2 * PART_BYTES + 1, 0) == 48
    assert rows_of_part(10, 2 * PART_BYTES, 0) == 10
    # few long rows, or many weights: all together, so that weights are read once
    assert rows_of_part(64, 100 * PART_BYTES, 0) == 64
    assert rows_of_part(128, 4 * PART_BYTES, MAX_PART_WEIGHT_BYTES + 1) == 128


def test_parts_share_out_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_decoder, "PART_BYTES", 1)
    monkeypatch.setattr(compiled_decoder, "MIN_PART_ROWS", 1)
    ids, mask = pad_left(PROMPTS, pad_id=0)
    rows = torch.arange(19) % 3
    whole = CompiledDecoder(small_model().weights(), ids, mask, rows, 2)
    tokens = rows + 5
    parts: list[torch.Tensor] = []
    for part in whole.parts():
        start = sum(len(earlier) for earlier in parts)
        logits = [part.logits.clone()]
        for step in range(2):
            part.step(tokens[start : start + len(part.logits)] + step)
            logits.append(part.logits.clone())
        parts.append(torch.stack(logits, dim=1))
    assert [len(part) for part in parts] == [8, 8, 3]
    together = torch.cat(parts)
    for step in range(3):
        torch.testing.assert_close(whole.logits, together[:, step], atol=1e-6, rtol=1e-6)
        if step < 2:
            whole.step(tokens + step)


def test_what_it_cannot_decode_is_left_to_torch() -> None:
    ids, mask = pad_left(PROMPTS, pad_id=0)
    single, double = small_model().weights(), small_model().double().weights()
    assert can_be_compiled(single, mask)
    assert not can_be_compiled(double, mask)
    assert not can_be_compiled(StackedTransformer([small_model()] * 2).weights(), mask)
    assert not can_be_compiled(single, mask.flip(1))  # padded right
    made = decoder_of(double, ids, mask, ROWS, 1)
    assert isinstance(made, CachedDecoder)
    reference = decoder_of(single, ids, mask, ROWS, 1)
    torch.testing.assert_close(made.logits.float(), reference.logits, atol=1e-5, rtol=1e-5)
