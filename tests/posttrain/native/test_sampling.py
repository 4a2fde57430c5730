"""The cached sampler against full forward passes and exact enumeration."""

import math
from itertools import product

import pytest
import torch
from scipy.stats import chisquare

from pellucid.errors import InputError, NotFiniteError
from pellucid.posttrain.native import (
    Samples,
    compiled_decoder,
    pad_left,
    pad_right,
    sample,
    sampling,
)
from pellucid.posttrain.native.sampling import draw

from .models_for_tests import SHAPES, VOCABULARY, full_forward_log_probs, shaken, small_model

PROMPTS = [[3, 4, 5], [3, 4, 5], [7], [9, 10, 11, 12]]
EOS, PAD = 1, 0


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(model: object, prompts: list[list[int]] = PROMPTS, **options: object) -> Samples:
    chosen = {"max_new_tokens": 8, "eos_id": EOS, "pad_id": PAD, "generator": generator()}
    return sample(model, prompts, **{**chosen, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_log_probs_are_those_of_a_full_forward_pass(shape: str, temperature: float) -> None:
    model = small_model(shape)
    samples = drawn(model, temperature=temperature)
    for row, completion in enumerate(samples.completions()):
        expected = full_forward_log_probs(model, PROMPTS[row], completion, temperature)
        got = samples.log_probs[row, : len(completion)]
        torch.testing.assert_close(got, expected.detach(), atol=1e-5, rtol=0)


def test_greedy_takes_the_most_likely_token_at_each_step() -> None:
    model = small_model()
    samples = drawn(model, temperature=0)
    for prompt, completion in zip(PROMPTS, samples.completions(), strict=True):
        ids = list(prompt)
        for token in completion:
            tensor = torch.tensor([ids])
            logits = model(tensor, torch.ones_like(tensor, dtype=torch.bool))[0, -1]
            assert token == int(logits.argmax())
            ids.append(token)
    assert samples.log_probs.abs().sum() == 0  # probability one
    assert samples.completions()[0] == samples.completions()[1]


def test_sequences_come_as_often_as_their_exact_probability() -> None:
    # vocabulary of pad, eos and one word: nothing but these sequences can be drawn
    model = shaken(small_model(vocab_size=3), seed=3, scale=0.5)
    n, longest = 4000, 3
    samples = drawn(model, [[2, 2]] * n, max_new_tokens=longest)
    counts: dict[tuple[int, ...], int] = {}
    for completion in samples.completions():
        counts[tuple(completion)] = counts.get(tuple(completion), 0) + 1
    possible = [s for k in range(1, longest + 1) for s in product(range(3), repeat=k)]
    complete = [s for s in possible if EOS not in s[:-1] and (s[-1] == EOS or len(s) == longest)]
    exact = [
        math.exp(full_forward_log_probs(model, [2, 2], list(s)).sum().item()) for s in complete
    ]
    assert sum(exact) == pytest.approx(1, abs=1e-5)
    observed = [counts.get(s, 0) for s in complete]
    assert sum(observed) == n
    expected = [p * n / sum(exact) for p in exact]
    assert chisquare(observed, expected).pvalue > 1e-3


def test_rows_end_with_eos_and_say_if_they_were_cut() -> None:
    samples = drawn(small_model(), [[3, 4]] * 64, max_new_tokens=12)
    assert 0 < int(samples.finished.sum()) < 64
    for row, completion in enumerate(samples.completions()):
        assert EOS not in completion[:-1]
        assert bool(samples.finished[row]) == (completion[-1] == EOS)
        assert bool(samples.finished[row]) or len(completion) == 12
    assert bool((samples.ids[~samples.mask] == PAD).all())
    assert bool((samples.log_probs[~samples.mask] == 0).all())


def test_output_is_as_long_as_the_longest_completion() -> None:
    model = small_model()
    with torch.no_grad():
        model.embedding[EOS] *= 30  # tied: its logit is large in one direction or the other
    samples = drawn(model, [[3, 4], [5]] * 4, max_new_tokens=20)
    assert samples.ids.shape[1] == max(map(len, samples.completions()))


def test_a_row_does_not_depend_on_which_others_have_ended() -> None:
    model = small_model()
    many = drawn(model, [[3, 4]] * 32, max_new_tokens=12)
    # no token ends a row here: nothing is ever dropped from the computation
    endless = drawn(model, [[3, 4]] * 32, max_new_tokens=12, eos_id=-1)
    for short, long in zip(many.completions(), endless.completions(), strict=True):
        assert long[: len(short)] == short


def test_same_seed_same_bytes_and_other_seed_other_tokens() -> None:
    model = small_model()
    first, again, other = (drawn(model, generator=generator(s)) for s in (5, 5, 6))
    assert torch.equal(first.ids, again.ids)
    assert torch.equal(first.log_probs, again.log_probs)
    assert not torch.equal(first.ids, other.ids)


@pytest.mark.parametrize("eos_id", [EOS, -1])
def test_parts_are_drawn_with_the_numbers_of_their_rows(
    monkeypatch: pytest.MonkeyPatch, eos_id: int
) -> None:
    model, prompts = small_model(), PROMPTS * 9
    source = generator(), generator()
    together = drawn(model, prompts, eos_id=eos_id, generator=source[0])
    monkeypatch.setattr(compiled_decoder, "PART_BYTES", 1)
    monkeypatch.setattr(compiled_decoder, "MIN_PART_ROWS", 1)
    apart = drawn(model, prompts, eos_id=eos_id, generator=source[1])
    assert torch.equal(apart.ids, together.ids)
    assert torch.equal(apart.mask, together.mask)
    assert torch.equal(apart.finished, together.finished)
    torch.testing.assert_close(apart.log_probs, together.log_probs, atol=1e-6, rtol=0)
    # the generator is left where it was: as many steps as the longest completion has tokens
    assert torch.equal(source[0].get_state(), source[1].get_state())


@pytest.mark.parametrize("shape", SHAPES)
def test_compiled_steps_draw_what_single_steps_draw(
    monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    model = small_model(shape)
    compiled = drawn(model, PROMPTS * 5, max_new_tokens=20)
    monkeypatch.setattr(sampling, "MAX_COMPILED_VOCABULARY", 0)
    single = drawn(model, PROMPTS * 5, max_new_tokens=20)
    assert compiled.completions() == single.completions()
    assert torch.equal(compiled.mask, single.mask)
    assert torch.equal(compiled.finished, single.finished)
    torch.testing.assert_close(compiled.log_probs, single.log_probs, atol=1e-5, rtol=0)


def test_the_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    drawn(small_model())
    assert torch.equal(before, torch.get_rng_state())


# --- one draw ---


def probabilities(logits: list[float], n: int = 1, **options: float) -> dict[int, float]:
    """Return the recorded probability of each token that comes up over a grid of numbers."""
    chosen: dict[str, float] = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, **options}
    grid = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    rows = torch.tensor(logits).expand(1000, -1)
    tokens, log_probs = draw(rows, grid, **chosen)  # type: ignore[arg-type]
    found = dict(zip(tokens.tolist(), log_probs.exp().tolist(), strict=True))
    for token, probability in found.items():  # the grid meets each as often as it should
        assert int((tokens == token).sum()) == pytest.approx(1000 * probability, abs=1.01)
    return found


LOGITS = [math.log(p) for p in (0.1, 0.4, 0.2, 0.3)]


def test_hand_computed_truncations() -> None:
    assert probabilities(LOGITS) == pytest.approx({0: 0.1, 1: 0.4, 2: 0.2, 3: 0.3})
    assert probabilities(LOGITS, top_k=2) == pytest.approx({1: 4 / 7, 3: 3 / 7})
    # .4 is below .6, .4 + .3 is not
    assert probabilities(LOGITS, top_p=0.6) == pytest.approx({1: 4 / 7, 3: 3 / 7})
    assert probabilities(LOGITS, top_p=1e-9) == pytest.approx({1: 1.0})
    # of the three likeliest (.4, .3, .2 of .9), those before the share of .5 is reached: .44 < .5
    assert probabilities(LOGITS, top_k=3, top_p=0.5) == pytest.approx({1: 4 / 7, 3: 3 / 7})
    assert probabilities(LOGITS, top_k=99) == pytest.approx({0: 0.1, 1: 0.4, 2: 0.2, 3: 0.3})
    # squares, as logits double
    assert probabilities(LOGITS, temperature=0.5) == pytest.approx(
        {0: 1 / 30, 1: 16 / 30, 2: 4 / 30, 3: 9 / 30}
    )


def test_a_token_of_probability_zero_is_never_drawn() -> None:
    logits = torch.tensor([[-math.inf, 0.0, -math.inf, 0.0, -math.inf]]).expand(3, -1)
    edges = torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64)
    tokens, _ = draw(logits, edges, 1.0, 0, 1.0)
    assert tokens.tolist() == [1, 3, 3]


# --- bad input ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1, got 0"),
        ({"temperature": -1.0}, "temperature must be a number of at least 0, got -1.0"),
        ({"temperature": math.nan}, "temperature must be a number of at least 0, got nan"),
        ({"top_k": -1}, "top_k must be at least 1, or 0 for all tokens, got -1"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, got 0.0"),
        ({"prompts": [[3], []]}, "sequence 1 has no tokens"),
        ({"prompts": []}, "at least one sequence is needed"),
        ({"prompts": [[3], [VOCABULARY]]}, "prompt 1 has the id 19, and the model knows 0 to 18"),
        (
            {"prompts": [[3] * 25]},
            "prompt 0 has 25 tokens; with max_new_tokens = 8 that exceeds the model.s context",
        ),
    ],
)
def test_bad_input_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        drawn(small_model(), **options)  # type: ignore[arg-type]


def test_padding_puts_sequences_at_either_end() -> None:
    ids, mask = pad_left([[5], [6, 7]], pad_id=0)
    assert ids.tolist() == [[0, 5], [6, 7]]
    assert mask.tolist() == [[False, True], [True, True]]
    ids, mask = pad_right([[5], [6, 7]], pad_id=0)
    assert ids.tolist() == [[5, 0], [6, 7]]
    assert mask.tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize("top_k", [0, 2])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_not_finite_draw_nothing(top_k: int, value: float) -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0], [0.0, value, 2.0]])
    uniforms = torch.full((2,), 0.5, dtype=torch.float64)
    with pytest.raises(NotFiniteError, match="logits are not finite"):
        draw(logits, uniforms, 1.0, top_k, 1.0)


def test_a_model_whose_logits_are_not_finite_draws_nothing() -> None:
    model = small_model()
    with torch.no_grad():
        model.norm[0] = math.nan
    with pytest.raises(NotFiniteError, match="logits are not finite"):
        drawn(model)
