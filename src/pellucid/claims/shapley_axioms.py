"""Shapley values of games whose values are known, and the axioms that single them out."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

from pellucid.claims.claim import ExactClaim
from pellucid.kernels.shapley import coalition_masks, efficiency_error, exact_shapley
from pellucid.seeds import stream

TOLERANCE = 1e-10
"""Largest error for equality, relative to values of order 1."""
RANDOM_PLAYERS = (1, 2, 5, 8)
"""Numbers of players of the random games that the axioms are checked on."""


def game(n_players: int, worth: Callable[[frozenset[int]], float]) -> Float[np.ndarray, "n"]:
    """Return the values of all coalitions of a game given by the worth of a set of players."""
    members = (frozenset(np.flatnonzero(mask).tolist()) for mask in coalition_masks(n_players))
    return np.array([worth(coalition) for coalition in members])


def known_values() -> Mapping[str, bool]:
    """Return whether games with known values get them: worked by hand or from theory."""

    def airport(coalition: frozenset[int]) -> float:
        # runway costs 1, 2, 4: the longest runway that a coalition needs
        return max(((1.0, 2.0, 4.0)[player] for player in coalition), default=0.0)

    def gloves(coalition: frozenset[int]) -> float:
        # two left gloves, one right glove; a pair is worth 1
        return float(2 in coalition and bool(coalition & {0, 1}))

    def majority(coalition: frozenset[int]) -> float:
        return float(len(coalition) >= 3)

    def council(coalition: frozenset[int]) -> float:
        # one weight of 2, two of 1, and 3 of 4 votes needed: player 0 and one other
        return float(sum((2, 1, 1)[player] for player in coalition) >= 3)

    known = {
        "airport game": (3, airport, (1 / 3, 5 / 6, 17 / 6)),
        "glove game": (3, gloves, (1 / 6, 1 / 6, 4 / 6)),
        "majority of five": (5, majority, (1 / 5,) * 5),
        "weighted votes": (3, council, (4 / 6, 1 / 6, 1 / 6)),
        "unanimity of two of three": (3, lambda s: float({0, 2} <= s), (1 / 2, 0.0, 1 / 2)),
        "additive game": (4, lambda s: float(sum((-1, 0, 2, 5)[p] for p in s)), (-1, 0, 2, 5)),
    }
    return {
        name: _equal(exact_shapley(game(n_players, worth)), values)
        for name, (n_players, worth, values) in known.items()
    }


def axioms() -> Mapping[str, bool]:
    """Return whether each axiom holds on random games of several sizes."""
    held: dict[str, bool] = {}
    for n_players in RANDOM_PLAYERS:
        rng = stream(0, "shapley-axioms", n_players)
        first, second = rng.normal(size=(2, 2**n_players))
        a, b = rng.normal(size=2)
        phi = exact_shapley(first)
        held[f"efficiency, {n_players} players"] = bool(
            efficiency_error(phi, first[0], first[-1]) < TOLERANCE
        )
        held[f"linearity, {n_players} players"] = _equal(
            exact_shapley(a * first + b * second), a * phi + b * exact_shapley(second)
        )
        held[f"null player, {n_players} players"] = _null_player_gets_nothing(n_players, first)
        held[f"symmetry, {n_players} players"] = _symmetric_players_are_equal(n_players, first)
    return held


def cases() -> dict[str, bool]:
    """Return every case: known values first, then the axioms."""
    return {**known_values(), **axioms()}


def _null_player_gets_nothing(n_players: int, values: np.ndarray) -> bool:
    # player 0 is bit 0: a coalition with it gets the worth of the same one without it
    rows = np.arange(2**n_players)
    phi = exact_shapley(values[rows & ~1])
    return _equal(phi[0], 0.0)


def _symmetric_players_are_equal(n_players: int, values: np.ndarray) -> bool:
    # averaging a game with its mirror image makes the players i and n-1-i interchangeable
    masks = coalition_masks(n_players)
    mirrored = masks[:, ::-1] @ (1 << np.arange(n_players))
    phi = exact_shapley((values + values[mirrored]) / 2)
    return _equal(phi, phi[::-1])


def _equal(found: object, expected: object) -> bool:
    return bool(np.allclose(found, expected, rtol=0.0, atol=TOLERANCE))  # type: ignore[arg-type]


EXACT = ExactClaim(
    id="shapley-axioms.exact",
    statement="Exact Shapley values equal the known ones and satisfy the four axioms.",
    source="Shapley 1953",
    cases=cases,
)
