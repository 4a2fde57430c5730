"""State flip: whether the agent, shown the changed state while it acts, takes the other action."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.agents.flatten import flat, unflat
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, CounterfactualStates, Score, metric
from pellucid.explanation.score import Control, Interval
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import missing_score, paired_score
from pellucid.rollouts import Branch, branching_cost, run_branches
from pellucid.seeds import derived_seed, stream
from pellucid.stats import Estimate, mean_interval

_BOUNDS = (0.0, 100.0)
_LOGGED = 2000
"""Visited states that are asked for their choice at most."""


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
    sum of standard deviations, within the observation space.

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
    arms = np.stack([_arms(check, content, int(state)) for state in states])
    taken = _actions(check, content, states, arms)
    n_scored = len(taken)
    start = int(check.agent.action_space.start)
    flips = 100.0 * (taken == content.wanted[states[:n_scored], None] + start)
    flips[np.isnan(taken)] = np.nan
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


def _arms(
    check: Check, content: CounterfactualStates, state: int
) -> Float[np.ndarray, "arms inputs"]:
    """Return the changed state, and random changes of that size."""
    rng = stream(check.seed, "state_flip", "changes", state)
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
    return np.stack([content.changed[state], *drawn])


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


def _actions(
    check: Check,
    content: CounterfactualStates,
    states: Int[np.ndarray, " states"],
    arms: Float[np.ndarray, "states arms inputs"],
) -> Float[np.ndarray, "states arms"]:
    """Return what the agent does in the environment, for as many states as the budget pays for.

    Raises:
        BudgetError: They are of less than five episodes.
    """
    space = check.agent.observation_space
    branches: list[Branch] = []
    for state, shown in zip(states, arms, strict=True):
        episode, step = content.steps[state].tolist()
        seen = within(unflat(shown, space), space)
        branches += [Branch(episode, step, np.empty(0), 0, 1, shown=one) for one in seen]
    n_arms = arms.shape[1]
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
    taken = [
        float(f.actions[0]) if f.failure is None and len(f.actions) else np.nan for f in futures
    ]
    return np.array(taken[: n_scored * n_arms]).reshape(n_scored, n_arms)


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
    visited = check.episodes.visited
    n = min(len(visited), _LOGGED)
    if n > check.meter.left.queries:
        reason = (
            f"asking {n} visited states for their action needs more agent queries than are left"
        )
        need = f"at least {n} agent queries for this check"
        score = missing_score(info, reason, need, name="logged_state")
        return replace(score, unaffordable=True)
    rng = stream(check.seed, "state_flip", "logged")
    rows = np.sort(rng.choice(len(visited), size=n, replace=False))
    actions = choose_actions(check.agent, visited[rows], "greedy", ())
    choices = actions.astype(np.int64) - int(check.agent.action_space.start)
    inputs = flat(visited[rows])
    vary = content.scales > 0
    states = np.flatnonzero(content.found)
    controls = np.full(len(states), np.nan)
    for place, state in enumerate(states):
        like = inputs[choices == content.wanted[state]][:, vary]
        if len(like):
            change = np.abs(like - content.observations[state, vary]) / content.scales[vary]
            controls[place] = change.sum(axis=1).mean()  # what a random one of them costs
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
