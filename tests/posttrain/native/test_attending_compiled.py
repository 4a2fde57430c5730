"""What a token reads from blocks of the cache, against softmax and sums over whole sequences."""

import numpy as np
import pytest

from pellucid.posttrain.native.attending_compiled import (
    attend_rows,
    empty_store,
    softmax_in_place,
    store_prompts,
)

N_QUERY, N_HEADS = 4, 2


def numbers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def expected_reading(query: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    scores = keys.astype(np.float64) @ query / np.sqrt(len(query))
    shares = np.exp(scores - scores.max())
    found: np.ndarray = shares @ values / shares.sum()
    return found


@pytest.mark.parametrize("width", [6, 16, 40])
@pytest.mark.parametrize("n_prompt", [3, 16, 21])
def test_rows_read_their_prompt_and_what_followed_it(width: int, n_prompt: int) -> None:
    rng = np.random.default_rng(width)
    prompts, starts = np.array([0, 1, 1]), np.array([0, 2, 2])
    read = empty_store(1, 2, N_HEADS, width, n_prompt)
    given = [numbers(rng, 2, N_HEADS, n_prompt, width) for _ in range(2)]
    store_prompts(read, 0, *given)
    own, found = empty_store(1, 3, N_HEADS, width, 19), numbers(rng, 3, N_QUERY * width)
    seen = []
    for length in range(19):
        projected = numbers(rng, 3, (N_QUERY + 2 * N_HEADS) * width)
        seen.append(projected.reshape(3, -1, width)[:, N_QUERY:].copy())
        arrays = (read.keys[0], read.values[0], own.keys[0], own.values[0])
        attend_rows(
            projected, *arrays, np.arange(3), prompts, starts, length, N_QUERY, width, found
        )
        for row, (prompt, start) in enumerate(zip(prompts, starts, strict=True)):
            for head in range(N_QUERY):
                stored = head // 2
                keys, values = (
                    np.stack(
                        [*part[prompt, stored, start:], *(new[row, place] for new in seen)],
                    )
                    for part, place in zip(given, (stored, N_HEADS + stored), strict=True)
                )
                query = projected[row, head * width : (head + 1) * width]
                np.testing.assert_allclose(
                    found[row, head * width : (head + 1) * width],
                    expected_reading(query, keys, values),
                    atol=2e-6,
                )


def test_softmax_leaves_nothing_outside_its_two_parts() -> None:
    scores = np.full(32, 50.0, np.float32)
    scores[[2, 3, 16]] = np.log([1.0, 2.0, 5.0])
    softmax_in_place(scores, 2, 4, 16, 17)
    np.testing.assert_allclose(scores[[2, 3, 16]], [1 / 8, 2 / 8, 5 / 8], rtol=1e-6)
    assert np.count_nonzero(scores) == 3
