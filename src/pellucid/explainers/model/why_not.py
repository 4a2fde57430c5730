"""Why a, not b: both futures from the same state, side by side (leaf A2c)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pellucid.agents.flatten import flat
from pellucid.agents.outputs import action_words, output_names
from pellucid.budget import Cost
from pellucid.errors import BudgetError
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
from pellucid.explanation.wording import show
from pellucid.kernels.returns import terms_add_up, terms_error
from pellucid.rollouts import Future, branching_cost
from pellucid.rollouts.failures import failure_warnings, usable_returns

HOLD_SHARE = 0.05
N_CANDIDATES, N_SEARCH = 12, 3
N_FUTURES = 20


@explainer(
    "why-not",
    leaf="A2c",
    kind=Futures,
    decisive="branch_gap",
    source="Amitai 2024 (COViz), action counterfactual by branching",
    question="Why this action, and not another?",
    sentences=Sentences(
        supported="After {b} for {k} {steps} it ends {d} {unit} lower ({lo} to {hi}, {n} futures)"
        "{mostly}.",
        weak="{b} for {k} {steps} ends {d} {unit} lower, but the difference could be zero "
        "({lo} to {hi}).",
        thin="{b} for {k} {steps} may end {d} {unit} lower ({lo} to {hi}, {n} futures); "
        "but {reason}.",
        failed="{b} for {k} {steps} does no worse, or better, than its own choice: by this test "
        "the choice is not explained by its outcome.",
        not_measured="Futures could not be compared: {reason}. To test it: {need}.",
        does_not_say="that {a} is the best possible action",
    ),
    needs=("environment",),
    options={
        **EPISODE,
        **STEP,
        "foil": "the other action, in the form that the action space has",
        "hold": "steps for which it is held",
    },
)
class WhyNot:
    """Branches from one state: the agent's own choice against a foil held for some steps.

    Both arms continue with the agent; replicate r has the same noise in both. The foil is held
    for a twentieth of the episode (option `hold`), because one step of many simulations is too
    short to matter; COViz forces one step. Of an action with several parts the foil changes one
    choice, and of quantities alone it mirrors each (`explanation.foils`, `docs/actions.md`).
    Without options the question is searched for: the likeliest other action at up to twelve
    moments of the typical episode, keeping the moment at which it costs the most; the decisive test
    then repeats it on fresh futures.

    Where the environment tells which actions are allowed, the foil is one of them, and the agent
    acts at the steps of `hold` at which the foil is not allowed. A recurrent agent is asked with
    what it remembered at that step.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: each future runs to the end of its episode."""
        position = parting_episode(task)
        asked = chosen_step(task, position) is not None
        searched = 0 if asked else _n_searched(task, position) * N_SEARCH
        n = 2 * (searched + N_FUTURES) * len(task.episodes[position])
        return Cost(queries=n, env_steps=n)

    def explain(self, task: Task) -> Finding:
        """Compare the futures after the own action and after the foil."""
        position = parting_episode(task)
        step = chosen_step(task, position)
        searched: tuple[Future, ...] = ()
        if step is None:
            n_searched = _n_searched(task, position)
            choice, searched = _search(task, position)
        else:
            n_searched = N_CANDIDATES
            choice = parting_at(task, position, step, hold_share=HOLD_SHARE)
        futures = part(task, [choice], N_FUTURES, first_replicate=0)
        n_pairs = len(futures) // 2
        futures = futures[: 2 * n_pairs]
        if n_pairs < MIN_PAIRS:
            least = parting_branches([choice], MIN_PAIRS, first_replicate=0)
            need = branching_cost(task.episodes, least).env_steps
            raise BudgetError(
                f"{MIN_PAIRS} pairs of futures need more environment steps than the "
                f"{task.meter.allowed.env_steps} given",
                hint=f"a larger budget: at least {need} environment steps for this method",
            )
        content = _content(task, choice, good_pairs(futures))
        return Finding(
            question=f"Why {content.arms[0]}, not {content.arms[1]}, at step {choice.step} "
            f"of episode {task.episodes[position].index}?",
            content=content,
            facts=_facts(content),
            complete=n_pairs == N_FUTURES,
            left_out=_left_out(n_pairs, n_searched),
            warnings=(
                *failure_warnings((*searched, *futures)),
                *_alike(content),
                *_unused_terms(content),
            ),
        )


def _search(task: Task, position: int) -> tuple[Parting, tuple[Future, ...]]:
    """Return the parting that costs the most, and the futures that told so.

    Moments are spread over the episode; one with a failed future is not chosen.
    """
    every = range(len(task.episodes[position]))
    steps = spread_steps(task, position, every, _n_searched(task, position))
    partings = [parting_at(task, position, int(t), hold_share=HOLD_SHARE) for t in steps]
    # replicates after those of the comparison itself: choosing and comparing share no noise
    futures = part(task, partings, N_SEARCH, first_replicate=N_FUTURES)
    n_rounds = len(futures) // (2 * len(partings))
    if n_rounds == 0:
        return partings[len(partings) // 2], futures
    returns = usable_returns(futures[: 2 * len(partings) * n_rounds])
    lost = (returns[0::2] - returns[1::2]).reshape(n_rounds, len(partings))
    # a mean over fewer rounds than the others', or over none, would not compare with theirs
    mean = np.where(np.isfinite(lost).all(axis=0), lost.sum(axis=0) / n_rounds, -np.inf)
    return partings[int(mean.argmax())], futures


def _n_searched(task: Task, position: int) -> int:
    return n_moments(task, position, most=N_CANDIDATES, n_replicates=N_SEARCH)


def _content(task: Task, choice: Parting, futures: Sequence[Future]) -> Futures:
    arms = futures[0::2], futures[1::2]
    errors = np.array([_terms_error(f) for f in futures])
    added = all(terms_add_up(e, f.rewards) for e, f in zip(errors, futures, strict=True))
    # terms that do not add up to the reward would credit a term with what it did not pay
    term_names = sorted({name for f in futures for name in f.terms}) if added else []
    terms = np.array([[[_total(f, n) for n in term_names] for f in arm] for arm in arms])
    observation = task.episodes[choice.episode].observations[choice.step]
    space, names = task.agent.action_space, task.episodes.names
    return Futures(
        episode=choice.episode,
        step=choice.step,
        arms=(
            action_words(choice.own, space, names, unlike=choice.foil),
            action_words(choice.foil, space, names, unlike=choice.own),
        ),
        actions=np.stack((choice.own, choice.foil)),
        returns=np.array([[f.total_reward for f in arm] for arm in arms]),
        lengths=np.array([[len(f.rewards) for f in arm] for arm in arms], dtype=np.int64),
        ended=np.array([[f.terminated for f in arm] for arm in arms]),
        term_names=tuple(term_names),
        terms=terms.reshape(2, len(arms[0]), len(term_names)).astype(np.float64),
        noise="fresh_noise",
        hold=choice.hold,
        preferences=preferences_at(task, choice.episode, choice.step),
        preference_names=output_names(space, names),
        observation=flat(observation[None])[0].astype(np.float64),
        terms_error=float(np.nanmax(errors)) if np.isfinite(errors).any() else np.nan,
    )


def _terms_error(future: Future) -> float:
    return terms_error(future.terms, future.rewards) if future.terms else np.nan


def _total(future: Future, term: str) -> float:
    """Return what a future got of a term; NaN if it, or one of its steps, did not report it."""
    return float(future.terms[term].sum()) if term in future.terms else np.nan


def _left_out(n_pairs: int, n_searched: int) -> tuple[str, ...]:
    question = "Why this action, and not another?"
    sentences = []
    if n_searched < N_CANDIDATES:
        sentences.append(
            f"{question} {n_searched} moments were searched in place of {N_CANDIDATES}."
        )
    if n_pairs < N_FUTURES:
        sentences.append(
            f"{question} {n_pairs} pairs of futures were compared in place of {N_FUTURES}."
        )
    return tuple(sentences)


def _alike(content: Futures) -> tuple[str, ...]:
    if np.ptp(content.returns, axis=1).any():
        return ()
    return ("All futures of an action are alike here: nothing is random after this step.",)


def _unused_terms(content: Futures) -> tuple[str, ...]:
    if content.term_names or not np.isfinite(content.terms_error):
        return ()
    off = show(content.terms_error)
    return (f"The reward terms do not add up to the return: off by {off} in one future; not used.",)


def _facts(content: Futures) -> dict[str, Fact]:
    return {
        "a": fact(content.arms[0]),
        "b": fact(content.arms[1]),
        "k": fact(content.hold),
        "steps": fact("step" if content.hold == 1 else "steps"),
        "t": fact(content.step),
        "mostly": fact(_mostly(content)),
    }


def _mostly(content: Futures) -> str:
    """Name the reward term that the foil loses most of, as the end of a sentence.

    Not if a term is unknown in any future: it might be that one.
    """
    if not content.term_names:
        return ""
    lost: Float[np.ndarray, " terms"] = (content.terms[0] - content.terms[1]).mean(axis=0)
    if not lost.max() > 0:  # NaN too
        return ""
    return f", mostly from {content.term_names[int(lost.argmax())]}"
