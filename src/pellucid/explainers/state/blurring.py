"""Hides parts of an image by blur, as the first saliency maps of agents did."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents import blended, patched
from pellucid.agents.acting import bulk_preferences
from pellucid.agents.metering import unmetered
from pellucid.explainers.state.asking import Asking
from pellucid.explainers.state.pairs import Pairs
from pellucid.explanation import InputGroups, Task
from pellucid.explanation.groups import group_centres, image_layout
from pellucid.kernels.frame_blur import blurred_frames, disc_masks
from pellucid.types import Agent, Observations, PreferencesFn

BLUR = 3.0 / 80.0
"""Standard deviation of the blur as a share of the shorter side (Greydanus 2018: 3 of 80)."""
LEAST_BLUR = 1.0
MOST_NUMBERS = 4_000_000
"""Numbers that one batch of observations holds at most."""


class _Faster(NamedTuple):
    """A way through an agent's network that need not see every image.

    Args:
        extra: Queries of one state beside those of its groups.
        sample: Number of a group whose image is made, so that the way can be checked.
        answer: From a state, the state blurred, and that image, one row each; None if the way does
            not hold.
    """

    extra: int
    sample: int
    answer: Callable[
        [Observations, Observations, Observations], Float[np.ndarray, "groups outputs"] | None
    ]


def blurred(observations: Observations) -> Float[np.ndarray, "batch *observation"]:
    """Return images blurred as a whole, each channel by itself."""
    layout = image_layout(observations.shape[1:])
    assert layout is not None
    shape = observations.shape[1:]
    side = min(shape[layout.rows], shape[layout.columns])
    sigma = max(LEAST_BLUR, BLUR * side)
    return blurred_frames(observations, (layout.rows, layout.columns), sigma)


def as_observed(
    images: Float[np.ndarray, "batch *observation"], like: Observations
) -> Observations:
    """Return mixtures of images in the type of the observations, rounded if that holds integers."""
    if like.dtype.kind in "iu":
        limits = np.iinfo(like.dtype)
        images = np.clip(np.rint(images), limits.min, limits.max)
    return np.asarray(images.astype(like.dtype))


def blurred_answers(
    task: Task, pairs: Pairs, asking: Asking, *, discs: bool
) -> Float[np.ndarray, "states 1 groups outputs"]:
    """Return the answers with one group at a time blurred.

    Images are made and asked for one by one, in whole numbers if the agent takes those; a
    convolutional network that is known is asked in a faster way, and then sees what lies under a
    disc unrounded.

    Args:
        task: Told how far it is.
        pairs: States and groups.
        asking: What is asked, one query per row.
        discs: Blur under a soft disc around the middle of a patch, whose standard deviation is half
            the patch; else exactly where the group is.
    """
    states = pairs.states
    whole = blurred(states)
    fixed = None if pairs.groups.labels is None else _weights(pairs.groups, states[:1], discs)
    faster = None if asking.apart else _faster(unmetered(task.agent), pairs.groups, states, discs)
    answers = []
    for number in range(len(states)):
        one = slice(number, number + 1)
        weights = fixed if fixed is not None else _weights(pairs.groups, states[one], discs)
        if faster is not None:
            found = _by_network(task, faster, states[one], whole[one], weights)
        else:
            found = _by_images(states[number], whole[number], weights, asking.hybrids_of(number))
        answers.append(found[None])
        task.progress((number + 1) / len(states))
    return np.stack(answers)


def extra_queries(agent: Agent, n_numbers: int, *, discs: bool) -> int:
    """Return how many queries of one state a faster way takes beside those of its groups.

    Args:
        agent: Not metered.
        n_numbers: Of one image.
        discs: Blur under soft discs.
    """
    if discs:
        return blended.EXTRA_QUERIES if blended.takes_blends(agent, n_numbers) else 0
    return patched.EXTRA_QUERIES if patched.takes_patches(agent, n_numbers) else 0


def _faster(agent: Agent, groups: InputGroups, states: Observations, discs: bool) -> _Faster | None:
    """Return the agent's faster way to its answers, if it may have one for these groups."""
    extra = extra_queries(agent, states[:1].size, discs=discs)
    if not extra or not groups.is_grid:
        return None
    boxes = _boxes(groups, states.shape[1:])
    # far from the diagonal: a network that turns its images would be found out
    sample = int(np.abs(boxes[:, 0] - boxes[:, 1]).argmax())
    if discs:
        masks = _disc_masks(groups, states.shape[1:])
        return _Faster(extra, sample, blended.blender(agent, masks, sample))

    def answer(
        image: Observations, hidden: Observations, mixed: Observations
    ) -> Float[np.ndarray, "groups outputs"] | None:
        images = patched.PatchedImages(image, hidden, boxes, (sample, mixed))
        return patched.patched_preferences(agent, images)

    return _Faster(extra, sample, answer)


def _by_images(
    state: Shaped[np.ndarray, "*observation"],
    hidden: Float[np.ndarray, "*observation"],
    weights: Float[np.ndarray, "groups *observation"],
    answer: PreferencesFn,
) -> Float[np.ndarray, "groups outputs"]:
    at_once = max(1, MOST_NUMBERS // state.size)
    parts = []
    for first in range(0, len(weights), at_once):
        mixed = _mixed(state, hidden, weights[first : first + at_once])
        parts.append(answer(as_observed(mixed, state)))
    return np.concatenate(parts)


def _by_network(
    task: Task,
    faster: _Faster,
    state: Observations,
    whole: Float[np.ndarray, "1 *observation"],
    weights: Float[np.ndarray, "groups *observation"],
) -> Float[np.ndarray, "groups outputs"]:
    """Return the answers by the faster way, or by whole images where it does not hold."""
    task.meter.check_time()
    task.meter.charge(queries=len(weights) + faster.extra)
    hidden = as_observed(whole, state)
    sample = slice(faster.sample, faster.sample + 1)
    # as a real number: differences of whole ones without a sign would wrap around
    mixed = as_observed(_mixed(state[0], hidden[0].astype(np.float64), weights[sample]), state)
    found = faster.answer(state, hidden, mixed)
    if found is not None:
        return found
    # paid for already
    return _by_images(state[0], whole[0], weights, bulk_preferences(unmetered(task.agent)))


def _boxes(groups: InputGroups, shape: tuple[int, ...]) -> Int[np.ndarray, "groups 4"]:
    """Return top, left, bottom and right of the patches of a grid."""
    layout = image_layout(shape)
    assert layout is not None
    assert groups.labels is not None
    labels = groups.labels.reshape(shape)
    if layout.channels is not None:
        labels = labels.take(0, axis=layout.channels)
    found = []
    for number in range(len(groups)):
        rows, columns = np.nonzero(labels == number)
        found.append((rows.min(), columns.min(), rows.max() + 1, columns.max() + 1))
    return np.array(found, dtype=np.int64)


def _mixed(
    state: Shaped[np.ndarray, "*observation"],
    hidden: Float[np.ndarray, "*observation"],
    weights: Float[np.ndarray, "groups *observation"],
) -> Float[np.ndarray, "groups *observation"]:
    """Return s (1 - M) + blur(s) M for each mask (Greydanus 2018, eq. 1)."""
    return np.asarray(state + weights * (hidden - state))


def _weights(
    groups: InputGroups, state: Observations, discs: bool
) -> Float[np.ndarray, "groups *observation"]:
    """Return how far each number of one state is blurred where a group is hidden, from 0 to 1."""
    shape = state.shape[1:]
    layout = image_layout(shape)
    assert layout is not None
    if discs:
        masks = _disc_masks(groups, shape)
        axes = [1] * len(shape)
        axes[layout.rows], axes[layout.columns] = masks.shape[1:]
        return np.broadcast_to(masks.reshape(len(groups), *axes), (len(groups), *shape))
    one_hot = groups.of(state) == np.arange(len(groups))[:, None]
    return np.asarray(one_hot.reshape(len(groups), *shape).astype(np.float64))


def _disc_masks(
    groups: InputGroups, shape: tuple[int, ...]
) -> Float[np.ndarray, "groups rows columns"]:
    layout = image_layout(shape)
    assert layout is not None
    assert groups.labels is not None
    height, width = shape[layout.rows], shape[layout.columns]
    centres = group_centres(groups.labels, shape, len(groups))
    side = float(np.sqrt(height * width / len(groups)))
    places = np.clip(np.rint(centres), 0, [height - 1, width - 1]).astype(np.int64)
    return disc_masks(places, height, width, max(0.5, side / 2))
