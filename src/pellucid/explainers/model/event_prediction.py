"""What comes next: named events, announced by rolling the agent ahead (leaf A2i)."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.flatten import flat, n_inputs
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.model.event_bank import EventBank, derived_bank, given_bank
from pellucid.explanation import Fact, Finding, Prediction, Sentences, Task, explainer, fact
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step, whole_number
from pellucid.kernels.events import times_until
from pellucid.rollouts import Branch, Future, branching_cost, run_branches
from pellucid.rollouts.failures import check_enough, failure_warnings

SIZES = ((20, 10), (20, 5), (10, 5), (10, 3), (5, 3), (5, 1))
"""States, and futures of each: the first size that is paid for."""
MIN_STATES = 5
LEAST_HORIZON, MOST_HORIZON, HORIZON_SHARE = 5, 50, 0.05
NEAREST = 30
"""Recorded states that stand for one where nothing can be rolled ahead."""
KEPT_EVERY = 3
"""Of recorded episodes that are learned from, each such one is told of and not learned from."""
MOST_INPUTS = 128

_QUESTION = "What will happen next?"
_TOLD = "within {k} steps {e}, announced at {p} % (usual: {q} %), after about {w}"


@dataclass(frozen=True)
class _Announced:
    """What is announced in some states.

    Args:
        states: Shape (states, 2), episode and step.
        probabilities: Shape (states, events).
        times: Shape (states, events), mean steps until each; NaN where it never happened.
        learned_from: Episodes that it was learned from; empty if the environment was run.
        complete: Whether all that was planned was run.
        warnings: What the reader should know.
        left_out: What the budget left out.
    """

    states: Int[np.ndarray, "states 2"]
    probabilities: Float[np.ndarray, "states events"]
    times: Float[np.ndarray, "states events"]
    learned_from: Int[np.ndarray, " episodes"]
    complete: bool
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@explainer(
    "event-prediction",
    leaf="A2i",
    kind=Prediction,
    decisive=("event_skill", "event_record"),
    source="Fukuchi 2017 (instruction-based behaviour explanation), with a bank of phrases",
    question=_QUESTION,
    sentences=Sentences(
        supported=f"At step {{t}}: {_TOLD}. In {{n}} states announcements miss what happens in "
        "fresh futures by {d} ({lo} to {hi}), the control by {r}.",
        weak=f"At step {{t}} it may come to this: {_TOLD}; but announcements miss by {{d}} "
        "({lo} to {hi}), not clearly less than the control ({r}).",
        thin=f"At step {{t}} it may come to this: {_TOLD}. Announcements miss by {{d}} "
        "({lo} to {hi}), the control by {r}; but {reason}.",
        failed="What comes next could not be told: announcements miss what happens by {d}, no less "
        "than the control ({r}).",
        not_measured="Whether announced events happen was not tested: {reason}. To test it: "
        "{need}.",
        does_not_say="that the agent plans in these words, or brings the events about",
    ),
    options={
        **EPISODE,
        **STEP,
        "horizon": f"steps ahead, up to {MOST_HORIZON} (a twentieth of a typical episode)",
        "events": "events of your own, each INPUT > NUMBER: PHRASE, or end: PHRASE",
    },
)
class EventPrediction:
    """Says which of some named events follow within some steps, when, and how probably.

    Events are changes of the state with a phrase: an input changes its sign, becomes unusually high
    or low, or the episode ends by itself; or what the user gives (`event_bank`). From
    each told state the agent is rolled ahead under fresh noise; the share of futures in which an
    event happens is its probability, drawn towards its usual rate as by one more future. Of the
    events at a half or more the soonest is named, else the likeliest.

    Where the environment cannot be run, the most similar states of other recorded episodes stand
    for futures. Deviations from Fukuchi 2017: phrases come with a condition on the change of state,
    so that whether one was right can be seen; there they come from people who taught the agent.
    """

    def plan(self, task: Task) -> Cost:
        """Return what rolling ahead takes at most.

        Raises:
            CapabilityError: Observations are no array of numbers, or too many of them.
            DataError: There is no episode, or no event to tell of.
            InputError: An option is out of range.
        """
        horizon = _horizon(task)
        bank = _bank(task, horizon)
        if task.episodes.spec is None:
            return Cost()
        states, n_futures = _affordable(task, bank, horizon)
        n = n_futures * int((states[:, 1] + horizon).sum())
        return Cost(queries=n_futures * len(states) * horizon, env_steps=n)

    def explain(self, task: Task) -> Finding:
        """Announce events in some states, and say what comes next in one of them."""
        horizon = _horizon(task)
        bank = _bank(task, horizon)
        announced = _announced(task, bank, horizon)
        content = _content(task, bank, announced, horizon)
        return Finding(
            question=f"What will happen next, after step {int(content.steps[content.shown, 1])} "
            f"of episode {task.episodes[int(content.steps[content.shown, 0])].index}?",
            content=content,
            facts=_facts(content),
            complete=announced.complete,
            warnings=announced.warnings,
            left_out=announced.left_out,
        )


# --- options and states ---


def _horizon(task: Task) -> int:
    if not len(task.episodes) or not len(task.episodes.visited):
        raise DataError("there is no finished episode to explain", hint="collect episodes first")
    horizon = whole_number(task, "horizon")
    if horizon is None:
        typical = HORIZON_SHARE * float(np.median([len(e) for e in task.episodes.used]))
        return int(np.clip(round(typical), LEAST_HORIZON, MOST_HORIZON))
    if not 1 <= horizon <= MOST_HORIZON:
        raise InputError(f"the option horizon must be from 1 to {MOST_HORIZON}, got {horizon}")
    return horizon


def _bank(task: Task, horizon: int) -> EventBank:
    found = n_inputs(task.agent.observation_space)
    given = task.options.get("events")
    if given is None:
        if found > MOST_INPUTS:
            raise CapabilityError(
                f"no events are derived from {found} inputs; up to {MOST_INPUTS} are",
                hint="give events of your own in the option events",
            )
        return derived_bank(task.episodes, horizon)
    texts = given.split(";") if isinstance(given, str) else given
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"the option events must be text or a list of texts, got {given!r:.60}")
    return given_bank(task.episodes, [text for text in texts if text.strip()], horizon)


def _states(
    task: Task, bank: EventBank, n_states: int, among: Int[np.ndarray, " episodes"]
) -> Int[np.ndarray, "states 2"]:
    """Return states after which a whole horizon was seen, the one asked for first."""
    rows = task.episodes.visited_steps
    seen = ~np.isnan(bank.times).all(axis=1) & np.isin(rows[:, 0], among)
    places = np.flatnonzero(seen)
    chosen = rows[places[np.unique(np.linspace(0, len(places) - 1, n_states).round().astype(int))]]
    if task.options.get("step") is None:
        if task.options.get("episode") is not None:
            raise InputError("the option episode needs a step too", hint="give both")
        return np.asarray(chosen)
    position = chosen_episode(task)
    asked = np.array([position, chosen_step(task, position)])
    others = chosen[~(chosen == asked).all(axis=1)]
    return np.asarray(np.concatenate((asked[None], others))[:n_states])


def _branches(
    task: Task, states: Int[np.ndarray, "states 2"], n_futures: int, horizon: int
) -> list[Branch]:
    nothing = task.episodes[0].actions[:0]
    return [
        Branch(int(e), int(t), nothing, replicate, horizon)
        for e, t in states
        for replicate in range(n_futures)
    ]


def _affordable(
    task: Task, bank: EventBank, horizon: int
) -> tuple[Int[np.ndarray, "states 2"], int]:
    """Return the states and the number of futures that are paid for.

    Raises:
        BudgetError: Not even one future of five states.
    """
    everywhere = np.arange(len(task.episodes))
    for n_states, n_futures in SIZES:
        states = _states(task, bank, n_states, everywhere)
        need = branching_cost(task.episodes, _branches(task, states, n_futures, horizon))
        if need.fits(task.meter.left):
            return states, n_futures
    raise BudgetError(
        f"rolling {len(states)} states ahead by {horizon} steps may take {need.env_steps} "
        f"environment steps; {task.meter.left.env_steps} are left",
        hint=f"a larger budget: at least {need.env_steps} environment steps for this method",
    )


# --- announcing ---


def _announced(task: Task, bank: EventBank, horizon: int) -> _Announced:
    if task.episodes.spec is None:
        return _from_records(task, bank)
    try:
        return _rolled(task, bank, horizon)
    except CapabilityError as error:
        warning = f"Announcements come from recorded episodes: {error}."
        return replace(_from_records(task, bank), warnings=(warning,))


def _rolled(task: Task, bank: EventBank, horizon: int) -> _Announced:
    states, n_futures = _affordable(task, bank, horizon)
    futures = run_branches(
        task.agent,
        task.episodes,
        _branches(task, states, n_futures, horizon),
        meter=task.meter,
        policy=task.policy,
        jobs=task.jobs,
        seed=task.seed,
        progress=task.progress,
        keep_observations=True,
    )
    n_done = len(futures) // n_futures
    if n_done < min(MIN_STATES, len(states)):
        raise BudgetError(
            f"the budget paid for futures of {n_done} states, and {MIN_STATES} are needed",
            hint="a larger budget of environment steps",
        )
    futures = futures[: n_done * n_futures]
    times = np.array([_times(future, bank, horizon) for future in futures])
    times = times.reshape(n_done, n_futures, len(bank.events))
    usable = ~np.isnan(times).any(axis=2)
    kept = usable.any(axis=1)
    check_enough(futures, int(kept.sum()), max(MIN_STATES, -(-n_done // 2)))
    told = [_share(times[i][usable[i]], bank.rates) for i in np.flatnonzero(kept)]
    planned = (min(SIZES[0][0], len(task.episodes.visited)), SIZES[0][1])
    complete = (n_done, n_futures) == planned
    return _Announced(
        states[:n_done][kept],
        np.array([p for p, _ in told]),
        np.array([t for _, t in told]),
        np.empty(0, dtype=np.int64),
        complete=complete,
        warnings=failure_warnings(futures),
        left_out=() if complete else (_left_out((n_done, n_futures), planned),),
    )


def _left_out(done: tuple[int, int], planned: tuple[int, int]) -> str:
    return (
        f"{_QUESTION} {done[0]} states were rolled ahead {done[1]} times in place of "
        f"{planned[0]} states {planned[1]} times."
    )


def _times(future: Future, bank: EventBank, horizon: int) -> Float[np.ndarray, " events"]:
    if future.failure is not None or future.observations is None or not len(future):
        return np.full(len(bank.events), np.nan)
    times = times_until(flat(future.observations), future.terminated, bank.events)[0]
    return np.where(times <= horizon, times, np.inf)


def _share(
    times: Float[np.ndarray, "futures events"], rates: Float[np.ndarray, " events"]
) -> tuple[Float[np.ndarray, " events"], Float[np.ndarray, " events"]]:
    """Return probability and mean time of each event over some futures."""
    happened = np.isfinite(times)
    counts = happened.sum(axis=0)
    total = np.where(happened, times, 0.0).sum(axis=0)
    means = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return (counts + rates) / (len(times) + 1), means


def _from_records(task: Task, bank: EventBank) -> _Announced:
    """Announce what followed on the most similar states of other recorded episodes.

    Raises:
        DataError: Fewer than three episodes, or none of those told of is long enough.
    """
    episodes = np.arange(len(task.episodes))
    told = episodes[episodes % KEPT_EVERY == KEPT_EVERY - 1]
    learned = np.setdiff1d(episodes, told)
    rows, places = flat(task.episodes.visited), task.episodes.visited_steps
    known = np.flatnonzero(~np.isnan(bank.times).all(axis=1) & np.isin(places[:, 0], learned))
    seen = ~np.isnan(bank.times).all(axis=1) & np.isin(places[:, 0], told)
    if not len(known) or int(seen.sum()) < MIN_STATES:
        raise DataError(
            f"{len(episodes)} recorded episodes are too few or too short to learn from some and "
            "tell of others",
            hint="more recorded episodes, or the environment",
        )
    asked = task.options.get("episode")
    if asked is not None and asked % KEPT_EVERY != KEPT_EVERY - 1:
        raise InputError(
            f"episode {asked} was learned from and cannot be told of",
            hint=f"choose one of {', '.join(map(str, told[:5].tolist()))}",
        )
    states = _states(task, bank, SIZES[0][0], told)
    starts = np.cumsum([0, *(len(e) for e in task.episodes.used)])
    width = rows[known].std(axis=0)
    scaled = rows / np.where(width > 0, width, np.inf)
    found = []
    for e, t in states:
        squares = ((scaled[known] - scaled[starts[e] + t]) ** 2).sum(axis=1)
        nearest = known[np.argsort(squares, kind="stable")[:NEAREST]]
        found.append(_share(bank.times[nearest], bank.rates))
    return _Announced(
        states,
        np.array([p for p, _ in found]),
        np.array([t for _, t in found]),
        learned,
        complete=True,
    )


# --- telling ---


def _content(task: Task, bank: EventBank, announced: _Announced, horizon: int) -> Prediction:
    starts = np.cumsum([0, *(len(e) for e in task.episodes.used)])
    states = announced.states
    followed = bank.times[starts[states[:, 0]] + states[:, 1]]
    likely = announced.probabilities >= 0.5
    waits = np.where(likely, announced.times, np.inf)
    named = np.where(likely.any(axis=1), waits.argmin(axis=1), announced.probabilities.argmax(1))
    lift = announced.probabilities - bank.rates
    asked = task.options.get("step") is not None
    shown = 0 if asked else int(lift[np.arange(len(named)), named].argmax())
    return Prediction(
        event_names=bank.phrases,
        probabilities=announced.probabilities,
        happened=np.isfinite(followed),
        episodes=states[:, 0].copy(),
        steps=states,
        horizon=horizon,
        times=announced.times,
        named=named.astype(np.int64),
        base_rates=bank.rates,
        columns=bank.events.columns,
        bounds=bank.events.thresholds,
        above=bank.events.signs > 0,
        learned_from=announced.learned_from,
        shown=shown,
    )


def _facts(content: Prediction) -> dict[str, Fact]:
    event = int(content.named[content.shown])
    wait = content.times[content.shown, event]
    steps = "1 step" if round(wait) == 1 else f"{wait:.0f} steps"
    return {
        "t": fact(int(content.steps[content.shown, 1])),
        "e": fact(content.event_names[event]),
        "p": fact(100.0 * float(content.probabilities[content.shown, event])),
        "q": fact(100.0 * float(content.base_rates[event])),
        "w": fact(steps if np.isfinite(wait) else "an unknown time"),
        "k": fact(content.horizon),
        "n_states": fact(len(content.steps)),
    }
