"""State flip: whether the agent, shown the changed state while it acts, takes the other action."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context, take
from pellucid.agents.flatten import unflat
from pellucid.agents.outputs import is_one_choice
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, CounterfactualStates, InputGroups, Score, metric
from pellucid.explanation.score import Control, Interval
from pellucid.explanation.swapping import group_changes, input_units, scaled_distances, swapped
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import missing_score, paired_score
from pellucid.rollouts import Branch, branching_cost, run_branches
from pellucid.seeds import derived_seed, stream
from pellucid.stats import Estimate, mean_interval
from pellucid.types import Observations

_BOUNDS = (0.0, 100.0)
_LOGGED, _LOGGED_OF_GROUPS = 2000, 400
"""Visited states that are asked for their choice at most; images are large."""


@metric(
    "state_flip",
    kind=CounterfactualStates,
    label="choices that flip when the agent is shown the changed state",
    direction="higher",
    unit="episode",
    closed_loop=True,
    source="Wachter 2017 (validity), while the agent acts; controls ours",
)
def state_flip(check: Check) -> tuple[Score, ...]:
    """Score changed states by whether the agent takes the announced action when shown them.

    The environment is run to the step, the agent sees the changed state in place of the real one,
    and the action that it then takes in the environment counts: by the policy that was explained,
    drawn actions included. Value of an episode: the percentage of its changed states for which that
    is the action announced; states for which no change was found are not scored.

    `state_flip.random_change` decides. Control: the mean over four random changes of that size in
    the same state: as many inputs that vary, drawn by lot, with random signs and shares of the same
    sum of standard deviations, within the observation space. Where whole groups are taken over from
    another visited state (patches of an image), as many groups that differ, of random visited ones.

    Two checks can only lower the badge. `state_flip.logged_state`: the change must be smaller, on
    average, than that to a random visited state with that action. `state_flip.occurs`: at most half
    of the changed states may be rare, that is, farther from the states of other episodes than 95 %
    of visited states are.

    Raises:
        CapabilityError: There is no environment or it cannot be branched, or nothing was found.
        BudgetError: Less than five episodes.
    """
    content = check.finding.content
    assert isinstance(content, CounterfactualStates)
    if not content.found.any():
        raise CapabilityError(
            "no change was found that flips a choice",
            hint="an agent that makes two choices or more in its episodes",
        )
    return (
        _random_change(check, content),
        _logged_state(check, content),
        _occurs(content),
    )


# --- flips ---


def _random_change(check: Check, content: CounterfactualStates) -> Score:
    info = state_flip.info  # type: ignore[attr-defined]
    if check.episodes.spec is None:
        raise CapabilityError(
            "showing a changed state while the agent acts needs the environment, and these are "
            "logs",
            hint="give the environment",
        )
    states = np.flatnonzero(content.found)
    arms = _arms_of_groups if content.swapped.size else _arms
    shown = [arms(check, content, int(state)) for state in states]
    flips = _flips(check, content, states, shown)
    n_scored = len(flips)
    episodes = content.steps[states[:n_scored], 0]
    return paired_score(
        info,
        _by_episode(flips[:, 0], episodes),
        _by_episode(flips[:, 1:].mean(axis=1), episodes),
        "a random change of that size",
        name="random_change",
        value_unit="% of choices",
        bounds=_BOUNDS,
        complete=n_scored == len(states),
    )


def _arms(check: Check, content: CounterfactualStates, state: int) -> Observations:
    """Return the changed state, and random changes of that size."""
    rng = stream(check.seed, "state_flip", "changes", state)
    space = check.agent.observation_space
    drawn = [
        random_change(
            content.observations[state],
            content.scales,
            int(content.n_changed[state]),
            float(content.sizes[state]),
            rng,
        )
        for _ in range(thresholds.RANDOM_CHANGES)
    ]
    return within(unflat(np.stack([content.changed[state], *drawn]), space), space)


def _arms_of_groups(check: Check, content: CounterfactualStates, state: int) -> Observations:
    """Return the changed state, and such with as many random groups of random visited states."""
    groups, visited = check.finding.groups, check.episodes.visited
    assert groups is not None
    rng = stream(check.seed, "state_flip", "changes", state)
    seen, behind = content.seen[state], groups.behind(visited)
    drawn = [
        random_swap(seen, visited, groups, behind, int(content.n_changed[state]), rng)
        for _ in range(thresholds.RANDOM_CHANGES)
    ]
    return np.stack([content.seen_changed[state], *drawn])


def random_swap(
    state: Shaped[np.ndarray, "*observation"],
    visited: Observations,
    groups: InputGroups,
    behind: Shaped[np.ndarray, " inputs"] | None,
    n_changed: int,
    rng: np.random.Generator,
) -> Shaped[np.ndarray, "*observation"]:
    """Return the state with random groups of a random visited state.

    Args:
        state: Before.
        visited: One of them is drawn.
        groups: What is taken over together.
        behind: What is seen behind objects, see `InputGroups.behind`.
        n_changed: How many groups, of those that differ; all of these, if there are fewer.
        rng: Draws.
    """
    other = visited[int(rng.integers(len(visited)))]
    every_input = np.ones(state.size)
    differs = np.flatnonzero(group_changes(state, other[None], groups, every_input)[0] > 0)
    mask = np.zeros((1, len(groups)), dtype=bool)
    mask[0, rng.choice(differs, size=min(n_changed, len(differs)), replace=False)] = True
    return np.asarray(swapped(state, other, mask, groups, behind)[0])


def random_change(
    state: Float[np.ndarray, " inputs"],
    scales: Float[np.ndarray, " inputs"],
    n_changed: int,
    size: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, " inputs"]:
    """Return the state with a random change of some inputs, of a given size.

    Args:
        state: Before.
        scales: Unit of each input; those without one do not change.
        n_changed: Inputs that change.
        size: Sum of changes in these units.
        rng: Draws the inputs, their shares of the size, and signs.
    """
    vary = np.flatnonzero(scales > 0)
    which = rng.choice(vary, size=min(n_changed, len(vary)), replace=False)
    shares = rng.dirichlet(np.ones(len(which)))
    signs = rng.choice([-1.0, 1.0], size=len(which))
    changed = state.copy()
    changed[which] += signs * shares * size * scales[which]
    return changed


def _flips(
    check: Check,
    content: CounterfactualStates,
    states: Int[np.ndarray, " states"],
    shown: Sequence[Observations],
) -> Float[np.ndarray, "states arms"]:
    """Return 100 where the agent does what was announced in the environment, else 0.

    NaN where the run failed; for as many states as the budget pays for.

    Raises:
        BudgetError: They are of less than five episodes.
    """
    branches: list[Branch] = []
    for state, arms in zip(states, shown, strict=True):
        episode, step = content.steps[state].tolist()
        branches += [Branch(episode, step, np.empty(0), 0, 1, shown=one) for one in arms]
    n_arms = len(shown[0])
    futures = run_branches(
        check.agent,
        check.episodes,
        branches,
        meter=check.meter,
        policy=check.policy,
        jobs=check.jobs,
        seed=derived_seed(check.seed, "tests", "state_flip"),
    )
    n_scored = len(futures) // n_arms
    least = min(thresholds.UNITS_FOR_WEAK, len(np.unique(content.steps[states, 0])))
    if len(np.unique(content.steps[states[:n_scored], 0])) < least:
        need = branching_cost(check.episodes, branches[: least * n_arms])
        raise BudgetError(
            f"showing the agent changed states of {least} episodes needs more than is left",
            hint=f"a larger budget: at least {need.env_steps} environment steps for this test",
        )
    start = _start(check)
    flips = np.full(n_scored * n_arms, np.nan)
    for place, future in enumerate(futures[: len(flips)]):
        if future.failure is None and len(future.actions):
            state = int(states[place // n_arms])
            flips[place] = 100.0 * content.is_wanted(state, future.actions[:1], start)[0]
    return flips.reshape(n_scored, n_arms)


def _start(check: Check) -> int:
    """Return the action of the first output, where actions are one choice."""
    space = check.agent.action_space
    return int(space.start) if is_one_choice(space) else 0


def within(observations: Shaped[np.ndarray, "rows ..."], space: object) -> np.ndarray:
    """Return observations with values beyond the ends of their space moved to these ends."""
    low, high = getattr(space, "low", None), getattr(space, "high", None)
    if low is None or high is None:
        return observations
    return np.asarray(np.clip(observations, low, high).astype(observations.dtype))


def _by_episode(
    values: Float[np.ndarray, " states"], episodes: Int[np.ndarray, " states"]
) -> Float[np.ndarray, " episodes"]:
    """Return the mean of each episode: states of one episode are not independent."""
    return np.array([values[episodes == e].mean() for e in np.unique(episodes)])


# --- checks ---


def _logged_state(check: Check, content: CounterfactualStates) -> Score:
    """Return whether changes are smaller than those to random visited states with that action."""
    info = replace(
        state_flip.info,  # type: ignore[attr-defined]
        label="the change must be smaller than that to a random visited state with that action",
        direction="lower",
        closed_loop=False,
        role="sanity",
    )
    visited, groups = check.episodes.visited, check.finding.groups
    n = min(len(visited), _LOGGED_OF_GROUPS if content.swapped.size else _LOGGED)
    if n > check.meter.left.queries:
        reason = (
            f"asking {n} visited states for their action needs more agent queries than are left"
        )
        need = f"at least {n} agent queries for this check"
        score = missing_score(info, reason, need, name="logged_state")
        return replace(score, unaffordable=True)
    rng = stream(check.seed, "state_flip", "logged")
    rows = np.sort(rng.choice(len(visited), size=n, replace=False))
    agent = in_context(check.agent, take(check.episodes.visited_context, rows))
    actions = choose_actions(agent, visited[rows], "greedy", ())
    whole = bool(content.swapped.size)
    units = input_units(visited, groups) if whole else content.scales
    states = np.flatnonzero(content.found)
    controls = np.full(len(states), np.nan)
    for place, state in enumerate(states):
        like = visited[rows[content.is_wanted(int(state), actions, _start(check))]]
        if len(like):
            own = content.seen[state] if whole else content.observations[state]
            # what a random one of them costs
            controls[place] = scaled_distances(like, own, units).mean()
    episodes = content.steps[states, 0]
    return paired_score(
        info,
        _by_episode(content.sizes[states], episodes),
        _by_episode(controls, episodes),
        "a random visited state with that action",
        name="logged_state",
        value_unit="standard deviations",
        bounds=(0.0, np.inf),
    )


def _occurs(content: CounterfactualStates) -> Score:
    """Return whether changed states are not mostly rare."""
    info = replace(
        state_flip.info,  # type: ignore[attr-defined]
        label="at most half of the changed states may be rare",
        direction="lower",
        closed_loop=False,
        role="sanity",
    )
    known = content.found & ~np.isnan(content.plausibility)
    if not known.any():
        reason = "there is one episode only, with no other to compare its states with"
        need = "two episodes or more"
        return missing_score(info, reason, need, name="occurs", applicable=False)
    rare = (content.plausibility[known] < thresholds.RARE_STATE).astype(np.float64)
    share = mean_interval(_by_episode(rare, content.steps[known, 0]))
    most = thresholds.RARE_STATES
    limit = Estimate(most, most, most, share.n, constant=True)
    return Score(
        metric=f"{info.name}.occurs",
        label=info.label,
        interval=share,
        unit=info.unit,
        direction=info.direction,
        control=Control("the largest share that passes", limit),
        gap=Interval(
            most - share.value, most - share.high, most - share.low, share.n, share.n_unscored,
            share.constant,
        ),
        closed_loop=False,
        role="sanity",
        value_unit="share of changed states",
    )  # fmt: skip
