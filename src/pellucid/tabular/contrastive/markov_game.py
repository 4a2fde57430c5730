"""Two-player zero-sum Markov games of a fixed number of steps: exact gaps, and equilibria by LP."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import sparse
from scipy.optimize import linprog

from pellucid.errors import InputError, PellucidError
from pellucid.tabular.contrastive.staged import StagedMDP, check_at_least, check_finite, check_shape

NEGLIGIBLE = 1e-9
"""Gain of a deviation, relative to the largest of its game, that counts as none."""
SOLVERS = ("highs-ds", "highs-ipm")
"""Simplex first, which is faster; interior points where it gives up on nearly equal actions."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MarkovGame:
    """A game in which one player is paid what the other pays.

    The transitions are those of `joint`, whose action `a * n_second + b` stands for both moves; its
    rewards go to the first player.

    Args:
        joint: The problem over joint actions.
        n_first: Actions of the first player, who wants more.
        n_second: Actions of the second player, who wants less.

    Raises:
        InputError: The joint actions are not the product of both.
    """

    joint: StagedMDP
    n_first: int
    n_second: int

    def __post_init__(self) -> None:
        check_at_least("actions of the first player", self.n_first, 1)
        check_at_least("actions of the second player", self.n_second, 1)
        if self.n_first * self.n_second != self.joint.n_actions:
            raise InputError(
                f"expected {self.n_first} x {self.n_second} joint actions, "
                f"got {self.joint.n_actions}"
            )

    def split(
        self, pairs: Float[np.ndarray, "*axes joint_actions"]
    ) -> Float[np.ndarray, "*axes first second"]:
        """Return an array over joint actions with one axis per player."""
        return pairs.reshape(*pairs.shape[:-1], self.n_first, self.n_second)


# --- equilibria of one state ---


def coarse_correlated_equilibria(
    first_payoffs: Float[np.ndarray, "games first second"],
    second_payoffs: Float[np.ndarray, "games first second"],
) -> Float[np.ndarray, "games first second"]:
    """Return a coarse correlated equilibrium of each of many games.

    It is a distribution over joint actions from which neither player gains by committing to one
    action of its own before the draw; as in the paper, any will do. Where a pair of pure actions
    is a Nash equilibrium the first such pair is returned, which needs no solver; the other games
    are solved together, as one linear program without an objective.

    Args:
        first_payoffs: What the first player gets; it maximises.
        second_payoffs: What the second player gets; it maximises too, so give minus what it pays.

    Raises:
        InputError: The shapes differ, a player has no action, or a payoff is not finite.
        PellucidError: The solver fails; every game has an equilibrium, so this is numerical.

    Source: Xie 2020, as used by Qiu 2022.
    """
    if np.ndim(first_payoffs) != 3 or not np.size(first_payoffs):
        raise InputError(
            f"expected payoffs of shape (games, first, second), got {np.shape(first_payoffs)}"
        )
    check_shape("the second player's payoffs", second_payoffs, first_payoffs.shape)
    for payoffs in (first_payoffs, second_payoffs):
        check_finite("payoffs", payoffs, ("game", "first action", "second action"))
    pure = (first_payoffs == first_payoffs.max(axis=1, keepdims=True)) & (
        second_payoffs == second_payoffs.max(axis=2, keepdims=True)
    )
    n_games, n_joint = len(pure), pure[0].size
    flat = pure.reshape(n_games, n_joint)
    chances = np.eye(n_joint)[flat.argmax(axis=1)].reshape(pure.shape)
    mixed = ~flat.any(axis=1)
    if mixed.any():
        chances[mixed] = _solved(first_payoffs[mixed], second_payoffs[mixed])
    return np.asarray(chances)


def deviation_gains(
    first_payoffs: Float[np.ndarray, "games first second"],
    second_payoffs: Float[np.ndarray, "games first second"],
) -> Float[np.ndarray, "games deviations first second"]:
    """Return what a player would gain by always playing one action, for every joint action drawn.

    Deviations of the first player come first. A distribution over joint actions is a coarse
    correlated equilibrium if none of them gains on average.
    """
    by_first = first_payoffs[:, :, None, :] - first_payoffs[:, None, :, :]
    by_second = second_payoffs.transpose(0, 2, 1)[..., None] - second_payoffs[:, None, :, :]
    return np.concatenate([by_first, by_second], axis=1)


def _solved(first_payoffs: np.ndarray, second_payoffs: np.ndarray) -> np.ndarray:
    n_games, n_first, n_second = first_payoffs.shape
    n_joint = n_first * n_second
    gains = deviation_gains(first_payoffs, second_payoffs).reshape(n_games, -1, n_joint)
    # equilibria do not depend on the unit of payoffs, the solver's tolerances do
    gains = gains / np.abs(gains).max(axis=(1, 2), keepdims=True)
    gains[np.abs(gains) < NEGLIGIBLE] = 0.0
    constraints = {
        "A_ub": sparse.block_diag(list(gains), format="csr"),
        "b_ub": np.full(gains.shape[0] * gains.shape[1], NEGLIGIBLE),
        "A_eq": sparse.kron(sparse.eye_array(n_games), np.ones((1, n_joint)), format="csr"),
        "b_eq": np.ones(n_games),
    }
    # presolving calls some games infeasible whose actions differ by about 1e-8 of their payoffs
    for method in SOLVERS:
        found = linprog(  # type: ignore[call-overload]  # its stubs leave out sparse constraints
            np.zeros(n_games * n_joint),
            **constraints,
            bounds=(0, None),
            method=method,
            options={"presolve": False},
        )
        if found.x is not None:
            break
    else:
        raise PellucidError(f"expected an equilibrium, got none: {found.message}")
    chances = np.maximum(found.x, 0.0).reshape(first_payoffs.shape)
    return np.asarray(chances / chances.sum(axis=(1, 2), keepdims=True))


# --- exact values of policies ---


def best_response_values(
    game: MarkovGame,
    first: Float[np.ndarray, "steps states first"],
    second: Float[np.ndarray, "steps states second"],
) -> tuple[float, float]:
    """Return the value of a best reply to the second player, and of one to the first.

    Args:
        game: The game.
        first: The first player's policy; rows sum to one.
        second: The second player's.
    """
    joint = game.joint
    above, below = np.zeros(joint.n_states), np.zeros(joint.n_states)
    for step in range(joint.n_steps - 1, -1, -1):
        upper = game.split(joint.rewards[step] + joint.transitions[step] @ above)
        lower = game.split(joint.rewards[step] + joint.transitions[step] @ below)
        above = np.einsum("sab,sb->sa", upper, second[step]).max(axis=1)
        below = np.einsum("sab,sa->sb", lower, first[step]).min(axis=1)
    return float(joint.initial @ above), float(joint.initial @ below)


def duality_gap(
    game: MarkovGame,
    first: Float[np.ndarray, "steps states first"],
    second: Float[np.ndarray, "steps states second"],
) -> float:
    """Return how much both players together could gain by best replies; 0 at an equilibrium.

    Source: Qiu 2022 (the gap that its theorem on games bounds).
    """
    best, worst = best_response_values(game, first, second)
    return best - worst
