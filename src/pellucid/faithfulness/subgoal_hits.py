"""Subgoal hits: whether announced subgoals are reached in fresh episodes, and in time."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.flatten import flat
from pellucid.envs import make_env, step_limit
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Graph, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.nearest_region import nearest_region
from pellucid.rollouts import Episodes, collect
from pellucid.seeds import derived_seed, stream


@metric(
    "subgoal_hits",
    kind=Graph,
    label="announced subgoals that are reached in time",
    direction="higher",
    unit="episode",
    closed_loop=True,
    source="ours, after Lyu 2019 (SDRL, success ratio of subtasks), on fresh episodes",
    targets=("return",),
)
def subgoal_hits(check: Check) -> tuple[Score, ...]:
    """Score subgoals by whether fresh episodes come to them when it is announced.

    Value of an episode: the percentage of its steps, of those at which a subgoal is announced,
    after which that subgoal is reached within the announced number of steps. An announcement whose
    time is not over when a time limit ends the episode is left out. Control in the same episodes:
    every subgoal replaced by a region that is visited in about as many episodes (one of the five
    nearest in that, drawn anew twenty times), announced at the same steps and for the same time.

    Raises:
        CapabilityError: There is no environment, no subgoal, or no other region.
        BudgetError: Less than five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Graph)
    if not len(content.regions):
        raise CapabilityError("no subgoals are announced", hint="another method")
    if len(content.centres) <= len(content.regions):
        raise CapabilityError("every region is a subgoal", hint="fewer subgoals")
    if check.episodes.spec is None:
        raise CapabilityError(
            "fresh episodes need the environment, and these are logs without one",
            hint="give the environment",
        )
    fresh, complete = _fresh(check)
    rng = stream(check.seed, "tests", "subgoal_hits", "control")
    controls = [_replaced(content, rng) for _ in range(thresholds.REPLACED_SUBGOALS)]
    values, others = [], []
    for episode in fresh.used:
        path = nearest_region(flat(episode.observations), content.centres, content.spreads)
        values.append(hit_share(content, path, content.regions, cut_off=episode.truncated))
        shares = [hit_share(content, path, c, cut_off=episode.truncated) for c in controls]
        others.append(float(np.mean(shares)))
    score = paired_score(
        subgoal_hits.info,  # type: ignore[attr-defined]
        100 * np.array(values),
        100 * np.array(others),
        "states that are visited as often",
        value_unit="%",
        bounds=(0.0, 100.0),
        complete=complete,
    )
    return (score,)


def hit_share(
    content: Graph,
    path: Int[np.ndarray, " steps_and_one"],
    regions: Int[np.ndarray, " nodes"],
    *,
    cut_off: bool,
) -> float:
    """Return the share of announcements along a path that come true; NaN if there is none.

    Args:
        content: Tells what is announced where.
        path: Region of every observation of an episode.
        regions: Shape (nodes,), the region that each node is taken to be.
        cut_off: Whether a time limit ended the episode.
    """
    hits = []
    last = len(path) - 1
    for step in range(last):
        node = content.announced[path[step]]
        if node < 0:
            continue
        until = step + int(content.within[path[step]])
        hit = bool((path[step + 1 : until + 1] == regions[node]).any())
        if hit or until <= last or not cut_off:
            hits.append(hit)
    return float(np.mean(hits)) if hits else float("nan")


def _replaced(content: Graph, rng: np.random.Generator) -> Int[np.ndarray, " nodes"]:
    """Return another region for each subgoal, visited in about as many episodes."""
    others = np.setdiff1d(np.flatnonzero(content.frequencies > 0), content.regions)
    if not len(others):
        raise CapabilityError("every visited region is a subgoal", hint="fewer subgoals")
    found = []
    for region in content.regions:
        apart: Float[np.ndarray, " others"] = np.abs(
            content.frequencies[others] - content.frequencies[region]
        )
        nearest = others[np.argsort(apart, kind="stable")[: thresholds.ALIKE_REGIONS]]
        found.append(int(rng.choice(nearest)))
    return np.array(found)


def _fresh(check: Check) -> tuple[Episodes, bool]:
    """Return fresh episodes, as many as the budget pays for and as were explained at most."""
    spec = check.episodes.spec
    assert spec is not None
    env = make_env(spec)
    try:
        bound = step_limit(env)
    finally:
        env.close()
    left = min(check.meter.left.queries, check.meter.left.env_steps)
    wanted = len(check.episodes)
    typical = float(np.mean([len(episode) for episode in check.episodes.used]))
    # an episode is only started if it can last to the step limit, hence one whole bound
    n_episodes = int(min(wanted, max(0.0, (left - bound) // typical + 1)))
    least = min(thresholds.UNITS_FOR_WEAK, wanted)
    if n_episodes < least or left < bound:
        need = bound + int(np.ceil(least * typical))
        raise BudgetError(
            f"{least} fresh episodes need more than is left",
            hint=f"a larger budget: about {need} environment steps and agent queries for this test",
        )
    fresh = collect(
        check.agent,
        spec,
        n_episodes=n_episodes,
        seed=derived_seed(check.seed, "tests", "subgoal_hits"),
        policy=check.policy,
        meter=check.meter,
        names=check.episodes.names,
        jobs=check.jobs,
    )
    return fresh, len(fresh.used) == wanted
