"""Hints where every response fails, learned without the hint (Nath et al. 2025, Guide).

A model of fifty thousand weights and walks through machines stand in for the published ones
(`systems.adaptive_guidance`). All arms get the same number of generated tokens, hinted responses
and rejected groups included, and are measured on held-out walks without any hint.
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
from pellucid.systems.adaptive_guidance import learned
from pellucid.systems.adaptive_guidance_checks import checks
from pellucid.systems.base_models import SMOKE, Size

SOURCE = "Nath 2025"
CPU = Size(n_updates=120, learning_rate=1e-3)
SIZES: Mapping[Scale, Size] = {
    "smoke": SMOKE,
    "cpu": CPU,
    "full": replace(CPU, n_layers=4, width=128, warm_steps=4000, n_updates=600, n_test=400),
}
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0,),
    "cpu": tuple(range(400, 408)),
    "full": tuple(range(400, 416)),
}
FLAT = 0.05
"""A share of solved walks up to which learning has not begun."""


def known_answers() -> dict[str, bool]:
    """Return whether what follows from the definitions holds."""
    return checks(0)


def run(arm: str, scale: Scale, seed: int) -> float:
    """Return pass@1 on held-out hard walks without hints.

    Args:
        arm: One of `systems.adaptive_guidance.METHODS`.
        scale: How much is trained.
        seed: Of the machines, the base model and the training.
    """
    return learned(arm, SIZES[scale], seed).first


def run_need(arm: str, scale: Scale, seed: int) -> float:
    """Return the share of prompts that were hinted while guided, early or late.

    Args:
        arm: A method with hints, and `early` (the first fifth of the updates) or `late` (the last).
        scale: How much is trained.
        seed: Of the machines, the base model and the training.
    """
    method, _, when = arm.partition(", ")
    return learned(method, SIZES[scale], seed).needed[0 if when == "early" else 1]


def run_entropy(arm: str, scale: Scale, seed: int) -> float:
    """Return the policy's entropy at the end of training, in nats per token; arms as in `run`."""
    entropy = learned(arm, SIZES[scale], seed).entropy
    # nothing is learned, and nothing measured, where a hardly trained model never succeeds
    return 0.0 if scale == "smoke" and np.isnan(entropy) else entropy


def run_gain(arm: str, scale: Scale, seed: int) -> float:
    """Return a part of the change of pass@1 on held-out walks without hints.

    Args:
        arm: A method, and `solvable` or `unsolvable`: which walks, by 16 tries before training.
        scale: How much is trained.
        seed: Of the machines, the base model and the training.
    """
    method, _, part = arm.partition(", ")
    return learned(method, SIZES[scale], seed).gains[part]


def _shares(arms: Arms) -> bool:
    return all(bool(((values >= 0) & (values <= 1)).all()) for values in arms.values())


KNOWN_ANSWERS = ExactClaim(
    id="adaptive-guidance.known-answers",
    statement="Responses drawn under a hint are scored without it, token by token; an empty hint "
    "leaves the plain weights; padding and order change nothing; rejected groups count.",
    source=SOURCE,
    cases=known_answers,
)
LEARNING = StatisticalClaim(
    id="adaptive-guidance.learning",
    statement="On walks that the base model cannot solve, groups alone stay near zero and guided "
    "training solves at least a tenth more, without hints, for the same tokens.",
    source=SOURCE,
    run=run,
    arms=("groups alone", "filtered", "guided", "half hinted", "imitated", "mismatched hints"),
    treatment="guided",
    control="groups alone",
    unit="seed",
    minimum_effect=0.1,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            f"groups alone stay below {FLAT:.0%}",
            lambda arms: bool(np.mean(arms["groups alone"]) < FLAT),
        ),
        stays_below(
            "filtering does not help", arm="filtered", reference="groups alone", limit=0.05
        ),
        stays_below(
            "wrong hints do not help", arm="mismatched hints", reference="groups alone", limit=0.05
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
TRANSFER = StatisticalClaim(
    id="adaptive-guidance.transfer",
    statement="Learning behind the plain prompt solves at least 5 points more without hints than "
    "learning behind the hinted one.",
    source=SOURCE,
    run=run,
    arms=("guided", "hinted prompt", "groups alone"),
    treatment="guided",
    control="hinted prompt",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "what is learned behind the hint does not transfer",
            arm="hinted prompt",
            reference="groups alone",
            limit=0.1,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
INTERNALISED = StatisticalClaim(
    id="adaptive-guidance.internalised",
    statement="The share of prompts that need a hint falls by at least a tenth of all prompts "
    "while training is guided, and not with wrong hints.",
    source=SOURCE,
    run=run_need,
    arms=("guided, early", "guided, late", "mismatched hints, early", "mismatched hints, late"),
    treatment="guided, early",
    control="guided, late",
    unit="seed",
    minimum_effect=0.1,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "with wrong hints the need does not fall",
            arm="mismatched hints, early",
            reference="mismatched hints, late",
            limit=0.1,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
CAPABILITY = StatisticalClaim(
    id="adaptive-guidance.capability",
    statement="At least 5 points of what guided training gains over groups alone come from walks "
    "that 16 tries did not solve before.",
    source=SOURCE,
    run=run_gain,
    arms=(
        "guided, unsolvable",
        "guided, solvable",
        "groups alone, unsolvable",
        "groups alone, solvable",
    ),
    treatment="guided, unsolvable",
    control="groups alone, unsolvable",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "groups alone gain nothing there",
            arm="groups alone, unsolvable",
            reference="groups alone, solvable",
            limit=0.05,
        ),
    ),
)
CORRECTION = StatisticalClaim(
    id="adaptive-guidance.correction",
    statement="Without the correction for the other prompt the policy ends at least 0.02 nats per "
    "token less undecided.",
    source=SOURCE,
    primary=False,
    run=run_entropy,
    arms=("guided", "uncorrected"),
    treatment="guided",
    control="uncorrected",
    unit="seed",
    minimum_effect=0.02,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            "no policy is without any doubt",
            lambda arms: bool(all(values.min() > 0 for values in arms.values())),
        ),
    ),
)
CORRECTED_BETTER = StatisticalClaim(
    id="adaptive-guidance.corrected-better",
    statement="With the correction for the other prompt, training solves at least 5 points more "
    "without hints than with hinted responses taken as if they were plain.",
    source=SOURCE,
    primary=False,
    run=run,
    arms=("guided", "uncorrected", "groups alone"),
    treatment="guided",
    control="uncorrected",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            f"groups alone stay below {FLAT:.0%}",
            lambda arms: bool(np.mean(arms["groups alone"]) < FLAT),
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
