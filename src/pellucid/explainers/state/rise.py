"""RISE: what the agent answers, on average, where an input is shown among random others (C2)."""

import numpy as np
from jaxtyping import Float

from pellucid.agents.acting import preference_unit
from pellucid.budget import Cost
from pellucid.explainers.state.asking import Asking
from pellucid.explainers.state.hybrids import Sides, sides_of
from pellucid.explainers.state.input_sentences import CLOSED, LOGGED, QUESTION
from pellucid.explainers.state.pairs import Pairs, attributed, planned_pairs
from pellucid.explanation import Attribution, Finding, Task, explainer
from pellucid.explanation.players import GROUPS, players_of
from pellucid.kernels.balanced_masks import balanced_masks, n_balanced_masks, shown_effects
from pellucid.seeds import stream
from pellucid.types import PreferencesFn

ROWS_AT_ONCE = 4096
"""Masked states that are asked about together, at most."""


@explainer(
    "rise",
    leaf="C2",
    kind=Attribution,
    decisive=("masked_return", "deletion"),
    source="Petsiuk 2018, eq. (6)",
    question=QUESTION,
    sentences=CLOSED,
    logged_sentences=LOGGED,
    options=GROUPS,
)
class Rise:
    """The mean of each output over random masks that show an input, minus that over all masks.

    A mask shows half of the inputs (of an image: of its patches); the others have the values of a
    visited state, one for each draw of masks, and errors are those of the mean over these draws. An
    input that is seen gets half of what turning it on changes on average over all sets of others
    (half its Banzhaf value), so that values add up to nothing in particular.

    Deviations from Petsiuk 2018: hidden parts come from visited states in place of black; masks
    follow the patches that are credited and tested, without smooth edges; they are balanced, so
    that each input is shown exactly equally often and noise of the others falls out; the mean
    answer is taken off, so that an input that is ignored gets nothing and not the mean.
    """

    def plan(self, task: Task) -> Cost:
        """Return what all masks cost."""
        return Cost(queries=_pairs(task).cost)

    def explain(self, task: Task) -> Finding:
        """Ask the agent about masked states, and average where each input is shown."""
        pairs = _pairs(task)
        asking = pairs.asking(task)
        return attributed(
            task,
            pairs,
            QUESTION,
            values=_effects(task, pairs, asking),
            outputs=asking.of_states(pairs.states),
            baseline=asking.of_background(pairs.background).mean(axis=-2),
            output_unit=preference_unit(task.agent),
        )


def _pairs(task: Task) -> Pairs:
    groups = players_of(task)
    per_pair = n_balanced_masks(len(groups))
    return planned_pairs(task, "rise", QUESTION, groups=groups, per_pair=per_pair)


def _effects(
    task: Task, pairs: Pairs, asking: Asking
) -> Float[np.ndarray, "states background inputs outputs"]:
    sides = sides_of(pairs.states, pairs.background, pairs.groups, apart=asking.apart)
    found = []
    for number, side in enumerate(sides):
        # the same masks for every state, so that states compare
        rng = stream(task.seed, "rise", "masks")
        found.append(_one_side(side, side.asking(asking.hybrids_of(number)), rng))
        task.progress((number + 1) / len(sides))
    return np.concatenate(found)


def _one_side(
    side: Sides, ask: PreferencesFn, rng: np.random.Generator
) -> Float[np.ndarray, "states background inputs outputs"]:
    effects = []
    for hidden in side.background:
        masks = balanced_masks(side.states.shape[1], rng)
        at_once = max(1, ROWS_AT_ONCE // len(masks))
        parts = []
        for start in range(0, len(side.states), at_once):
            part = side.states[start : start + at_once]
            hybrids = np.where(masks, part[:, None], hidden)
            answers = ask(hybrids.reshape(-1, part.shape[1])).reshape(len(part), len(masks), -1)
            parts += [shown_effects(masks, of_state) for of_state in answers]
        effects.append(np.stack(parts))
    return np.stack(effects, axis=1)
