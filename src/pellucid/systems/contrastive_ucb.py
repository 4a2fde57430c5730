"""What the claims of contrastive UCB measure: arms on a lock, errors of models, a game for two.

Source: Qiu 2022. Its theory comes without experiments on finite problems; these are ours.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float

from pellucid.seeds import stream
from pellucid.tabular.contrastive.explaining import (
    canonical_correlations,
    directions_by_size,
    mean_rank_correlation,
    policy_change,
)
from pellucid.tabular.contrastive.game_learning import learn_game
from pellucid.tabular.contrastive.game_lock import two_player_lock
from pellucid.tabular.contrastive.learning import (
    ContrastivePlanner,
    CountPlanner,
    LearningCurve,
    Negatives,
    contrastive_planner,
    even_law,
    frequencies,
    learn,
)
from pellucid.tabular.contrastive.low_rank import BAD, LowRankMDP, combination_lock
from pellucid.tabular.contrastive.objective import drawn_negatives, expected_negatives
from pellucid.tabular.contrastive.representation import ContrastiveModel, FitOptions
from pellucid.tabular.contrastive.staged import StagedMDP, visit_chances

RANK = 3
"""Features of every learned model: the latent states of the lock."""
RANDOM_SPREAD = 3.0
"""Standard deviation of the logits of random features."""


@dataclass(frozen=True, kw_only=True)
class LockSize:
    """How large a lock is and how long it is explored.

    Args:
        n_steps: Steps of an episode.
        n_actions: Actions, of each player in the game.
        n_emissions: States per latent state.
        n_rounds: Rounds of one roll-in per step.
        n_updates: Updates of the representation per round.
    """

    n_steps: int
    n_actions: int
    n_emissions: int
    n_rounds: int
    n_updates: int


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to explore.

    Args:
        factor: gamma of the bonus; 0 for none.
        model: A contrastive model, or a table of counts.
        negatives: Of the contrastive model.
        n_negatives: Per positive, if they are drawn.
        inputs: What its features are of: which state it is, or, linearly, what is seen of it; or
            what is seen of another state, for a control.
        epsilon: Chance of an even draw in roll-ins.
        with_one_step_back: Whether a table learns from everything that the contrastive model does.
    """

    factor: float
    model: Literal["contrastive", "table"] = "contrastive"
    negatives: Negatives = "expected"
    n_negatives: int = 1
    inputs: Literal["state", "seen", "shuffled"] = "state"
    epsilon: float = 0.0
    with_one_step_back: bool = True


ARMS: Mapping[str, Arm] = {
    "bonus": Arm(factor=3.0),
    "no bonus": Arm(factor=0.0),
    "epsilon-greedy": Arm(factor=0.0, epsilon=0.2),
    "one negative": Arm(factor=3.0, negatives="drawn"),
    "64 negatives": Arm(factor=3.0, negatives="drawn", n_negatives=64),
    "small bonus": Arm(factor=1.0),
    "small bonus, one negative": Arm(factor=1.0, negatives="drawn"),
    "small bonus, 64 negatives": Arm(factor=1.0, negatives="drawn", n_negatives=64),
    "linear features": Arm(factor=3.0, inputs="seen"),
    "shuffled linear features": Arm(factor=3.0, inputs="shuffled"),
    "table": Arm(factor=1.0, model="table"),
    "table, small bonus": Arm(factor=0.1, model="table"),
    "table, half the data": Arm(factor=1.0, model="table", with_one_step_back=False),
}
"""The arms of the lock, as in the table that the claims repeat."""


# --- exploring the lock ---


@dataclass(frozen=True, eq=False)
class Exploration:
    """One arm's exploration of one lock: the problem, the curve and, if it has one, the planner."""

    mdp: LowRankMDP
    curve: LearningCurve
    planner: ContrastivePlanner | None


@lru_cache(maxsize=256)
def explore(arm: Arm, size: LockSize, seed: int) -> Exploration:
    """Explore the lock of a seed; kept, since several claims look at the same exploration.

    Args:
        arm: How to explore.
        size: Of the lock.
        seed: Arms of equal seed explore the same lock.
    """
    mdp = combination_lock(
        stream(seed, "contrastive-ucb", "lock"),
        n_steps=size.n_steps,
        n_actions=size.n_actions,
        n_emissions=size.n_emissions,
    )
    if arm.inputs == "shuffled":
        order = stream(seed, "contrastive-ucb", "shuffle").permutation(mdp.n_states)
        mdp = replace(mdp, inputs=mdp.inputs[order])
    contrastive = None if arm.model == "table" else _contrastive(arm, mdp, size, seed)
    curve = learn(
        mdp,
        contrastive or CountPlanner(mdp, arm.factor, arm.with_one_step_back),
        n_rounds=size.n_rounds,
        seed=seed,
        epsilon=arm.epsilon,
        n_negatives=arm.n_negatives,
    )
    return Exploration(mdp, curve, contrastive)


def _contrastive(arm: Arm, mdp: StagedMDP, size: LockSize, seed: int) -> ContrastivePlanner:
    return contrastive_planner(
        mdp,
        rank=RANK,
        seed=seed,
        factor=arm.factor,
        negatives=arm.negatives,
        linear=arm.inputs != "state",
        options=FitOptions(n_updates=size.n_updates),
    )


def share_of_best(arm: str, size: LockSize, seed: int) -> float:
    """Return the value of the last policy as a share of the best one's."""
    curve = explore(ARMS[arm], size, seed).curve
    return float(curve.values[-1] / curve.best)


def regret_decay(arm: str, size: LockSize, seed: int) -> float:
    """Return the power at which the mean regret falls over the second half of the rounds.

    It is minus the slope of log mean regret against log rounds: 0 if every round costs the same,
    1/2 at the rate of the theorem, 1 if nothing is lost any more. NaN if nothing ever was.
    """
    regret = explore(ARMS[arm], size, seed).curve.mean_regret
    if not (regret > 0).all():
        return math.nan
    rounds = np.arange(len(regret) // 2, len(regret))
    return -float(np.polyfit(np.log(rounds + 1.0), np.log(regret[rounds]), 1)[0])


# --- errors of models ---

DRAWN: Mapping[str, int] = {"one negative": 1, "64 negatives": 64}
"""Negatives per positive of the arms that draw them."""
MODEL_ARMS = ("expected negatives", *DRAWN, "frequencies")


def model_accuracy(
    arm: str, n_samples: int, n_updates: int, seed: int, *, low_rank: bool = True
) -> float:
    """Return one minus the mean total variation between a model and the truth.

    The problem is one step of the lock with 6 emissions and 4 actions: the 48 pairs of the good
    states, 18 next states. Samples are of pairs drawn evenly.

    Args:
        arm: How the model is made, one of `MODEL_ARMS`.
        n_samples: Transitions that it is made of.
        n_updates: Updates of a contrastive model.
        seed: Arms of equal seed see the same transitions.
        low_rank: False for a world whose rows are drawn evenly from all distributions, so that no
            model of low rank is right.

    Raises:
        ValueError: There is no such arm.
    """
    _check_arm(arm, MODEL_ARMS)
    rng = stream(seed, "contrastive-ucb", "transitions")
    lock = combination_lock(rng)
    truth = lock.transitions[2, lock.latent != BAD].reshape(-1, lock.n_states)
    n_pairs, n_states = truth.shape
    if not low_rank:
        truth = rng.dirichlet(np.ones(n_states), size=n_pairs)
    n_per_pair = rng.multinomial(n_samples, np.full(n_pairs, 1.0 / n_pairs))
    positives = rng.multinomial(n_per_pair, truth).astype(np.float64)
    if arm == "frequencies":
        model = frequencies(positives)
    else:
        model = _fitted(arm, positives, n_updates, seed)
    return 1.0 - float(0.5 * np.abs(model - truth).sum(axis=-1).mean())


def _fitted(
    arm: str, positives: Float[np.ndarray, "pairs states"], n_updates: int, seed: int
) -> Float[np.ndarray, "pairs states"]:
    n_pairs, n_states = positives.shape
    law = even_law(n_states)
    if arm == "expected negatives":
        negatives = expected_negatives(positives, law)
    else:
        rng = stream(seed, "contrastive-ucb", "negatives")
        negatives = drawn_negatives(positives, law, rng, per_positive=DRAWN[arm])
    model = ContrastiveModel(
        n_steps=1,
        n_pairs=n_pairs,
        n_states=n_states,
        rank=RANK,
        negative_law=law,
        rng=stream(seed, "contrastive-ucb", "features"),
    )
    model.fit(positives[None], negatives[None], n_updates)
    return np.asarray(model.transitions[0])


# --- what the bonus and the features say ---

BONUS_ARMS = ("bonus", "random features", "shuffled bonus", "table")


def bonus_calibration(
    arm: str, size: LockSize, seed: int, *, against: Literal["model error", "factor visits"]
) -> float:
    """Return the rank correlation of a bonus with what it should be high for.

    Every arm is judged on the same exploration, that of the arm "bonus".

    Args:
        arm: Whose bonus: the learned one, the same formula on random features, the learned one with
            pairs shuffled, or `1 / sqrt(n + 1)` of a table.
        size: Of the lock.
        seed: Of the exploration.
        against: The true error of the model at the pair; or how seldom the latent transition that
            the pair makes, to the good states or to the bad one, was seen.

    Raises:
        ValueError: There is no such arm.
    """
    _check_arm(arm, BONUS_ARMS)
    found, planner = _explored(size, seed)
    visits = found.curve.visits
    if arm == "table":
        bonus = 1.0 / np.sqrt(visits + 1.0)
    elif arm == "random features":
        bonus = _bonus_of_random_features(found.mdp, visits, size, seed)
    else:
        bonus = planner.bonus(planner.parts(visits))
    if arm == "shuffled bonus":
        bonus = stream(seed, "contrastive-ucb", "shuffle").permuted(bonus, axis=1)
    if against == "model error":
        return mean_rank_correlation(bonus, _model_error(found.mdp, planner.model.transitions))
    return mean_rank_correlation(bonus, -_factor_visits(found.mdp, visits))


def deletion_change(arm: str, size: LockSize, seed: int) -> float:
    """Return the share of decisions that change when one direction of the bonus is set to zero.

    Decisions are weighted by the chance that the policy comes to them. "random direction" is the
    mean over all directions, which is what deleting one drawn evenly changes on average.

    Args:
        arm: Which direction of every step: the one that adds the most to the squared bonus of all
            pairs together, the mean over all, or the one that adds the least.
        size: Of the lock.
        seed: Of the exploration.

    Raises:
        ValueError: There is no such arm.
    """
    found, planner = _explored(size, seed)
    parts = planner.parts(found.curve.visits)
    policy = np.eye(found.mdp.n_actions)[found.curve.actions]
    weights = visit_chances(found.mdp, policy)
    order = directions_by_size(parts)
    changes = [policy_change(planner, parts, order[:, j], weights) for j in range(RANK)]
    chosen = {
        "largest direction": changes[0],
        "random direction": float(np.mean(changes)),
        "smallest direction": changes[-1],
    }
    _check_arm(arm, tuple(chosen))
    return chosen[arm]


FEATURE_ARMS = ("learned", "untrained", "shuffled")


def feature_recovery(arm: str, size: LockSize, seed: int) -> float:
    """Return how well features tell `phi*` up to an affine map: mean canonical correlation.

    The true features take two values, to the good states or to the bad one, so that there is one
    correlation per step.

    Args:
        arm: Features as learned, as they were before learning, or learned with pairs shuffled.
        size: Of the lock.
        seed: Of the exploration.

    Raises:
        ValueError: There is no such arm.
    """
    _check_arm(arm, FEATURE_ARMS)
    found, planner = _explored(size, seed)
    features = planner.model.features
    if arm == "untrained":
        features = _planner_of(found.mdp, size, seed).model.features
    elif arm == "shuffled":
        features = stream(seed, "contrastive-ucb", "shuffle").permutation(features, axis=1)
    truth = found.mdp.left.reshape(*features.shape[:2], -1)
    each = [canonical_correlations(f, t).mean() for f, t in zip(features, truth, strict=True)]
    return float(np.mean(each))


def _explored(size: LockSize, seed: int) -> tuple[Exploration, ContrastivePlanner]:
    found = explore(ARMS["bonus"], size, seed)
    if found.planner is None:
        raise TypeError("the arm 'bonus' has a contrastive planner")
    return found, found.planner


def _planner_of(
    mdp: LowRankMDP, size: LockSize, seed: int, *, initial_spread: float = 0.1
) -> ContrastivePlanner:
    options = FitOptions(n_updates=size.n_updates, initial_spread=initial_spread)
    return contrastive_planner(mdp, rank=RANK, seed=seed, options=options)


def _bonus_of_random_features(
    mdp: LowRankMDP, visits: np.ndarray, size: LockSize, seed: int
) -> Float[np.ndarray, "steps pairs"]:
    # wide logits, so that random features differ between pairs as much as learned ones do
    random = _planner_of(mdp, size, seed, initial_spread=RANDOM_SPREAD)
    return random.bonus(random.parts(visits))


def _model_error(mdp: LowRankMDP, transitions: np.ndarray) -> Float[np.ndarray, "steps pairs"]:
    truth = mdp.transitions.reshape(transitions.shape)
    return np.asarray(0.5 * np.abs(transitions - truth).sum(axis=-1))


def _factor_visits(mdp: LowRankMDP, visits: np.ndarray) -> Float[np.ndarray, "steps pairs"]:
    to_bad = mdp.left.reshape(*visits.shape, -1)[..., BAD] > 0.5
    seen_bad = (visits * to_bad).sum(axis=1, keepdims=True)
    seen_good = (visits * ~to_bad).sum(axis=1, keepdims=True)
    return np.asarray(np.where(to_bad, seen_bad, seen_good))


def _check_arm(arm: str, known: tuple[str, ...]) -> None:
    if arm not in known:
        raise ValueError(f"expected an arm of {known}, got {arm!r}")


# --- the game ---


def equilibrium_closeness(arm: str, size: LockSize, seed: int) -> float:
    """Return minus the duality gap of the last policies of the lock for two; 0 at equilibrium.

    Args:
        arm: `bonus`, `no bonus` or `epsilon-greedy`.
        size: Of the lock.
        seed: Arms of equal seed play the same game.
    """
    game = two_player_lock(
        stream(seed, "contrastive-ucb", "game"),
        n_steps=size.n_steps,
        n_actions=size.n_actions,
        n_emissions=size.n_emissions,
    )
    chosen = ARMS[arm]
    planner = _contrastive(chosen, game.joint, size, seed)
    curve = learn_game(game, planner, n_rounds=size.n_rounds, seed=seed, epsilon=chosen.epsilon)
    return -float(curve.gaps[-1])
