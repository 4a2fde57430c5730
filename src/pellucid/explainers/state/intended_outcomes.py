"""Intended outcomes: where a choice leads, and where another one would have led (leaf C3)."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.flatten import flat
from pellucid.agents.outputs import action_words
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.explainers.state.outcome_choices import asked_states, compared
from pellucid.explainers.state.outcome_events import FORMS, checked_form
from pellucid.explainers.state.outcome_telling import (
    Told,
    counted_in_futures,
    fitted,
    solvable,
    solved,
)
from pellucid.explanation import Amounts, Fact, Finding, Sentences, Task, explainer, fact
from pellucid.explanation.options import EPISODE, STEP
from pellucid.explanation.plots.amounts import amount_unit, by_size
from pellucid.kernels.returns import TERMS_TOLERANCE
from pellucid.rollouts import branching_cost
from pellucid.rollouts.choices import Choices, affordable
from pellucid.rollouts.counting import discounted_sums
from pellucid.tabular.mdp import FiniteMDP

DISCOUNT = 0.95
TAIL = 0.01
"""Share of all weight that the steps beyond the horizon would have."""
N_STATES, MIN_STATES = 20, 5
MOST_REPLICATES = 10

_QUESTION = "Where does its choice lead, and where would another one have led?"


@explainer(
    "intended-outcomes",
    leaf="C3",
    kind=Amounts,
    decisive=("outcome_amounts", "outcome_records"),
    source="Yau 2020 (belief maps, equation 5), as successor features of a fixed agent",
    question=_QUESTION,
    sentences=Sentences(
        supported="After {a} and after {b}, what follows differs most in {event}: "
        "{x} against {y} ({what}). Fresh futures miss all told amounts by {d} ({lo} to {hi}); "
        "exchanged ones miss by {r}.",
        weak="After {a} and after {b}, what follows may differ most in {event} ({x} against {y}). "
        "Fresh futures miss the told amounts by {d} ({lo} to {hi}), perhaps no less than exchanged "
        "ones ({r}): it could be chance.",
        thin="After {a} and after {b}, what follows may differ most in {event} ({x} against {y}). "
        "Fresh futures miss the told amounts by {d} ({lo} to {hi}), exchanged ones by {r}; "
        "but {reason}.",
        failed="Where its choices lead could not be shown: fresh futures miss the told amounts by "
        "{d}, and exchanged ones do no worse ({r}).",
        not_measured="Where its choices lead was not tested: {reason}. To test it: {need}.",
        does_not_say="that it plans for what follows, or that {b} would be worse",
    ),
    logged_sentences=Sentences(
        supported="After {a}, what follows is mostly {event}: {x} ({what}). Episodes kept apart "
        "miss all told amounts by {d} ({lo} to {hi}); those told of other states miss by {r}.",
        weak="After {a}, what follows may be mostly {event} ({x}). Episodes kept apart miss the "
        "told amounts by {d} ({lo} to {hi}), perhaps no less than those of other states ({r}): "
        "it could be chance.",
        thin="After {a}, what follows may be mostly {event} ({x}). Episodes kept apart miss the "
        "told amounts by {d} ({lo} to {hi}), those of other states by {r}; but {reason}.",
        failed="Where its choices lead could not be shown: episodes kept apart miss the told "
        "amounts by {d}, and those of other states do no worse ({r}).",
        not_measured="Where its choices lead was not tested: {reason}. To test it: {need}.",
        does_not_say="where another choice would have led",
    ),
    options={
        **EPISODE,
        **STEP,
        "foil": "the other choice, in the form that the action space has",
        "features": f"what is counted: {', '.join(FORMS)} (by what the observations are like)",
        "discount": f"weight of the next step, from 0 to below 1 ({DISCOUNT:g})",
    },
)
class IntendedOutcomes:
    """Successor features of a fixed agent: what follows each choice, discounted and by name.

    `psi(s, a) = E[sum_k discount^k phi(s_(k+1))]`, where phi tells where a step leads: to which
    place, if few different observations were seen; else beyond which levels of the inputs; or what
    each term of the reward pays. An environment that shows its table is solved exactly, and then
    the belief map times the rewards must be the Q-value, which is the method's identity. Others are
    run: up to ten fresh futures from each of twenty states after the agent's own choice and after
    another one (the likeliest, or the option `foil`), until the rest of the weight is below one
    hundredth. Logs are fitted: every second episode tells what follows, the others are told of.

    Deviations from Yau 2020: there the map is learnt beside the agent's Q-values, from the same
    samples, and tells what the agent itself predicts. This one is made afterwards, of any agent,
    and tells what does follow; whether the agent predicts it stays open. Arrivals are counted in
    place of visits, so that the place at which an episode ends has its share.
    """

    def plan(self, task: Task) -> Cost:
        """Return the queries of all states and the futures of both choices.

        Raises:
            BudgetError: The budget does not pay for five states.
            CapabilityError: Observations are no inputs, there is no other choice, or too many
                places or inputs to be told.
            DataError: There is no finished episode.
            InputError: An option is out of range.
        """
        asked = _asked(task)
        if asked.way == "logs":
            return Cost()
        n_asked = len(asked.states)
        if asked.mdp is not None:
            n_asked += asked.mdp.n_states - 1
            if n_asked > task.meter.left.queries:
                raise _too_small(n_asked, 0)
            return Cost(queries=n_asked)
        likely = _likely(task, asked)
        asking = Cost(queries=n_asked)
        n_states, n_replicates = _size(task, likely, asking)
        branched: Cost = branching_cost(task.episodes, likely.branches(n_states, n_replicates))
        return asking + branched

    def explain(self, task: Task) -> Finding:
        """Tell what follows in all states, and show the one in which the choices differ most."""
        asked = _asked(task)
        left_out: tuple[str, ...] = ()
        shown = asked.shown
        if asked.way == "logs":
            told = fitted(task, asked.states, asked.form, asked.discount, asked.horizon)
        else:
            self.plan(task)
            choices, shown = compared(task, asked.states, asked.shown, asked.horizon)
            if asked.mdp is not None:
                told = solved(task, asked.mdp, choices)
            else:
                size = _size(task, choices, Cost())
                told = counted_in_futures(task, choices, size, asked.form, asked.discount)
                left_out = _left_out(len(choices.steps), size[0])
        content = _content(task, asked, told, shown)
        return Finding(
            question=_question(task, content),
            content=content,
            facts=_facts(task, content),
            complete=not left_out,
            identity_error=told.identity_error,
            identity_tolerance=TERMS_TOLERANCE,
            warnings=(*told.warnings, *_alike(content)),
            left_out=left_out,
        )


@dataclass(frozen=True)
class _Asked:
    """What is to be told.

    Args:
        way: `solved`, `futures` or `logs`.
        states: Shape (states, 2).
        shown: Which of them the user asked for; -1 for none.
        form: What is counted, if the user chose.
        discount: Weight of the next step.
        horizon: Steps beyond which less than `TAIL` of the weight would follow.
        mdp: The problem, if it can be solved.
    """

    way: Literal["solved", "futures", "logs"]
    states: Int[np.ndarray, "states 2"]
    shown: int
    form: str | None
    discount: float
    horizon: int
    mdp: FiniteMDP | None


def _asked(task: Task) -> _Asked:
    form, discount = checked_form(task), _discount(task)
    horizon = 1 if discount == 0 else max(1, math.ceil(math.log(TAIL) / math.log(discount)))
    states, shown = asked_states(task, N_STATES)
    mdp = solvable(task, discount) if form in (None, "places") else None
    if task.episodes.spec is not None:
        way: Literal["solved", "futures"] = "futures" if mdp is None else "solved"
        return _Asked(way, states, shown, form, discount, horizon, mdp)
    if "foil" in task.options:
        raise CapabilityError(
            "what follows another choice needs the environment, and these are logs without one",
            hint="leave out the foil, or give the environment",
        )
    if len(task.episodes) < 2:
        raise CapabilityError(
            "logs of one episode leave none to tell of", hint="logs of two episodes or more"
        )
    if shown < 0 or states[shown, 0] % 2 == 0:
        shown = -1
    odd = states[states[:, 0] % 2 == 1]
    return _Asked("logs", odd, min(shown, len(odd) - 1), form, discount, horizon, None)


def _discount(task: Task) -> float:
    discount = task.options.get("discount", DISCOUNT)
    if isinstance(discount, bool) or not isinstance(discount, int | float):
        raise InputError(f"the option discount must be a number, got {discount!r:.40}")
    if not 0 <= discount < 1:
        raise InputError(f"expected a discount from 0 to below 1, got {discount}")
    return float(discount)


def _likely(task: Task, asked: _Asked) -> Choices:
    """Return choices that cost as much as those that will be compared."""
    own = [task.episodes[int(e)].actions[int(t)] for e, t in asked.states]
    return Choices(asked.states, np.stack([np.stack((a, a)) for a in own]), asked.horizon)


def _size(task: Task, choices: Choices, asking: Cost) -> tuple[int, int]:
    """Return how many states and replicates the budget pays for, beside what asking costs.

    Raises:
        BudgetError: Less than five states, or not even those asked for.
    """
    fewest = min(MIN_STATES, len(choices.steps))
    n_states, n_replicates = affordable(
        task.episodes,
        choices,
        task.meter.left - asking,
        most_replicates=MOST_REPLICATES,
        fewest_states=fewest,
    )
    if n_states == 0:
        need = asking + branching_cost(task.episodes, choices.branches(fewest, 1))
        raise _too_small(need.queries, need.env_steps)
    return n_states, n_replicates


def _too_small(queries: int, env_steps: int) -> BudgetError:
    return BudgetError(
        f"telling what follows the choices of {MIN_STATES} states needs more than is left",
        hint=f"a larger budget: at least {queries} agent queries and {env_steps} environment steps "
        "for this method",
    )


def _content(task: Task, asked: _Asked, told: Told, shown: int) -> Amounts:
    counted = told.counted
    if shown < 0:
        shown = _most_telling(told)
    space, names = task.agent.action_space, task.episodes.names
    actions = told.choices[shown]
    words = [action_words(a, space, names, unlike=actions[i - 1]) for i, a in enumerate(actions)]
    if len(actions) == 1:
        words = [action_words(actions[0], space, names)]
    seen = [task.episodes[int(e)].observations[int(t)] for e, t in told.steps]
    return Amounts(
        event_names=counted.names,
        amounts=told.amounts,
        standard_errors=told.standard_errors,
        returns=told.returns,
        realised=_realised(task, asked, told),
        choices=told.choices,
        choice_names=tuple(words),
        steps=told.steps,
        discount=asked.discount,
        horizon=asked.horizon,
        form=counted.form,
        places=counted.places,
        columns=counted.columns,
        bounds=counted.bounds,
        above=counted.above,
        cells=told.cells,
        observations=flat(np.stack(seen)),
        held_out=asked.way == "logs",
        shown=shown,
    )


def _most_telling(told: Told) -> int:
    """Return the state in which the choices differ most, or of which most is told."""
    size = told.amounts[:, 0]
    if told.amounts.shape[1] > 1:
        size = size - told.amounts[:, 1]
    # rounded, so that the order of the events decides no tie
    return int(np.abs(size).sum(axis=1).round(9).argmax())


def _realised(task: Task, asked: _Asked, told: Told) -> Float[np.ndarray, "states events"]:
    rows = []
    for position, step in told.steps.tolist():
        episode = task.episodes[position]
        counts = told.counted.of(episode.observations, episode.terms)
        rows.append(discounted_sums(counts[step:], asked.discount, asked.horizon))
    return np.stack(rows)


def _question(task: Task, content: Amounts) -> str:
    position, step = content.steps[content.shown].tolist()
    index = task.episodes[position].index
    own, *others = content.choice_names
    other = f", and where would {others[0]}" if others else ""
    return f"Where does {own} lead at step {step} of episode {index}{other}?"


def _facts(task: Task, content: Amounts) -> dict[str, Fact]:
    event = by_size(content)[0]
    amounts = content.amounts[content.shown]
    unit = task.episodes.names.reward_unit
    facts = {
        "a": fact(content.choice_names[0]),
        "event": fact(content.event_names[event]),
        "x": fact(float(amounts[0, event])),
        "what": fact(amount_unit(content, unit)),
    }
    if len(amounts) > 1:
        facts |= {"b": fact(content.choice_names[1]), "y": fact(float(amounts[1, event]))}
    return facts


def _alike(content: Amounts) -> tuple[str, ...]:
    if content.amounts.shape[1] < 2 or np.ptp(content.amounts, axis=1).any():
        return ()
    return ("What follows is the same after both choices in every state that was looked at.",)


def _left_out(n_wanted: int, n_states: int) -> tuple[str, ...]:
    if n_states == n_wanted:
        return ()
    return (f"{_QUESTION} {n_states} states are looked at in place of {n_wanted}.",)
