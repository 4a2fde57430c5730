"""Hypothesis choices: how many of an agent's choices the named hypothesis tells, against others."""

import numpy as np
from jaxtyping import Float

from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Contributions, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.rollouts import Episodes, collect
from pellucid.rollouts.clones import decisions_at
from pellucid.rollouts.logs import evenly
from pellucid.rollouts.masking import coin_agent
from pellucid.seeds import derived_seed
from pellucid.tabular.hypotheses import Hypotheses, term_tables
from pellucid.types import Observations

OWN_SHARE = 0.5
"""Chance with which the agent's own action is taken: the rest leads off its usual path."""


@metric(
    "hypothesis_choices",
    kind=Contributions,
    label="choices told by the best actions for the terms that are left",
    direction="higher",
    unit="episode",
    closed_loop=True,
    source="ours, after Tabrez 2019 (RARE); control a random hypothesis",
    targets=("action",),
)
def hypothesis_choices(check: Check) -> tuple[Score, ...]:
    """Score the hypothesis that is named by the agent's choices where it was not observed.

    Fresh episodes in which half of the actions are random, as many as were recorded (20 at most);
    in up to 20 states of each, the agent is asked for its choice. Value of an episode: the
    percentage of its choices that are the best action for the terms that the hypothesis leaves, one
    n-th of a choice where n actions are the best. Control: the mean over all other hypotheses.

    Raises:
        CapabilityError: These are no reward hypotheses, or the problem cannot be solved again.
        BudgetError: Less than five episodes, or less than a state of each.
    """
    content = check.finding.content
    assert isinstance(content, Contributions)
    if not len(content.absent) or check.episodes.spec is None:
        raise CapabilityError("these are no hypotheses about a reward", hint="reward-hypotheses")
    hypotheses = Hypotheses(term_tables(check.episodes.spec, discount=content.discount))
    episodes, planned = _fresh(check)
    affordable = check.meter.left.queries
    if len(episodes) < thresholds.UNITS_FOR_WEAK or affordable < len(episodes):
        least = thresholds.UNITS_FOR_WEAK
        raise BudgetError(
            f"a state of each of {least} episodes is needed, and {len(episodes)} episodes were run",
            hint=f"a larger budget: about {2 * _typical(check) * least + least} agent queries and "
            "environment steps for this test",
        )
    per_episode = min(thresholds.STATES_PER_EPISODE, affordable // len(episodes))
    moments = np.array(
        [(e, t) for e in range(len(episodes)) for t in evenly(len(episodes[e]), per_episode)],
        dtype=np.int64,
    )
    states = np.array([int(episodes[e].observations[t]) for e, t in moments])
    actions = decisions_at(check.agent, episodes, moments).astype(np.int64)
    told = 100.0 * hypotheses.choices[:, states, actions]
    others = np.delete(told, content.named, axis=0).mean(axis=0)
    score = paired_score(
        hypothesis_choices.info,  # type: ignore[attr-defined]
        _by_episode(told[content.named], moments[:, 0]),
        _by_episode(others, moments[:, 0]),
        "a random hypothesis",
        value_unit="% of choices",
        bounds=(0.0, 100.0),
        complete=len(episodes.attempted) == planned,
    )
    return (score,)


def _fresh(check: Check) -> tuple[Episodes, int]:
    """Return episodes off the agent's usual path, and how many were planned."""
    assert check.episodes.spec is not None
    planned = min(len(check.episodes.attempted), thresholds.STAND_IN_EPISODES)
    left = check.meter.left

    def chances(observations: Observations) -> Float[np.ndarray, " batch"]:
        return np.full(len(observations), OWN_SHARE)

    episodes = collect(
        coin_agent(check.agent, chances, check.policy),
        check.episodes.spec,
        n_episodes=planned,
        seed=derived_seed(check.seed, "hypothesis_choices"),
        policy="sampled",
        meter=check.meter.child(Cost(left.queries // 2, left.env_steps)),
        names=check.episodes.names,
    )
    return episodes, planned


def _typical(check: Check) -> int:
    return round(float(np.mean([len(episode) for episode in check.episodes.used])))


def _by_episode(
    values: Float[np.ndarray, " states"], episodes: np.ndarray
) -> Float[np.ndarray, " episodes"]:
    return np.array([values[episodes == e].mean() for e in np.unique(episodes)])
