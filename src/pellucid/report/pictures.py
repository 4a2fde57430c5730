"""What an agent that sees images looked at: its observation, with the region that matters outlined.

The outline is a contour and no colour over the picture, so that what lies under it can still be
seen, on paper too. A random region of the same kind stands beside it for comparison.
"""

import base64
import io
import math
from html import escape

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from pellucid.explanation import Attribution, Explanation
from pellucid.explanation.groups import image_layout
from pellucid.explanation.outside import visible
from pellucid.report.record import RunRecord
from pellucid.report.said import Document, said
from pellucid.rollouts.episodes import Episodes
from pellucid.seeds import stream

TOP_SHARE = 0.1
"""Share of the pixels that are outlined where each pixel is an input of its own."""
LEAST_WIDTH = 240


def picture_document(record: RunRecord, explanation: Explanation) -> Document | None:
    """Return which explained state is shown as a picture, None if the agent sees no image.

    Of the explained states the one in which its first region moved the choice most.

    Args:
        record: The run.
        explanation: Any explanation.
    """
    content = explanation.content
    if not isinstance(content, Attribution) or not len(content.values):
        return None
    if image_layout(content.shape) is None:
        return None
    first = content.orders[:, 0]
    strength = np.abs(np.take_along_axis(content.chosen_values, first[:, None], axis=1)[:, 0])
    state = int(np.argmax(np.nan_to_num(strength)))
    position, step = (int(at) for at in content.steps[state])
    if not 0 <= position < len(record.episodes) or step > len(record.episodes[position]):
        return None
    names = _names(content, state)
    told = "the pixels that moved" if not content.groups.size else f"{names[0]}, which moved"
    return {
        "state": state,
        **said(
            "What it saw at step {step} of episode {episode}; outlined: {what} its choice most.",
            step=step,
            episode=record.episodes[position].index,
            what=told,
        ),
        "control": said(
            "The same frame; outlined: {what}, for comparison.",
            what="as many random pixels" if not content.groups.size else "a random region",
        ),
    }


def picture_svgs(episodes: Episodes, content: Attribution, state: int, words: str) -> list[str]:
    """Return the frame, the frame with its top region outlined, and with a random one.

    Args:
        episodes: Hold the observations.
        content: Of an agent that sees images.
        state: Which explained state.
        words: What is shown, for those who cannot see it.
    """
    position, step = (int(at) for at in content.steps[state])
    image = as_image(episodes[position].observations[step])
    masks = [None, _top(content, state), _random(content, state)]
    return [outlined(image, mask, words) for mask in masks]


def as_image(observation: np.ndarray) -> UInt8[np.ndarray, "height width colours"]:
    """Return an observation as a picture: its colours, or its latest frame in grey."""
    layout = image_layout(observation.shape)
    if layout is None:
        raise ValueError(f"an observation of shape {observation.shape} is no image")
    moved = observation if layout.channels is None else np.moveaxis(observation, layout.channels, 2)
    if moved.ndim == 3 and moved.shape[2] != 3:
        moved = moved[:, :, -1]
    pixels = moved.astype(np.float64)
    low, high = float(np.nanmin(pixels)), float(np.nanmax(pixels))
    if observation.dtype != np.uint8:
        pixels = 255.0 * (pixels - low) / ((high - low) or 1.0)
    grey = np.nan_to_num(pixels).clip(0, 255).astype(np.uint8)
    return grey if grey.ndim == 3 else np.repeat(grey[:, :, None], 3, axis=2)


def contour(mask: Bool[np.ndarray, "height width"]) -> str:
    """Return the border of a region as the path of an SVG, one unit per pixel.

    Example:
        >>> contour(np.array([[True]]))
        'M0 0h1M0 1h1M0 0v1M1 0v1'
    """
    padded = np.pad(mask, 1)
    across = padded[1:, 1:-1] != padded[:-1, 1:-1]
    down = padded[1:-1, 1:] != padded[1:-1, :-1]
    lines = [f"M{x} {y}h1" for y, x in np.argwhere(across).tolist()]
    lines += [f"M{x} {y}v1" for x, y in np.argwhere(down.T).tolist()]
    return "".join(lines)


def outlined(
    image: UInt8[np.ndarray, "height width colours"],
    mask: Bool[np.ndarray, "height width"] | None,
    words: str,
) -> str:
    """Return a picture with a region outlined, as an SVG.

    Args:
        image: The picture.
        mask: The region; None for the picture alone.
        words: What is shown, for those who cannot see it.
    """
    height, width = image.shape[:2]
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    path = contour(mask) if mask is not None else ""
    outline = "".join(
        f'<path class="{kind}" d="{path}" fill="none" vector-effect="non-scaling-stroke"/>'
        for kind in ("o-under", "o-over")
        if path
    )
    shown = max(LEAST_WIDTH, width)
    return (
        f'<svg class="seen" role="img" aria-label="{escape(visible(words), quote=True)}" '
        f'width="{shown}" height="{round(shown * height / width)}" viewBox="0 0 {width} {height}" '
        'xmlns="http://www.w3.org/2000/svg">'
        f'<image href="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'image-rendering="pixelated"/>{outline}</svg>'
    )


def _names(content: Attribution, state: int) -> list[str]:
    return [content.input_names[int(i)] for i in content.orders[state][:1]]


def _labels(content: Attribution, state: int) -> np.ndarray:
    groups = content.groups if content.groups.ndim == 1 else content.groups[state]
    return groups.reshape(content.shape)


def _top(content: Attribution, state: int) -> Bool[np.ndarray, "height width"]:
    if content.groups.size:
        return _flat(content, _labels(content, state) == content.orders[state][0])
    size = np.abs(content.chosen_values[state]).reshape(content.shape)
    strength = _flat_sum(content, size)
    count = max(1, math.ceil(TOP_SHARE * strength.size))
    least = np.sort(strength, axis=None)[-count]
    return np.asarray(strength >= least)


def _random(content: Attribution, state: int) -> Bool[np.ndarray, "height width"]:
    rng = stream(0, "picture", str(state))
    top = _top(content, state)
    if content.groups.size:
        others = [i for i in np.unique(_labels(content, state)) if i != content.orders[state][0]]
        if not others:
            return top
        return _flat(content, _labels(content, state) == rng.choice(others))
    return np.asarray(rng.permutation(top.ravel()).reshape(top.shape))


def _flat(content: Attribution, mask: np.ndarray) -> Bool[np.ndarray, "height width"]:
    layout = image_layout(content.shape)
    channels = layout.channels if layout is not None else None
    return np.asarray(mask if channels is None else mask.any(axis=channels))


def _flat_sum(content: Attribution, values: np.ndarray) -> np.ndarray:
    layout = image_layout(content.shape)
    channels = layout.channels if layout is not None else None
    return np.asarray(values if channels is None else values.sum(axis=channels))
