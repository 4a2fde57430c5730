"""The effective horizon: published numbers, bounds against planning, prediction, and learning.

The authors' code leaves out of its exact chances that no episode pays, so that its bound can be too
small; the claims are about the corrected bound, and `published` shows that the other one is
reproduced too.
"""

from collections.abc import Mapping

from pellucid.claims.claim import (
    Arms,
    ExactClaim,
    Scale,
    StatisticalClaim,
    stays_below,
)
from pellucid.systems.effective_horizon import (
    PredictionSize,
    learned_share,
    margins,
    rank_correlations,
)
from pellucid.tabular.bridge import SHIPPED, bridge_mdp
from pellucid.tabular.horizon import (
    coverage,
    effective_planning_window,
    minimum_k,
    simple_bound,
    stages,
    tight_level,
    with_sticky_actions,
)

BRIDGE = "Laidlaw 2023"
STOCHASTIC = "Laidlaw 2024"
MAZE, FREEWAY, KEY_CORRIDOR = SHIPPED

# k, planning window, bound on H, episodes for k = 1, published environment steps for k = 1, least
# chance of a pair, and with sticky actions: best return, return of random play
PUBLISHED: Mapping[str, tuple[float, ...]] = {
    MAZE: (1, 1, 5.0, 73385, 16_200, 5.080526342529085e-5, 10.0, 5.5408607728269175),
    FREEWAY: (1, 6, 8.0, 5307, 11_100, 5.080526342529083e-5, 1.0, 0.031809488932291664),
    KEY_CORRIDOR: (
        *(1, 15, 16.0, 6667295335345, 14_640_000),
        *(3.6251398378024507e-7, 0.999999999999998, 0.0010068890119441542),
    ),
}
NAMES = (
    "lookahead",
    "planning window",
    "simple bound",
    "episodes of the simple bound",
    "steps of the tight bound as published",
    "least chance of a pair",
    "best return with sticky actions",
    "return of random play with sticky actions",
)
TOLERANCE = 1e-12
"""Largest relative difference to a published number: rounding."""

SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0,),
    "cpu": tuple(range(10, 18)),
    "full": tuple(range(10, 42)),
}


# --- published numbers ---


def cases() -> dict[str, bool]:
    """Return whether each published number of each shipped problem comes out."""
    held = {}
    for name, expected in PUBLISHED.items():
        for what, found, number in zip(NAMES, numbers_of(name), expected, strict=True):
            held[f"{name}: {what}"] = abs(found - number) <= TOLERANCE * abs(number)
    return held


def numbers_of(name: str) -> tuple[float, ...]:
    """Return our numbers in the order of `NAMES`."""
    mdp = bridge_mdp(name)
    staged = stages(mdp)
    simple = simple_bound(staged)
    sticky = stages(with_sticky_actions(mdp, 0.25))
    return (
        minimum_k(staged),
        effective_planning_window(staged),
        simple.horizon,
        simple.levels[0].m,
        tight_level(staged, 1, as_published=True).env_steps,
        coverage(staged).pair,
        float(sticky.mdp.initial @ sticky.best[0]),
        float(sticky.mdp.initial @ sticky.explored[0]),
    )


# --- the bound against planning ---


PLANS: Mapping[Scale, tuple[tuple[str, int], ...]] = {
    "smoke": ((MAZE, 21), (FREEWAY, 21)),
    # with few plans chance decides which number of episodes is the least that is enough
    "cpu": ((MAZE, 501), (FREEWAY, 2001), (KEY_CORRIDOR, 101)),
    "full": ((MAZE, 2001), (FREEWAY, 20001), (KEY_CORRIDOR, 1001)),
}


def run_margin(arm: str, scale: Scale, seed: int) -> float:
    """Return the least margin over the shipped problems, in powers of ten.

    Args:
        arm: Which bound; `no margin` is 0.
        scale: `smoke` leaves out the long problem.
        seed: Of planning.
    """
    if arm == "no margin":
        return 0.0
    found = margins(PLANS[scale], seed)
    return {
        "tight bound": found.bound,
        "tight bound as published": found.published,
        "bound of another problem": found.other_problem,
    }[arm]


# --- what predicts learning ---

SIZES: Mapping[Scale, PredictionSize] = {
    "smoke": PredictionSize(every=9, n_runs=3, n_plans=5, budget=20_000),
    "cpu": PredictionSize(),
    "full": PredictionSize(n_runs=21, n_plans=101, budget=3_000_000, n_rounds=3),
}
PREDICTIONS = ("simple bound", "tight bound", "planning", "every sequence", "shuffled")


def run_correlation(arm: str, scale: Scale, seed: int) -> float:
    """Return the rank correlation of a prediction with the steps that Q-learning takes.

    Args:
        arm: One of `PREDICTIONS`.
        scale: How many problems, and how much is measured of each.
        seed: Draws the problems: a seed is a set of them.
    """
    return rank_correlations(SIZES[scale], seed)[arm]


def correlations(arms: Arms) -> bool:
    """Return whether every number is a correlation."""
    return all(bool((abs(values) <= 1).all()) for values in arms.values())


def prediction(
    part: str, *, treatment: str, control: str, minimum_effect: float, statement: str
) -> StatisticalClaim:
    """Return the claim that one prediction correlates better than another."""
    return StatisticalClaim(
        id=f"effective-horizon.{part}",
        statement=statement,
        source=BRIDGE,
        run=run_correlation,
        arms=PREDICTIONS,
        treatment=treatment,
        control=control,
        unit="set of 54 problems",
        minimum_effect=minimum_effect,
        seeds=SEEDS,
        negative_controls=(
            stays_below("shuffled", arm="shuffled", reference="every sequence", limit=0.3),
        ),
        invariants={"correlations lie between -1 and 1": correlations},
    )


# --- learning with chance ---


def run_learning(arm: str, scale: Scale, seed: int) -> float:
    """Return where learned policies lie between random play, 0, and the best policy, 1.

    Args:
        arm: Tasks of low horizon, the task of high horizon, or a control.
        scale: `smoke` learns the long task from fewer episodes.
        seed: Of learning.
    """
    if arm == "random play":
        return 0.0
    if arm.startswith("high horizon"):
        episodes = 30 if scale == "smoke" else 3000
        k = 2 if arm.endswith("k = 2") else 1
        return learned_share(KEY_CORRIDOR, k=k, m=episodes, seed=seed)
    shuffled = arm == "shuffled returns"
    shares = [
        learned_share(name, k=1, m=episodes, seed=seed, shuffle_returns=shuffled)
        for name, episodes in ((FREEWAY, 300), (MAZE, 100))
    ]
    return sum(shares) / len(shares)


def at_most_the_best(arms: Arms) -> bool:
    """Return whether no policy gets more than the best one."""
    return all(bool((values <= 1 + 1e-9).all()) for values in arms.values())


PUBLISHED_NUMBERS = ExactClaim(
    id="effective-horizon.published",
    statement="The published numbers of three problems of the BRIDGE data set come out exactly.",
    source=BRIDGE,
    cases=cases,
)
BOUND = StatisticalClaim(
    id="effective-horizon.bound",
    statement="On three problems the tight bound lies above the steps that planning takes.",
    source=BRIDGE,
    run=run_margin,
    arms=("tight bound", "no margin", "tight bound as published", "bound of another problem"),
    treatment="tight bound",
    control="no margin",
    unit="seed",
    minimum_effect=0.05,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "another problem's bound",
            arm="bound of another problem",
            reference="no margin",
            limit=0.0,
        ),
    ),
)
PREDICTION = prediction(
    "prediction",
    treatment="simple bound",
    control="every sequence",
    minimum_effect=0.3,
    statement="The simple bound ranks problems by the steps of Q-learning better than T A^T does.",
)
PLANNING = prediction(
    "planning",
    treatment="planning",
    control="every sequence",
    minimum_effect=0.5,
    statement="Planning by random rollouts ranks problems by the steps of Q-learning better than "
    "T A^T does.",
)
TIGHT = prediction(
    "tight",
    treatment="tight bound",
    control="simple bound",
    minimum_effect=0.02,
    statement="The tight bound ranks problems by the steps of Q-learning better than the simple "
    "one does.",
)
LEARNING = StatisticalClaim(
    id="effective-horizon.learning",
    statement="With sticky actions, learning by lookahead solves two tasks of low effective "
    "horizon and not one of high effective horizon, from more episodes.",
    source=STOCHASTIC,
    run=run_learning,
    arms=("low horizon", "high horizon", "high horizon, k = 2", "shuffled returns", "random play"),
    treatment="low horizon",
    control="high horizon",
    unit="seed",
    minimum_effect=0.5,
    seeds=SEEDS,
    negative_controls=(
        stays_below(
            "shuffled returns", arm="shuffled returns", reference="random play", limit=0.25
        ),
    ),
    invariants={"no policy is better than the best": at_most_the_best},
)
