"""Credit of steps by how sure the policy was (Wang et al. 2025, EMPG).

A model of fifty thousand weights and corridors of locked rooms stand in for the published models
and web shops (`systems.entropy_modulated_gradients`).
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from pellucid.claims.claim import Arms, ExactClaim, Scale, StatisticalClaim, stays_below
from pellucid.systems.base_models import SMOKE, Size
from pellucid.systems.entropy_modulated_gradients import coupling, learned
from pellucid.systems.entropy_modulated_gradients_checks import (
    score_identity,
    slow_reference_agrees,
    weight_invariances,
)

SOURCE = "Wang 2025"
CPU = Size(n_updates=40, learning_rate=1.5e-4)
SIZES: Mapping[Scale, Size] = {
    "smoke": SMOKE,
    "cpu": CPU,
    "full": replace(CPU, n_layers=4, width=128, warm_steps=4000, n_updates=600, n_test=400),
}
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0,),
    "cpu": tuple(range(600, 608)),
    "full": tuple(range(600, 616)),
}
N_POLICIES = 1000
COUPLED = 0.8
"""How strongly entropies of steps and lengths of their gradients go together."""
LEAST_RISE = 1e-6
"""Nats per token that single precision can tell from no rise."""


def known_answers() -> dict[str, bool]:
    """Return whether the identity and the properties of the weights hold."""
    found = {}
    for n_choices in (2, 5, 60):
        for name, held in score_identity(N_POLICIES, n_choices, seed=0).items():
            found[f"of {n_choices} choices, {name}"] = held
    agrees = slow_reference_agrees(seed=0)
    return {**found, **weight_invariances(0), "a slow reference gives the same": agrees}


def run(arm: str, scale: Scale, seed: int) -> float:
    """Return the share of held-out corridors that are passed.

    Args:
        arm: One of `systems.entropy_modulated_gradients.METHODS`, or `base`.
        scale: How much is trained.
        seed: Of the signs, the base model and the training.
    """
    return learned(arm, SIZES[scale], seed).success


def run_longer(arm: str, scale: Scale, seed: int) -> float:
    """Return the same of corridors that are longer than those of training."""
    return learned(arm, SIZES[scale], seed).longer


def run_calm(arm: str, scale: Scale, seed: int) -> float:
    """Return how steadily a policy leaves its base model.

    Minus the logarithm of the largest rise of its divergence from one update to the next.

    Args:
        arm: One of `systems.entropy_modulated_gradients.METHODS`.
        scale: How much is trained.
        seed: Of the signs, the base model and the training.
    """
    return -math.log(max(learned(arm, SIZES[scale], seed).largest_rise, LEAST_RISE))


def run_coupling(arm: str, scale: Scale, seed: int) -> float:
    """Return the correlation of steps' entropies with the lengths of their gradients.

    Args:
        arm: `before` or `after` the modulation; or `limit`, the published number.
        scale: How much the base model is trained.
        seed: Of the signs and the base model.
    """
    return COUPLED if arm == "limit" else coupling(SIZES[scale], seed)[arm]


def _shares(arms: Arms) -> bool:
    return all(bool(((values >= 0) & (values <= 1)).all()) for values in arms.values())


KNOWN_ANSWERS = ExactClaim(
    id="entropy-modulated-gradients.known-answers",
    statement="The expected squared score of a softmax is 1 - exp(-H2), H2 its Rényi-2 entropy; "
    "weights average to 1, follow entropies alone, and vanish with k and zeta.",
    source=SOURCE,
    cases=known_answers,
)
COUPLING = StatisticalClaim(
    id="entropy-modulated-gradients.coupling",
    statement="The gradients of steps are the longer the less sure the policy is, and clearly less "
    "so, by 0.1 of correlation, once they are modulated.",
    source=SOURCE,
    run=run_coupling,
    arms=("before", "after", "limit"),
    treatment="before",
    control="after",
    unit="seed",
    minimum_effect=0.1,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "the correlation before is not below 0.8", arm="limit", reference="before", limit=0.05
        ),
    ),
    invariants={
        "correlations lie between -1 and 1": lambda arms: all(
            bool((abs(values) <= 1).all()) for values in arms.values()
        )
    },
)
LEARNING = StatisticalClaim(
    id="entropy-modulated-gradients.learning",
    statement="Modulated credit passes at least 3 points more corridors than groups alone, for "
    "equal episodes; the same weights on the wrong steps do not.",
    source=SOURCE,
    run=run,
    arms=("base", "groups alone", "modulated", "weights alone", "bonus alone", "shuffled"),
    treatment="modulated",
    control="groups alone",
    unit="seed",
    minimum_effect=0.03,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "shuffled entropies do not help", arm="shuffled", reference="groups alone", limit=0.03
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
LONGER = StatisticalClaim(
    id="entropy-modulated-gradients.longer",
    statement="The weights alone pass at least 3 points more of longer corridors than groups "
    "alone; shuffled ones do not.",
    source=SOURCE,
    run=run_longer,
    arms=("groups alone", "modulated", "weights alone", "shuffled"),
    treatment="weights alone",
    control="groups alone",
    unit="seed",
    minimum_effect=0.03,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "shuffled entropies do not help", arm="shuffled", reference="groups alone", limit=0.03
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
CALM = StatisticalClaim(
    id="entropy-modulated-gradients.calm",
    statement="With modulated credit the divergence from the base model rises by at least a tenth "
    "less in its worst update than with groups alone; the same weights on the wrong steps do not "
    "help.",
    source=SOURCE,
    run=run_calm,
    arms=("groups alone", "modulated", "weights alone", "bonus alone", "shuffled"),
    treatment="modulated",
    control="groups alone",
    unit="seed",
    minimum_effect=0.1,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "shuffled entropies do not help", arm="shuffled", reference="groups alone", limit=0.1
        ),
    ),
)
