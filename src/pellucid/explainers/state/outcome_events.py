"""What can follow a choice: places, levels of inputs, or terms of the reward, told by name."""

from collections.abc import Sequence

import numpy as np

from pellucid.agents.flatten import flat, n_inputs
from pellucid.errors import CapabilityError, InputError
from pellucid.explanation import Task
from pellucid.explanation.places import distinct_places, place_names
from pellucid.explanation.wording import show
from pellucid.kernels.returns import terms_add_up, terms_error
from pellucid.rollouts import Episode, Episodes
from pellucid.rollouts.counting import Counted
from pellucid.types import Observations

FORMS = ("places", "levels", "terms")
MOST_PLACES = 150
"""Places beyond which inputs are taken to be quantities, unless places are asked for."""
MOST_PLACES_ASKED = 2000
MOST_INPUTS = 40
"""Inputs beyond which levels say nothing that people can read."""
LEVEL = 0.75
"""Quantile of the visited states from which on an input counts as high; low below one minus it."""


def checked_form(task: Task) -> str | None:
    """Return what is counted if the user chose, None if not.

    Raises:
        InputError: It is something else.
        CapabilityError: The observations are no inputs, or the reward has no terms.
    """
    form = task.options.get("features")
    if form is not None and form not in FORMS:
        raise InputError(f"the option features must be one of {', '.join(FORMS)}, got {form!r:.40}")
    if form != "terms":
        n_inputs(task.agent.observation_space)
    elif not term_names(task.episodes):
        raise CapabilityError(
            "the environment reports no reward terms, or they do not add up to the reward",
            hint="choose the features places or levels, or name a function with --reward-terms",
        )
    return None if form is None else str(form)


def events_of(form: str | None, episodes: Episodes, others: Sequence[Observations] = ()) -> Counted:
    """Return what is counted, chosen by what the observations are like if nobody chose.

    Places where few different observations were seen, else levels of the inputs.

    Args:
        form: One of `FORMS`, or None.
        episodes: The recorded ones.
        others: Observations of futures, which may lead to places that no episode reached.

    Raises:
        CapabilityError: There are too many places or inputs.
    """
    if form == "terms":
        return Counted("terms", term_names(episodes))
    if form == "places" or (form is None and episodes.visited[0].size <= MOST_INPUTS):
        rows = [flat(e.observations) for e in episodes.used] + [flat(seen) for seen in others]
        found = distinct_places(np.concatenate(rows))
        if len(found) <= (MOST_PLACES if form is None else MOST_PLACES_ASKED):
            return Counted("places", place_names(found, episodes.names), places=found)
        if form == "places":
            raise CapabilityError(
                f"{len(found)} different observations were seen, too many to tell as places",
                hint="choose the features levels",
            )
    return _levels(episodes)


def term_names(episodes: Episodes) -> tuple[str, ...]:
    """Return the terms that every episode reports and that add up to its reward; else nothing."""
    if not len(episodes) or not all(_adds_up(episode) for episode in episodes.used):
        return ()
    return tuple(sorted(set.intersection(*(set(e.terms) for e in episodes.used))))


def _adds_up(episode: Episode) -> bool:
    if not episode.terms:
        return False
    error = terms_error(episode.terms, episode.rewards)
    return bool(np.isfinite(error)) and terms_add_up(error, episode.rewards)


def _levels(episodes: Episodes) -> Counted:
    if episodes.visited[0].size > MOST_INPUTS:
        raise CapabilityError(
            f"levels of {episodes.visited[0].size} inputs are more than can be told",
            hint="choose the features terms, or the method reward-when",
        )
    rows = flat(episodes.visited)
    low, high = np.quantile(rows, [1 - LEVEL, LEVEL], axis=0)
    columns, bounds, above, names = [], [], [], []
    for i, name in enumerate(episodes.names.inputs):
        bounded = ((low[i], False), (high[i], True))
        if low[i] == high[i]:  # a switch that is mostly on, or mostly off
            bounded = ((low[i], False), (low[i], True))
        for bound, is_above in bounded:
            beyond = rows[:, i] > bound if is_above else rows[:, i] < bound
            if beyond.any():
                columns.append(i)
                bounds.append(float(bound))
                above.append(is_above)
                names.append(f"{name} {'above' if is_above else 'below'} {show(float(bound))}")
    if not columns:
        raise CapabilityError(
            "no input varies in the visited states", hint="episodes in which something changes"
        )
    return Counted(
        "levels",
        tuple(names),
        columns=np.array(columns, dtype=np.int64),
        bounds=np.array(bounds),
        above=np.array(above, dtype=bool),
    )
