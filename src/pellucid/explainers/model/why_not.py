"""Why a, not b: both futures from the same state, side by side (leaf A2c)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Shaped

from pellucid.agents.acting import preferences
from pellucid.agents.context import in_context
from pellucid.agents.flatten import flat
from pellucid.agents.outputs import action_parts, action_words, output_names
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.explanation import Fact, Finding, Futures, Sentences, Task, explainer, fact
from pellucid.explanation.foils import checked_foil, likeliest_other
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step, whole_number
from pellucid.explanation.wording import show
from pellucid.kernels.returns import terms_add_up, terms_error
from pellucid.rollouts import Branch, Future, branching_cost, run_branches
from pellucid.rollouts.allowed import allowed_at
from pellucid.rollouts.failures import check_enough, failure_warnings, usable_returns

HOLD_SHARE = 0.05
N_CANDIDATES, N_SEARCH = 12, 3
N_FUTURES, MIN_FUTURES = 20, 5


@dataclass(frozen=True)
class _Choice:
    """One state, the action taken there and the foil."""

    episode: int
    step: int
    own: np.ndarray
    foil: np.ndarray
    hold: int


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
        position = _position(task)
        asked = chosen_step(task, position) is not None
        searched = 0 if asked else _n_candidates(task, position) * N_SEARCH
        n = 2 * (searched + N_FUTURES) * len(task.episodes[position])
        return Cost(queries=n, env_steps=n)

    def explain(self, task: Task) -> Finding:
        """Compare the futures after the own action and after the foil."""
        position = _position(task)
        step = chosen_step(task, position)
        searched: tuple[Future, ...] = ()
        if step is None:
            n_searched = _n_candidates(task, position)
            choice, searched = _search(task, position)
        else:
            n_searched = N_CANDIDATES
            choice = _choice(task, position, step)
        futures = _pairs(task, [choice], N_FUTURES, first_replicate=0)
        n_pairs = len(futures) // 2
        futures = futures[: 2 * n_pairs]
        if n_pairs < MIN_FUTURES:
            least = _branches([choice], MIN_FUTURES, first_replicate=0)
            need = branching_cost(task.episodes, least).env_steps
            raise BudgetError(
                f"{MIN_FUTURES} pairs of futures need more environment steps than the "
                f"{task.meter.allowed.env_steps} given",
                hint=f"a larger budget: at least {need} environment steps for this method",
            )
        content = _content(task, choice, _good_pairs(futures))
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


def _position(task: Task) -> int:
    if task.episodes.spec is None:
        raise CapabilityError(
            "futures need the environment, and these are logs without one",
            hint="give the environment",
        )
    action_parts(task.agent.action_space)  # says so if its actions have no other ones
    return chosen_episode(task)


def _search(task: Task, position: int) -> tuple[_Choice, tuple[Future, ...]]:
    """Return the choice that costs the most to change, and the futures that told so.

    Moments are spread over the episode; one with a failed future is not chosen.
    """
    n_steps = len(task.episodes[position])
    open_steps = [t for t in range(n_steps) if _has_choice(task, position, t)]
    if not open_steps:
        raise CapabilityError(
            "only one action is allowed at every moment of this episode",
            hint="another episode, with --episode",
        )
    places = np.linspace(0, len(open_steps) - 1, _n_candidates(task, position))
    steps = np.unique(np.array(open_steps)[places.round().astype(int)])
    choices = [_choice(task, position, int(step)) for step in steps]
    # replicates after those of the comparison itself: choosing and comparing share no noise
    futures = _pairs(task, choices, N_SEARCH, first_replicate=N_FUTURES)
    n_rounds = len(futures) // (2 * len(choices))
    if n_rounds == 0:
        return choices[len(choices) // 2], futures
    returns = usable_returns(futures[: 2 * len(choices) * n_rounds])
    lost = (returns[0::2] - returns[1::2]).reshape(n_rounds, len(choices))
    # a mean over fewer rounds than the others', or over none, would not compare with theirs
    mean = np.where(np.isfinite(lost).all(axis=0), lost.sum(axis=0) / n_rounds, -np.inf)
    return choices[int(mean.argmax())], futures


def _n_candidates(task: Task, position: int) -> int:
    """Return how many moments to search, so that at most half the budget goes into searching."""
    left = task.meter.left
    pairs = min(left.env_steps, left.queries) // (4 * len(task.episodes[position]))
    return int(np.clip(pairs // N_SEARCH, 1, N_CANDIDATES))


def _choice(task: Task, position: int, step: int) -> _Choice:
    episode = task.episodes[position]
    own = episode.actions[step]
    foil = task.options.get("foil")
    if foil is None:
        foil = _other(task, position, step, own)
    else:
        foil = checked_foil(task.agent.action_space, foil)
    hold = whole_number(task, "hold")
    if hold is None:
        hold = max(1, round(HOLD_SHARE * len(episode)))
    if hold < 1:
        raise InputError(f"the other action is held for at least 1 step, got hold {hold}")
    return _Choice(position, step, own, foil, min(hold, len(episode) - step))


def _has_choice(task: Task, position: int, step: int) -> bool:
    space = task.agent.action_space
    discrete = isinstance(space, Discrete)
    return not discrete or len(allowed_at(task.episodes, position, step, space)) > 1


def _other(task: Task, position: int, step: int, own: Shaped[np.ndarray, " *action"]) -> np.ndarray:
    space = task.agent.action_space
    allowed = None
    if isinstance(space, Discrete):
        allowed = allowed_at(task.episodes, position, step, space)
        if len(allowed) == 1 and space.n > 1:
            raise CapabilityError(
                f"only one action is allowed at step {step}", hint="another moment, with --step"
            )
    return likeliest_other(space, own, partial(_preferences, task, position, step), allowed)


def _preferences(task: Task, position: int, step: int) -> Float[np.ndarray, " outputs"]:
    agent = in_context(task.agent, task.episodes.context_at(np.array([[position, step]])))
    observation = task.episodes[position].observations[step]
    found: Float[np.ndarray, " outputs"] = preferences(agent, observation[None])[0]
    return found


def _pairs(
    task: Task, choices: Sequence[_Choice], n_replicates: int, *, first_replicate: int
) -> tuple[Future, ...]:
    """Run both arms of every choice, replicate by replicate, as far as the budget goes."""
    futures = run_branches(
        task.agent,
        task.episodes,
        _branches(choices, n_replicates, first_replicate=first_replicate),
        meter=task.meter,
        policy=task.policy,
        jobs=task.jobs,
        seed=task.seed,
        progress=task.progress,
    )
    return tuple(futures)


def _branches(
    choices: Sequence[_Choice], n_replicates: int, *, first_replicate: int
) -> list[Branch]:
    branches = []
    for replicate in range(first_replicate, first_replicate + n_replicates):
        for c in choices:
            held = np.repeat(c.foil[None], c.hold, axis=0)
            branches.append(Branch(c.episode, c.step, c.own[None], replicate))
            branches.append(Branch(c.episode, c.step, held, replicate))
    return branches


def _good_pairs(futures: Sequence[Future]) -> list[Future]:
    """Return the pairs of which neither future failed; both arms keep the same replicates.

    Raises:
        AgentError: The agent's failures have left too few pairs.
        EnvError: The environment's failures have.
    """
    pairs = zip(futures[0::2], futures[1::2], strict=True)
    good = [pair for pair in pairs if all(future.failure is None for future in pair)]
    check_enough(futures, len(good), MIN_FUTURES)
    return [future for pair in good for future in pair]


def _content(task: Task, choice: _Choice, futures: Sequence[Future]) -> Futures:
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
        preferences=_preferences(task, choice.episode, choice.step),
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
