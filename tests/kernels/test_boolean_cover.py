"""The shortest rules, against textbook answers and against every cover there is."""

import itertools

import numpy as np
import pytest

from pellucid.kernels import boolean_cover
from pellucid.kernels.boolean_cover import Cube, prime_cubes, smallest_cover


def states(*bits):
    return np.array([int(b, 2) for b in bits], dtype=np.int64)


def test_primes_of_the_textbook_function():
    # McCluskey's example: f(A, B, C, D) = sum m(4, 8, 10, 11, 12, 15) + d(9, 14)
    on = np.array([4, 8, 10, 11, 12, 15])
    off = np.setdiff1d(np.arange(16), [*on, 9, 14])
    primes = {(f"{c.mask:04b}", f"{c.value:04b}") for c in prime_cubes(on, off, 4)}
    # B C' D', A D', A B', A C
    assert primes == {
        ("0111", "0100"),
        ("1001", "1000"),
        ("1100", "1000"),
        ("1010", "1010"),
    }


def test_the_textbook_function_needs_three_rules():
    on = np.array([4, 8, 10, 11, 12, 15])
    off = np.setdiff1d(np.arange(16), [*on, 9, 14])
    cover = smallest_cover(on, off, 4)
    assert len(cover) == 3
    assert sum(c.n_literals for c in cover) == 7
    assert all(any(c.covers(on[[i]])[0] for c in cover) for i in range(len(on)))
    assert not any(c.covers(off).any() for c in cover)


def test_what_never_occurs_makes_rules_shorter():
    on, off = states("111"), states("000")
    assert [c.n_literals for c in smallest_cover(on, off, 3)] == [1]


def test_exclusive_or_needs_a_rule_per_state():
    on, off = states("01", "10"), states("00", "11")
    assert {(c.mask, c.value) for c in smallest_cover(on, off, 2)} == {(3, 1), (3, 2)}


def test_nothing_to_tell_apart_is_the_rule_that_always_holds():
    assert smallest_cover(states("01"), states(), 2) == [Cube(0, 0)]
    assert smallest_cover(states(), states("01"), 2) == []


def test_heavier_rules_come_first():
    on, off = states("01", "10"), states("00", "11")
    cover = smallest_cover(on, off, 2, np.array([1.0, 9.0]))
    assert [c.value for c in cover] == [2, 1]


@pytest.mark.parametrize("seed", range(6))
def test_no_cover_of_fewer_rules_or_literals_exists(seed):
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(16)[:11]
    on, off = drawn[:5], drawn[5:]
    cover = smallest_cover(on, off, 4)
    cubes = [
        Cube(mask, value)
        for mask in range(16)
        for value in range(16)
        if value & ~mask == 0 and not Cube(mask, value).covers(off).any()
    ]
    best = min(
        (
            (n, sum(c.n_literals for c in chosen))
            for n in range(1, len(cover) + 1)
            for chosen in itertools.combinations(cubes, n)
            if np.any([c.covers(on) for c in chosen], axis=0).all()
        ),
    )
    assert (len(cover), sum(c.n_literals for c in cover)) == best


def test_of_very_many_primes_a_cover_is_still_found(monkeypatch):
    monkeypatch.setattr(boolean_cover, "MOST_CUBES", 0)
    drawn = np.random.default_rng(0).permutation(64)[:40]
    cover = smallest_cover(drawn[:15], drawn[15:], 6)
    assert np.any([c.covers(drawn[:15]) for c in cover], axis=0).all()
    assert not np.any([c.covers(drawn[15:]) for c in cover])


def test_too_many_bits_are_refused():
    with pytest.raises(ValueError, match="at most 12 bits"):
        prime_cubes(states("1"), states("0"), 13)
