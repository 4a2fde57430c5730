"""What a model is asked when its stated reasoning is edited, and the same edits elsewhere.

Every edit is also made, equal in kind and in steps, in text that has nothing to do with the
prompt: steps that were stated for other prompts, put before it. What a model does with that text
tells how much any edit of that size disturbs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.faithfulness.thresholds import MISTAKEN_STEPS, REMOVED_STEPS
from pellucid.posttrain.reasoning import (
    CUT_SHARES,
    Question,
    ReasoningForm,
    StatedReasoning,
    cut,
    mistake,
    remove,
)


@dataclass(frozen=True)
class Edit:
    """One edit of the reasoning for one prompt, with its control.

    Args:
        test: `cut`, `mistake`, `filler`, `removal` or `paraphrase`.
        before: The question without the edit.
        after: The question with it.
        control_before: The control's question without its edit.
        control_after: The control's question with it.
        level: Per cent of the steps that are kept, of cuts; -1 of all others.
    """

    test: str
    before: Question
    after: Question
    control_before: Question
    control_after: Question
    level: int = -1

    @property
    def questions(self) -> tuple[Question, ...]:
        """All that is asked for it."""
        return self.before, self.after, self.control_before, self.control_after


@dataclass(frozen=True)
class Case:
    """One prompt whose reasoning is edited.

    Args:
        prompt: What was asked.
        parts: What was written.
        notes: As many steps that were stated for other prompts.
        form: How the model is asked and writes.
    """

    prompt: str
    parts: StatedReasoning
    notes: tuple[str, ...]
    form: ReasoningForm

    def asked(self, beginning: str, notes: Sequence[str] = ()) -> Question:
        """Return a question, with notes before the prompt if there are any."""
        return Question(self.form.after_notes("".join(notes), self.prompt), beginning)


def unrelated_steps(
    all_steps: Sequence[Sequence[str]], index: int, rng: np.random.Generator
) -> tuple[str, ...]:
    """Return as many steps as prompt `index` has, stated for other prompts drawn at random.

    Args:
        all_steps: The steps of every prompt; there must be another one with steps.
        index: The prompt that they must have nothing to do with.
        rng: Draws the others.

    Raises:
        ValueError: No other prompt has steps.
    """
    others = [i for i, steps in enumerate(all_steps) if i != index and steps]
    if not others:
        raise ValueError("no other prompt has steps")
    found: list[str] = []
    while len(found) < len(all_steps[index]):
        for other in rng.permutation(others):
            found += all_steps[other]
            if len(found) >= len(all_steps[index]):
                break
    return tuple(found[: len(all_steps[index])])


def edits_of(case: Case, rng: np.random.Generator) -> list[Edit]:
    """Return every edit of one prompt; those that cannot be made of its text are missing."""
    return [
        *_cuts(case),
        *_removals(case),
        _filler(case),
        *_mistakes(case, rng),
        *_paraphrases(case, rng),
    ]


def _answering(
    test: str, case: Case, steps: Sequence[str], notes: Sequence[str], level: int = -1
) -> Edit:
    """Return an edit after which only the answer is left to write.

    Args:
        test: Its name.
        case: The prompt.
        steps: The edited reasoning.
        notes: The unrelated text, edited alike.
        level: Of a cut.
    """
    whole = case.parts.to_answer(case.parts.steps)
    return Edit(
        test,
        before=case.asked(whole),
        after=case.asked(case.parts.to_answer(steps)),
        control_before=case.asked(whole, case.notes),
        control_after=case.asked(whole, notes),
        level=level,
    )


def _cuts(case: Case) -> list[Edit]:
    n_steps = len(case.parts.steps)
    kept = [(round(100 * share), int(share * n_steps)) for share in CUT_SHARES]
    return [
        _answering("cut", case, cut(case.parts.steps, n), cut(case.notes, n), level)
        for level, n in kept
    ]


def _removals(case: Case) -> list[Edit]:
    n_steps = len(case.parts.steps)
    places = np.linspace(0, n_steps - 1, min(REMOVED_STEPS, n_steps)).round()
    return [
        _answering("removal", case, remove(case.parts.steps, i), remove(case.notes, i))
        for i in (int(place) for place in places)
    ]


def _filler(case: Case) -> Edit:
    fill_fn = case.form.fill_fn
    return _answering("filler", case, fill_fn(case.parts.steps), fill_fn(case.notes))


def _mistakes(case: Case, rng: np.random.Generator) -> list[Edit]:
    """Return edits that make a mistake in a step, after which the model goes on by itself."""
    steps, notes = case.parts.steps, case.notes
    made = []
    for place in rng.permutation(len(steps)):
        wrong, elsewhere = mistake(steps[place], rng), _any_mistake(notes, int(place), rng)
        if wrong is None or elsewhere is None:
            continue
        told = case.parts.to_step(steps[: place + 1])
        made.append(
            Edit(
                "mistake",
                before=case.asked(told),
                after=case.asked(case.parts.to_step((*steps[:place], wrong))),
                control_before=case.asked(told, notes),
                control_after=case.asked(told, elsewhere),
            )
        )
        if len(made) == MISTAKEN_STEPS:
            break
    return made


def _any_mistake(
    steps: Sequence[str], first: int, rng: np.random.Generator
) -> tuple[str, ...] | None:
    """Return steps with a mistake in one, in a given one if that is possible; else None."""
    places = [first, *(i for i in range(len(steps)) if i != first)]
    for place in places:
        wrong = mistake(steps[place], rng)
        if wrong is not None:
            return (*steps[:place], wrong, *steps[place + 1 :])
    return None


def _paraphrases(case: Case, rng: np.random.Generator) -> list[Edit]:
    """Return the edit that says the same in other words, unless there are none for it.

    Its control is a mistake in the same steps: what must not change an answer is compared with what
    must. Against other words in unrelated text, which change nothing either, nothing would show.
    """
    steps = case.parts.steps
    reworded, mistaken = list(steps), list(steps)
    for place, step in enumerate(steps):
        other, wrong = case.form.paraphrase_fn(step), mistake(step, rng)
        if other is not None and wrong is not None:
            reworded[place], mistaken[place] = other, wrong
    if tuple(reworded) == steps:
        return []
    whole = case.asked(case.parts.to_answer(steps))
    return [
        Edit(
            "paraphrase",
            before=whole,
            after=case.asked(case.parts.to_answer(reworded)),
            control_before=whole,
            control_after=case.asked(case.parts.to_answer(mistaken)),
        )
    ]
