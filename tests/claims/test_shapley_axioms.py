"""The cases hold for the kernel and fail for values that break one axiom each."""

import numpy as np
import pytest

from pellucid.claims import shapley_axioms
from pellucid.kernels.shapley import exact_shapley


def test_every_case_holds() -> None:
    cases = shapley_axioms.cases()
    assert len(cases) == 6 + 4 * len(shapley_axioms.RANDOM_PLAYERS)
    assert all(cases.values())


def test_a_game_lists_the_worth_of_every_coalition() -> None:
    assert shapley_axioms.game(2, len).tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("broken", "axiom"),
    [
        (lambda values: exact_shapley(values) + 0.1, "efficiency"),
        (lambda values: exact_shapley(values) + 0.1, "null player"),
        (lambda values: exact_shapley(values) ** 2, "linearity"),
        (
            lambda values: exact_shapley(values) + np.arange(len(exact_shapley(values))),
            "symmetry",
        ),
    ],
)
def test_wrong_values_are_caught(broken, axiom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapley_axioms, "exact_shapley", broken)
    cases = shapley_axioms.cases()
    assert not cases[f"{axiom}, 5 players"]
    assert not all(shapley_axioms.known_values().values())
