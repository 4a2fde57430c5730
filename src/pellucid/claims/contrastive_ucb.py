"""Contrastive UCB: a low-rank model learned by contrast explores by the bonus of its features.

The paper proves rates and shows none of its two algorithms on a finite problem; its experiment is
Atari by another algorithm, which is not judged here. The lock, the arms and the sizes are ours.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

import numpy as np

from pellucid.claims.claim import (
    Arms,
    ExactClaim,
    NegativeControl,
    Scale,
    StatisticalClaim,
    stays_below,
    within,
)
from pellucid.systems import contrastive_ucb as system
from pellucid.systems.contrastive_ucb import LockSize
from pellucid.systems.contrastive_ucb_answers import known_answers

SOURCE = "Qiu 2022"
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0, 1),
    "cpu": tuple(range(100, 112)),
    "full": tuple(range(100, 132)),
}
SLOW_SEEDS: dict[Scale, tuple[int, ...]] = {**SEEDS, "cpu": tuple(range(100, 108))}
"""Seeds of the parts whose cells take several seconds."""
FRESH_SEEDS: dict[Scale, tuple[int, ...]] = {**SEEDS, "cpu": tuple(range(200, 208))}
"""Seeds of the parts whose sizes were chosen anew, on tuning seeds, after a run on those above."""

TINY = LockSize(n_steps=4, n_actions=2, n_emissions=2, n_rounds=8, n_updates=3)
LOCKS: dict[Scale, LockSize] = {
    "smoke": TINY,
    "cpu": LockSize(n_steps=6, n_actions=4, n_emissions=6, n_rounds=400, n_updates=20),
    "full": LockSize(n_steps=10, n_actions=4, n_emissions=10, n_rounds=5000, n_updates=20),
}
"""The lock of the main parts."""
WHILE_EXPLORING: dict[Scale, LockSize] = {
    "smoke": TINY,
    "cpu": LockSize(n_steps=6, n_actions=4, n_emissions=6, n_rounds=200, n_updates=20),
    "full": LockSize(n_steps=10, n_actions=4, n_emissions=10, n_rounds=1000, n_updates=20),
}
"""The same lock, looked at while bonuses still matter: what explains exploration."""
SHORT_OF_DATA: dict[Scale, LockSize] = {
    "smoke": TINY,
    "cpu": LockSize(n_steps=6, n_actions=4, n_emissions=20, n_rounds=500, n_updates=5),
    "full": LockSize(n_steps=10, n_actions=4, n_emissions=40, n_rounds=3000, n_updates=5),
}
"""Many emissions for few rounds: most pairs are seen a few times at most."""
MANY_EMISSIONS: dict[Scale, LockSize] = {
    "smoke": TINY,
    "cpu": LockSize(n_steps=6, n_actions=4, n_emissions=20, n_rounds=1200, n_updates=5),
    "full": LockSize(n_steps=6, n_actions=4, n_emissions=20, n_rounds=1500, n_updates=20),
}
"""Many emissions, and rounds enough to see every pair."""
GAMES: dict[Scale, LockSize] = {
    "smoke": TINY,
    "cpu": LockSize(n_steps=5, n_actions=3, n_emissions=3, n_rounds=300, n_updates=10),
    "full": LockSize(n_steps=6, n_actions=3, n_emissions=4, n_rounds=3000, n_updates=10),
}
"""The lock for two players."""
MODEL_UPDATES: dict[Scale, int] = {"smoke": 30, "cpu": 400, "full": 1000}
"""Updates of a model that is fitted once."""

Run = Callable[[str, Scale, int], float]


# --- cells ---


def share(sizes: Mapping[Scale, LockSize], arm: str, scale: Scale, seed: int) -> float:
    """Return the share of the best value that an arm's last policy reaches."""
    return system.share_of_best(arm, sizes[scale], seed)


def decay(arm: str, scale: Scale, seed: int) -> float:
    """Return the power at which an arm's mean regret falls."""
    return system.regret_decay(arm, LOCKS[scale], seed)


def accuracy(n_samples: int, arm: str, scale: Scale, seed: int) -> float:
    """Return the accuracy of a model; arms that end in "full rank" are in another world."""
    name, _, world = arm.partition(", ")
    updates = MODEL_UPDATES[scale]
    return system.model_accuracy(name, n_samples, updates, seed, low_rank=world != "full rank")


def calibration(
    against: Literal["model error", "factor visits"], arm: str, scale: Scale, seed: int
) -> float:
    """Return the rank correlation of an arm's bonus with what it should be high for."""
    return system.bonus_calibration(arm, WHILE_EXPLORING[scale], seed, against=against)


def deletion(arm: str, scale: Scale, seed: int) -> float:
    """Return the share of decisions that change without a direction of the bonus."""
    return system.deletion_change(arm, WHILE_EXPLORING[scale], seed)


def recovery(arm: str, scale: Scale, seed: int) -> float:
    """Return the canonical correlation of an arm's features with the true ones."""
    return system.feature_recovery(arm, WHILE_EXPLORING[scale], seed)


def closeness(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the duality gap of an arm's last policies."""
    return system.equilibrium_closeness(arm, GAMES[scale], seed)


# --- how the parts are declared ---


SHARES = within("shares lie between 0 and 1", 0.0, 1.0)
CORRELATIONS = within("correlations lie between -1 and 1", -1.0, 1.0)


def part(
    name: str,
    statement: str,
    run: Run,
    *,
    treatment: str,
    control: str,
    minimum_effect: float,
    placebo: NegativeControl,
    others: tuple[str, ...],
    invariants: Mapping[str, Callable[[Arms], bool]] = SHARES,
    seeds: dict[Scale, tuple[int, ...]] = SEEDS,
    primary: bool = True,
) -> StatisticalClaim:
    """Return one part of the system; its arms are the two that are compared, and the others."""
    return StatisticalClaim(
        id=f"contrastive-ucb.{name}",
        statement=statement,
        source=SOURCE,
        primary=primary,
        run=run,
        arms=(treatment, control, *others),
        treatment=treatment,
        control=control,
        unit="seed",
        minimum_effect=minimum_effect,
        seeds=seeds,
        negative_controls=(placebo,),
        invariants=invariants,
    )


# --- exact ---

KNOWN_ANSWERS = ExactClaim(
    id="contrastive-ucb.known-answers",
    statement="Losses, models, equilibria and gaps are the known ones where those are known.",
    source=SOURCE,
    cases=known_answers,
)

# --- (i) the bonus is necessary ---

GREEDY = stays_below(
    "epsilon-greedy does not do it either", arm="epsilon-greedy", reference="no bonus", limit=0.1
)
BONUS = part(
    "bonus",
    "With the bonus the last policy reaches at least 0.5 more of the best value than without.",
    partial(share, LOCKS),
    treatment="bonus",
    control="no bonus",
    minimum_effect=0.5,
    placebo=GREEDY,
    others=("epsilon-greedy",),
)
REGRET = part(
    "regret",
    "With the bonus mean regret falls at least as fast as the square root of rounds.",
    decay,
    treatment="bonus",
    control="no bonus",
    minimum_effect=0.5,
    placebo=GREEDY,
    others=("epsilon-greedy",),
    invariants={},
)

# --- (ii) a low-rank model beats counts ---


def model_error(n_samples: int, minimum_effect: float) -> StatisticalClaim:
    """Return the part that says by how much a low-rank model beats frequencies."""
    return part(
        f"model-error-{n_samples}",
        f"From {n_samples} samples a low-rank model has a total variation smaller than that of "
        f"frequencies by at least {minimum_effect}.",
        partial(accuracy, n_samples),
        treatment="expected negatives",
        control="frequencies",
        minimum_effect=minimum_effect,
        placebo=stays_below(
            "no gain where the truth has full rank",
            arm="expected negatives, full rank",
            reference="frequencies, full rank",
            limit=minimum_effect,
        ),
        others=("expected negatives, full rank", "frequencies, full rank"),
    )


MODEL_ERROR_500 = model_error(500, 0.1)
MODEL_ERROR_2000 = model_error(2000, 0.05)
MODEL_ERROR_10000 = model_error(10_000, 0.02)

# --- (iii) expected negatives matter ---


def negatives_error(n_samples: int, minimum_effect: float, *, primary: bool) -> StatisticalClaim:
    """Return the part that says how much less error expected negatives leave than drawn ones."""
    return part(
        f"negatives-error-{n_samples}",
        f"From {n_samples} samples expected negatives leave a total variation smaller than one "
        f"negative per positive does by at least {minimum_effect}.",
        partial(accuracy, n_samples),
        treatment="expected negatives",
        control="one negative",
        minimum_effect=minimum_effect,
        placebo=stays_below(
            "64 negatives do as well as expected ones",
            arm="expected negatives",
            reference="64 negatives",
            limit=minimum_effect,
        ),
        others=("64 negatives",),
        primary=primary,
    )


NEGATIVES_ERROR_500 = negatives_error(500, 0.1, primary=True)
NEGATIVES_ERROR_2000 = negatives_error(2000, 0.03, primary=True)
NEGATIVES_ERROR_10000 = negatives_error(10_000, 0.01, primary=False)
NEGATIVES = part(
    "negatives",
    "With expected negatives the last policy reaches at least 0.3 more of the best value than "
    "with one drawn negative per positive.",
    partial(share, LOCKS),
    treatment="bonus",
    control="one negative",
    minimum_effect=0.3,
    placebo=stays_below(
        "64 negatives do as well as expected ones",
        arm="bonus",
        reference="64 negatives",
        limit=0.3,
    ),
    others=("64 negatives",),
)
NEGATIVES_SMALL_BONUS = part(
    "negatives-small-bonus",
    "The same at a third of the bonus: at least 0.3 more of the best value.",
    partial(share, LOCKS),
    treatment="small bonus",
    control="small bonus, one negative",
    minimum_effect=0.3,
    placebo=stays_below(
        "64 negatives do as well as expected ones",
        arm="small bonus",
        reference="small bonus, 64 negatives",
        limit=0.3,
    ),
    others=("small bonus, 64 negatives",),
    primary=False,
)

# --- against a table of counts ---

HALF_THE_DATA = stays_below(
    "a table does not gain from half the data",
    arm="table, half the data",
    reference="table",
    limit=0.1,
)
TABLE = part(
    "table",
    "A contrastive model reaches at least 0.1 more of the best value than a table of counts of the "
    "same transitions, at the same factor of the bonus.",
    partial(share, LOCKS),
    treatment="small bonus",
    control="table",
    minimum_effect=0.1,
    placebo=HALF_THE_DATA,
    others=("table, half the data",),
    primary=False,
)
TABLE_HALF_THE_DATA = part(
    "table-half-the-data",
    "It does so against a table that leaves out the transitions of one step back.",
    partial(share, LOCKS),
    treatment="small bonus",
    control="table, half the data",
    minimum_effect=0.1,
    placebo=HALF_THE_DATA,
    others=("table",),
    primary=False,
)
TABLE_MANY_EMISSIONS = part(
    "table-many-emissions",
    "With 20 emissions per latent state it reaches at least 0.1 more of the best value than a "
    "table of counts of the same transitions.",
    partial(share, MANY_EMISSIONS),
    treatment="bonus",
    control="table",
    minimum_effect=0.1,
    placebo=HALF_THE_DATA,
    others=("table, half the data",),
    seeds=SLOW_SEEDS,
    primary=False,
)
LINEAR_FEATURES = part(
    "linear-features",
    "With 20 emissions per latent state, few rounds and features linear in what is seen it reaches "
    "at least 0.2 more of the best value than a table of counts with a bonus of factor 1.",
    partial(share, SHORT_OF_DATA),
    treatment="linear features",
    control="table",
    minimum_effect=0.2,
    placebo=stays_below(
        "no gain from what is seen of other states",
        arm="shuffled linear features",
        reference="table",
        limit=0.2,
    ),
    others=("shuffled linear features",),
    seeds=FRESH_SEEDS,
    primary=False,
)
LINEAR_FEATURES_TUNED_TABLE = part(
    "linear-features-tuned-table",
    "It does so against a table whose bonus was tuned as well (factor 0.1).",
    partial(share, SHORT_OF_DATA),
    treatment="linear features",
    control="table, small bonus",
    minimum_effect=0.2,
    placebo=stays_below(
        "no gain from what is seen of other states",
        arm="shuffled linear features",
        reference="table, small bonus",
        limit=0.2,
    ),
    others=("shuffled linear features",),
    seeds=FRESH_SEEDS,
    primary=False,
)

# --- the game ---

MARKOV_GAME = part(
    "markov-game",
    "In the lock for two the duality gap is smaller with the bonus than without by at least 0.1.",
    closeness,
    treatment="bonus",
    control="no bonus",
    minimum_effect=0.1,
    placebo=GREEDY,
    others=("epsilon-greedy",),
    invariants=within("gaps are not negative", -np.inf, 0.0),
    seeds=FRESH_SEEDS,
)

# --- what the bonus explains ---

SHUFFLED = stays_below(
    "a shuffled bonus has no order", arm="shuffled bonus", reference="random features", limit=0.15
)


def calibrated(
    name: str, statement: str, against: Literal["model error", "factor visits"]
) -> StatisticalClaim:
    """Return the part that says what a bonus is high for."""
    return part(
        name,
        statement,
        partial(calibration, against),
        treatment="bonus",
        control="random features",
        minimum_effect=0.15,
        placebo=SHUFFLED,
        others=("shuffled bonus", "table"),
        invariants=CORRELATIONS,
    )


BONUS_ERROR = calibrated(
    "bonus-error",
    "The bonus ranks pairs by the true error of the model at least 0.15 better than the same "
    "formula on random features does (Spearman).",
    "model error",
)
BONUS_VISITS = calibrated(
    "bonus-visits",
    "It ranks pairs by how seldom their latent transition was seen at least 0.15 better.",
    "factor visits",
)
DELETION = part(
    "bonus-deletion",
    "Deleting the largest direction of the bonus changes at least 0.2 more of the decisions than "
    "deleting a random one.",
    deletion,
    treatment="largest direction",
    control="random direction",
    minimum_effect=0.2,
    placebo=stays_below(
        "the smallest direction changes no more than a random one",
        arm="smallest direction",
        reference="random direction",
        limit=0.05,
    ),
    others=("smallest direction",),
)
RECOVERY = part(
    "feature-recovery",
    "Learned features correlate with the true ones at least 0.3 more than before learning "
    "(canonical correlation).",
    recovery,
    treatment="learned",
    control="untrained",
    minimum_effect=0.3,
    placebo=stays_below(
        "learned features of other pairs tell nothing",
        arm="shuffled",
        reference="untrained",
        limit=0.15,
    ),
    others=("shuffled",),
)
