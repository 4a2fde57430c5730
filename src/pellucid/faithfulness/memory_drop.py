"""Memory drop: what an agent does when a stretch of the past is taken out of its memory."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.envs import make_env, step_limit
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Contributions, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.rollouts import collect
from pellucid.rollouts.episodes import Episode
from pellucid.rollouts.remembered import Moment, same
from pellucid.seeds import stream
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
    label="choices changed when a stretch of the past is taken out of its memory",
    direction="higher",
    unit="episode",
    closed_loop=True,
    targets=("action",),
    source="ours, after the replays of Cheng 2023 (StateMask), on memories in place of actions",
)
def memory_drop(check: Check) -> tuple[Score, ...]:
    """Score what an agent is said to remember by what it does without it.

    The environment is run again from the same seed. In the stretch that counts most, before the
    moment that was explained, the agent acts on what it sees, and remembers what another episode
    saw at the same steps. Up to four draws of other episodes, which the explanation did not see.
    Control: on the same draws, a stretch of that length that starts anywhere before the moment.

    `memory_drop.choice` decides: the percentage of the draws in which the agent chooses otherwise
    at the moment, by episode; episodes that end before it do not count. `memory_drop.return` is
    supporting: the return that is lost. A memory that is used at every step may lose as much by any
    stretch, and yet each choice go by one of them.

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
    found = np.array([_drawn(check, plan, top, draw) for draw in range(plan.n_draws)])
    info = memory_drop.info  # type: ignore[attr-defined]
    control = "a random stretch of that length, before the same moment"
    changed, lost = (_mean(found[:, :, part]) for part in range(2))
    choice = paired_score(
        info,
        changed[0],
        changed[1],
        control,
        name="choice",
        value_unit="% of choices",
        bounds=(0.0, 100.0),
    )
    loss = paired_score(
        info,
        lost[0],
        lost[1],
        control,
        name="return",
        label="return lost when a stretch of the past is taken out of its memory",
        role="supporting",
        value_unit=check.episodes.names.reward_unit,
    )
    return choice, loss


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


def _mean(
    values: Float[np.ndarray, "draws arms episodes"],
) -> Float[np.ndarray, "arms episodes"]:
    """Return the mean over the draws that count; NaN where none does."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(1, known.sum(axis=0)), np.nan)


def _drawn(
    check: Check, plan: _Plan, top: int, draw: int
) -> Float[np.ndarray, "arms parts episodes"]:
    """Return what follows without the stretch named, and without a random one of its length.

    In each episode: whether the choice changed, in percent, and the return lost.
    """
    rng = stream(check.seed, "memory_drop", draw)
    donors = [_donor(check, moment, rng).observations for moment in plan.moments]
    own = np.array([moment.steps_of(top) for moment in plan.moments])
    length = own[:, 1] - own[:, 0]
    latest = np.array([moment.step for moment in plan.moments]) - length
    random = rng.integers(latest + 1)
    arms = np.array([own, np.column_stack((random, random + length))])
    return np.array([_followed(check, plan, arm, donors) for arm in arms])


def _donor(check: Check, moment: Moment, rng: np.random.Generator) -> Episode:
    others = [e for i, e in enumerate(check.episodes.used) if i != moment.episode]
    return others[int(rng.integers(len(others)))]


def _followed(
    check: Check,
    plan: _Plan,
    stretches: Int[np.ndarray, "moments 2"],
    donors: list[Shaped[np.ndarray, "steps *observation"]],
) -> Float[np.ndarray, "parts moments"]:
    """Return what follows if a stretch before each moment is remembered otherwise.

    NaN for episodes that failed or were not paid for.
    """
    episodes = check.episodes
    assert episodes.spec is not None
    # episodes have the draws of their place in the run, so that those between are run as well
    places = [_place(check, moment) for moment in plan.moments]
    n = max(places) + 1
    starts, stops = bounds = np.zeros((2, n), dtype=np.int64)
    bounds[:, places] = stretches.T
    seen = dict(zip(places, donors, strict=True))
    otherwise = tuple(seen.get(i, donors[0]) for i in range(n))
    run = collect(
        check.agent,
        episodes.spec,
        n_episodes=n,
        seed=episodes.seed,
        policy=check.policy,
        meter=check.meter,
        names=episodes.names,
        jobs=check.jobs,
        remember=RememberedOtherwise(starts, stops, otherwise),
        episode_seeds=[e.seed for e in episodes.attempted[:n]],
    )
    space = check.agent.action_space
    found = np.full((2, len(places)), math.nan)
    for row, (moment, place) in enumerate(zip(plan.moments, places, strict=True)):
        own, ran = episodes[moment.episode], run.attempted[place : place + 1]
        if ran and ran[0].failure is None:
            found[:, row] = _changed(space, own, ran[0], moment.step), own.total_reward
            found[1, row] -= ran[0].total_reward
    return found


def _changed(space: Any, own: Episode, ran: Episode, step: int) -> float:
    """Return 100 if another action is taken at a step, else 0; NaN if it is not reached."""
    if len(ran) <= step:
        return math.nan
    step_of = slice(step, step + 1)
    return 0.0 if same(space, ran.actions[step_of], own.actions[step_of])[0] else 100.0


def _place(check: Check, moment: Moment) -> int:
    own = check.episodes[moment.episode]
    return next(i for i, e in enumerate(check.episodes.attempted) if e is own)
