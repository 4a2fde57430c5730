"""Prototype agreement: how often the nearest example tells the choice, against random examples."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Rules, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.prototypes import nearest_labels
from pellucid.rollouts import Episodes, collect
from pellucid.rollouts.clones import asks, decisions_at, observations_at
from pellucid.rollouts.failures import check_any
from pellucid.rollouts.likeness import LATENT, columns_of
from pellucid.rollouts.logs import evenly
from pellucid.seeds import derived_seed, stream

DRAWS = 20
"""Sets of random examples that make up the control."""
POOL = 400
"""Recorded states that random examples are drawn from, evenly spread."""


@metric(
    "prototype_agreement",
    kind=Rules,
    label="choices told by the nearest example",
    direction="higher",
    unit="episode",
    closed_loop=True,
    source="Kenny 2023 (PW-Net), decisions by nearness to prototypes; control and unit ours",
    targets=("action",),
)
def prototype_agreement(check: Check) -> tuple[Score, ...]:
    """Score examples by how often the nearest one has the action that the agent chooses.

    In fresh episodes, as many as were recorded (20 at most), up to 20 states of each; where there
    is no environment, in the recorded episodes that the examples were not made from. Value of an
    episode: the percentage of its states. Control: as many random examples of each action, from the
    episodes that the examples are from, compared by the same distance; the mean of 20 draws.

    Raises:
        CapabilityError: These rules are no examples, or their episodes were all held out.
        BudgetError: Less than five episodes, or less than a state of each.
    """
    content = check.finding.content
    assert isinstance(content, Rules)
    if not len(content.examples):
        raise CapabilityError("these rules are no recorded moments", hint="the method prototypes")
    shown = _columns(check, check.episodes, content.examples, content)
    pool = _located(check, check.episodes, _pool(check, content), content)
    states, complete = _states(check, content)
    labels = content.outcomes
    values = _told(states, shown, labels)
    controls = [
        _told(states, *_random_examples(pool, labels, stream(check.seed, "prototypes", draw)))
        for draw in range(DRAWS)
    ]
    score = paired_score(
        prototype_agreement.info,  # type: ignore[attr-defined]
        values,
        np.mean(controls, axis=0),
        "as many random examples of each action",
        value_unit="% of choices",
        bounds=(0.0, 100.0),
        complete=complete,
    )
    return (replace(score, closed_loop=check.episodes.spec is not None),)


@dataclass(frozen=True)
class _Located:
    """Moments, what the agent chooses there, and where they are."""

    episodes: Int[np.ndarray, " states"]
    choices: Int[np.ndarray, " states"]
    columns: Float[np.ndarray, "states columns"]


def _located(
    check: Check, episodes: Episodes, moments: Int[np.ndarray, "states 2"], content: Rules
) -> _Located:
    actions = decisions_at(check.agent, episodes, moments).astype(np.int64)
    choices = actions - int(check.agent.action_space.start)
    return _Located(moments[:, 0], choices, _columns(check, episodes, moments, content))


def _columns(
    check: Check, episodes: Episodes, moments: Int[np.ndarray, "states 2"], content: Rules
) -> Float[np.ndarray, "states columns"]:
    seen, context = observations_at(episodes, moments), episodes.context_at(moments)
    columns = columns_of(check.agent, seen, context, content.likeness)
    return np.asarray(columns / content.scale)


def _pool(check: Check, content: Rules) -> Int[np.ndarray, "states 2"]:
    steps = check.episodes.visited_steps
    steps = steps[~np.isin(steps[:, 0], content.held_out)]
    if not len(steps):
        raise CapabilityError("no recorded episode is left to draw random examples from")
    n_each = _queries_of_a_state(check, content)
    affordable = POOL if n_each == 0 else check.meter.left.queries // (2 * n_each)
    if affordable < 1:
        raise _too_small(check, content)
    return np.asarray(steps[evenly(len(steps), min(POOL, affordable))])


def _states(check: Check, content: Rules) -> tuple[_Located, bool]:
    """Return the states of the test, and whether all episodes that were planned were run."""
    n_each = _queries_of_a_state(check, content)
    if check.episodes.spec is None:
        episodes, used, complete = check.episodes, content.held_out.tolist(), True
    else:
        planned = min(len(check.episodes.attempted), thresholds.STAND_IN_EPISODES)
        left = check.meter.left
        episodes = collect(
            check.agent,
            check.episodes.spec,
            n_episodes=planned,
            seed=derived_seed(check.seed, "prototype_agreement"),
            policy=check.policy,
            meter=check.meter.child(Cost(left.queries // (1 + n_each), left.env_steps)),
            names=check.episodes.names,
            jobs=check.jobs,
        )
        check_any(episodes, "fresh episode")
        used, complete = list(range(len(episodes))), len(episodes.attempted) == planned
    affordable = check.meter.left.queries // n_each if n_each else 10**9
    if len(used) < thresholds.UNITS_FOR_WEAK or affordable < len(used):
        raise _too_small(check, content, len(used))
    per_episode = min(thresholds.STATES_PER_EPISODE, affordable // len(used))
    moments = [(e, t) for e in used for t in evenly(len(episodes[e]), per_episode)]
    return _located(check, episodes, np.array(moments, dtype=np.int64), content), complete


def _queries_of_a_state(check: Check, content: Rules) -> int:
    return int(asks(check.agent)) + int(content.likeness == LATENT)


def _too_small(check: Check, content: Rules, n_episodes: int = 0) -> BudgetError:
    least = thresholds.UNITS_FOR_WEAK
    typical = float(np.mean([len(episode) for episode in check.episodes.used]))
    need = round(2 * least * typical) + 2 * _queries_of_a_state(check, content) * (least + 1)
    return BudgetError(
        f"a state of each of {least} episodes is needed, and {n_episodes} episodes could be used",
        hint=f"a larger budget or more episodes: about {need} agent queries and environment steps "
        "for this test",
    )


def _random_examples(
    pool: _Located, labels: Int[np.ndarray, " examples"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "examples columns"], Int[np.ndarray, " examples"]]:
    """Return as many random examples of each action, or all if there are fewer."""
    rows: list[int] = []
    for label in np.unique(labels):
        own = np.flatnonzero(pool.choices == label)
        n_wanted = min(int((labels == label).sum()), len(own))
        rows += rng.choice(own, size=n_wanted, replace=False).tolist()
    if not rows:
        raise CapabilityError("the actions of the examples were not chosen in the states looked at")
    return pool.columns[rows], pool.choices[rows]


def _told(
    states: _Located,
    examples: Float[np.ndarray, "examples columns"],
    labels: Int[np.ndarray, " examples"],
) -> Float[np.ndarray, " episodes"]:
    right = nearest_labels(states.columns, examples, labels) == states.choices
    return np.array(
        [100.0 * right[states.episodes == e].mean() for e in np.unique(states.episodes)]
    )
