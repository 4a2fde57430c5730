"""Memory drop: what it costs to take a stretch of the past out of a recurrent agent's memory."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.envs import make_env, step_limit
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Contributions, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score, scored
from pellucid.rollouts import collect
from pellucid.rollouts.episodes import Episode
from pellucid.rollouts.remembered import Moment
from pellucid.seeds import stream
from pellucid.stats import differences
from pellucid.types import Observations

MAX_DRAWS = 4
"""Draws of other episodes, and of random stretches, for each episode."""


@dataclass(frozen=True)
class RememberedOtherwise:
    """Puts what another episode saw into the memory, for a stretch of steps of some episodes.

    Args:
        starts: First step of the stretch in each episode.
        stops: One past its last step; episodes whose stretch is empty remember what they see.
        donors: Shape (steps, *observation) for each episode, from its first step on.
    """

    starts: Int[np.ndarray, " episodes"]
    stops: Int[np.ndarray, " episodes"]
    donors: tuple[Shaped[np.ndarray, "steps *observation"], ...]

    def __call__(
        self,
        observations: Observations,
        episodes: Int[np.ndarray, " batch"],
        steps: Int[np.ndarray, " batch"],
    ) -> Observations:
        """Return what is remembered in place of what is seen; see `ObservationFilter`."""
        inside = (self.starts[episodes] <= steps) & (steps < self.stops[episodes])
        for row in np.flatnonzero(inside):
            donor = self.donors[episodes[row]]
            observations[row] = donor[min(int(steps[row]), len(donor) - 1)]
        return observations


@metric(
    "memory_drop",
    kind=Contributions,
    label="return lost when a stretch of the past is taken out of its memory",
    direction="higher",
    unit="episode",
    closed_loop=True,
    targets=("action",),
    source="ours, after the replays of Cheng 2023 (StateMask), on memories in place of actions",
)
def memory_drop(check: Check) -> tuple[Score, ...]:
    """Score what an agent is said to remember by the return that it loses without it.

    The environment is run again from the same seed. In the stretch that counts most, before the
    moment that was explained, the agent acts on what it sees, and remembers what another episode
    saw at the same steps. Value of an episode: its return minus its return then, over up to four
    draws of other episodes, which the explanation did not see. Control: on the same draws, a
    stretch of that length that starts anywhere before the moment.

    Raises:
        CapabilityError: The agent has no memory, there is no environment, or a single stretch.
        BudgetError: The budget does not pay for one draw of five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Contributions)
    _check(check, content)
    moments = [Moment(int(e), int(t)) for e, t in content.moments]
    top = int(np.argmax(content.values))
    moments = [moment for moment in moments if moment.n_stretches > top]
    plan = _plan(check, moments)
    lost = np.array([_lost(check, plan, top, draw) for draw in range(plan.n_draws)])
    score = paired_score(
        memory_drop.info,  # type: ignore[attr-defined]
        lost[:, 0].mean(axis=0),
        lost[:, 1].mean(axis=0),
        "a random stretch of that length, before the same moment",
        value_unit=check.episodes.names.reward_unit,
    )
    return (score,)


@dataclass(frozen=True)
class _Plan:
    moments: list[Moment]
    n_draws: int


def _check(check: Check, content: Contributions) -> None:
    if "recurrent" not in check.agent.capabilities or not len(content.moments):
        raise CapabilityError("these are no contributions of a memory", hint="a recurrent agent")
    if check.episodes.spec is None:
        raise CapabilityError(
            "changing a memory while the agent acts needs the environment, and these are logs",
            hint="give the environment",
        )
    if len(content.names) < 2:
        raise CapabilityError(
            "there is one earlier step only, so that there is no other one to compare with",
            hint="longer episodes",
        )


def _plan(check: Check, moments: list[Moment]) -> _Plan:
    """Return the moments and how many draws are paid for.

    Raises:
        BudgetError: Not one draw of five episodes.
    """
    assert check.episodes.spec is not None
    env = make_env(check.episodes.spec)
    try:
        bound = step_limit(env)
    finally:
        env.close()
    lengths = [len(check.episodes[moment.episode]) for moment in moments]
    expected = min(bound, thresholds.LENGTHENING * float(np.mean(lengths)))
    left = min(check.meter.left.queries, check.meter.left.env_steps)
    # an episode is only started if it can last to the step limit
    affordable = int(max(0, left - 2 * bound) // (2 * expected))
    least = min(thresholds.UNITS_FOR_WEAK, len(moments))
    if affordable < least:
        need = math.ceil(2 * least * expected) + 2 * bound
        raise BudgetError(
            f"running {least} episodes with another memory twice needs more than is left",
            hint=f"a larger budget: about {need} environment steps and agent queries for this test",
        )
    kept = moments[:affordable]
    return _Plan(kept, min(MAX_DRAWS, affordable // len(kept)))


def _lost(check: Check, plan: _Plan, top: int, draw: int) -> Float[np.ndarray, "two episodes"]:
    """Return what the stretch named, and a random one of its length, cost in each episode."""
    rng = stream(check.seed, "memory_drop", draw)
    donors = [_donor(check, moment, rng).observations for moment in plan.moments]
    own = np.array([moment.steps_of(top) for moment in plan.moments])
    length = own[:, 1] - own[:, 0]
    latest = np.array([moment.step for moment in plan.moments]) - length
    random = rng.integers(latest + 1)
    had = np.array([check.episodes[moment.episode].total_reward for moment in plan.moments])
    arms = np.array([own, np.column_stack((random, random + length))])
    return np.array([differences(had, _returns(check, plan, arm, donors)) for arm in arms])


def _donor(check: Check, moment: Moment, rng: np.random.Generator) -> Episode:
    others = [e for i, e in enumerate(check.episodes.used) if i != moment.episode]
    return others[int(rng.integers(len(others)))]


def _returns(
    check: Check,
    plan: _Plan,
    stretches: Int[np.ndarray, "moments 2"],
    donors: list[Shaped[np.ndarray, "steps *observation"]],
) -> Float[np.ndarray, " moments"]:
    """Return what the episodes of the moments earn; NaN for those that failed or were not paid."""
    episodes = check.episodes
    assert episodes.spec is not None
    # episodes have the draws of their place in the run, so that those between are run as well
    places = [_place(check, moment) for moment in plan.moments]
    n = max(places) + 1
    bounds = np.zeros((2, n), dtype=np.int64)
    bounds[:, places] = stretches.T
    seen = dict(zip(places, donors, strict=True))
    starts, stops = bounds
    run = collect(
        check.agent,
        episodes.spec,
        n_episodes=n,
        seed=episodes.seed,
        policy=check.policy,
        meter=check.meter,
        names=episodes.names,
        jobs=check.jobs,
        remember=RememberedOtherwise(
            starts, stops, tuple(seen.get(i, donors[0]) for i in range(n))
        ),
        episode_seeds=[e.seed for e in episodes.attempted[:n]],
    )
    earned = np.full(n, math.nan)
    for place, episode in enumerate(run.attempted):
        earned[place] = scored(episode.total_reward, episode.failure is not None)
    return earned[places]


def _place(check: Check, moment: Moment) -> int:
    own = check.episodes[moment.episode]
    return next(i for i, e in enumerate(check.episodes.attempted) if e is own)
