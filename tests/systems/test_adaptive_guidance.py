"""The experiment on hints: the split of gains by hand, equal budgets, hints that are wrong."""

from dataclasses import replace

import pytest

from pellucid.posttrain.native import Solved
from pellucid.systems.adaptive_guidance import (
    METHODS,
    gains,
    learned,
    mismatched,
    walks,
)
from pellucid.systems.base_models import SMOKE


def _solved(n_correct: int, n: int = 4) -> Solved:
    right = tuple(place < n_correct for place in range(n))
    return Solved(("",) * n, right, (True,) * n)


def test_gains_are_split_by_what_was_solvable_before() -> None:
    before = [_solved(1), _solved(0), _solved(0), _solved(4)]
    after = [_solved(3), _solved(2), _solved(0), _solved(4)]
    assert gains(before, after) == {"solvable": 0.125, "unsolvable": 0.125}


def test_wrong_hints_tell_other_offsets_of_the_same_machines() -> None:
    examples, _ = walks(replace(SMOKE, n_train=20), 0)
    hard = [example for example in examples if example.hint is not None]
    assert len(hard) == 10
    for example in hard:
        told, wrong = (example.hint or "").split(), (mismatched(example).hint or "").split()
        assert told[::2] == wrong[::2]
        assert not any(a == b for a, b in zip(told[1::2], wrong[1::2], strict=True))
        assert all(1 <= int(offset) <= 9 for offset in wrong[1::2])


@pytest.mark.parametrize("arm", METHODS)
def test_every_arm_gives_shares(arm: str) -> None:
    found = learned(arm, SMOKE, 0)
    assert 0 <= found.first <= found.sixteenth <= 1
    assert 1 <= found.n_updates <= 2


def test_hinted_responses_cost_updates() -> None:
    size = replace(SMOKE, n_updates=4, prompts=4)
    plain, guided = (learned(arm, size, 0).n_updates for arm in ("groups alone", "guided"))
    assert guided < plain
