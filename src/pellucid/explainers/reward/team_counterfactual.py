"""Counterfactual credits: whose action mattered at one moment of a team (leaf B1s)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.coalitions import Alternatives, alternatives, members_of
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Contributions, Finding, Sentences, Task, explainer, fact
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step
from pellucid.rollouts import Branch, Future, run_branches
from pellucid.rollouts.failures import check_enough, failure_warnings, usable_returns
from pellucid.types import Agent

N_FUTURES, MIN_FUTURES = 20, 5
N_CANDIDATES, N_SEARCH = 6, 3

_QUESTION = "Whose action mattered at this moment?"


@dataclass(frozen=True)
class _Moment:
    """One state of a team, and what its members could have done there."""

    episode: int
    step: int
    options: Alternatives


@explainer(
    "team-counterfactual",
    leaf="B1s",
    kind=Contributions,
    decisive="credit_gap",
    source="Foerster 2018 (COMA), eq. (4), by branching",
    question=_QUESTION,
    sentences=Sentences(
        supported="At step {t} the action of {x} mattered most: {y} {unit} more than its average "
        "one. In fresh futures the credits are off by {d} ({lo} to {hi}), a random split by {r}.",
        weak="At step {t} the action of {x} may have mattered most; but in fresh futures the "
        "credits are off by {d} ({lo} to {hi}), not clearly less than a random split ({r}).",
        thin="At step {t} the action of {x} may have mattered most; in fresh futures the credits "
        "are off by {d} ({lo} to {hi}), a random split by {r}; but {reason}.",
        failed="Whose action mattered at step {t} could not be shown: in fresh futures the credits "
        "are off by {d}, and a random split is no worse ({r}).",
        not_measured="Whose action mattered was not tested: {reason}. To test it: {need}.",
        does_not_say="that the other members could have done anything there",
    ),
    needs=("team", "environment"),
    targets=("return",),
    options={**EPISODE, **STEP},
)
class TeamCounterfactual:
    """By how much the return is larger for what a member did than for its average action there.

    At one step the team takes its most-likely joint action, or that with one member's action
    changed; then the team goes on. The credit of a member is the mean return of the first minus the
    mean over its actions, weighted by its own probabilities if the team tells them, else evenly. A
    member whose action does not matter there has credit 0. Replicate r has the same noise for all
    joint actions. Without options the moment is searched for: that with the largest credits, of six
    of the typical episode; futures for the answer are others than those for the search.

    Deviation from Foerster 2018: futures in place of a learned critic, and credits at one moment;
    their mean over all moments is 0 for a policy that draws from those probabilities.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: one future per joint action and replicate."""
        position = _position(task)
        step = chosen_step(task, position)
        steps = [step] if step is not None else _candidates(task, position)
        n_arms = sum(int(m.action_space.n) for m in _listed(task))
        length = len(task.episodes[position])
        n = n_arms * length * (N_FUTURES + (0 if step is not None else N_SEARCH * len(steps)))
        return Cost(queries=n, env_steps=n)

    def explain(self, task: Task) -> Finding:
        """Compare the futures of all joint actions at one moment."""
        position = _position(task)
        step = chosen_step(task, position)
        searched: tuple[Future, ...] = ()
        if step is None:
            moment, searched = _search(task, position)
        else:
            moment = _moment(task, position, step)
        futures = _run(task, [moment], range(N_FUTURES))
        returns = _returns(futures, len(moment.options.actions))
        usable = returns[np.isfinite(returns).all(axis=1)]
        check_enough(futures, len(usable), MIN_FUTURES)
        if len(usable) < MIN_FUTURES:
            raise _too_small(task, moment)
        earned = moment.options.credits(usable)
        members = tuple(members_of(task.agent))
        values = earned.mean(axis=0)
        top = int(np.abs(values).argmax())
        index = task.episodes[position].index
        return Finding(
            question=f"Whose action mattered at step {moment.step} of episode {index}?",
            content=Contributions(
                names=members,
                values=values,
                standard_errors=earned.std(axis=0, ddof=1) / np.sqrt(len(earned)),
                total=float(values.sum()),
                unit=task.episodes.names.reward_unit,
                moments=np.array([[moment.episode, moment.step]], dtype=np.int64),
            ),
            facts={
                "x": fact(members[top]),
                "y": fact(float(values[top])),
                "t": fact(moment.step),
                "n_futures": fact(len(usable)),
            },
            complete=len(returns) == N_FUTURES,
            warnings=failure_warnings((*searched, *futures)),
        )


# --- planning ---


def _position(task: Task) -> int:
    """Return the episode to look at.

    Raises:
        CapabilityError: It is no team, or there is no environment.
        DataError: There is no episode.
    """
    members_of(task.agent)
    if task.episodes.spec is None:
        raise CapabilityError(
            "futures need the environment, and these are logs without one",
            hint="give the environment",
        )
    return chosen_episode(task)


def _listed(task: Task) -> list[Agent]:
    """Return the members, all of which have a list of actions."""
    members = list(members_of(task.agent).values())
    unlisted = [m for m in members if not hasattr(m.action_space, "n")]
    if unlisted:
        raise CapabilityError(
            f"{unlisted[0].name} has actions that are no list",
            hint="use team-shapley, which lets members stand idle",
        )
    return members


def _candidates(task: Task, position: int) -> list[int]:
    n_steps = len(task.episodes[position])
    places = np.linspace(0, n_steps - 1, min(n_steps, N_CANDIDATES))
    found: Int[np.ndarray, " candidates"] = np.unique(places.round().astype(np.int64))
    return [int(step) for step in found]


def _moment(task: Task, position: int, step: int) -> _Moment:
    observation = task.episodes[position].observations[step]
    return _Moment(position, step, alternatives(task.agent, observation, task.meter))


# --- running ---


def _search(task: Task, position: int) -> tuple[_Moment, tuple[Future, ...]]:
    """Return the moment with the largest credits, and the futures that told so."""
    moments = [_moment(task, position, step) for step in _candidates(task, position)]
    # replicates after those of the answer: choosing and answering share no noise
    futures = _run(task, moments, range(N_FUTURES, N_FUTURES + N_SEARCH))
    sizes = []
    at = 0
    for moment in moments:
        n = N_SEARCH * len(moment.options.actions)
        returns = _returns(futures[at : at + n], len(moment.options.actions))
        at += n
        whole = len(returns) == N_SEARCH and bool(np.isfinite(returns).all())
        mean = moment.options.credits(returns).mean(axis=0) if whole else np.zeros(1)
        sizes.append(float(np.abs(mean).max()))
    return moments[int(np.argmax(sizes))], futures


def _run(task: Task, moments: Sequence[_Moment], replicates: range) -> tuple[Future, ...]:
    futures: tuple[Future, ...] = run_branches(
        task.agent,
        task.episodes,
        [
            Branch(moment.episode, moment.step, action[None], replicate)
            for moment in moments
            for replicate in replicates
            for action in moment.options.actions
        ],
        meter=task.meter,
        policy=task.policy,
        jobs=task.jobs,
        seed=task.seed,
        progress=task.progress,
    )
    return futures


def _returns(futures: Sequence[Future], n_arms: int) -> Float[np.ndarray, "rounds arms"]:
    n_rounds = len(futures) // n_arms
    return usable_returns(futures[: n_rounds * n_arms]).reshape(n_rounds, n_arms)


def _too_small(task: Task, moment: _Moment) -> BudgetError:
    n_steps = len(task.episodes[moment.episode])
    need = MIN_FUTURES * len(moment.options.actions) * n_steps
    return BudgetError(
        f"{MIN_FUTURES} futures of every joint action need more than the "
        f"{task.meter.allowed.env_steps} environment steps given",
        hint=f"a larger budget: at least {need} environment steps for this method",
    )
