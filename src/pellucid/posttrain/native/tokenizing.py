"""Tokenizers of the native engine: by character, by word, or any of `transformers`.

The in-house ones refuse what they cannot write: a text never comes back changed without a word.
Their vocabulary starts with `<pad>` (0) and `<eos>` (1). They are plain JSON, and convert to
`transformers` without loss.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from pellucid.errors import DataError, InputError
from pellucid.io import atomic, strict_json
from pellucid.io.imports import optional_import

PAD, EOS = "<pad>", "<eos>"
MAX_VOCABULARY = 1_000_000


class Tokenizer(Protocol):
    """Text to token ids and back."""

    @property
    def vocab_size(self) -> int:
        """Number of tokens."""

    @property
    def eos_id(self) -> int:
        """The token that ends a completion."""

    @property
    def pad_id(self) -> int:
        """What fills tensors; masks say where, so it may equal another token."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, with no token added.

        Raises:
            InputError: The text cannot be written in this vocabulary.
        """

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; tokens that only mark something are left out."""

    def token(self, token_id: int) -> str:
        """Return one token as it may be shown to a person."""


class CharacterTokenizer:
    """One token per character, and per tag that is given whole.

    Args:
        characters: Every character that texts may have, each once.
        tags: Texts that are one token each, such as `<think>`; the longest that fits is taken.

    Raises:
        InputError: Something is given twice, is empty, or is the name of a marking token.

    Example:
        >>> tokenizer = CharacterTokenizer("0123456789+=", tags=("<think>",))
        >>> tokenizer.encode("<think>1+2")
        [14, 3, 12, 4]
        >>> tokenizer.decode([14, 3, 12, 4, 1])
        '<think>1+2'
    """

    def __init__(self, characters: Iterable[str], *, tags: Sequence[str] = ()) -> None:
        self.characters = tuple(characters)
        self.tags = tuple(tags)
        wrong = [c for c in self.characters if len(c) != 1]
        if wrong:
            raise InputError(f"a character was expected, got {wrong[0]!r}", hint="use tags for it")
        self._tokens = _vocabulary((*self.characters, *self.tags))
        self._ids = {token: i for i, token in enumerate(self._tokens)}
        longest_first = sorted(self.tags, key=len, reverse=True)
        self._pattern = re.compile("|".join((*map(re.escape, longest_first), ".")), re.DOTALL)

    @property
    def vocab_size(self) -> int:
        """Number of tokens."""
        return len(self._tokens)

    @property
    def eos_id(self) -> int:
        """The token that ends a completion."""
        return 1

    @property
    def pad_id(self) -> int:
        """What fills tensors."""
        return 0

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text.

        Raises:
            InputError: It has a character that the vocabulary lacks.
        """
        return _ids_of(self._pattern.findall(text), self._ids, "characters or tags")

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; `<pad>` and `<eos>` are left out.

        Raises:
            InputError: An id is not one of the vocabulary.
        """
        return "".join(_tokens_of(ids, self._tokens))

    def token(self, token_id: int) -> str:
        """Return one token as it may be shown to a person."""
        return self._tokens[token_id]

    def document(self) -> dict[str, Any]:
        """Return what `tokenizer_of` makes the same tokenizer from."""
        return {"tokenizer": "characters", "characters": self.characters, "tags": self.tags}

    def to_hugging_face(self) -> Any:
        """Return a `PreTrainedTokenizerFast` that writes the same ids and reads the same texts.

        Raises:
            InputError: `transformers` is not installed.
        """
        tokenizers = optional_import("tokenizers", extra="llm")
        whole = tokenizers.pre_tokenizers.Split(tokenizers.Regex(r"[\s\S]"), "isolated")
        core = _word_level(tokenizers, self._ids, whole)
        core.decoder = tokenizers.decoders.Fuse()
        core.add_tokens([tokenizers.AddedToken(tag, normalized=False) for tag in self.tags])
        return _fast(core)


class WordTokenizer:
    """One token per word; words are parted by single spaces.

    Args:
        words: Every word that texts may have, each once, none with a space in it.

    Raises:
        InputError: A word is given twice, is empty, has a space, or is the name of a marking token.

    Example:
        >>> tokenizer = WordTokenizer(["go", "left"])
        >>> tokenizer.encode("go left go")
        [2, 3, 2]
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        parted = [word for word in self.words if " " in word]
        if parted:
            raise InputError(f"a word cannot have a space in it, got {parted[0]!r}")
        self._tokens = _vocabulary(self.words)
        self._ids = {token: i for i, token in enumerate(self._tokens)}

    @property
    def vocab_size(self) -> int:
        """Number of tokens."""
        return len(self._tokens)

    @property
    def eos_id(self) -> int:
        """The token that ends a completion."""
        return 1

    @property
    def pad_id(self) -> int:
        """What fills tensors."""
        return 0

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text.

        Raises:
            InputError: It has a word that the vocabulary lacks, or spaces that part no words.
        """
        return _ids_of(text.split(" ") if text else [], self._ids, "words")

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; `<pad>` and `<eos>` are left out.

        Raises:
            InputError: An id is not one of the vocabulary.
        """
        return " ".join(_tokens_of(ids, self._tokens))

    def token(self, token_id: int) -> str:
        """Return one token as it may be shown to a person."""
        return self._tokens[token_id]

    def document(self) -> dict[str, Any]:
        """Return what `tokenizer_of` makes the same tokenizer from."""
        return {"tokenizer": "words", "words": self.words}

    def to_hugging_face(self) -> Any:
        """Return a `PreTrainedTokenizerFast` that writes the same ids and reads the same texts.

        Raises:
            InputError: `transformers` is not installed.
        """
        tokenizers = optional_import("tokenizers", extra="llm")
        spaces = tokenizers.pre_tokenizers.Split(" ", "removed")
        return _fast(_word_level(tokenizers, self._ids, spaces))


def tokenizer_of(document: Any, *, where: str = "the tokenizer") -> Tokenizer:
    """Return the in-house tokenizer of a JSON document.

    Raises:
        DataError: It is not such a document.
    """
    try:
        if document["tokenizer"] == "characters":
            return CharacterTokenizer(_texts(document["characters"]), tags=_texts(document["tags"]))
        if document["tokenizer"] == "words":
            return WordTokenizer(_texts(document["words"]))
        raise KeyError(document["tokenizer"])
    except (KeyError, TypeError, InputError) as error:
        raise DataError(f"{where} does not describe a tokenizer: {error}") from None


def save_tokenizer(tokenizer: CharacterTokenizer | WordTokenizer, path: Path) -> None:
    """Write an in-house tokenizer as JSON."""
    atomic.write_text(path, strict_json.dumps(tokenizer.document()) + "\n")


def read_tokenizer(path: Path) -> Tokenizer:
    """Read an in-house tokenizer.

    Raises:
        DataError: The file is missing or damaged.
    """
    return tokenizer_of(strict_json.read(path), where=str(path))


# --- parts ---


def _vocabulary(tokens: tuple[str, ...]) -> tuple[str, ...]:
    if not tokens:
        raise InputError("a vocabulary needs at least one token, got none")
    if len(tokens) > MAX_VOCABULARY:
        raise InputError(f"at most {MAX_VOCABULARY} tokens, got {len(tokens)}")
    seen: set[str] = {PAD, EOS}
    for token in tokens:
        if not token:
            raise InputError("a token cannot be empty")
        if token in seen:
            raise InputError(f"the token {token!r} is given twice or marks something already")
        seen.add(token)
    return (PAD, EOS, *tokens)


def _ids_of(tokens: Iterable[str], ids: dict[str, int], what: str) -> list[int]:
    found = []
    for position, token in enumerate(tokens):
        number = ids.get(token)
        if number is None or number < 2:
            raise InputError(
                f"{token!r}, number {position}, is not one of the tokenizer's {len(ids) - 2} "
                f"{what}",
                hint="make the tokenizer from all texts that it will meet",
            )
        found.append(number)
    return found


def _tokens_of(ids: Iterable[int], tokens: tuple[str, ...]) -> list[str]:
    found = []
    for token_id in ids:
        if not 0 <= token_id < len(tokens):
            raise InputError(
                f"the id {token_id} is not one of the tokenizer's {len(tokens)}",
                hint="use the tokenizer that the model was made for",
            )
        if token_id > 1:  # <pad> and <eos> are no text
            found.append(tokens[token_id])
    return found


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
        raise TypeError("a list of texts was expected")
    return tuple(values)


def _word_level(tokenizers: Any, ids: dict[str, int], parted: Any) -> Any:
    core = tokenizers.Tokenizer(tokenizers.models.WordLevel(dict(ids), unk_token=None))
    core.pre_tokenizer = parted
    return core


def _fast(core: Any) -> Any:
    made = optional_import("transformers", extra="llm").PreTrainedTokenizerFast
    return made(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=EOS,
        clean_up_tokenization_spaces=False,
        # a text that spells a marking token stays text
        split_special_tokens=True,
    )
