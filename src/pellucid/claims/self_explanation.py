"""Learning from self-written explanations of known answers (Zhou et al. 2025, ExPO).

The published models had billions of weights and competition mathematics; here a model of fifty
thousand meets walks through machines that its texts are wrong about (`systems.self_explanation`).
What is kept is the situation: no response is ever right, the answer can be explained once it is
told, and the expert's solutions are right but not in the model's own words.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pellucid.claims.claim import (
    Arms,
    ExactClaim,
    NegativeControl,
    Scale,
    StatisticalClaim,
    stays_below,
)
from pellucid.systems.base_models import SMOKE, Size
from pellucid.systems.self_explanation import LEVELS, learned, lemma_holds, properties
from pellucid.systems.self_explanation_checks import checks

SOURCE = "Zhou 2025"
CPU = Size(n_updates=100, learning_rate=1e-3)
SIZES: Mapping[Scale, Size] = {
    "smoke": SMOKE,
    "cpu": CPU,
    "full": replace(CPU, n_layers=4, width=128, warm_steps=4000, n_updates=600, n_test=400),
}
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0,),
    "cpu": tuple(range(300, 308)),
    "full": tuple(range(300, 316)),
}
N_POSTERIORS = 1000
N_STEPS = 12
"""Possible explanations of each random posterior."""
FLAT = 0.05
"""A share of solved walks up to which learning has not begun."""


def known_answers() -> dict[str, bool]:
    """Return whether the lemma and what follows from the definitions hold."""
    lemma = lemma_holds(N_POSTERIORS, N_STEPS, seed=0)
    return {"explanations from the posterior make the answer likelier": lemma, **checks(0)}


def run_learning(arm: str, scale: Scale, seed: int) -> float:
    """Return pass@4 on held-out hard walks, of which nothing is told.

    Args:
        arm: One of `systems.self_explanation.METHODS`, or `base`.
        scale: How much is trained.
        seed: Of the machines, the base model and the training.
    """
    return learned(arm, SIZES[scale], seed).fourth


def run_first(arm: str, scale: Scale, seed: int) -> float:
    """Return pass@1 likewise."""
    return learned(arm, SIZES[scale], seed).first


def run_level(arm: str, scale: Scale, seed: int) -> float:
    """Return pass@1 on held-out walks of one level.

    Args:
        arm: One of `systems.self_explanation.METHODS`, or `base`; and the walks' doubted machines.
        scale: How much is trained.
        seed: Of the machines, the base model and the training.
    """
    method, level = arm.split(", doubted ")
    return learned(method, SIZES[scale], seed).by_level[LEVELS.index(int(level))]


def run_property(arm: str, scale: Scale, seed: int) -> float:
    """Return a property of texts under the base model and the plain prompt, in nats.

    Args:
        arm: `own`, `explained` or `expert` and `nll`; or one of the first two and `lift`.
        scale: How much the base model is trained; at `smoke` it explains nothing, and 0 is given.
        seed: Of the machines and the base model.
    """
    value = properties(SIZES[scale], seed)[arm]
    return 0.0 if scale == "smoke" else value


def _shares(arms: Arms) -> bool:
    return all(bool(((values >= 0) & (values <= 1)).all()) for values in arms.values())


def flat(arm: str) -> NegativeControl:
    """Return the control that an arm solves next to nothing, on average over seeds."""
    return NegativeControl(
        f"{arm} stays below {FLAT:.0%}", lambda arms: bool(np.mean(arms[arm]) < FLAT)
    )


KNOWN_ANSWERS = ExactClaim(
    id="self-explanation.known-answers",
    statement="Explanations drawn from the posterior never make the answer less likely; the prompt "
    "that is scored holds no value of the answer; without its term the method is the group "
    "objective, and where all responses fail it is the term alone.",
    source=SOURCE,
    cases=known_answers,
)
LEARNING = StatisticalClaim(
    id="self-explanation.learning",
    statement="On walks that the base model never solves, groups alone learn nothing; with "
    "explanations of the answer the policy comes to solve at least a fifth more, and not with "
    "explanations of wrong answers.",
    source=SOURCE,
    run=run_learning,
    arms=("base", "groups alone", "beta 0.04", "wrong answers"),
    treatment="beta 0.04",
    control="groups alone",
    unit="seed",
    minimum_effect=0.2,
    seeds=SEEDS,
    negative_controls=(
        flat("base"),
        flat("groups alone"),
        stays_below(
            "explanations of wrong answers do not help",
            arm="wrong answers",
            reference="groups alone",
            limit=0.1,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
EXPERT = StatisticalClaim(
    id="self-explanation.expert",
    statement="Explanations of its own teach the policy at least 5 points more than the expert's "
    "solutions, in the same number of updates.",
    source=SOURCE,
    run=run_learning,
    arms=("beta 0.04", "expert", "wrong answers"),
    treatment="beta 0.04",
    control="expert",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "explanations of wrong answers teach no more than the expert",
            arm="wrong answers",
            reference="expert",
            limit=0.1,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
IMITATION = StatisticalClaim(
    id="self-explanation.imitation",
    statement="Groups with explanations solve at least 5 points more than imitating explanations "
    "that the base model wrote once.",
    source="pellucid",
    primary=False,
    run=run_learning,
    arms=("beta 0.04", "explained once", "likelihood alone", "groups alone"),
    treatment="beta 0.04",
    control="explained once",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(flat("groups alone"),),
    invariants={"shares lie between 0 and 1": _shares},
)
WEIGHT = StatisticalClaim(
    id="self-explanation.weight",
    statement="A weight of 0.5 on explanations is at least 5 points worse than 0.04.",
    source=SOURCE,
    primary=False,
    run=run_learning,
    arms=("beta 0.01", "beta 0.04", "beta 0.1", "beta 0.5"),
    treatment="beta 0.04",
    control="beta 0.5",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        stays_below("0.01 is not better", arm="beta 0.01", reference="beta 0.04", limit=0.1),
        stays_below("0.1 is not better", arm="beta 0.1", reference="beta 0.04", limit=0.1),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
PREFERENCE = StatisticalClaim(
    id="self-explanation.preference",
    statement="Preferring its own explanations to its own wrong responses teaches the policy at "
    "least 5 points more than preferring the expert's solutions.",
    source=SOURCE,
    primary=False,
    run=run_learning,
    arms=("preference online", "preference offline", "preference for the expert"),
    treatment="preference online",
    control="preference for the expert",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "explanations made once are not better",
            arm="preference offline",
            reference="preference online",
            limit=0.1,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
LEVEL = StatisticalClaim(
    id="self-explanation.level",
    statement="The gain is where nothing was solved: at least 10 points on walks of three doubted "
    "machines, while walks of none are solved as often as before, to within 5 points.",
    source="pellucid",
    primary=False,
    run=run_level,
    arms=tuple(
        f"{method}, doubted {level}"
        for method in ("base", "beta 0.04", "expert")
        for level in LEVELS
    ),
    treatment="beta 0.04, doubted 3",
    control="base, doubted 3",
    unit="seed",
    minimum_effect=0.1,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "walks without doubted machines are not forgotten",
            arm="base, doubted 0",
            reference="beta 0.04, doubted 0",
            limit=0.05,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
FAMILIAR = StatisticalClaim(
    id="self-explanation.familiar",
    statement="To the base model the expert's steps are less likely per token than its own "
    "explanations of the same answers, by at least 0.1 nats, and those less than its own "
    "wrong steps.",
    source=SOURCE,
    run=run_property,
    arms=("own nll", "explained nll", "expert nll"),
    treatment="expert nll",
    control="explained nll",
    unit="seed",
    minimum_effect=0.1,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "own steps are likelier than explanations",
            arm="own nll",
            reference="explained nll",
            limit=0.0,
        ),
    ),
)
POSITIVE = StatisticalClaim(
    id="self-explanation.positive",
    statement="After its explanation of the answer the base model gives the right path, without "
    "being told, at least 1 nat more than after its own steps.",
    source=SOURCE,
    run=run_property,
    arms=("own lift", "explained lift", "expert lift"),
    treatment="explained lift",
    control="own lift",
    unit="seed",
    minimum_effect=1.0,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "own steps do not lead to the right path",
            arm="own lift",
            reference="expert lift",
            limit=0.0,
        ),
    ),
)
