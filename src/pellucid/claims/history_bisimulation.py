"""History bisimulation: what learning from whole histories costs, and what merging them saves.

The paper's grid is described too briefly to rebuild, and its image and language experiments need
other machines; the junction and the maze, and every number here, are ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

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
from pellucid.systems import history_bisimulation as system
from pellucid.systems import history_bisimulation_grid as maze
from pellucid.systems.history_bisimulation_grid import GridOptions
from pellucid.tabular.histories.grid import StitchingGrid

SOURCE = "Hong 2024"
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0, 1),
    "cpu": tuple(range(300, 316)),
    "full": tuple(range(300, 364)),
}
SLOW_SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0,),
    "cpu": tuple(range(300, 308)),
    "full": tuple(range(300, 332)),
}
"""Seeds of the parts whose cells take several seconds."""

Run = Callable[[str, Scale, int], float]


VALUES = within("values lie between the worst and the best", 0.2, 0.8)
SHARES = within("shares lie between 0 and 1", 0.0, 1.0)


def part(
    name: str,
    statement: str,
    run: Run,
    *,
    treatment: str,
    control: str,
    minimum_effect: float,
    controls: tuple[NegativeControl, ...],
    others: tuple[str, ...],
    invariants: Mapping[str, Callable[[Arms], bool]],
    seeds: dict[Scale, tuple[int, ...]] = SEEDS,
    primary: bool = True,
) -> StatisticalClaim:
    """Return one part of the system; its arms are the two that are compared, and the others."""
    return StatisticalClaim(
        id=f"history-bisimulation.{name}",
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
        negative_controls=controls,
        invariants=invariants,
    )


KNOWN_ANSWERS = ExactClaim(
    id="history-bisimulation.known-answers",
    statement="Values, losses, partitions and gradients are the known ones where those are known.",
    source=SOURCE,
    cases=system.known_answers,
)

# --- A: histories need exponentially more episodes ---

JUNCTIONS: dict[str, tuple[str, int, int]] = {
    "cue": ("cue", 7, 1000),
    "histories": ("histories", 7, 1000),
    "refined": ("refined", 7, 1000),
    "last observation": ("last observation", 7, 1000),
    "cue, 3 steps": ("cue", 3, 1000),
    "histories, 3 steps": ("histories", 3, 1000),
    "cue, 5 steps": ("cue", 5, 300),
    "histories, 5 steps": ("histories", 5, 300),
    "last observation, 5 steps": ("last observation", 5, 300),
    "refined from 30 episodes": ("refined", 7, 30),
}
"""What stands for histories, the steps and the logged episodes of each arm."""
MOST_EPISODES: dict[Scale, int] = {"smoke": 10, "cpu": 17, "full": 20}
"""Binary logarithm of the most episodes that are tried."""


def junction(arm: str, scale: Scale, seed: int) -> float:
    """Return the exact value of what an arm learns; the sizes are those of every scale."""
    return system.junction_value(*JUNCTIONS[arm], seed)


def needed(arm: str, scale: Scale, seed: int) -> float:
    """Return the binary logarithm of the episodes that an arm needs; the arm ends in its steps."""
    learner, _, steps = arm.partition(", ")
    n_steps = int(steps.split()[0]) - (4 if scale == "smoke" else 0)
    return system.episodes_needed(learner, n_steps, MOST_EPISODES[scale], seed)


def _at_chance(arm: str) -> NegativeControl:
    return NegativeControl(
        "the last observation alone stays at chance",
        lambda arms: bool(np.allclose(arms[arm], 0.5, atol=1e-9)),
    )


SHORT = stays_below(
    "no gain where histories are short",
    arm="cue, 3 steps",
    reference="histories, 3 steps",
    limit=0.05,
)
SEPARATION = part(
    "separation",
    "From 1000 episodes of 7 steps, the value learned on a bisimulation is higher than that "
    "learned on histories by at least 0.2 of the 0.3 there is to gain.",
    junction,
    treatment="cue",
    control="histories",
    minimum_effect=0.2,
    controls=(_at_chance("last observation"), SHORT),
    others=("last observation", "cue, 3 steps", "histories, 3 steps"),
    invariants=VALUES,
)
SEPARATION_5 = part(
    "separation-5-steps",
    "From 300 episodes of 5 steps, the value learned on a bisimulation is higher than that "
    "learned on histories by at least 0.1.",
    junction,
    treatment="cue, 5 steps",
    control="histories, 5 steps",
    minimum_effect=0.1,
    controls=(_at_chance("last observation, 5 steps"),),
    others=("last observation, 5 steps",),
    invariants=VALUES,
)
REFINEMENT = part(
    "refinement",
    "A partition refined from the same 1000 episodes of 7 steps is worth at least 0.2 more than "
    "histories.",
    junction,
    treatment="refined",
    control="histories",
    minimum_effect=0.2,
    controls=(
        _at_chance("last observation"),
        stays_below(
            "no gain from 30 episodes",
            arm="refined from 30 episodes",
            reference="last observation",
            limit=0.1,
        ),
    ),
    others=("last observation", "refined from 30 episodes"),
    invariants=VALUES,
)


def growth(first: int, last: int) -> StatisticalClaim:
    """Return the part that says how many more episodes two more steps need."""
    return part(
        f"growth-{first}-to-{last}",
        f"Histories of {last} steps need at least 11 times (2 to the power 3.5) the episodes that "
        f"those of {first} steps need to be halfway to the best value; the bound says 16 times.",
        needed,
        treatment=f"histories, {last} steps",
        control=f"histories, {first} steps",
        minimum_effect=3.5,
        controls=(
            stays_below(
                "a bisimulation needs no more for two more steps",
                arm=f"cue, {last} steps",
                reference=f"cue, {first} steps",
                limit=1.0,
            ),
        ),
        others=(f"cue, {last} steps", f"cue, {first} steps"),
        invariants=within("at least 4 episodes, at most a million", 2.0, 20.0),
    )


GROWTH_5 = growth(5, 7)

# --- B: a learned representation ---

LEARNED: dict[str, tuple[int, int, float]] = {
    "beta 30": (20, 1000, 30.0),
    "beta 0": (20, 1000, 0.0),
    "beta 0.3": (20, 1000, 0.3),
    "beta 30, 100 episodes": (20, 100, 30.0),
    "beta 0, 100 episodes": (20, 100, 0.0),
}
"""Steps, logged episodes and weight of the pair loss of each arm."""
UPDATES: dict[Scale, int] = {"smoke": 150, "cpu": 1500, "full": 1500}


def learned(arm: str, scale: Scale, seed: int) -> system.Learned:
    """Return what an arm's representation is worth."""
    return system.learned(*LEARNED[arm], UPDATES[scale], seed)


def fidelity(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the decimal logarithm of J."""
    return float(-np.log10(learned(arm, scale, seed).loss))


def drop(arm: str, scale: Scale, seed: int) -> float:
    """Return the last value minus the best one of all checkpoints, 0 at most."""
    found = learned(arm, scale, seed)
    return found.value - found.best


def value(arm: str, scale: Scale, seed: int) -> float:
    """Return the last value."""
    return learned(arm, scale, seed).value


def tracking(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the rank correlation of J with the value over checkpoints."""
    name, _, order = arm.partition(": ")
    found = learned(name, scale, seed)
    return -(found.correlation_shuffled if order == "shuffled" else found.correlation)


def swapping(arm: str, scale: Scale, seed: int) -> float:
    """Return the share of decisions that stay under a swap; arms say of what for what."""
    name, _, how = arm.partition(": ")
    found = learned(name, scale, seed)
    return found.kept if how == "nearest" else found.kept_at_random


def _small_beta(limit: float) -> NegativeControl:
    return stays_below("a small beta does nothing", arm="beta 0.3", reference="beta 0", limit=limit)


NOT_RESCUED = NegativeControl(
    "100 episodes are not rescued",
    lambda arms: bool(np.mean(arms["beta 30, 100 episodes"]) < 0.72),
)
LEARNED_LOSS = part(
    "learned-loss",
    "A weight of 30 on the pair loss lowers J on fresh histories tenfold or more.",
    fidelity,
    treatment="beta 30",
    control="beta 0",
    minimum_effect=1.0,
    controls=(_small_beta(0.5),),
    others=("beta 0.3",),
    invariants=within("J is positive and bounded", -3.0, 12.0),
)
LATE_FITTING = part(
    "late-fitting",
    "With it, the last value falls behind the best one on the way by at least 0.03 less.",
    drop,
    treatment="beta 30",
    control="beta 0",
    minimum_effect=0.03,
    controls=(_small_beta(0.03),),
    others=("beta 0.3",),
    invariants=within("no last value is above the best", -0.6, 0.0),
)
LEARNED_VALUE = part(
    "learned-value",
    "With it, the last value is higher by at least 0.03.",
    value,
    treatment="beta 30",
    control="beta 0",
    minimum_effect=0.03,
    controls=(_small_beta(0.03), NOT_RESCUED),
    others=("beta 0.3", "beta 30, 100 episodes", "beta 0, 100 episodes"),
    invariants=VALUES,
)
SWAP = part(
    "swap",
    "With it, replacing a history by its nearest neighbour keeps at least 0.2 more of all "
    "decisions than without.",
    swapping,
    treatment="beta 30: nearest",
    control="beta 0: nearest",
    minimum_effect=0.2,
    controls=(
        stays_below(
            "neighbours drawn at random keep no more",
            arm="beta 30: random",
            reference="beta 0: random",
            limit=0.1,
        ),
    ),
    others=("beta 30: random", "beta 0: random"),
    invariants=SHARES,
)
TRACKING = part(
    "loss-tracks-value",
    "Without the pair loss, checkpoints of lower J have higher values: the rank correlation is "
    "more negative than with shuffled checkpoints by at least 0.5.",
    tracking,
    treatment="beta 0: as they are",
    control="beta 0: shuffled",
    minimum_effect=0.5,
    controls=(
        stays_below(
            "no such relation where there is no late fitting",
            arm="beta 0, 100 episodes: as they are",
            reference="beta 0, 100 episodes: shuffled",
            limit=0.5,
        ),
    ),
    others=("beta 0, 100 episodes: as they are", "beta 0, 100 episodes: shuffled"),
    invariants=within("correlations lie between -1 and 1", -1.0, 1.0),
)

# --- C: the maze that must be stitched ---

SMALL_BETA, LARGE_BETA = 0.03, 0.3
"""On seeds for tuning no weight helped; the small one did least harm, the large one moved J."""
WITHOUT = GridOptions()
LEARNERS: dict[str, GridOptions] = {
    "pair loss": replace(WITHOUT, pair_weight=SMALL_BETA),
    "no pair loss": WITHOUT,
    "large pair loss": replace(WITHOUT, pair_weight=LARGE_BETA),
    "filtered cloning": replace(WITHOUT, learner="cloning"),
    "last observation": replace(WITHOUT, memory=False),
}
MAZES: dict[Scale, StitchingGrid] = {
    "smoke": StitchingGrid(),
    "cpu": StitchingGrid(),
    "full": StitchingGrid(height=5, n_colours=16, n_steps=20),
}


def sized(options: GridOptions, scale: Scale) -> GridOptions:
    """Return a learner at the size of a scale."""
    if scale == "smoke":
        return replace(options, n_episodes=20, n_updates=5, n_batch=8, n_units=8)
    if scale == "full":
        return replace(options, n_episodes=2000, n_updates=20_000, n_units=128)
    return options


def success(arm: str, scale: Scale, seed: int) -> float:
    """Return the share of episodes from the start in which an arm reaches the goal that pays."""
    return stitching(arm, scale, seed).success


def closeness(arm: str, scale: Scale, seed: int) -> float:
    """Return minus the decimal logarithm of J on an arm's own episodes."""
    return float(-np.log10(stitching(arm, scale, seed).loss))


def stitching(arm: str, scale: Scale, seed: int) -> maze.GridResult:
    """Return what an arm reaches in the maze."""
    n_tests = 16 if scale == "smoke" else 256
    return maze.grid_result(MAZES[scale], sized(LEARNERS[arm], scale), seed, n_tests=n_tests)


BLIND = NegativeControl(
    "the last observation alone gets no further than chance",
    lambda arms: bool(np.mean(arms["last observation"]) < 0.55),
)
STITCHING = part(
    "stitching",
    "In a maze logged in halves, conservative Q-learning with the pair loss reaches the goal that "
    "pays more often than without, by at least 0.1.",
    success,
    treatment="pair loss",
    control="no pair loss",
    minimum_effect=0.1,
    controls=(BLIND,),
    others=("large pair loss", "last observation"),
    invariants=SHARES,
    seeds=SLOW_SEEDS,
)
CLONING = part(
    "stitching-cloning",
    "There, conservative Q-learning with the pair loss reaches it more often than cloning of the "
    "episodes that were paid, by at least 0.2.",
    success,
    treatment="pair loss",
    control="filtered cloning",
    minimum_effect=0.2,
    controls=(BLIND,),
    others=("last observation",),
    invariants=SHARES,
    seeds=SLOW_SEEDS,
)
WITHOUT_LOSS = part(
    "stitching-alone",
    "There, conservative Q-learning without the pair loss does so too: networks stitch by "
    "themselves.",
    success,
    treatment="no pair loss",
    control="filtered cloning",
    minimum_effect=0.2,
    controls=(BLIND,),
    others=("last observation",),
    invariants=SHARES,
    seeds=SLOW_SEEDS,
)
STITCHING_LOSS = part(
    "stitching-loss",
    "There, a pair loss of ten times the weight lowers J on the learner's own episodes threefold "
    "or more.",
    closeness,
    treatment="large pair loss",
    control="no pair loss",
    minimum_effect=0.5,
    controls=(
        NegativeControl(
            "J of the learner without it is not 0 to begin with",
            lambda arms: bool(np.mean(arms["no pair loss"]) < 3),
        ),
    ),
    others=("pair loss",),
    invariants=within("J is positive and bounded", -6.0, 12.0),
    seeds=SLOW_SEEDS,
)
