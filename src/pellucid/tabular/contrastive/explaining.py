"""What the bonus and the model say, in parts and in words, and how to test what they say."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.kernels.ranks import spearman
from pellucid.tabular.contrastive.bonus import (
    Directions,
    bonus_parts,
    directions_of,
    feature_covariance,
)
from pellucid.tabular.contrastive.learning import ContrastivePlanner
from pellucid.tabular.contrastive.staged import check_shape

SAME = 0.05
"""How far from 1 a ratio may be to be called as likely as on average."""
MOST_TIMES = 1000
"""How many times less likely is said as a number; what is almost never seen has no exact one."""


@dataclass(frozen=True, eq=False)
class BonusExplanation:
    """Where the bonus of one pair comes from.

    Args:
        shares: Shape (rank,): share of the squared bonus that each direction adds, the least seen
            direction first; they sum to one.
        times_seen: Shape (rank,): how often each direction was seen, in full visits.
        text: The largest share, in words.
    """

    shares: Float[np.ndarray, " rank"]
    times_seen: Float[np.ndarray, " rank"]
    text: str


def explain_bonus(
    planner: ContrastivePlanner,
    visits: Float[np.ndarray, "steps pairs"],
    *,
    step: int,
    state: int,
    action: int,
) -> BonusExplanation:
    """Return how the bonus of a pair splits along the directions of its features.

    Args:
        planner: With a fitted model.
        visits: How often each pair was seen by roll-ins that aim at its step:
            `LearningCurve.visits`.
        step: Step, from 0.
        state: State, from 0.
        action: Action, from 0.

    Raises:
        InputError: There is no such step, state or action, or visits are not of every pair.
    """
    pair = _pair(planner, visits, step, state, action)
    directions = _directions(planner, visits)
    parts = bonus_parts(planner.model.features, directions)[step, pair]
    shares = parts / parts.sum()
    top = int(shares.argmax())
    seen = directions.times_seen[step]
    text = (
        f"At step {step}, {shares[top]:.0%} of the squared bonus of action {action} in state "
        f"{state} comes from direction {top + 1} of {len(shares)}, which was seen "
        f"{seen[top]:.1f} times."
    )
    return BonusExplanation(shares, seen, text)


def explain_ratio(
    planner: ContrastivePlanner,
    seen: Float[np.ndarray, "steps pairs"],
    *,
    step: int,
    state: int,
    action: int,
    next_state: int,
) -> str:
    """Return how much likelier a state is after an action than on average, in one sentence.

    "On average" means under the law that negatives are drawn from. The sentence speaks of the
    model, and says how often the pair was seen: what it says of one that was not seen comes from
    pairs with the same features.

    Args:
        planner: With a fitted model.
        seen: How often each pair was seen at all: `LearningCurve.seen`.
        step: Step, from 0.
        state: State, from 0.
        action: Action, from 0.
        next_state: The state that may follow.

    Raises:
        InputError: There is no such step, state or action, or counts are not of every pair.
    """
    pair = _pair(planner, seen, step, state, action)
    _check_index("next state", next_state, planner.mdp.n_states)
    model = planner.model
    ratio = float(model.transitions[step, pair, next_state] / model.negative_law[next_state])
    where = f"after action {action} in state {state} at step {step}"
    source = f"the model (n = {seen[step, pair]:.0f})"
    return f"State {next_state} is {_compared(ratio)} {where} than on average, says {source}."


# --- tests of what they say ---


def without_direction(
    parts: Float[np.ndarray, "steps pairs rank"], direction: Int[np.ndarray, " steps"]
) -> Float[np.ndarray, "steps pairs rank"]:
    """Return the parts of the squared bonus with one direction of every step set to zero."""
    left = parts.copy()
    left[np.arange(len(parts)), :, direction] = 0.0
    return left


def directions_by_size(
    parts: Float[np.ndarray, "steps pairs rank"],
) -> Int[np.ndarray, "steps rank"]:
    """Return the directions of every step, the one that adds the most to all pairs together first.

    A direction is numbered as in `parts`: 0 is the least seen.
    """
    return np.asarray((-parts.sum(axis=1)).argsort(axis=1, kind="stable"))


def policy_change(
    planner: ContrastivePlanner,
    parts: Float[np.ndarray, "steps pairs rank"],
    direction: Int[np.ndarray, " steps"],
    weights: Float[np.ndarray, "steps states"],
) -> float:
    """Return the share of decisions that change once a direction of the bonus is deleted.

    Args:
        planner: With a fitted model.
        parts: What each direction adds, from `planner.parts`.
        direction: The one to delete, per step.
        weights: How much each decision counts, such as the chance of coming to it.
    """
    before = planner.optimistic(planner.bonus(parts))
    after = planner.optimistic(planner.bonus(without_direction(parts, direction)))
    return float(((before != after) * weights).sum() / weights.sum())


def mean_rank_correlation(
    first: Float[np.ndarray, "steps pairs"], second: Float[np.ndarray, "steps pairs"]
) -> float:
    """Return Spearman's correlation over pairs, averaged over steps; NaN if no step has an order.

    Steps at which either is constant have no order and are left out.
    """
    correlations = spearman(first, second)
    ordered = correlations[~np.isnan(correlations)]
    return float(ordered.mean()) if len(ordered) else float("nan")


def canonical_correlations(
    features: Float[np.ndarray, "rows first"], reference: Float[np.ndarray, "rows second"]
) -> Float[np.ndarray, " directions"]:
    """Return the canonical correlations of two sets of features of the same rows, largest first.

    There are as many as the smaller of the two ranks after the mean is taken out, so that columns
    that repeat each other count once. All are 1 if the reference is an affine map of the features.

    Args:
        features: Shape (rows, features).
        reference: Shape (rows, features).

    Raises:
        InputError: The rows differ, or one of the two is constant.

    Source: Hotelling 1936; computed as Björck & Golub 1973.
    """
    if len(features) != len(reference):
        raise InputError(
            f"expected features of the same rows, got {len(features)} and {len(reference)}"
        )
    first, second = _basis("features", features), _basis("reference", reference)
    return np.clip(np.linalg.svd(first.T @ second, compute_uv=False), 0.0, 1.0)


# --- inside ---


def _compared(ratio: float) -> str:
    if abs(ratio - 1.0) <= SAME:
        return "no more or less likely"
    if ratio > 1.0:
        return f"{ratio:.3g} times likelier"
    if ratio * MOST_TIMES < 1.0:
        return f"more than {MOST_TIMES} times less likely"
    return f"{1.0 / ratio:.3g} times less likely"


def _basis(name: str, columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    # what rounding leaves of repeated columns is no direction
    kept = sizes > 1e-9 * max(float(np.abs(columns).max()), 1e-300) * np.sqrt(len(columns))
    if not kept.any():
        raise InputError(f"expected {name} that differ between rows, got constant ones")
    return np.asarray(left[:, kept])


def _directions(planner: ContrastivePlanner, visits: np.ndarray) -> Directions:
    covariance = feature_covariance(planner.model.features, visits, ridge=planner.ridge)
    return directions_of(covariance, ridge=planner.ridge)


def _pair(
    planner: ContrastivePlanner, visits: np.ndarray, step: int, state: int, action: int
) -> int:
    mdp = planner.mdp
    check_shape("counts of pairs", visits, (mdp.n_steps, mdp.n_states * mdp.n_actions))
    _check_index("step", step, mdp.n_steps)
    _check_index("state", state, mdp.n_states)
    _check_index("action", action, mdp.n_actions)
    return state * mdp.n_actions + action


def _check_index(name: str, index: int, size: int) -> None:
    if not 0 <= index < size:
        raise InputError(f"expected {name} from 0 to {size - 1}, got {index}")
