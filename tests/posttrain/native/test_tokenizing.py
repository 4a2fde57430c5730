"""Tokenizers: ids by hand, refusal of what cannot be written, and a round trip through JSON."""

from pathlib import Path

import pytest

from pellucid.errors import DataError, InputError
from pellucid.posttrain.native import (
    CharacterTokenizer,
    WordTokenizer,
    read_tokenizer,
    save_tokenizer,
    tokenizer_of,
)

CHARACTERS = CharacterTokenizer("0123+= \n</>think", tags=("<think>", "</think>", "<think"))
WORDS = WordTokenizer(["go", "left", "\n"])


def test_ids_by_hand() -> None:
    assert CharacterTokenizer("ab").encode("abba") == [2, 3, 3, 2]
    assert WORDS.encode("left go \n") == [3, 2, 4]
    assert (WORDS.pad_id, WORDS.eos_id, WORDS.vocab_size) == (0, 1, 5)
    assert WORDS.encode("") == CHARACTERS.encode("") == []


def test_the_longest_tag_that_fits_is_one_token() -> None:
    tokens = [CHARACTERS.token(i) for i in CHARACTERS.encode("<think>1</think><think<")]
    assert tokens == ["<think>", "1", "</think>", "<think", "<"]


@pytest.mark.parametrize("text", ["<think>1+2 = 3\n</think>", "<think", ""])
def test_text_comes_back_unchanged(text: str) -> None:
    ids = CHARACTERS.encode(text)
    assert CHARACTERS.decode(ids) == text
    assert CHARACTERS.decode([*ids, 1, 0, 0]) == text  # marking tokens are no text


def test_what_cannot_be_written_is_named() -> None:
    with pytest.raises(InputError, match="'9', number 2, is not one of the tokenizer's"):
        CHARACTERS.encode("1+9")
    with pytest.raises(
        InputError, match="'right', number 1, is not one of the tokenizer's 3 words"
    ):
        WORDS.encode("go right")
    with pytest.raises(InputError, match="'', number 1"):
        WORDS.encode("go  left")
    with pytest.raises(InputError, match="'<eos>', number 0"):
        WORDS.encode("<eos>")
    with pytest.raises(InputError, match="the id 5 is not one of the tokenizer's 5"):
        WORDS.decode([2, 5])


def test_a_vocabulary_that_is_not_one_is_refused() -> None:
    with pytest.raises(InputError, match="'a' is given twice"):
        CharacterTokenizer("aba")
    with pytest.raises(InputError, match="'<pad>' is given twice or marks something"):
        CharacterTokenizer("a", tags=("<pad>",))
    with pytest.raises(InputError, match="a character was expected, got 'ab'"):
        CharacterTokenizer(["ab"])
    with pytest.raises(InputError, match="a word cannot have a space in it, got 'a b'"):
        WordTokenizer(["a b"])
    with pytest.raises(InputError, match="at least one token"):
        WordTokenizer([])
    with pytest.raises(InputError, match="cannot be empty"):
        WordTokenizer([""])


def test_files_bring_back_the_same_tokenizer(tmp_path: Path) -> None:
    for tokenizer in (CHARACTERS, WORDS):
        save_tokenizer(tokenizer, tmp_path / "tokenizer.json")
        read = read_tokenizer(tmp_path / "tokenizer.json")
        assert type(read) is type(tokenizer)
        tokens = [tokenizer.token(i) for i in range(tokenizer.vocab_size)]
        assert [read.token(i) for i in range(read.vocab_size)] == tokens


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"tokenizer": "bytes"},
        {"tokenizer": "words"},
        {"tokenizer": "words", "words": "go"},
        {"tokenizer": "words", "words": ["go", 3]},
        {"tokenizer": "characters", "characters": ["a", "a"], "tags": []},
    ],
)
def test_a_document_that_is_none_is_refused(document: object) -> None:
    with pytest.raises(DataError, match=r"x\.json does not describe a tokenizer"):
        tokenizer_of(document, where="x.json")
