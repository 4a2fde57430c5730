"""Hides parts of an image by blur, as the first saliency maps of agents did."""

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import bulk_preferences
from pellucid.agents.metering import unmetered
from pellucid.agents.patched import (
    EXTRA_QUERIES,
    PatchedImages,
    patched_preferences,
    takes_patches,
)
from pellucid.explainers.state.asking import Asking
from pellucid.explainers.state.pairs import Pairs
from pellucid.explanation import InputGroups, Task
from pellucid.explanation.groups import ImageLayout, group_centres, image_layout
from pellucid.kernels.frame_blur import blurred_frames, disc_masks
from pellucid.types import Observations, PreferencesFn

BLUR = 3.0 / 80.0
"""Standard deviation of the blur as a share of the shorter side (Greydanus 2018: 3 of 80)."""
LEAST_BLUR = 1.0
MOST_NUMBERS = 4_000_000
"""Numbers that one batch of observations holds at most."""


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
    boxes = None if discs or not pairs.groups.is_grid else _boxes(pairs.groups, states.shape[1:])
    agent = unmetered(task.agent)
    answers = []
    for number in range(len(states)):
        one = slice(number, number + 1)
        weights = fixed if fixed is not None else _weights(pairs.groups, states[one], discs)
        found = None
        if boxes is not None and not asking.apart and takes_patches(agent, states[one].size):
            found = _by_patches(task, states[one], whole[one], weights, boxes)
        if found is None:
            found = _by_images(states[number], whole[number], weights, asking.hybrids_of(number))
        answers.append(found[None])
        task.progress((number + 1) / len(states))
    return np.stack(answers)


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


def _by_patches(
    task: Task,
    state: Observations,
    hidden: Float[np.ndarray, "1 *observation"],
    weights: Float[np.ndarray, "groups *observation"],
    boxes: Int[np.ndarray, "groups 4"],
) -> Float[np.ndarray, "groups outputs"]:
    """Return the answers by what each patch reaches in the network alone, if that holds."""
    agent = unmetered(task.agent)
    task.meter.check_time()
    task.meter.charge(queries=len(boxes) + EXTRA_QUERIES)
    # far from the diagonal: a network that turns its images would be found out
    number = int(np.abs(boxes[:, 0] - boxes[:, 1]).argmax())
    mixed = as_observed(_mixed(state[0], hidden[0], weights[number : number + 1]), state)
    images = PatchedImages(state, as_observed(hidden, state), boxes, (number, mixed))
    found = patched_preferences(agent, images)
    if found is not None:
        return found
    # paid for already
    return _by_images(state[0], hidden[0], weights, bulk_preferences(agent))


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
        return _discs(groups, shape, layout)
    one_hot = groups.of(state) == np.arange(len(groups))[:, None]
    return np.asarray(one_hot.reshape(len(groups), *shape).astype(np.float64))


def _discs(
    groups: InputGroups, shape: tuple[int, ...], layout: ImageLayout
) -> Float[np.ndarray, "groups *observation"]:
    assert groups.labels is not None
    height, width = shape[layout.rows], shape[layout.columns]
    centres = group_centres(groups.labels, shape, len(groups))
    side = float(np.sqrt(height * width / len(groups)))
    places = np.clip(np.rint(centres), 0, [height - 1, width - 1]).astype(np.int64)
    masks = disc_masks(places, height, width, max(0.5, side / 2))
    axes = [1] * len(shape)
    axes[layout.rows], axes[layout.columns] = height, width
    return np.broadcast_to(masks.reshape(len(groups), *axes), (len(groups), *shape))
