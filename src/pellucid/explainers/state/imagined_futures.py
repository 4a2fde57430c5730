"""Imagined futures: where a model of the world expects an agent's inputs to go (leaf C3)."""

import math
from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int

from pellucid.agents.context import is_empty
from pellucid.agents.flatten import flat, n_inputs
from pellucid.agents.recorded import RecordedAgent
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.explainers.state.imagining import N_MEMBERS, fit_world, followed, imagine
from pellucid.explanation import Bands, Fact, Finding, Sentences, Task, explainer, fact
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step, whole_number
from pellucid.kernels.forecasts import conformal_offset
from pellucid.seeds import derived_seed, stream

AHEAD, MOST_AHEAD = 20, 100
COVERAGE = 0.8
N_FOLDS = 4
STATES_PER_EPISODE = 4
"""States of each episode that calibrate the bands of another fold."""
MOST_PARTICLES, FEWEST_PARTICLES = 50, 10
MOST_EPISODES = 40
MOST_INPUTS = 40
LATEST = 0.8
"""Share of an episode up to which states are looked at, so that something follows."""

_QUESTION = "What does it run into next?"
_NOT_ASKED = "The agent cannot be asked: its choices are part of the model."


@explainer(
    "imagined-futures",
    leaf="C3",
    kind=Bands,
    decisive=("forecast_futures", "forecast_records"),
    source="Chua 2018 (probabilistic ensembles), calibrated as in Romano 2019",
    question=_QUESTION,
    sentences=Sentences(
        supported="{k} steps after step {t}, {event} lies between {x} and {y} in 80 % of imagined "
        "futures, from {z} now. Fresh futures give such bands a penalty of {d} ({lo} to {hi}); "
        "those of standing still get {r}.",
        weak="{k} steps after step {t}, {event} may lie between {x} and {y}. Fresh futures give "
        "such bands a penalty of {d} ({lo} to {hi}), perhaps no less than those of standing still "
        "({r}): it could be chance.",
        thin="{k} steps after step {t}, {event} may lie between {x} and {y}. Fresh futures give "
        "such bands a penalty of {d} ({lo} to {hi}), those of standing still {r}; but {reason}.",
        failed="What it runs into next could not be shown: bands that say its inputs stay as they "
        "are do as well ({r}) as the imagined ones ({d}), or imagined ones cover too little.",
        not_measured="What it runs into next was not tested: {reason}. To test it: {need}.",
        does_not_say="what would follow if the agent or its world changed",
    ),
    targets=("return",),
    options={
        **EPISODE,
        **STEP,
        "ahead": f"steps that are imagined, from 1 to {MOST_AHEAD} ({AHEAD})",
    },
)
class ImaginedFutures:
    """Fits a small model of the world to recorded steps, and lets the agent act in it.

    Five ridge regressions on random features, each of other episodes, tell how every input changes
    in a step. The agent acts in fifty futures of each state, each of which follows one of them.
    Bands between the tenth and the ninetieth percentile are widened or narrowed until, at every
    step ahead and for every input, they cover what followed in episodes that the model did not
    learn from as often as they say. Episodes take turns in four folds: two are learnt from, one
    calibrates, one is told of; so nothing is told of an episode that was learnt from. Bands hold
    for as long as an episode lasts.

    No environment is needed. If the episodes came without their agent, its choices are part of the
    model. Deviation from Chua 2018: no networks; models are fitted once, and nothing is planned.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per imagined step.

        Raises:
            BudgetError: The budget does not pay for ten futures of each state.
            CapabilityError: Observations are images or numbers of states, or the agent remembers.
            DataError: There are fewer than four episodes.
            InputError: An option is out of range.
        """
        asked = _asked(task)
        return Cost(queries=asked.queries_per_particle * _n_particles(task, asked))

    def explain(self, task: Task) -> Finding:
        """Imagine what follows in states of every episode."""
        self.plan(task)
        asked = _asked(task)
        n_particles = _n_particles(task, asked)
        told, naive = _bands(task, asked, n_particles)
        known = np.isfinite(told).all(axis=(1, 2, 3))
        content = _content(task, asked, told[known], naive[known], asked.told[known])
        warnings = () if asked.by_action else (_NOT_ASKED,)
        return Finding(
            question=_question(task, content),
            content=content,
            facts=_facts(content),
            warnings=warnings,
            left_out=_left_out(n_particles),
        )


@dataclass(frozen=True)
class _Asked:
    """What is imagined.

    Args:
        told: Shape (states, 2), one state of each episode.
        calibrating: Shape (states, 2), several of each.
        shown: The told state that was asked for; -1 for none.
        ahead: Steps.
        by_action: Whether the agent can be asked.
    """

    told: Int[np.ndarray, "states 2"]
    calibrating: Int[np.ndarray, "states 2"]
    shown: int
    ahead: int
    by_action: bool

    @property
    def queries_per_particle(self) -> int:
        """Imagined steps of one particle in all states."""
        if not self.by_action:
            return 0
        return self.ahead * (len(self.told) + len(self.calibrating))


def _asked(task: Task) -> _Asked:
    agent, episodes = task.agent, task.episodes
    if n_inputs(agent.observation_space) > MOST_INPUTS:
        raise CapabilityError(
            f"a model of {n_inputs(agent.observation_space)} inputs is more than a few episodes "
            "can tell",
            hint="use reward-when, or intended-outcomes with features terms",
        )
    if isinstance(agent.observation_space, Discrete):
        raise CapabilityError(
            "numbers of states are no quantities that a model could learn to change",
            hint="use intended-outcomes",
        )
    by_action = agent.framework != RecordedAgent.framework
    if by_action and not is_empty(episodes.visited_context):
        raise CapabilityError(
            "what the agent remembers, or may do, is not known in imagined states",
            hint="use outcomes-if or intended-outcomes",
        )
    position = chosen_episode(task)
    step = chosen_step(task, position)
    used = [i for i in range(min(len(episodes), MOST_EPISODES)) if len(episodes[i]) > 1]
    if step is not None and position not in used:
        used.append(position)
    if len(used) < N_FOLDS:
        raise CapabilityError(
            f"imagining needs {N_FOLDS} episodes of two steps or more, and there are {len(used)}",
            hint="more episodes",
        )
    golden = (math.sqrt(5.0) - 1) / 2
    told = [(i, int(LATEST * ((0.5 + n * golden) % 1.0) * len(episodes[i])))
            for n, i in enumerate(used)]  # fmt: skip
    shown = -1
    if step is not None:
        shown = used.index(position)
        told[shown] = (position, step)
    places = LATEST * (np.arange(STATES_PER_EPISODE) + 0.5) / STATES_PER_EPISODE
    calibrating = [(i, int(share * len(episodes[i]))) for i in used for share in places]
    return _Asked(
        np.array(told), np.array(calibrating), shown, _ahead(task), by_action
    )  # fmt: skip


def _ahead(task: Task) -> int:
    ahead = whole_number(task, "ahead")
    ahead = AHEAD if ahead is None else ahead
    if not 1 <= ahead <= MOST_AHEAD:
        raise InputError(f"the option ahead must be from 1 to {MOST_AHEAD}, got {ahead}")
    # what no recorded episode lasted for can neither be learnt nor tested
    return min(ahead, max(len(episode) for episode in task.episodes.used))


def _n_particles(task: Task, asked: _Asked) -> int:
    each = asked.queries_per_particle
    n_particles = MOST_PARTICLES if each == 0 else task.meter.left.queries // each
    if n_particles < FEWEST_PARTICLES:
        raise BudgetError(
            f"{FEWEST_PARTICLES} futures of {len(asked.told)} states need more than is left",
            hint=f"a larger budget: at least {FEWEST_PARTICLES * each} queries for this method",
        )
    # every member is followed alike often
    return min(MOST_PARTICLES, n_particles) // N_MEMBERS * N_MEMBERS


def _bands(
    task: Task, asked: _Asked, n_particles: int
) -> tuple[Float[np.ndarray, "states ahead inputs 3"], Float[np.ndarray, "states ahead inputs"]]:
    """Return calibrated bands, and the half-widths of those of standing still."""
    episodes = task.episodes
    order = np.unique(asked.told[:, 0])
    fold_of = {int(episode): n % N_FOLDS for n, episode in enumerate(order)}
    told_fold = np.array([fold_of[int(e)] for e in asked.told[:, 0]])
    calibrating_fold = np.array([fold_of[int(e)] for e in asked.calibrating[:, 0]])
    shape = (len(asked.told), asked.ahead, n_inputs(task.agent.observation_space))
    bands = np.full((*shape, 3), np.nan)
    naive = np.full(shape, np.nan)
    for fold in range(N_FOLDS):
        other = (fold + 1) % N_FOLDS
        learnt = [episodes[int(e)] for e in order if fold_of[int(e)] not in (fold, other)]
        rng = stream(task.seed, "imagined-futures", "world", fold)
        world = fit_world(learnt, task.agent.action_space, rng, by_action=asked.by_action)
        rows = np.flatnonzero(told_fold == fold)
        steps = np.concatenate((asked.told[rows], asked.calibrating[calibrating_fold == other]))
        found = imagine(
            world,
            task.agent,
            _observed(task, steps),
            n_particles=n_particles,
            ahead=asked.ahead,
            policy=task.policy,
            seed=derived_seed(task.seed, "imagined-futures", fold),
        )
        quantiles = np.moveaxis(np.quantile(found, [0.1, 0.5, 0.9], axis=1), 0, -1)
        happened = followed(episodes, steps[len(rows) :], asked.ahead)
        offsets = _offsets(quantiles[len(rows) :], happened)
        bands[rows] = quantiles[: len(rows)] + offsets[..., None] * np.array([-1.0, 0.0, 1.0])
        now = flat(_observed(task, steps[len(rows) :]))[:, None]
        stays = np.broadcast_to(now, happened.shape)
        naive[rows] = _offsets(np.stack((stays, stays, stays), axis=-1), happened)
        task.progress((fold + 1) / N_FOLDS)
    # a band that was narrowed past itself is a point
    bands[..., 0] = np.minimum(bands[..., 0], bands[..., 1])
    bands[..., 2] = np.maximum(bands[..., 2], bands[..., 1])
    return bands, naive


def _offsets(
    quantiles: Float[np.ndarray, "states ahead inputs 3"],
    happened: Float[np.ndarray, "states ahead inputs"],
) -> Float[np.ndarray, "ahead inputs"]:
    """Return by how much to widen bands; where too little is known, as at the last known step."""
    n_ahead, width = happened.shape[1:]
    found = np.full((n_ahead, width), np.nan)
    for step in range(n_ahead):
        for i in range(width):
            found[step, i] = conformal_offset(
                quantiles[:, step, i, 0], quantiles[:, step, i, 2], happened[:, step, i], COVERAGE
            )
        if step and np.isnan(found[step]).any():
            found[step] = np.where(np.isnan(found[step]), found[step - 1], found[step])
    return found


def _observed(task: Task, steps: Int[np.ndarray, "states 2"]) -> np.ndarray:
    return np.stack([task.episodes[int(e)].observations[int(t)] for e, t in steps])


def _content(
    task: Task,
    asked: _Asked,
    told: Float[np.ndarray, "states ahead inputs 3"],
    naive: Float[np.ndarray, "states ahead inputs"],
    steps: Int[np.ndarray, "states 2"],
) -> Bands:
    episodes = task.episodes
    spread = flat(episodes.visited).std(axis=0)
    names = episodes.names.inputs
    now = flat(_observed(task, steps))
    wanted = asked.told[asked.shown] if asked.shown >= 0 else None
    shown = _most_moved(told, now, spread)
    if wanted is not None:
        same = np.flatnonzero((steps == wanted).all(axis=1))
        if not len(same):
            raise CapabilityError(
                "too little followed states like the one asked for", hint="another --step"
            )
        shown = int(same[0])
    return Bands(
        input_names=names,
        steps=steps,
        observations=now,
        held_out=True,
        shown=shown,
        bands=told,
        standing_still=naive,
        spreads=spread,
        followed=followed(episodes, steps, asked.ahead),
        coverage=COVERAGE,
    )


def _most_moved(
    told: Float[np.ndarray, "states ahead inputs 3"],
    now: Float[np.ndarray, "states inputs"],
    spread: Float[np.ndarray, " inputs"],
) -> int:
    """Return the state from which the median of all inputs moves most, in their own spread."""
    scale = np.where(spread > 0, spread, 1.0)
    moved = np.abs(told[:, -1, :, 1] - now) / scale
    return int(moved.sum(axis=1).round(9).argmax())


def _left_out(n_particles: int) -> tuple[str, ...]:
    if n_particles == MOST_PARTICLES:
        return ()
    wanted = f"{n_particles} futures of each state are imagined in place of {MOST_PARTICLES}"
    return (f"{_QUESTION} {wanted}.",)


def _question(task: Task, content: Bands) -> str:
    position, step = content.steps[content.shown].tolist()
    index = task.episodes[position].index
    return f"What does it run into after step {step} of episode {index}?"


def _facts(content: Bands) -> dict[str, Fact]:
    last, now = content.bands[content.shown, -1], content.observations[content.shown]
    scale = np.where(content.spreads > 0, content.spreads, np.inf)
    event = int((np.abs(last[:, 1] - now) / scale).argmax())
    return {
        "k": fact(int(content.bands.shape[1])),
        "t": fact(int(content.steps[content.shown, 1])),
        "event": fact(content.input_names[event]),
        "x": fact(float(last[event, 0])),
        "y": fact(float(last[event, 2])),
        "z": fact(float(now[event])),
    }
