"""Policy queries: when does it do that, what does it do then, why not that here (leaf A2q)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from pellucid.agents.acting import preferences
from pellucid.agents.context import in_context
from pellucid.agents.flatten import flat
from pellucid.agents.outputs import chosen_columns, outputs_of_actions
from pellucid.budget import Cost
from pellucid.errors import CapabilityError, InputError
from pellucid.explainers.model.predicate_states import (
    Halves,
    Labelled,
    Named,
    asked_action,
    cells,
    choices_at,
    chosen_predicates,
    halves,
    is_recorded,
    labelled_states,
    planned_states,
    read_query,
    words_of,
)
from pellucid.explanation import Fact, Finding, Rules, Sentences, Task, explainer, fact
from pellucid.explanation.foils import likeliest_other
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step
from pellucid.explanation.predicate_words import predicate_words
from pellucid.explanation.wording import show
from pellucid.kernels.boolean_cover import Cube, smallest_cover
from pellucid.kernels.predicates import (
    Predicate,
    all_of,
    columns_of,
    holds,
    negated,
)
from pellucid.stats import Estimate, mean_share_interval

MOST_RULES = 5
"""Rules of one answer; those that cover most states are kept."""
RARE_SHARE, LARGE_PART = 0.005, 0.05
"""A combination of predicates says nothing if it holds in a smaller share of the states than the
first, unless it has a larger share of those with the action than the second."""
LEAST_COVER = 0.01
"""Share of the states with the action that a rule must cover to be shown."""
TOLD = 2
"""Rules in the sentence."""
LOGGED = "Told of episodes that were held back, this is right of"

_QUESTION = "When does it make which choice?"


class _Rule(NamedTuple):
    """One rule before it was checked.

    Args:
        predicate: Where it holds.
        outcome: What is said to be chosen there.
        words: Where it holds, in words.
    """

    predicate: Predicate
    outcome: int
    words: str


@dataclass(frozen=True)
class _Answer:
    question: str
    rules: tuple[_Rule, ...]
    exhaustive: bool
    left_out: tuple[str, ...] = ()
    predicates: tuple[Named, ...] = ()


@explainer(
    "policy-queries",
    leaf="A2q",
    kind=Rules,
    decisive=("rule_agreement", "held_out_agreement"),
    source="Hayes 2017 (policy queries over predicates); minimal rules by Quine 1952 and "
    "McCluskey 1956, choice of predicates and tests ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="It chooses {a} where {rules}. Told of fresh episodes, this is right of {d} % of "
        "choices ({lo} to {hi}); of shuffled states, {r} %.",
        weak="It may choose {a} where {rules}. Told of fresh episodes, this is right of {d} % of "
        "choices ({lo} to {hi}), not clearly more than of shuffled states ({r} %).",
        thin="It may choose {a} where {rules}. Told of fresh episodes, this is right of {d} % of "
        "choices ({lo} to {hi}), of shuffled states {r} %; but {reason}.",
        failed="We could not show when it chooses {a}: the rules are not right more often than "
        "when told of shuffled states.",
        not_measured="When it makes which choice was not tested: {reason}. To test it: {need}.",
        does_not_say="what it does in states that it never gets into",
    ),
    logged_sentences=Sentences(
        supported=f"It chooses {{a}} where {{rules}}. {LOGGED} {{d}} % of choices ({{lo}} to "
        "{hi}); of shuffled states, {r} %.",
        weak=f"It may choose {{a}} where {{rules}}. {LOGGED} {{d}} % of choices ({{lo}} to {{hi}}),"
        " not clearly more than of shuffled states ({r} %).",
        thin=f"It may choose {{a}} where {{rules}}. {LOGGED} {{d}} % of choices ({{lo}} to {{hi}}),"
        " of shuffled states {r} %; but {reason}.",
        failed="We could not show when it chooses {a}: the rules are not right more often than "
        "when told of shuffled states.",
        not_measured="When it makes which choice was not tested: {reason}. To test it: {need}.",
        does_not_say="what it does in states that it never gets into",
    ),
    options={
        "when": "an action, by name or number: when is it chosen?",
        "what": "a predicate on the inputs: what does it do there?",
        "why_not": "an action: why is it not chosen at this episode and step?",
        "predicates": "predicates to answer with, each `name = height < 0.5` or without a name",
        "most_predicates": "predicates that are derived at most, from 1 to 12 (6)",
        **EPISODE,
        **STEP,
    },
)
class PolicyQueries:
    """Answers a question about choices with few short rules over predicates on the inputs.

    Predicates are those that the user defines, else up to six comparisons of inputs which together
    tell best where the action is chosen (single values too, if inputs name categories). Each
    visited state becomes the set of predicates that hold in it. **When a**: the sets in which a is
    the commonest choice are told from the others by the fewest and shortest rules, sets that never
    occur coming out either way. **What when p**: the shares of the actions where p holds. **Why not
    a here**: the rules for a, those first of which least is missing here, with what is missing.
    Asked for nothing, it tells when the second commonest choice is made, as the commonest is what
    it does otherwise; asked for a step alone, why not the likeliest other action there.

    A choice is the agent's most likely action. Rules are made from every other episode; support
    and precision are those in the rest: the mean over its episodes, whose interval is Wilson's
    where all are alike. Deviations from Hayes 2017: predicates need not be given, rules are cut to
    the five that cover most, and sets that hold hardly ever say nothing.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per state that is looked at.

        Raises:
            BudgetError: The budget does not pay for 20 states.
            CapabilityError: The agent does not make one choice, or sees images.
            DataError: There are no visited states.
            InputError: More than one question is asked.
        """
        n_states = planned_states(task)
        asked = [n for n in ("when", "what", "why_not") if task.options.get(n) is not None]
        if len(asked) > 1:
            raise InputError(f"one question at a time, got {' and '.join(asked)}")
        return Cost() if is_recorded(task) else Cost(min(n_states + 2, task.meter.left.queries))

    def explain(self, task: Task) -> Finding:
        """Answer the question."""
        self.plan(task)
        row = _moment(task)
        # at a moment its choice there and its second choice are asked for too
        spare = 2 if row is not None and not is_recorded(task) else 0
        states = labelled_states(task, max(1, planned_states(task) - spare))
        split = halves(states)
        if task.options.get("what") is not None:
            answer = _what(task, split)
        elif row is not None:
            answer = _why_not(task, split, row)
        else:
            answer = _when(task, split, _action(task, states))
        return _finding(task, split, answer)


# --- questions ---


def _when(task: Task, split: Halves, action: int) -> _Answer:
    predicates, cubes, more = _rules_for(task, split.fitted, action)
    rules = tuple(_rule(task, predicates, cube, action) for cube in cubes)
    question = f"When does it choose {_name(task, action)}?"
    return _Answer(question, rules, True, _left_out(question, more), predicates)


def _what(task: Task, split: Halves) -> _Answer:
    predicate = read_query(task, task.options["what"])
    words = predicate_words(predicate, task.episodes.names.inputs)
    _check_columns(predicate, split.fitted)
    inside = split.fitted.choices[holds(predicate, split.fitted.rows)]
    if not len(inside):
        raise CapabilityError(
            f"in none of {len(split.fitted.rows)} visited states it holds that {words}",
            hint="a wider predicate, or more episodes",
        )
    counts = np.bincount(inside)
    order = [int(a) for a in np.argsort(-counts, kind="stable") if counts[a]][:MOST_RULES]
    rules = tuple(_Rule(predicate, action, words) for action in order)
    return _Answer(f"What does it do where {words}?", rules, False)


def _why_not(task: Task, split: Halves, row: int) -> _Answer:
    own = int(choices_at(task, np.array([row]))[0])
    asked = asked_action(task, "why_not")
    action = _second(task, row, own) if asked is None else asked
    position, step = task.episodes.visited_steps[row].tolist()
    where = f"at step {step} of episode {task.episodes[position].index}"
    if action == own:
        raise InputError(
            f"it chooses {_name(task, action)} {where}", hint="another action, or moment"
        )
    predicates, cubes, more = _rules_for(task, split.fitted, action)
    here = flat(task.episodes.visited[[row]])
    held = int(cells(predicates, here)[0])
    nearest = sorted(cubes, key=lambda cube: ((held & cube.mask) ^ cube.value).bit_count())
    rules = tuple(
        _rule(task, predicates, cube, action, missing=(held & cube.mask) ^ cube.value, here=here[0])
        for cube in nearest
    )
    question = f"Why not {_name(task, action)}, {where}?"
    return _Answer(question, rules, True, _left_out(question, more), predicates)


def _rules_for(
    task: Task, states: Labelled, action: int
) -> tuple[tuple[Named, ...], list[Cube], int]:
    """Return predicates, the rules over them that tell when an action is chosen, and how many more.

    Raises:
        CapabilityError: It is never chosen, always, or nowhere the commonest choice.
    """
    labels = states.choices == action
    name, n = _name(task, action), len(states.choices)
    if not labels.any():
        raise CapabilityError(
            f"it chooses {name} in none of {n} visited states",
            hint="an action that it chooses, or more episodes",
        )
    if labels.all():
        raise CapabilityError(
            f"it chooses {name} in all of {n} visited states",
            hint="an agent that makes two choices or more, or more episodes",
        )
    predicates = chosen_predicates(task, states, labels)
    found = cells(predicates, states.rows)
    values, inverse = np.unique(found, return_inverse=True)
    counts = np.zeros((len(values), int(states.choices.max()) + 1))
    np.add.at(counts, (inverse, states.choices), 1)
    mass = counts.sum(axis=1)
    others = np.delete(counts, action, axis=1).max(axis=1, initial=0.0)
    common = (mass >= RARE_SHARE * n) | (counts[:, action] >= LARGE_PART * labels.sum())
    on = common & (counts[:, action] > others)
    if not on.any():
        raise CapabilityError(
            f"{name} is the commonest choice under no combination of {len(predicates)} predicates",
            hint="other predicates, more of them (most_predicates), or more episodes",
        )
    cubes = smallest_cover(values[on], values[common & ~on], len(predicates), mass[on])
    covered = [counts[cube.covers(values), action].sum() for cube in cubes]
    large = [c for c, k in zip(cubes, covered, strict=True) if k >= LEAST_COVER * labels.sum()]
    return predicates, large[:MOST_RULES], len(cubes) - len(large[:MOST_RULES])


def _rule(
    task: Task,
    predicates: Sequence[Named],
    cube: Cube,
    action: int,
    missing: int = 0,
    here: Any = None,
) -> _Rule:
    """Return a rule; what is missing of it in a state is told with the values there."""
    bits = [bit for bit in range(len(predicates)) if cube.mask >> bit & 1]
    parts = [_literal(predicates[bit], bool(cube.value >> bit & 1)) for bit in bits]
    names = task.episodes.names.inputs
    unnamed = all_of([part.predicate for part in parts if not part.name])
    words = [predicate_words(unnamed, names)] if any(not part.name for part in parts) else []
    words += [part.name for part in parts if part.name]
    told = " and ".join(words) if parts else "anything holds"
    absent = [part for bit, part in zip(bits, parts, strict=True) if missing >> bit & 1]
    if absent:
        read = dict.fromkeys(c for part in absent for c in sorted(columns_of(part.predicate)))
        values = " and ".join(f"{names[c]} is {show(float(here[c]))}" for c in read)
        told += f" (here {values})"
    return _Rule(all_of([part.predicate for part in parts]), action, told)


def _literal(named: Named, holding: bool) -> Named:
    if holding:
        return named
    return Named(negated(named.predicate), f"not {named.name}" if named.name else "")


# --- what is asked ---


def _moment(task: Task) -> int | None:
    """Return the row of `visited` that is asked about; None if no moment is."""
    asked = [n for n in ("why_not", "episode", "step") if task.options.get(n) is not None]
    if not asked or task.options.get("when") is not None or task.options.get("what") is not None:
        return None
    position = chosen_episode(task)
    step = chosen_step(task, position) or 0
    rows = np.flatnonzero((task.episodes.visited_steps == (position, step)).all(axis=1))
    return int(rows[0])


def _action(task: Task, states: Labelled) -> int:
    """Return the action asked for, else the second commonest choice."""
    asked = asked_action(task, "when")
    if asked is not None:
        return asked
    counts = np.bincount(states.choices)
    order = np.argsort(-counts, kind="stable")
    return int(order[1]) if len(order) > 1 and counts[order[1]] else int(order[0])


def _second(task: Task, row: int, own: int) -> int:
    """Return the likeliest other action in a state; the next number where nothing is preferred."""
    space, visited = task.agent.action_space, task.episodes.visited
    if is_recorded(task):
        return (own + 1) % int(space.n)
    context = task.episodes.context_at(task.episodes.visited_steps[[row]])
    agent = in_context(task.agent, context)
    action = np.array(own + int(space.start))
    other = likeliest_other(space, action, lambda: preferences(agent, visited[[row]])[0])
    return int(chosen_columns(outputs_of_actions(other[None], space), space)[0, 0])


def _check_columns(predicate: Predicate, states: Labelled) -> None:
    n_inputs = states.rows.shape[1]
    if max(columns_of(predicate), default=-1) >= n_inputs:
        raise InputError(f"the predicate reads an input beyond the {n_inputs} that there are")


# --- the answer ---


def _finding(task: Task, split: Halves, answer: _Answer) -> Finding:
    checked = split.held if len(split.held.rows) else split.fitted
    covered = [holds(rule.predicate, checked.rows) for rule in answer.rules]
    right = [
        _precision(checked, inside, rule.outcome, known=len(split.held.rows) > 0)
        for inside, rule in zip(covered, answer.rules, strict=True)
    ]
    content = Rules(
        rules=tuple(f"{_name(task, r.outcome)} where {r.words}" for r in answer.rules),
        support=np.array([inside.sum() for inside in covered], dtype=np.int64),
        precision=np.array([e.value for e in right]),
        precision_lows=np.array([e.low for e in right]),
        precision_highs=np.array([e.high for e in right]),
        conditions=tuple(str(r.predicate) for r in answer.rules),
        outcomes=np.array([r.outcome for r in answer.rules], dtype=np.int64),
        exhaustive=answer.exhaustive,
        held_out=split.held_out,
    )
    alone = "Precision is not measured: one episode has no others to check on."
    return Finding(
        question=answer.question,
        content=content,
        facts=_facts(task, answer, split),
        left_out=answer.left_out,
        warnings=() if len(split.held.rows) else (alone,),
    )


def _precision(
    states: Labelled, inside: Bool[np.ndarray, " states"], outcome: int, *, known: bool
) -> Estimate:
    """Return the share of covered states with that choice, the mean over episodes."""
    hit = (states.choices == outcome) & inside
    episodes: Int[np.ndarray, " states"] = states.episodes
    n_inside, n_hit = (
        np.bincount(episodes, mask, minlength=int(episodes.max()) + 1) for mask in (inside, hit)
    )
    shares = n_hit[n_inside > 0] / n_inside[n_inside > 0]
    return mean_share_interval(shares if known else [])


def _facts(task: Task, answer: _Answer, split: Halves) -> dict[str, Fact]:
    told = answer.rules[:TOLD] if answer.exhaustive else answer.rules[:1]
    more = len(answer.rules) - len(told) if answer.exhaustive else 0
    words = ", or where ".join(rule.words for rule in told)
    if more:
        words += f", or in {more} other case{'s' if more > 1 else ''}"
    return {
        "a": fact(_name(task, answer.rules[0].outcome)),
        "rules": fact(words),
        "n_rules": fact(len(answer.rules)),
        "n_predicates": fact(len(answer.predicates)),
        "n_states": fact(len(split.fitted.rows)),
        "n_held": fact(len(split.held.rows)),
        "predicates": fact("; ".join(words_of(p, task) for p in answer.predicates) or "as asked"),
    }


def _left_out(question: str, more: int) -> tuple[str, ...]:
    if not more:
        return ()
    return (f"{question} {more} more rules, which cover fewer states, are not shown.",)


def _name(task: Task, action: int) -> str:
    return task.episodes.names.actions[action]
