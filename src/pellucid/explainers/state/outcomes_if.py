"""Outcomes if: what follows if it did something else for a while, outcome by outcome (leaf C3)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pellucid.agents.flatten import flat
from pellucid.agents.outputs import action_words, output_names
from pellucid.budget import Cost
from pellucid.errors import BudgetError, InputError
from pellucid.explanation import Fact, Finding, Futures, Sentences, Task, explainer, fact
from pellucid.explanation.options import EPISODE, STEP, chosen_step
from pellucid.explanation.parting import (
    MIN_PAIRS,
    Parting,
    good_pairs,
    n_moments,
    part,
    parting_at,
    parting_branches,
    parting_episode,
    preferences_at,
    spread_steps,
)
from pellucid.rollouts import Future, branching_cost
from pellucid.rollouts.failures import failure_warnings
from pellucid.rollouts.outcomes import Outcomes, named_outcomes, usual_outcomes
from pellucid.stats import differences, holm, paired_p_value

HOLD_SHARE = 0.1
N_CANDIDATES, N_SEARCH = 8, 3
N_FUTURES = 40

WITHOUT_ENVIRONMENT = "give the environment, or use imagined-futures"

_QUESTION = "What would follow if it did something else for a while?"


@explainer(
    "outcomes-if",
    leaf="C3",
    kind=Futures,
    decisive="outcome_gap",
    source="van der Waa 2018 (contrastive consequences), by branching",
    question=_QUESTION,
    sentences=Sentences(
        supported="After {b} for {k} {steps}, {event} follows in {y} % of {n_futures} futures; as "
        "it is, in {x} %. Fresh futures miss the told differences by {d} ({lo} to {hi}), with "
        "exchanged arms by {r}.",
        weak="After {b} for {k} {steps}, {event} may follow in {y} % of futures, against {x} %. "
        "Fresh futures miss the told differences by {d} ({lo} to {hi}), with exchanged arms by "
        "{r}: it could be chance.",
        thin="After {b} for {k} {steps}, {event} may follow in {y} % of futures, against {x} %. "
        "Fresh futures miss the told differences by {d} ({lo} to {hi}), with exchanged arms by "
        "{r}; but {reason}.",
        failed="It could not be shown that {b} for {k} {steps} changes what follows: fresh futures "
        "differ as little from the exchanged differences ({r}) as from those told ({d}).",
        not_measured="What would follow was not tested: {reason}. To test it: {need}.",
        does_not_say="what would follow if it always did {b}",
    ),
    needs=("environment",),
    targets=("return",),
    options={
        **EPISODE,
        **STEP,
        "foil": "what it should do instead, in the form that the action space has",
        "hold": "steps for which it does that (a tenth of the episode)",
        "outcomes": "what to look for, a list such as ['height < 0.5'] (what is unusual)",
    },
)
class OutcomesIf:
    """Compares how often outcomes follow if the agent goes on, and if a foil is held for a while.

    Both arms start in the same state and have the same noise; after the foil the agent acts again,
    until the episode ends. Outcomes are inputs that get beyond where they are in nine of ten
    visited states, how the episode ends, and terms of the reward that gain or lose; or those named
    by the option `outcomes`. Differences have p-values from flipped signs, adjusted by Holm for
    their number. Without the option `step` a moment is looked for: of up to eight of the typical
    episode, that after which the arms differ in most outcomes; the comparison then has fresh noise.

    Deviations from van der Waa 2018: futures are those of the environment and not of a learnt
    transition model; the foil is held for a number of steps in place of a second policy made by
    shaping the values; outcomes are told by how often they follow, with intervals.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: each future runs to the end of its episode.

        Raises:
            CapabilityError: These are logs, or actions have no other ones.
            DataError: There is no finished episode.
            InputError: An option does not fit.
        """
        position = parting_episode(task, hint=WITHOUT_ENVIRONMENT)
        _looked_for(task)
        asked = chosen_step(task, position) is not None
        searched = 0 if asked else _n_searched(task, position) * N_SEARCH
        n = 2 * (searched + N_FUTURES) * len(task.episodes[position])
        return Cost(queries=n, env_steps=n)

    def explain(self, task: Task) -> Finding:
        """Compare how often each outcome follows."""
        position = parting_episode(task, hint=WITHOUT_ENVIRONMENT)
        looked_for = _looked_for(task)
        step = chosen_step(task, position)
        searched: tuple[Future, ...] = ()
        n_searched = N_CANDIDATES
        if step is None:
            n_searched = _n_searched(task, position)
            moment, searched = _search(task, position, looked_for, n_searched)
        else:
            moment = parting_at(task, position, step, hold_share=HOLD_SHARE)
        futures = part(task, [moment], N_FUTURES, first_replicate=0, keep_observations=True)
        n_pairs = len(futures) // 2
        if n_pairs < MIN_PAIRS:
            least = parting_branches([moment], MIN_PAIRS, first_replicate=0)
            need = branching_cost(task.episodes, least)
            raise BudgetError(
                f"{MIN_PAIRS} pairs of futures need more than the budget has",
                hint=f"a larger budget: at least {need.env_steps} environment steps and "
                f"{need.queries} agent queries for this method",
            )
        content = _content(task, moment, looked_for, good_pairs(futures[: 2 * n_pairs]))
        return Finding(
            question=f"What would follow if it did {content.arms[1]} at step {moment.step} of "
            f"episode {task.episodes[position].index}?",
            content=content,
            facts=_facts(content),
            complete=n_pairs == N_FUTURES,
            left_out=_left_out(n_pairs, n_searched),
            warnings=(*failure_warnings((*searched, *futures)), *_alike(content)),
        )


def _looked_for(task: Task) -> Outcomes:
    told = task.options.get("outcomes")
    if told is None:
        return usual_outcomes(task.episodes)
    if isinstance(told, str) or not isinstance(told, Sequence) or not len(told):
        raise InputError(
            f"the option outcomes must be a list such as ['height < 0.5'], got {told!r:.60}"
        )
    return named_outcomes(told, task.episodes.names)


def _n_searched(task: Task, position: int) -> int:
    return n_moments(task, position, most=N_CANDIDATES, n_replicates=N_SEARCH)


def _search(
    task: Task, position: int, looked_for: Outcomes, n_candidates: int
) -> tuple[Parting, tuple[Future, ...]]:
    """Return the parting after which the arms differ in most outcomes, and what told so."""
    # the last step has no outcomes to part
    every = range(max(1, len(task.episodes[position]) - 1))
    steps = spread_steps(task, position, every, n_candidates)
    partings = [parting_at(task, position, int(t), hold_share=HOLD_SHARE) for t in steps]
    # replicates after those of the comparison itself: choosing and comparing share no noise
    futures = part(task, partings, N_SEARCH, first_replicate=N_FUTURES, keep_observations=True)
    n_rounds = len(futures) // (2 * len(partings))
    if n_rounds == 0:
        return partings[len(partings) // 2], futures
    used = futures[: 2 * len(partings) * n_rounds]
    had = np.array([_had(future, looked_for) for future in used])
    differ = (had[1::2] - had[0::2]).reshape(n_rounds, len(partings), -1).mean(axis=0)
    size = np.abs(differ).sum(axis=1)
    return partings[int(np.where(np.isnan(size), -1.0, size).argmax())], futures


def _had(future: Future, looked_for: Outcomes) -> Float[np.ndarray, " outcomes"]:
    if future.failure is not None:
        return np.full(len(looked_for.names), np.nan)
    return looked_for.of(future).astype(np.float64)


def _content(
    task: Task, moment: Parting, looked_for: Outcomes, futures: Sequence[Future]
) -> Futures:
    arms = futures[0::2], futures[1::2]
    seen = task.episodes[moment.episode].observations[moment.step]
    space, names = task.agent.action_space, task.episodes.names
    had = np.array([[_had(f, looked_for) for f in arm] for arm in arms])
    return Futures(
        episode=moment.episode,
        step=moment.step,
        arms=(
            action_words(moment.own, space, names, unlike=moment.foil),
            action_words(moment.foil, space, names, unlike=moment.own),
        ),
        actions=np.stack((moment.own, moment.foil)),
        returns=np.array([[f.total_reward for f in arm] for arm in arms]),
        lengths=np.array([[len(f) for f in arm] for arm in arms], dtype=np.int64),
        ended=np.array([[f.terminated for f in arm] for arm in arms]),
        term_names=(),
        terms=np.empty((2, len(arms[0]), 0)),
        noise="fresh_noise",
        hold=moment.hold,
        preferences=preferences_at(task, moment.episode, moment.step),
        preference_names=output_names(space, names),
        observation=flat(seen[None])[0].astype(np.float64),
        outcome_names=looked_for.names,
        outcome_kinds=looked_for.kinds,
        outcome_columns=looked_for.columns,
        outcome_bounds=looked_for.bounds,
        outcome_terms=looked_for.terms,
        outcomes=had,
        p_values=_p_values(had),
    )


def _p_values(had: Float[np.ndarray, "arms replicates outcomes"]) -> Float[np.ndarray, " outcomes"]:
    """Return the adjusted p-values; NaN where no future of an arm differs from the others."""
    apart = differences(had[1], had[0])
    varies = np.ptp(had, axis=1).any()
    found = [
        paired_p_value(column, alternative="two-sided") if varies else np.nan for column in apart.T
    ]
    return holm(found)


def _facts(content: Futures) -> dict[str, Fact]:
    event = int(np.abs(content.outcome_differences).argmax())
    own, foil = 100 * content.outcomes[:, :, event].mean(axis=1)
    return {
        "a": fact(content.arms[0]),
        "b": fact(content.arms[1]),
        "k": fact(content.hold),
        "steps": fact("step" if content.hold == 1 else "steps"),
        "event": fact(content.outcome_names[event]),
        "x": fact(float(own)),
        "y": fact(float(foil)),
        "n_futures": fact(int(content.outcomes.shape[1])),
    }


def _left_out(n_pairs: int, n_searched: int) -> tuple[str, ...]:
    sentences = []
    if n_searched < N_CANDIDATES:
        sentences.append(
            f"{_QUESTION} {n_searched} moments were searched in place of {N_CANDIDATES}."
        )
    if n_pairs < N_FUTURES:
        sentences.append(
            f"{_QUESTION} {n_pairs} pairs of futures were compared in place of {N_FUTURES}."
        )
    return tuple(sentences)


def _alike(content: Futures) -> tuple[str, ...]:
    if np.ptp(content.outcomes, axis=1).any() or np.ptp(content.returns, axis=1).any():
        return ()
    return ("All futures of an action are alike here: nothing is random after this step.",)
