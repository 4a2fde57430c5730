"""The same in linear problems: probabilities that are linear in known features of the pairs.

Source: Tiapkin et al. 2024 (Demonstration-Regularized RL), LSVI-UCB-Ent. Estimates and widths come
from one regression per step on all transitions so far; they are made anew each time the
determinant of some design has doubled.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import logsumexp

from pellucid.errors import InputError
from pellucid.kernels.demonstrations import run_episode
from pellucid.kernels.divergences import soft_choice, soft_maximum
from pellucid.tabular.demonstrations.best_policy import BestPolicy
from pellucid.tabular.mdp import FiniteMDP


@dataclass(frozen=True, eq=False)
class LinearProblem:
    """A problem whose probabilities are `features @ measures`.

    Args:
        mdp: The problem.
        features: Shape (states, actions, dimensions), rows from 0 on that sum to one.
    """

    mdp: FiniteMDP
    features: Float[np.ndarray, "states actions dimensions"]


def random_linear_problem(
    n_states: int,
    n_actions: int,
    n_dimensions: int,
    rng: np.random.Generator,
    *,
    horizon: int,
    concentration: float = 0.3,
) -> LinearProblem:
    """Return a random problem with mixtures of a few next-state distributions.

    Args:
        n_states: Number of states.
        n_actions: Number of actions.
        n_dimensions: Distributions that are mixed; the rank of the transitions.
        rng: Draws everything.
        horizon: Steps of an episode.
        concentration: Of the Dirichlet distributions that features and measures are drawn from.

    Raises:
        InputError: There are more dimensions than states.
    """
    if not 1 <= n_dimensions <= n_states:
        raise InputError(f"expected 1 to {n_states} dimensions, got {n_dimensions}")
    features = rng.dirichlet(np.full(n_dimensions, concentration), size=(n_states, n_actions))
    measures = rng.dirichlet(np.full(n_states, concentration), size=n_dimensions)
    worth = rng.random(n_dimensions) ** 2
    mdp = FiniteMDP(
        transitions=features @ measures,
        rewards=features @ worth,
        initial=np.full(n_states, 1 / n_states),
        horizon=horizon,
    )
    return LinearProblem(mdp, features)


def clone_linear_policy(
    counts: Float[np.ndarray, "steps states actions"],
    features: Float[np.ndarray, "states actions dimensions"],
    *,
    penalty: float = 1e-3,
) -> Float[np.ndarray, "steps states actions"]:
    """Return the likeliest softmax policy that is linear in the features, mixed with an even one.

    The share of the even policy, `actions / (demonstrations + actions)`, keeps the divergence from
    the expert finite.

    Args:
        counts: Shape (steps, states, actions), of demonstrations.
        features: Shape (states, actions, dimensions).
        penalty: Weight of squared parameters per demonstration; keeps them finite.
    """
    n_actions, n_demonstrations = counts.shape[2], float(counts[0].sum())
    even = n_actions / (n_demonstrations + n_actions)
    fitted = [_fit_softmax(step / n_demonstrations, features, penalty) for step in counts]
    return np.asarray((1 - even) * np.stack(fitted) + even / n_actions)


def _fit_softmax(
    shares: Float[np.ndarray, "states actions"],
    features: Float[np.ndarray, "states actions dimensions"],
    penalty: float,
) -> Float[np.ndarray, "states actions"]:
    in_states = shares.sum(axis=1, keepdims=True)

    def loss(theta: Float[np.ndarray, " dimensions"]) -> tuple[float, np.ndarray]:
        logits = features @ theta
        log_policy = logits - logsumexp(logits, axis=1, keepdims=True)
        surplus = in_states * np.exp(log_policy) - shares
        gradient = np.einsum("sa,sad->d", surplus, features) + penalty * theta
        value = -(shares * log_policy).sum() + penalty / 2 * (theta @ theta)
        return float(value), gradient

    found = minimize(loss, np.zeros(features.shape[2]), jac=True, method="L-BFGS-B")
    logits = features @ found.x
    return np.asarray(np.exp(logits - logsumexp(logits, axis=1, keepdims=True)))


@dataclass
class _Design:
    """What is known after some episodes, per step: inverse designs and where features led."""

    inverse: Float[np.ndarray, "steps dimensions dimensions"]
    led_to: Float[np.ndarray, "steps dimensions states"]
    log_determinant: Float[np.ndarray, " steps"]


@dataclass(frozen=True, eq=False)
class _Plan:
    upper: Float[np.ndarray, "steps states actions"]
    lower: Float[np.ndarray, "steps states actions"]
    policy: Float[np.ndarray, "steps states actions"]
    error: float


def linear_best_policy(
    problem: LinearProblem,
    reference: Float[np.ndarray, "steps states actions"],
    *,
    strength: float,
    target: float,
    rng: np.random.Generator,
    bonus: float = 0.1,
    max_episodes: int = 20_000,
) -> BestPolicy:
    """Learn a policy that is certified to be nearly the best of the regularised linear problem.

    Args:
        problem: Its features are known, its probabilities are only sampled from.
        reference: Shape (horizon, states, actions), above 0.
        strength: Price of divergence from the reference, above 0.
        target: Certified error at which it stops, in units of return.
        rng: Draws the episodes.
        bonus: Factor of the width `steps to go * |features|` in the norm of the inverse design.
        max_episodes: Episodes after which it stops without a certificate.

    Raises:
        InputError: The strength or the target is not above 0.
    """
    if not (strength > 0 and target > 0):
        raise InputError(f"expected a strength and a target above 0, got {strength} and {target}")
    mdp, (horizon, n_states, n_actions) = problem.mdp, reference.shape
    dimension = problem.features.shape[2]
    design = _Design(
        np.tile(np.eye(dimension), (horizon, 1, 1)),
        np.zeros((horizon, dimension, n_states)),
        np.zeros(horizon),
    )
    cumulative, first = mdp.dense.cumsum(axis=2), mdp.initial.cumsum()
    plan, planned_at = _planned(problem, reference, strength, bonus, design), np.zeros(horizon)
    certificates = [plan.error]
    while plan.error > target and len(certificates) <= max_episodes:
        counts = np.zeros((horizon, n_states, n_actions, n_states))
        draws = rng.random(2 + 2 * horizon)
        run_episode(cumulative, first, plan.policy, plan.upper, plan.lower, draws, counts)
        _learn(design, counts, problem.features)
        if (design.log_determinant - planned_at).max() > np.log(2):
            plan = _planned(problem, reference, strength, bonus, design)
            planned_at = design.log_determinant.copy()
        certificates.append(plan.error)
    return BestPolicy(
        plan.policy, len(certificates) - 1, np.array(certificates), plan.error <= target
    )


def _learn(
    design: _Design,
    counts: Float[np.ndarray, "steps states actions next_states"],
    features: Float[np.ndarray, "states actions dimensions"],
) -> None:
    """Add one episode by the rank-one update of Sherman and Morrison."""
    for step, state, action, after in np.argwhere(counts):
        feature = features[state, action]
        design.led_to[step, :, after] += feature
        moved = design.inverse[step] @ feature
        grown = 1 + feature @ moved
        design.inverse[step] -= np.outer(moved, moved) / grown
        design.log_determinant[step] += np.log(grown)


def _planned(
    problem: LinearProblem,
    reference: Float[np.ndarray, "steps states actions"],
    strength: float,
    bonus: float,
    design: _Design,
) -> _Plan:
    mdp, features, horizon = problem.mdp, problem.features, len(reference)
    upper, lower = np.empty(reference.shape), np.empty(reference.shape)
    policy = np.empty(reference.shape)
    high, low, squares = (np.zeros(mdp.n_states) for _ in range(3))
    for step in range(horizon - 1, -1, -1):
        to_go = horizon - step
        norm = np.sqrt(np.einsum("sad,de,sae->sa", features, design.inverse[step], features))
        width = np.minimum(to_go, bonus * to_go * norm)
        estimate = features @ design.inverse[step] @ design.led_to[step]
        upper[step] = np.clip(mdp.rewards + estimate @ high + width, 0, to_go)
        lower[step] = np.clip(mdp.rewards + estimate @ low - width, 0, to_go)
        policy[step] = soft_choice(upper[step], strength, reference[step])
        later = np.clip((1 + 3 / horizon) * (estimate @ squares) + width**2, 0, to_go)
        widest = (upper[step] - lower[step]).max(axis=1)
        squares = np.minimum(widest**2 / (2 * strength) + (policy[step] * later).sum(axis=1), to_go)
        high = soft_maximum(upper[step], strength, reference[step])
        low = soft_maximum(lower[step], strength, reference[step])
    error = float(mdp.initial @ np.minimum(squares, high - low))
    return _Plan(upper, lower, policy, error)
