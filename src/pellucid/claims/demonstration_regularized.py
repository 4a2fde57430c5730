"""Demonstration-regularised learning: what a clone and a price for leaving it save (Tiapkin 2024).

The paper is theory alone; these parts measure it on a slippery 4 x 4 grid of 8 steps and on random
linear problems. Confidence widths are a constant times those of the theory (see
`tabular.demonstrations.best_policy`), so that whether certificates hold is itself measured.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from pellucid.claims.claim import (
    Arms,
    ExactClaim,
    NegativeControl,
    Scale,
    StatisticalClaim,
    stays_below,
)
from pellucid.seeds import stream
from pellucid.tabular import FiniteMDP, backward_induction, random_mdp, staged_policy_values
from pellucid.tabular.demonstrations import (
    best_strength,
    clone_linear_policy,
    clone_policy,
    cloning_bound,
    cloning_error,
    draw_demonstrations,
    draw_preferences,
    entropy_expert,
    linear_best_policy,
    preferred_rewards,
    random_linear_problem,
    regularised_best_policy,
    regularised_induction,
    slippery_grid,
)

SOURCE = "Tiapkin 2024"
TOLERANCE = 1e-9
EXPERT_TEMPERATURE = 0.05
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0, 1),
    "cpu": tuple(range(300, 312)),
    "full": tuple(range(300, 360)),
}
Policy = Float[np.ndarray, "steps states actions"]


@dataclass(frozen=True)
class Bench:
    """A problem with its expert."""

    mdp: FiniteMDP
    expert: Policy
    best: float

    def gap(self, policy: Policy) -> float:
        """Return how far a policy is from the best, in units of return."""
        return self.best - float(self.mdp.initial @ staged_policy_values(self.mdp, policy)[0])


@lru_cache
def grid(size: int, horizon: int) -> Bench:
    """Return the slippery grid with a nearly best, smooth expert."""
    mdp = slippery_grid(size, horizon=horizon)
    return Bench(mdp, entropy_expert(mdp, EXPERT_TEMPERATURE), backward_induction(mdp).value)


# --- the reduction ---


def reduction() -> dict[str, bool]:
    """Return whether the regularised problem bounds the true one as the lemma says."""
    cases: dict[str, bool] = {}
    for seed in range(4):
        rng = stream(seed, "demonstration-regularized", "reduction")
        mdp = random_mdp(6, 3, rng, n_successors=3, horizon=5)
        expert = entropy_expert(mdp, 0.1)
        clone = clone_policy(draw_demonstrations(mdp, expert, 50, rng))
        kl = cloning_error(mdp, expert, clone).trajectory_kl
        worth = float(mdp.initial @ staged_policy_values(mdp, expert)[0])
        for strength in (0.05, 0.5, 5.0):
            solved = regularised_induction(mdp, clone, strength)
            regularised = float(mdp.initial @ solved.values[0])
            where = f"problem {seed}, price {strength}"
            cases[f"expert less its price <= regularised best: {where}"] = bool(
                worth - strength * kl <= regularised + TOLERANCE
            )
            cases[f"regularised best <= true value of its policy: {where}"] = bool(
                regularised <= solved.plain_value + TOLERANCE
            )
            paid = solved.plain_value - strength * solved.departure.sum()
            cases[f"the price is the divergence that was left: {where}"] = bool(
                abs(paid - regularised) < TOLERANCE
            )
            ratio = np.log(solved.policy / clone) * strength
            lead = solved.q_values - solved.values[:-1, :, None]
            cases[f"log-ratios are advantages over the price: {where}"] = bool(
                np.abs(ratio - lead).max() < 1e-8
            )
    return cases


# --- cloning ---

DEMONSTRATIONS = {"300": 300, "3000": 3_000, "30000": 30_000}


def run_cloning(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the decimal logarithm of the divergence of the expert from its clone."""
    bench = grid(4, 8)
    rng = stream(seed, "demonstration-regularized", "cloning", arm)
    clone = clone_policy(draw_demonstrations(bench.mdp, bench.expert, DEMONSTRATIONS[arm], rng))
    return -math.log10(cloning_error(bench.mdp, bench.expert, clone).trajectory_kl)


def _within_the_bound(arms: Arms) -> bool:
    shape = {"n_states": 16, "n_actions": 4, "horizon": 8}
    return all(
        bool((10.0**-values < cloning_bound(DEMONSTRATIONS[arm], **shape)).all())
        for arm, values in arms.items()
    )


# --- learning online ---


@dataclass(frozen=True)
class Online:
    """One way of learning.

    Args:
        n_demonstrations: 0 for plain optimistic learning.
        target: Error that is to be certified.
        measures: `speed`, minus the decimal logarithm of the episodes, or `gap`.
    """

    n_demonstrations: int
    target: float
    measures: str = "speed"


ONLINE: Mapping[str, Online] = {
    "no demonstrations": Online(0, 0.2),
    "300 demonstrations": Online(300, 0.2),
    "10000 demonstrations": Online(10_000, 0.2),
    "gap, 10000 demonstrations": Online(10_000, 0.2, "gap"),
    "3000, tight": Online(3_000, 0.1),
    "10000, tight": Online(10_000, 0.1),
}
MAX_EPISODES = 100_000


def run_online(arm: str, scale: Scale, seed: int) -> float:
    """Return what an arm of `ONLINE` measures; NaN if no certificate was reached."""
    bench, setting = grid(4, 8), ONLINE[arm]
    rng = stream(seed, "demonstration-regularized", "online")
    reference, strength = np.full_like(bench.expert, 0.25), 0.0
    if setting.n_demonstrations:
        counts = draw_demonstrations(bench.mdp, bench.expert, setting.n_demonstrations, rng)
        reference = clone_policy(counts)
        kl = cloning_error(bench.mdp, bench.expert, reference).trajectory_kl
        strength = best_strength(setting.target, kl)
    found = regularised_best_policy(
        bench.mdp,
        reference,
        strength=strength,
        target=setting.target if scale != "smoke" else 100.0,
        rng=rng,
        max_episodes=MAX_EPISODES,
    )
    if setting.measures == "gap":
        return bench.gap(found.policy)
    return -math.log10(found.n_episodes + 1) if found.certified else math.nan


# --- the trap of wide widths ---

TRAP_DEMONSTRATIONS, TRAP_STRENGTH, TRAP_EPISODES = 1_000, 0.3, 1_000
WIDTHS = {"wide widths": 0.1, "next to no widths": 1e-9}


def run_trap(arm: str, scale: Scale, seed: int) -> float:
    """Return the gap of the running policy on the 6 x 6 grid, or of the clone that it starts at."""
    bench = grid(6, 14)
    rng = stream(seed, "demonstration-regularized", "trap")
    counts = draw_demonstrations(bench.mdp, bench.expert, TRAP_DEMONSTRATIONS, rng)
    clone = clone_policy(counts)
    if arm == "clone":
        return bench.gap(clone)
    found = regularised_best_policy(
        bench.mdp,
        clone,
        strength=TRAP_STRENGTH,
        target=1e-3,
        rng=rng,
        bonus=WIDTHS[arm],
        max_episodes=TRAP_EPISODES if scale != "smoke" else 5,
    )
    return bench.gap(found.policy)


# --- preferences ---

PREFERENCES = {
    "preferences": (3_000, 0.3),
    "true rewards": (0, 0.3),
    "few preferences, low price": (300, 0.1),
}
"""Pairs of trajectories, and the price of leaving the clone; no pairs for the true rewards."""
PREFERENCE_DEMONSTRATIONS = 100


def run_preferences(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the gap of a policy from preferences, or of the clone."""
    bench = grid(4, 8)
    rng = stream(seed, "demonstration-regularized", "preferences")
    counts = draw_demonstrations(bench.mdp, bench.expert, PREFERENCE_DEMONSTRATIONS, rng)
    clone = clone_policy(counts)
    if arm == "clone":
        return -bench.gap(clone)
    n_pairs, strength = PREFERENCES[arm]
    rewards = bench.mdp.rewards
    if n_pairs:
        rewards = preferred_rewards(draw_preferences(bench.mdp, clone, n_pairs, rng), rewards.shape)
    solved = regularised_induction(bench.mdp.with_rewards(rewards), clone, strength)
    return -bench.gap(solved.policy)


# --- linear problems ---

LINEAR = {"1000 demonstrations": 1_000, "even reference": 0}
LINEAR_TARGET, LINEAR_EPISODES = 0.2, 20_000


def run_linear(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the decimal logarithm of the episodes until certified, in a linear problem."""
    rng = stream(seed, "demonstration-regularized", "linear")
    problem = random_linear_problem(12, 4, 4, rng, horizon=6)
    expert = entropy_expert(problem.mdp, EXPERT_TEMPERATURE)
    reference = np.full_like(expert, 0.25)
    if LINEAR[arm]:
        counts = draw_demonstrations(problem.mdp, expert, LINEAR[arm], rng)
        reference = clone_linear_policy(counts.astype(np.float64), problem.features)
    kl = cloning_error(problem.mdp, expert, reference).trajectory_kl
    found = linear_best_policy(
        problem,
        reference,
        strength=best_strength(LINEAR_TARGET, kl),
        target=LINEAR_TARGET if scale != "smoke" else 5.0,
        rng=rng,
        max_episodes=LINEAR_EPISODES,
    )
    return -math.log10(found.n_episodes + 1) if found.certified else math.nan


# --- the parts ---

REDUCTION = ExactClaim(
    id="demonstration-regularized.reduction",
    statement="The regularised problem bounds the true one: expert less its price, regularised "
    "best and true value of its policy are in this order, and log-ratios are advantages.",
    source=SOURCE,
    cases=reduction,
)
CLONING = StatisticalClaim(
    id="demonstration-regularized.cloning",
    statement="Ten times the demonstrations divide the divergence from the clone by ten, to within "
    "a fifth of a decade.",
    source=SOURCE,
    run=run_cloning,
    arms=("300", "3000", "30000"),
    treatment="30000",
    control="3000",
    unit="seed",
    minimum_effect=0.8,
    seeds=SEEDS,
    negative_controls=(NegativeControl("divergences stay within the bound", _within_the_bound),),
)
SPEED = StatisticalClaim(
    id="demonstration-regularized.speed",
    statement="With 10,000 demonstrations a policy is certified in half the episodes or less.",
    source=SOURCE,
    run=run_online,
    arms=("no demonstrations", "10000 demonstrations", "gap, 10000 demonstrations"),
    treatment="10000 demonstrations",
    control="no demonstrations",
    unit="seed",
    minimum_effect=0.3,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            "every returned policy meets the error that was certified",
            lambda arms: bool((arms["gap, 10000 demonstrations"] <= 0.2).all()),
        ),
    ),
)
LAW = StatisticalClaim(
    id="demonstration-regularized.law",
    statement="Episodes fall with the number of demonstrations: from 3,000 to 10,000 by 0.4 of "
    "the 0.52 decades of the law.",
    source=SOURCE,
    run=run_online,
    arms=("3000, tight", "10000, tight"),
    treatment="10000, tight",
    control="3000, tight",
    unit="seed",
    minimum_effect=0.4,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "no faster than the law by more than a third",
            arm="10000, tight",
            reference="3000, tight",
            limit=0.7,
        ),
    ),
)
THRESHOLD = StatisticalClaim(
    id="demonstration-regularized.threshold",
    statement="With 300 demonstrations, fewer than states times actions times steps, it takes "
    "longer than without any.",
    source=SOURCE,
    run=run_online,
    arms=("no demonstrations", "300 demonstrations"),
    treatment="no demonstrations",
    control="300 demonstrations",
    unit="seed",
    minimum_effect=0.1,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            "it is certified all the same",
            lambda arms: bool(np.isfinite(arms["300 demonstrations"]).all()),
        ),
    ),
)
TRAP = StatisticalClaim(
    id="demonstration-regularized.trap",
    statement="With wide widths the running policy is first worse than the clone that it started "
    "at, by at least 0.3 of return.",
    source="pellucid",
    primary=False,
    run=run_trap,
    arms=("wide widths", "clone", "next to no widths"),
    treatment="wide widths",
    control="clone",
    unit="seed",
    minimum_effect=0.3,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "without widths it is not", arm="next to no widths", reference="clone", limit=0.0
        ),
    ),
)
PREFERRED = StatisticalClaim(
    id="demonstration-regularized.preferences",
    statement="A policy from 3,000 preferences near the clone of 100 demonstrations earns at least "
    "0.2 more than the clone.",
    source=SOURCE,
    run=run_preferences,
    arms=("preferences", "clone", *(arm for arm in PREFERENCES if arm != "preferences")),
    treatment="preferences",
    control="clone",
    unit="seed",
    minimum_effect=0.2,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "few preferences at a low price are exploited",
            arm="few preferences, low price",
            reference="clone",
            limit=0.2,
        ),
    ),
)
LINEAR_SPEED = StatisticalClaim(
    id="demonstration-regularized.linear",
    statement="In linear problems, too, 1,000 demonstrations halve the episodes until certified.",
    source=SOURCE,
    run=run_linear,
    arms=tuple(LINEAR),
    treatment="1000 demonstrations",
    control="even reference",
    unit="seed",
    minimum_effect=0.3,
    seeds=SEEDS,
    negative_controls=(
        NegativeControl(
            "both arms are certified",
            lambda arms: all(bool(np.isfinite(values).all()) for values in arms.values()),
        ),
    ),
)
