"""Frames of episodes for the report: small WebP images, stored beside the run."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pellucid.errors import DataError
from pellucid.explanation import Explanation, Futures, Segments
from pellucid.io import atomic
from pellucid.report.moments import MOST_EPISODES, highlighted, key_moments
from pellucid.report.record import EpisodeFrames, EpisodeSteps
from pellucid.rollouts import Episodes, RenderedEpisode
from pellucid.rollouts.frames import spaced_steps

MAX_WIDTH, QUALITY = 480, 60
"""Width in pixels and WebP quality: 2 KB a frame, so that a page stays small."""
FRAMES_PER_EPISODE = 60
"""Frames of one episode; the report shows the nearest earlier one in between."""


def shown_positions(episodes: Episodes, explanations: Sequence[Explanation] = ()) -> list[int]:
    """Return the episodes worth showing: worst, median, best, explained and highlighted ones."""
    if not len(episodes):
        return []
    order = np.argsort(episodes.returns, kind="stable")
    # where all earned the same, none is worst or best: one of them stands for all
    picked = (0,) if np.ptp(episodes.returns) == 0 else (0, (len(order) - 1) // 2, -1)
    shown = [int(order[i]) for i in picked]
    for explanation in explanations:
        content = explanation.content
        if isinstance(content, Segments | Futures):
            shown.append(content.episode)
    shown += [p for p, _ in highlighted(explanations)]
    return list(dict.fromkeys(shown))[:MOST_EPISODES]


def shown_steps(
    episodes: Episodes,
    positions: Sequence[int],
    explanations: Sequence[Explanation] = (),
    views: Mapping[int, EpisodeSteps] | None = None,
) -> dict[int, list[int]]:
    """Return the steps to draw of each episode: evenly spaced ones and those worth a look."""
    chosen = {}
    for position in positions:
        n_steps = len(episodes[position])
        moments = key_moments(n_steps, position, (views or {}).get(position), explanations)
        steps = {*spaced_steps(n_steps, FRAMES_PER_EPISODE), *(moment.step for moment in moments)}
        chosen[position] = sorted(steps)
    return chosen


def webp(image: UInt8[np.ndarray, "height width 3"]) -> tuple[bytes, int, int]:
    """Return an image as WebP at most `MAX_WIDTH` wide, with its width and height in pixels."""
    picture = Image.fromarray(image)
    if picture.width > MAX_WIDTH:
        height = max(1, round(picture.height * MAX_WIDTH / picture.width))
        picture = picture.resize((MAX_WIDTH, height), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    picture.save(content, format="WEBP", quality=QUALITY, method=4)
    return content.getvalue(), picture.width, picture.height


def encode_frames(
    rendered: Mapping[int, RenderedEpisode],
) -> dict[int, EpisodeFrames]:
    """Return rendered frames in the form that the report takes."""
    frames = {}
    for position, (steps, images) in rendered.items():
        encoded = [webp(image) for image in images]
        if encoded:
            _, width, height = encoded[0]
            contents = tuple(content for content, _, _ in encoded)
            frames[position] = EpisodeFrames(tuple(map(int, steps)), contents, width, height)
    return frames


def store_frames(frames: Mapping[int, EpisodeFrames], folder: Path) -> dict[str, list[int]]:
    """Write frames as `<position>/<step>.webp`; return width and height by position."""
    folder.mkdir(exist_ok=True)
    sizes = {}
    for position, shown in frames.items():
        place = folder / str(position)
        place.mkdir(exist_ok=True)
        for step, image in zip(shown.steps, shown.images, strict=True):
            atomic.write_bytes(place / f"{step}.webp", image)
        sizes[str(position)] = [shown.width, shown.height]
    return sizes


def load_frames(folder: Path, sizes: Any) -> dict[int, EpisodeFrames]:
    """Read what `store_frames` wrote.

    Args:
        folder: Where it wrote them.
        sizes: What it returned, as it was stored.

    Raises:
        DataError: It is not what `store_frames` returns.
    """
    try:
        return _read_frames(folder, sizes)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"the sizes of the frames in {folder} are damaged", hint="start again with --fresh"
        ) from error


def _read_frames(folder: Path, sizes: Mapping[str, Sequence[int]]) -> dict[int, EpisodeFrames]:
    frames = {}
    for name, (width, height) in sizes.items():
        position = int(name)
        files = sorted((folder / str(position)).glob("*.webp"), key=lambda path: int(path.stem))
        frames[position] = EpisodeFrames(
            tuple(int(path.stem) for path in files),
            tuple(path.read_bytes() for path in files),
            int(width),
            int(height),
        )
    return frames
