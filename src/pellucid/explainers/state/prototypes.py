"""Prototypes: a few recorded moments whose nearness tells what the agent chooses (leaf C1)."""

from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.envs.names import Names
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explanation import Finding, Rules, Sentences, Task, explainer, fact, show
from pellucid.explanation.options import whole_number
from pellucid.kernels.prototypes import exchanged, medoids, within_spread
from pellucid.rollouts.clones import asks, decisions_at, observations_at
from pellucid.rollouts.episodes import Episodes
from pellucid.rollouts.likeness import LATENT, columns_of, likeness_of
from pellucid.rollouts.logs import evenly
from pellucid.stats import proportion_interval

N_EXAMPLES, MOST_EXAMPLES = 3, 10
MOST_STATES = 1500
"""States that examples are made from, and as many that they are checked on, evenly spread."""
MOST_CANDIDATES = 200
"""States of one choice among which its examples are picked."""
NAMED_INPUTS = 2
"""Inputs by which an example is described: those farthest from their mean."""

_QUESTION = "Which recorded moments are its choices like?"


@explainer(
    "prototypes",
    leaf="C1",
    kind=Rules,
    decisive="prototype_agreement",
    source="Kenny 2023 (PW-Net), examples as prototypes; first picked as in Nemhauser 1978",
    question=_QUESTION,
    sentences=Sentences(
        supported="In fresh episodes, {d} % of its choices ({lo} to {hi}) are those of the nearest "
        "of {k} recorded moments; with random examples {r} %.",
        weak="Its choices may be those of the nearest of {k} recorded moments: {d} % are ({lo} to "
        "{hi}), not clearly more than with random examples ({r} %).",
        thin="Its choices may be those of the nearest of {k} recorded moments: {d} % are ({lo} to "
        "{hi}), with random examples {r} %; but {reason}.",
        failed="Being near the moments shown does not tell its choices better than being near "
        "random examples.",
        not_measured="Whether being near these moments tells its choices was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent compares what it sees with these moments",
    ),
    options={"examples": f"how many moments are shown per action, from 1 to {MOST_EXAMPLES}"},
)
class Prototypes:
    """Picks real moments, a few per action, such that the nearest one tells the agent's choice.

    Near by the activations that feed the agent's action head, or by its inputs where it shows none,
    each in units of how much it varies among states of one choice. Of each action, moments from
    which its states are near are picked by facility location; then each is exchanged for another
    one of its action as long as the nearest moment tells more choices. Half of the recorded
    episodes, every other one, are kept from this: how often each moment is nearest, and right, is
    counted there. Deviation from Kenny 2023: the agent is not rebuilt around the prototypes, no
    map before the distance is trained, and nobody picks them by hand.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per state for its choice, and one where a hidden layer is shown.

        Raises:
            BudgetError: The budget does not pay for them.
            CapabilityError: An action is not one choice, or there is nothing to compare moments by.
            DataError: There are less than two episodes.
        """
        _check(task)
        need = _n_queries(task)
        if need > task.meter.left.queries:
            raise BudgetError(
                f"looking at the recorded states takes {need} agent queries; "
                f"{task.meter.left.queries} are left",
                hint=f"a larger budget: at least {need} queries for this method",
            )
        return Cost(queries=need)

    def explain(self, task: Task) -> Finding:
        """Pick the moments and count how often they tell the choice."""
        self.plan(task)
        episodes = task.episodes
        fit, held = (_located(task, own) for own in _halves(episodes))
        scale = within_spread(fit.columns, fit.choices)
        examples = picked_examples(fit.columns / scale, fit.choices, _n_examples(task))
        nearest = cdist(held.columns / scale, fit.columns[examples] / scale).argmin(axis=1)
        right = held.choices == fit.choices[examples][nearest]
        order = np.argsort(-np.bincount(nearest, minlength=len(examples)), kind="stable")
        examples = examples[order]
        counts = [(nearest == place, right[nearest == place]) for place in order]
        shares = [proportion_interval(int(own.sum()), len(own)) for _, own in counts]
        moments = fit.moments[examples]
        likeness = likeness_of(task.agent)
        return Finding(
            question=_QUESTION,
            content=Rules(
                rules=tuple(
                    _words(episodes, moment, choice, task.agent.action_space)
                    for moment, choice in zip(moments, fit.choices[examples], strict=True)
                ),
                support=np.array([int(near.sum()) for near, _ in counts]),
                precision=np.array([share.value for share in shares]),
                precision_lows=np.array([share.low for share in shares]),
                precision_highs=np.array([share.high for share in shares]),
                outcomes=fit.choices[examples],
                held_out=_halves(episodes)[1],
                examples=moments,
                likeness=likeness,
                scale=scale,
            ),
            facts={
                "k": fact(len(examples)),
                "n_actions": fact(len(np.unique(fit.choices))),
                "told": fact(100.0 * float(right.mean())),
                "n_held": fact(len(right)),
                "likeness": fact(likeness),
            },
        )


@dataclass(frozen=True)
class _Located:
    """Recorded moments, what the agent chooses there, and where they are."""

    moments: Int[np.ndarray, "states 2"]
    choices: Int[np.ndarray, " states"]
    columns: Float[np.ndarray, "states columns"]


def picked_examples(
    columns: Float[np.ndarray, "states columns"],
    choices: Int[np.ndarray, " states"],
    n_examples: int,
) -> Int[np.ndarray, " examples"]:
    """Return rows, up to so many of each choice, of which the nearest one tells the choice."""
    candidates: list[int] = []
    started: list[int] = []
    for choice in np.unique(choices):
        rows = np.flatnonzero(choices == choice)
        rows = rows[evenly(len(rows), MOST_CANDIDATES)]
        started += (len(candidates) + medoids(columns[rows], n_examples)).tolist()
        candidates += rows.tolist()
    pool = np.array(candidates)
    distances = cdist(columns, columns[pool])
    return np.asarray(pool[exchanged(distances, choices, choices[pool], np.array(started))])


def _check(task: Task) -> None:
    if not isinstance(task.agent.action_space, Discrete):
        raise CapabilityError(
            f"examples are shown per action, and an action of {task.agent.name} is not one choice "
            "among a few",
            hint="use nearest-trajectory, which compares moments of any kind",
        )
    likeness_of(task.agent)
    if len(task.episodes) < 2:
        raise DataError(
            f"half of the episodes are kept to check the examples on, and there are "
            f"{len(task.episodes)}",
            hint="collect or read two episodes or more",
        )


def _halves(episodes: Episodes) -> tuple[Int[np.ndarray, " fit"], Int[np.ndarray, " held"]]:
    """Return the episodes that examples are from, and those that they are checked on."""
    everyone = np.arange(len(episodes))
    return everyone[::2], everyone[1::2]


def _moments(episodes: Episodes, own: Int[np.ndarray, " episodes"]) -> Int[np.ndarray, "states 2"]:
    steps = episodes.visited_steps
    steps = steps[np.isin(steps[:, 0], own)]
    return np.asarray(steps[evenly(len(steps), MOST_STATES)])


def _n_queries(task: Task) -> int:
    n_states = sum(len(_moments(task.episodes, own)) for own in _halves(task.episodes))
    return n_states * (int(asks(task.agent)) + int(likeness_of(task.agent) == LATENT))


def _located(task: Task, own: Int[np.ndarray, " episodes"]) -> _Located:
    moments = _moments(task.episodes, own)
    actions = decisions_at(task.agent, task.episodes, moments)
    columns = columns_of(
        task.agent,
        observations_at(task.episodes, moments),
        task.episodes.context_at(moments),
        likeness_of(task.agent),
    )
    return _Located(moments, actions.astype(np.int64) - int(task.agent.action_space.start), columns)


def _n_examples(task: Task) -> int:
    wanted = whole_number(task, "examples")
    return N_EXAMPLES if wanted is None else int(np.clip(wanted, 1, MOST_EXAMPLES))


# --- in words ---


def _words(
    episodes: Episodes, moment: Int[np.ndarray, " two"], choice: int, space: Discrete
) -> str:
    episode, step = (int(place) for place in moment)
    seen = _described(episodes, episode, step)
    action = _action_name(episodes.names, int(choice), int(space.start))
    return f"like step {step} of episode {episodes[episode].index}{seen}: {action}"


def _action_name(names: Names, choice: int, start: int) -> str:
    return names.actions[choice] if choice < len(names.actions) else f"action {choice + start}"


def _described(episodes: Episodes, episode: int, step: int) -> str:
    """Return the inputs that are farthest from their mean; nothing for images."""
    names = episodes.names.inputs
    row = flat(episodes[episode].observations[step : step + 1])[0]
    if len(names) != len(row) or len(row) > MOST_CANDIDATES:
        return ""
    visited = flat(episodes.visited)
    spread = visited.std(axis=0)
    far = np.abs(row - visited.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    shown = np.sort(np.argsort(-far, kind="stable")[:NAMED_INPUTS])
    return f" ({', '.join(f'{names[i]} {show(float(row[i]))}' for i in shown)})"
