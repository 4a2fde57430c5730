"""How methods that hide one input or group at a time do so: by other visited states, or by blur."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from pellucid.agents.metering import unmetered
from pellucid.errors import InputError
from pellucid.explainers.state.asking import Asking
from pellucid.explainers.state.blurring import (
    as_observed,
    blurred,
    blurred_answers,
    extra_queries,
)
from pellucid.explainers.state.pairs import Pairs, planned_pairs, planned_states
from pellucid.explainers.state.replacing import replaced_answers
from pellucid.explanation import Task
from pellucid.explanation.groups import image_layout
from pellucid.explanation.players import GROUPS, players_of

HIDING: Mapping[str, str] = {
    **GROUPS,
    "hide": "how: `visited` for values of other visited states; of images `blur`, or `disc` for "
    "blur under a soft disc",
}
"""Options of these methods."""
_VISITED, _BLUR, _DISC = "visited", "blur", "disc"


def planned_hiding(task: Task, method: str, question: str) -> Pairs:
    """Return which states are explained, and what their inputs are replaced by.

    Images are blurred and vectors get values of other visited states, unless the option `hide`
    says otherwise. Blur takes one query per state and group, and no draws. It stays within the
    patch that is credited; soft discs, as the first saliency maps had, credit a patch with what
    lies beside it too.

    Args:
        task: What is to be explained.
        method: Names the streams of random numbers.
        question: Begins each sentence on what the budget left out.

    Raises:
        InputError: There is no such way, or it is for images or patches, and these are none.
        BudgetError: The budget does not pay for five states.
    """
    groups = players_of(task)
    way = _way(task)
    if way == _DISC and not groups.is_grid:
        raise InputError(
            "discs are for the patches of a grid, and these are other groups", hint="hide='blur'"
        )
    if way != _VISITED:
        n_numbers = task.episodes.visited[:1].size
        extra = extra_queries(unmetered(task.agent), n_numbers, discs=way == _DISC)
        # every group, and everything at once
        per_state = len(groups) + 1 + extra
        return planned_states(task, method, question, groups=groups, per_state=per_state)
    return planned_pairs(task, method, question, groups=groups, per_pair=len(groups))


def hidden_answers(
    task: Task, pairs: Pairs, asking: Asking
) -> Float[np.ndarray, "states background groups outputs"]:
    """Return the answers with one group hidden at a time; blur counts as one background row."""
    if len(pairs.background):
        return replaced_answers(task, pairs, asking)
    return blurred_answers(task, pairs, asking, discs=_way(task) == _DISC)


def all_hidden_answers(pairs: Pairs, asking: Asking) -> Float[np.ndarray, "*states rows outputs"]:
    """Return the answers with everything hidden: to the background, or to the blurred states."""
    if len(pairs.background):
        return asking.of_background(pairs.background)
    return asking.of_states(as_observed(blurred(pairs.states), pairs.states))


def baseline_of(
    pairs: Pairs, outputs: Float[np.ndarray, "*states rows outputs"]
) -> Float[np.ndarray, "*states outputs"]:
    """Return the baseline of an attribution from what `all_hidden_answers` returns."""
    return np.asarray(outputs.mean(axis=-2)) if len(pairs.background) else outputs


def _way(task: Task) -> str:
    shape = task.episodes.visited.shape[1:]
    is_image = image_layout(shape) is not None
    way = task.options.get("hide", _BLUR if is_image else _VISITED)
    if way not in (_VISITED, _BLUR, _DISC):
        raise InputError(f"hide must be {_VISITED}, {_BLUR} or {_DISC}, got {way!r:.40}")
    if way != _VISITED and not is_image:
        raise InputError(
            f"observations of shape {shape} are no images, and cannot be blurred",
            hint=f"hide={_VISITED!r}",
        )
    return str(way)
