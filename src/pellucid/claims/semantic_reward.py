"""Closeness to an expert's explanation as a reward (Pappone et al. 2025, Semantic GRPO).

The published models explained medical entrance exams that are not public; here a model of some
hundred thousand weights explains exam questions on units (`systems.semantic_reward`). What counts
is measured on held-out questions by derivations, which no reward sees. Ratings are against the base
model, both from 1500.
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
from pellucid.systems.semantic_reward import learned
from pellucid.systems.semantic_reward_checks import checks

SOURCE = "Pappone 2025"
CPU = Size(
    n_layers=2,
    warm_steps=1600,
    n_texts=12_000,
    batch_size=16,
    warm_rate=4e-3,
    learning_rate=1e-3,
    n_updates=120,
    prompts=8,
    n_train=200,
    n_test=60,
    n_tries=4,
)
SIZES: Mapping[Scale, Size] = {
    "smoke": SMOKE,
    "cpu": CPU,
    "full": replace(CPU, n_layers=4, width=192, warm_steps=6000, n_updates=300, n_tries=8),
}
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0,),
    "cpu": tuple(range(700, 708)),
    "full": tuple(range(700, 716)),
}


def acceptance() -> dict[str, bool]:
    """Return whether the reward and its encoder pass their acceptance tests."""
    return checks()


def run(arm: str, scale: Scale, seed: int) -> float:
    """Return one measure of held-out explanations.

    Args:
        arm: One of `systems.semantic_reward.ARMS`, or `base`; and the measure: a field of
            `Quality`, its `change` from the base model after its name, `reward gain` or `rating`.
        scale: How much is trained.
        seed: Of the questions, the base model and the training.
    """
    rewards, _, measure = arm.partition(", ")
    found = learned(rewards, SIZES[scale], seed)
    if measure == "rating":
        value = found.rating
    elif measure == "reward gain":
        value = found.reward_gain
    elif measure.endswith(" change"):
        name = measure.removesuffix(" change")
        value = getattr(found.quality, name) - getattr(found.before, name)
    else:
        value = getattr(found.quality, measure)
    return 0.0 if scale == "smoke" and np.isnan(value) else float(value)


def _shares(arms: Arms) -> bool:
    return all(bool(((values >= 0) & (values <= 1)).all()) for values in arms.values())


def _coverage_follows(arms: Arms) -> bool:
    """Return whether coverage does not fall while the reward rises."""
    gain, change = (arms[f"semantic, {name}"] for name in ("reward gain", "coverage change"))
    return bool(np.mean(change) > 0 or np.mean(gain) <= 0)


ACCEPTANCE = ExactClaim(
    id="semantic-reward.acceptance",
    statement="A reference gets 1 for itself and others about 0; paraphrases are nearer than "
    "corrupted copies; only the explanation is compared; a step raises the better response.",
    source=SOURCE,
    cases=acceptance,
)
COVERAGE = StatisticalClaim(
    id="semantic-reward.coverage",
    statement="With the semantic reward explanations say at least 5 points more of the expert's "
    "steps than before, answers are not 2 points worse than with a reward for answers alone, and "
    "coverage does not fall while the reward rises.",
    source=SOURCE,
    run=run,
    arms=(
        "base, coverage",
        "answer, coverage",
        "rouge, coverage",
        "semantic, coverage",
        "semantic and rouge, coverage",
        "answer, accuracy",
        "semantic, accuracy",
        "semantic, reward gain",
        "semantic, coverage change",
    ),
    treatment="semantic, coverage",
    control="base, coverage",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "answers are not worse than with their own reward",
            arm="answer, accuracy",
            reference="semantic, accuracy",
            limit=0.02,
        ),
        NegativeControl("coverage does not fall while the reward rises", _coverage_follows),
    ),
)
WORDS = StatisticalClaim(
    id="semantic-reward.words",
    statement="The semantic reward leads to at least 2 points more of the expert's steps than "
    "shared words (ROUGE-L); mixing these in does not raise it.",
    source=SOURCE,
    run=run,
    arms=("rouge, coverage", "semantic, coverage", "semantic and rouge, coverage"),
    treatment="semantic, coverage",
    control="rouge, coverage",
    unit="seed",
    minimum_effect=0.02,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "mixing in shared words does not help",
            arm="semantic and rouge, coverage",
            reference="semantic, coverage",
            limit=0.02,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
ANSWERS = StatisticalClaim(
    id="semantic-reward.answers-alone",
    statement="A reward for answers alone leads to at least 5 points less of the expert's steps.",
    source=SOURCE,
    run=run,
    arms=("answer, coverage", "semantic, coverage", "base, coverage"),
    treatment="semantic, coverage",
    control="answer, coverage",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "answers alone do not teach explaining",
            arm="answer, coverage",
            reference="base, coverage",
            limit=0.1,
        ),
    ),
    invariants={"shares lie between 0 and 1": _shares},
)
RATING = StatisticalClaim(
    id="semantic-reward.rating",
    statement="A judge who knows the derivations rates explanations learned from the semantic "
    "reward at least 50 points above those learned from answers alone.",
    source=SOURCE,
    run=run,
    arms=("base, rating", "answer, rating", "rouge, rating", "semantic, rating"),
    treatment="semantic, rating",
    control="answer, rating",
    unit="seed",
    minimum_effect=50.0,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            "the base model ties with itself",
            lambda arms: bool(abs(arms["base, rating"] - 1500.0).max() < 1e-9),
        ),
    ),
)
TRUE = StatisticalClaim(
    id="semantic-reward.contradictions",
    statement="Fewer sentences contradict the derivation after training with the semantic reward, "
    "by at least 2 points.",
    source="pellucid",
    primary=False,
    run=run,
    arms=("base, contradictions", "semantic, contradictions", "rouge, contradictions"),
    treatment="base, contradictions",
    control="semantic, contradictions",
    unit="seed",
    minimum_effect=0.02,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "shared words do not lead to fewer",
            arm="semantic, contradictions",
            reference="rouge, contradictions",
            limit=0.02,
        ),
    ),
)
