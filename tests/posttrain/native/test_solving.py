"""pass@k against all subsets, and judged completions."""

from dataclasses import dataclass
from itertools import combinations

import pytest

from pellucid.errors import InputError
from pellucid.posttrain.native import CharacterTokenizer, Solved, evaluate, fine_tune, pass_at_k

from .models_for_tests import small_model


@dataclass(frozen=True)
class Asked:
    prompt: str
    answer: str


TOKENIZER = CharacterTokenizer("abcdefg")
EXAMPLES = [Asked("a", "bc"), Asked("b", "c")]


def right(text: str, example: Asked) -> bool | None:
    return None if not text else text == example.answer


@pytest.mark.parametrize("n", range(1, 7))
def test_it_is_the_share_of_subsets_with_a_right_one(n: int) -> None:
    for c in range(n + 1):
        verdicts = [True] * c + [False] * (n - c)
        for k in range(1, n + 1):
            subsets = list(combinations(verdicts, k))
            expected = sum(any(subset) for subset in subsets) / len(subsets)
            assert pass_at_k(c, n, k) == pytest.approx(expected, abs=1e-12)


def test_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="n_correct must be from 0 to 4, got 5"):
        pass_at_k(5, 4, 1)
    with pytest.raises(InputError, match="pass@5 of 4 samples is not defined"):
        pass_at_k(1, 4, 5)


def test_a_model_that_knows_is_right_and_one_that_does_not_is_not() -> None:
    model = small_model(vocab_size=TOKENIZER.vocab_size)
    pairs = [(example.prompt, example.answer) for example in EXAMPLES]
    options = {"n_samples": 8, "max_new_tokens": 4, "seed": 0}
    before = evaluate(model, TOKENIZER, EXAMPLES, right, **options)  # type: ignore[arg-type]
    fine_tune(model, TOKENIZER, pairs, n_steps=100, batch_size=2, learning_rate=1e-2, seed=0)
    after = evaluate(model, TOKENIZER, EXAMPLES, right, **options)  # type: ignore[arg-type]
    assert sum(one.n_correct for one in before) < 4
    assert sum(one.n_correct for one in after) > 12
    assert all(len(one.completions) == len(one.finished) == 8 for one in after)
    again = evaluate(model, TOKENIZER, EXAMPLES, right, **options)  # type: ignore[arg-type]
    assert again == after


def test_what_cannot_be_judged_is_neither_right_nor_wrong() -> None:
    solved = Solved(("bc", "", "x"), (True, None, False), (True, True, True))
    assert (solved.n_correct, solved.n_scored) == (1, 2)


def test_batches_hold_whole_examples() -> None:
    model = small_model(vocab_size=TOKENIZER.vocab_size)
    many = [Asked("a", "b")] * 5
    solved = evaluate(
        model, TOKENIZER, many, right, n_samples=3, max_new_tokens=2, seed=0, batch_size=6
    )
    assert [len(one.completions) for one in solved] == [3] * 5
    with pytest.raises(InputError, match="n_samples must be at least 1, got 0"):
        evaluate(model, TOKENIZER, many, right, n_samples=0, max_new_tokens=2, seed=0)
