"""Which objective formalisms express more than which, and what it costs to make do with a reward.

`objective-formalisms.regret-as-stated` is expected not to hold: a Markov reward always makes some
best policy best, so that learning from the nearest one loses nothing while the problem stays as it
was when the reward was fitted. It loses once actions slip.
"""

from collections.abc import Callable, Mapping

import numpy as np

from pellucid.claims.claim import (
    Arms,
    ExactClaim,
    Scale,
    StatisticalClaim,
    stays_below,
)
from pellucid.seeds import stream
from pellucid.systems.objective_formalisms import SWEEPS, learned_value, slips_of
from pellucid.tabular.objectives import GROUPS, matrix, translated, verified, witnesses
from pellucid.tabular.objectives.certificates import features_of
from pellucid.tabular.objectives.fitting import weights_for
from pellucid.tabular.objectives.formalisms import can_express
from pellucid.tabular.objectives.hierarchy import consistent
from pellucid.tabular.objectives.nearest_reward import outer_gap
from pellucid.tabular.objectives.samples import (
    comparisons_with_next,
    ending_problem,
    policies_for,
    random_objective,
)
from pellucid.tabular.objectives.witness_tasks import law_at, wanted_of

SOURCE = "Subramani 2024"
N_PROBLEMS, N_POLICIES = 30, 40
"""Random problems and policies of each: 1200 comparisons per pair of classes, as many as seconds
allow."""
GRID_SIZE = 5
FEW, MANY, N_DIRECTIONS = 100, 3000, 200
"""Sampled policies, and random rewards, for the distance from functions of one return."""
MINIMUM_EFFECT = 0.02
"""A fiftieth of the best value; the source says only that the regret is above zero."""


# --- exact parts ---


def matrix_cases() -> dict[str, bool]:
    """Return whether each of the 70 refuted pairs has a proof that holds, and the rest adds up."""
    cells = matrix(witnesses())
    held = {
        f"{cell.row} cannot express {cell.column} ({cell.witness.name})": verified(cell)
        for cell in cells.values()
        if cell.witness is not None
    }
    return {
        **held,
        "70 pairs are refuted": len(held) == 70,
        "40 pairs hold": sum(cell.holds for cell in cells.values()) == 40,
        "the diagram has the 13 edges": consistent(cells),
        **_feasible_on_grids(),
        **_far_from_one_return(),
    }


def translation_cases() -> dict[str, bool]:
    """Return whether each of the 40 pairs that hold keeps every comparison of random policies."""
    held = {
        f"{upper} can express {lower}": True
        for upper in GROUPS
        for lower in GROUPS
        if upper != lower and can_express(upper, lower)
    }
    for number in range(N_PROBLEMS):
        rng = stream(number, "objective-formalisms", "translations")
        mdp = ending_problem(rng)
        policies = policies_for(mdp, N_POLICIES, rng)
        for lower in GROUPS:
            objective = random_objective(lower, mdp, rng)
            wanted = comparisons_with_next(objective, mdp, policies)
            for upper in GROUPS:
                name = f"{upper} can express {lower}"
                if name in held:
                    other = translated(objective, mdp, source=lower, target=upper)
                    found = comparisons_with_next(other, mdp, policies)
                    held[name] = held[name] and bool((wanted == found).all())
    return held


def _feasible_on_grids() -> dict[str, bool]:
    """Return whether what can express W5 and W8 does so on a grid, by the same programme."""
    found = {witness.name: witness for witness in witnesses()}
    square = [(i / 4, j / 4) for i in range(GRID_SIZE) for j in range(GRID_SIZE)]
    corners = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.5, 0), (0.25, 0.5, 0.25)]
    held = {}
    for name, group, points in (("W5", "FTR", square), ("W8", "MR", corners)):
        laws, levels = zip(*(law_at(found[name], point) for point in points), strict=True)
        columns = features_of(group, laws, None, 4)  # type: ignore[arg-type]
        held[f"{group} expresses {name} on a grid"] = (
            weights_for(columns, wanted_of(levels)) is not None
        )
    return held


def _far_from_one_return() -> dict[str, bool]:
    """Return whether W5 stays away from functions of one return and W3, which is one, does not."""
    gaps = {}
    for size in (FEW, MANY):
        rng = stream(0, "objective-formalisms", "gap", size)
        p = rng.random((size, 2))
        match = p[:, 0] * p[:, 1] + 0.5 * (1 - p[:, 0]) * (1 - p[:, 1])
        diagonal = -np.abs(p.sum(axis=1) - 1)
        gaps["match", size] = outer_gap(p, match, N_DIRECTIONS, rng)
        gaps["diagonal", size] = outer_gap(p, diagonal, N_DIRECTIONS, rng)
    return {
        "W5 is no function of one return: its gap stays": gaps["match", MANY] > 0.25,
        "W3 is one: its gap shrinks below a third": gaps["diagonal", MANY]
        < gaps["diagonal", FEW] / 3,
    }


# --- what it costs ---


def run_of(name: str) -> Callable[[str, Scale, int], float]:
    """Return the cell of the claims about one goal.

    Args:
        name: `match` or `always-or-match`.
    """

    def run(arm: str, scale: Scale, seed: int) -> float:
        task, payment = arm.rsplit(" by ", 1)
        which = "prizes" if task == "prizes" else name
        slips = slips_of(which, seed)
        if task == "still":
            slips = np.zeros_like(slips)
        return learned_value(
            which,
            by_goal=payment == "goal",
            slips=slips,
            n_sweeps=SWEEPS[scale],
            seed=seed,
        )

    return run


def are_chances(arms: Arms) -> bool:
    """Return whether every value is a probability, as the goals are."""
    return all(bool(((values >= 0) & (values <= 1 + 1e-9)).all()) for values in arms.values())


def regret_claim(
    part: str, name: str, *, statement: str, task: str, n_seeds: int, primary: bool
) -> StatisticalClaim:
    """Return the claim that the learner paid by the goal does better by it.

    Args:
        part: Of the id.
        name: The goal.
        statement: What is claimed.
        task: `slips` or `still`: whether actions slip.
        n_seeds: At `cpu`.
        primary: Whether it decides the system's verdict.
    """
    others = {"prizes": "a goal that a reward can express loses nothing"}
    if task == "slips":
        others["still"] = "nothing is lost without slips"
    controls = tuple(
        stays_below(said, arm=f"{one} by goal", reference=f"{one} by reward", limit=MINIMUM_EFFECT)
        for one, said in others.items()
    )
    seeds: Mapping[Scale, tuple[int, ...]] = {
        "smoke": (0, 1),
        "cpu": tuple(range(100, 100 + n_seeds)),
        "full": tuple(range(100, 100 + 2 * n_seeds)),
    }
    return StatisticalClaim(
        id=f"objective-formalisms.{part}",
        statement=statement,
        source=SOURCE,
        primary=primary,
        run=run_of(name),
        arms=tuple(
            f"{one} by {payment}" for one in (task, *others) for payment in ("goal", "reward")
        ),
        treatment=f"{task} by goal",
        control=f"{task} by reward",
        unit="seed",
        minimum_effect=MINIMUM_EFFECT,
        seeds=seeds,
        negative_controls=controls,
        invariants={"values are probabilities": are_chances},
    )


MATRIX = ExactClaim(
    id="objective-formalisms.matrix",
    statement="Of the 110 pairs of the 11 classes 40 hold and 70 are refuted by a checked proof.",
    source=SOURCE,
    cases=matrix_cases,
)
TRANSLATIONS = ExactClaim(
    id="objective-formalisms.translations",
    statement="Translators for the 40 pairs that hold invert no comparison of random policies.",
    source=SOURCE,
    cases=translation_cases,
)
MACHINES = regret_claim(
    "regret-machines",
    "match",
    statement="Once actions slip, learning from the Markov reward nearest to W5, a reward machine, "
    "loses at least 0.02 of its value.",
    task="slips",
    n_seeds=24,
    primary=True,
)
FORMULAS = regret_claim(
    "regret-formulas",
    "always-or-match",
    statement="Once actions slip, learning from the Markov reward nearest to W6, a formula, loses "
    "at least 0.02 of its probability, where the agent chooses which half of W6 it faces.",
    task="slips",
    n_seeds=96,
    primary=True,
)
AS_STATED = regret_claim(
    "regret-as-stated",
    "match",
    statement="Learning from the Markov reward nearest to W5 loses at least 0.02 of its value in "
    "W5 itself (expected not to hold: the nearest reward has the same best policy).",
    task="still",
    n_seeds=8,
    primary=False,
)
