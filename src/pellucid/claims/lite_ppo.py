"""Group mean, batch deviation and token-level loss (Liu et al. 2025, Lite PPO).

A model of fifty thousand weights and walks through machines stand in for the published models and
mathematics (`systems.lite_ppo`). DAPO's recipe, with one update per batch, is the arm `group/group,
token`: its wider clip never acts.
"""

from collections.abc import Mapping
from dataclasses import replace

from pellucid.claims.claim import Arms, ExactClaim, Scale, StatisticalClaim, stays_below
from pellucid.systems.base_models import SMOKE, Size
from pellucid.systems.lite_ppo import NOISE, REDUCTIONS, SCOPES, Outcome, learned
from pellucid.systems.lite_ppo_checks import (
    amplification,
    first_step_is_reinforce,
    gradient_of_all_right,
    invariances,
    reductions_differ,
    split_invariance,
)

SOURCE = "Liu 2025"
CPU = Size(n_updates=60, learning_rate=2e-4, n_tries=8)
SIZES: Mapping[Scale, Size] = {
    "smoke": SMOKE,
    "cpu": CPU,
    "full": replace(CPU, n_layers=4, width=128, warm_steps=4000, n_updates=600, n_test=400),
}
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0,),
    "cpu": tuple(range(500, 508)),
    "full": tuple(range(500, 516)),
}
PUBLISHED = {
    "one failure, group": -2.47,
    "one failure, batch": -1.87,
    "tie-breaker, group": 1.42,
    "tie-breaker, batch": 0.075,
}
"""Advantages that a correct implementation gives, to the digits given."""


# --- advantages and losses ---


def arithmetic() -> dict[str, bool]:
    """Return whether the advantages and losses are those that were published."""
    found = amplification()
    cases = {
        f"{name} gives {wanted}": abs(found[name] - wanted) < 6e-3 * max(1.0, abs(wanted)) / 2
        for name, wanted in PUBLISHED.items()
    }
    ratio = found["tie-breaker, group"] / found["tie-breaker, batch"]
    cases["a group's deviation amplifies tie-breakers 19 times"] = round(ratio) == 19
    cases |= invariances(0)
    for reduction in ("token_mean", "sequence_mean", "sequence_sum", "constant"):
        cases[f"{reduction} does not depend on micro-batches"] = split_invariance(reduction, 0)
    cases["token and sequence means differ"] = reductions_differ(0)
    for scope in ("group", "batch"):
        cases[f"all right under {scope}: no gradient"] = gradient_of_all_right(scope, 0.0) == 0
        cases[f"nearly equal rewards under {scope}: a small gradient"] = (
            gradient_of_all_right(scope, 1e-9) < 1e-5
        )
    return cases | first_step_is_reinforce()


# --- training ---


def run_accuracy(arm: str, scale: Scale, seed: int) -> float:
    """Return the share of right responses to held-out walks at the end of training.

    Args:
        arm: Pool, scopes of mean and deviation, and reduction; and `no noise` without the noise.
        scale: How much is trained.
        seed: Of the machines, the base model and the training.
    """
    return _outcome(arm, scale, seed).accuracy


def run_area(arm: str, scale: Scale, seed: int) -> float:
    """Return the mean share of right responses while training; arms as in `run_accuracy`."""
    return _outcome(arm, scale, seed).area


def run_unsteadiness(arm: str, scale: Scale, seed: int) -> float:
    """Return the coefficient of variation of the gradient's norm; arms as in `run_accuracy`."""
    return _outcome(arm, scale, seed).unsteadiness


def _outcome(arm: str, scale: Scale, seed: int) -> Outcome:
    pool, scopes, reduction, *rest = arm.split(", ")
    return learned(pool, scopes, reduction, 0.0 if rest else NOISE, SIZES[scale], seed)


def _shares(arms: Arms) -> bool:
    return all(bool(((values >= 0) & (values <= 1)).all()) for values in arms.values())


ALL_EASY = tuple(f"easy, {scopes}, {reduction}" for scopes in SCOPES for reduction in REDUCTIONS)
ALL_HARD = tuple(f"hard, {scopes}, {reduction}" for scopes in SCOPES for reduction in REDUCTIONS)

ARITHMETIC = ExactClaim(
    id="lite-ppo.arithmetic",
    statement="A group's own deviation amplifies differences that mean nothing 19 times as much as "
    "the batch's; losses do not depend on how a batch is split, and the first step is REINFORCE.",
    source=SOURCE,
    cases=arithmetic,
)
EASY = StatisticalClaim(
    id="lite-ppo.easy",
    statement="On easy walks group mean, batch deviation and token mean end at least 2 points "
    "above group mean, group deviation and sequence mean; without the noise they do not.",
    source=SOURCE,
    run=run_accuracy,
    arms=(*ALL_EASY, "easy, group/batch, token, no noise", "easy, group/group, sequence, no noise"),
    treatment="easy, group/batch, token",
    control="easy, group/group, sequence",
    unit="seed",
    minimum_effect=0.02,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "without noise the gap closes",
            arm="easy, group/batch, token, no noise",
            reference="easy, group/group, sequence, no noise",
            limit=0.02,
        ),
        stays_below(
            "no deviation at all is not better",
            arm="easy, group/none, token",
            reference="easy, group/batch, token",
            limit=0.03,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
HARD = StatisticalClaim(
    id="lite-ppo.hard",
    statement="On hard walks the group's mean with the batch's deviation ends at least 2 points "
    "above the batch's mean and deviation.",
    source=SOURCE,
    run=run_accuracy,
    arms=ALL_HARD,
    treatment="hard, group/batch, token",
    control="hard, batch/batch, token",
    unit="seed",
    minimum_effect=0.02,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "the batch's mean is not better with sequence means either",
            arm="hard, batch/batch, sequence",
            reference="hard, group/batch, sequence",
            limit=0.02,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
DEVIATION = StatisticalClaim(
    id="lite-ppo.deviation",
    statement="The batch's deviation alone, with token means, is worth at least 1 point on easy "
    "walks over the group's (DAPO).",
    source=SOURCE,
    primary=False,
    run=run_accuracy,
    arms=("easy, group/batch, token", "easy, group/group, token", "easy, batch/batch, token"),
    treatment="easy, group/batch, token",
    control="easy, group/group, token",
    unit="seed",
    minimum_effect=0.01,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "the batch's mean is not better",
            arm="easy, batch/batch, token",
            reference="easy, group/batch, token",
            limit=0.03,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
REDUCTION = StatisticalClaim(
    id="lite-ppo.reduction",
    statement="The token mean alone is worth at least 2 points on hard walks over the sequence "
    "mean.",
    source=SOURCE,
    primary=False,
    run=run_accuracy,
    arms=(
        "hard, group/batch, token",
        "hard, group/batch, sequence",
        "hard, group/group, token",
        "hard, group/group, sequence",
    ),
    treatment="hard, group/batch, token",
    control="hard, group/batch, sequence",
    unit="seed",
    minimum_effect=0.02,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "sequence means are not better with the group's deviation either",
            arm="hard, group/group, sequence",
            reference="hard, group/group, token",
            limit=0.02,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
AREA = StatisticalClaim(
    id="lite-ppo.area",
    statement="Over all of the training on easy walks, group mean, batch deviation and token mean "
    "are right at least 1 point more often than group mean, group deviation and sequence mean.",
    source=SOURCE,
    primary=False,
    run=run_area,
    arms=(*ALL_EASY, "easy, group/batch, token, no noise", "easy, group/group, sequence, no noise"),
    treatment="easy, group/batch, token",
    control="easy, group/group, sequence",
    unit="seed",
    minimum_effect=0.01,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "without noise the gap closes",
            arm="easy, group/batch, token, no noise",
            reference="easy, group/group, sequence, no noise",
            limit=0.01,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
STEADY = StatisticalClaim(
    id="lite-ppo.steady",
    statement="On easy walks the gradient's norm varies at least 0.1 of its mean more under the "
    "batch's deviation than under the group's, which holds it up by amplifying noise.",
    source="pellucid",
    primary=False,
    run=run_unsteadiness,
    arms=(
        "easy, group/batch, token",
        "easy, group/group, token",
        "easy, group/batch, token, no noise",
        "easy, group/group, token, no noise",
    ),
    treatment="easy, group/batch, token",
    control="easy, group/group, token",
    unit="seed",
    minimum_effect=0.1,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "without noise the group's deviation varies as much",
            arm="easy, group/batch, token, no noise",
            reference="easy, group/group, token, no noise",
            limit=0.1,
        ),
    ),
)
