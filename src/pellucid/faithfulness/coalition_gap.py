"""Coalition gap: how far credits are from what other coalitions of a team earn."""

import numpy as np
from jaxtyping import Bool, Float

from pellucid.agents.coalitions import members_of
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Contributions, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.coalition_draws import kernel_coalitions, random_split
from pellucid.rollouts.coalition_runs import affordable_runs, coalition_return, typical_length
from pellucid.seeds import derived_seed, episode_seeds, stream


@metric(
    "coalition_gap",
    kind=Contributions,
    label="error of the credits of random coalitions of a team",
    direction="lower",
    unit="episode",
    closed_loop=True,
    source="ours, after Lundberg 2017, theorem 2 (what Shapley values minimise)",
    targets=("return",),
)
def coalition_gap(check: Check) -> tuple[Score, ...]:
    """Score the credits of a team's members by the returns of coalitions.

    In fresh episodes nobody acts, and then each of four random coalitions, drawn by the weights of
    the Shapley kernel; the others stand idle. Value of an episode: the root of the mean squared
    difference between what a coalition earns beyond nobody and the sum of its members' credits.
    Control on the same episodes: a random split of the same total, averaged over 20 of them. The
    error is not 0 where members need each other: no credits say what every coalition earns.

    Raises:
        CapabilityError: It is no team, there is no environment, or credits are of one moment.
        BudgetError: Less than five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Contributions)
    _check(check, content)
    told, split = [], []
    n_episodes = _n_episodes(check)
    seeds = episode_seeds(derived_seed(check.seed, "tests", "coalition_gap"), n_episodes)
    for number, seed in enumerate(seeds):
        rng = stream(check.seed, "tests", "coalition_gap", number)
        masks = kernel_coalitions(len(content.names), thresholds.TESTED_COALITIONS, rng)
        nobody = _earned(check, np.zeros(len(content.names), dtype=bool), seed)
        earned = np.array([_earned(check, mask, seed) for mask in masks]) - nobody
        told.append(_missed(masks @ content.values, earned))
        splits = [
            random_split(content.total, len(content.names), rng)
            for _ in range(thresholds.RANDOM_SPLITS)
        ]
        split.append(float(np.mean([_missed(masks @ one, earned) for one in splits])))
    score = paired_score(
        coalition_gap.info,  # type: ignore[attr-defined]
        np.array(told),
        np.array(split),
        "a random split of the same total",
        value_unit=check.episodes.names.reward_unit,
        complete=n_episodes == thresholds.REPLAYS,
    )
    return (score,)


def _check(check: Check, content: Contributions) -> None:
    if tuple(members_of(check.agent)) != content.names or len(content.moments):
        raise CapabilityError(
            "these are no credits of a team's members for its episodes", hint="team-shapley"
        )
    if check.episodes.spec is None:
        raise CapabilityError(
            "letting members stand idle needs the environment, and these are logs without one",
            hint="give the environment",
        )


def _n_episodes(check: Check) -> int:
    each = 1 + thresholds.TESTED_COALITIONS
    affordable = affordable_runs(check.episodes, each, check.meter.left)
    if affordable < thresholds.UNITS_FOR_WEAK:
        need = round(thresholds.UNITS_FOR_WEAK * each * typical_length(check.episodes))
        raise BudgetError(
            f"the budget pays for {affordable} episodes of coalitions, and "
            f"{thresholds.UNITS_FOR_WEAK} are needed",
            hint=f"a larger budget: {need} environment steps and agent queries for this test, and "
            "the longest episode beyond",
        )
    return min(thresholds.REPLAYS, affordable)


def _earned(check: Check, present: Bool[np.ndarray, " members"], seed: int) -> float:
    return coalition_return(
        check.agent,
        present,
        check.episodes,
        meter=check.meter,
        policy=check.policy,
        seed=seed,
    )


def _missed(
    told: Float[np.ndarray, " coalitions"], earned: Float[np.ndarray, " coalitions"]
) -> float:
    return float(np.sqrt(np.mean((told - earned) ** 2)))
