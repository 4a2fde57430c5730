"""What an agent that sees images saw, and the same changed so that it acts otherwise."""

import numpy as np
from jaxtyping import Bool

from pellucid.explanation import CounterfactualStates, Explanation
from pellucid.explanation.groups import image_layout
from pellucid.report.pictures import as_image, outlined
from pellucid.report.record import RunRecord
from pellucid.report.said import Document, said
from pellucid.seeds import stream


def changed_picture_document(record: RunRecord, explanation: Explanation) -> Document | None:
    """Return which changed state is shown as a picture, None if the agent sees no image.

    Args:
        record: The run.
        explanation: Any explanation.
    """
    content = explanation.content
    if not isinstance(content, CounterfactualStates) or image_layout(content.shape) is None:
        return None
    state, n = content.shown, len(record.episodes)
    if not content.found[state]:
        return None
    (position, step), (source, then) = content.steps[state], content.sources[state]
    if not (0 <= position < n and 0 <= source < n):
        return None
    return {
        "state": state,
        **said(
            "What it saw at step {step} of episode {episode}, and the same changed; outlined: what "
            "was taken over from step {then} of episode {source}.",
            step=int(step),
            episode=record.episodes[int(position)].index,
            then=int(then),
            source=record.episodes[int(source)].index,
        ),
        "control": said("The first frame; outlined: a random region of that shape."),
    }


def changed_picture_svgs(content: CounterfactualStates, state: int, words: str) -> list[str]:
    """Return the frame, the changed frame with the change outlined, and a random region.

    Args:
        content: Of an agent that sees images.
        state: Which changed state.
        words: What is shown, for those who cannot see it.
    """
    before, after = content.seen[state], content.seen_changed[state]
    mask = _changed_pixels(before, after)
    rng = stream(0, "changed picture", str(state))
    moved = np.roll(mask, tuple(int(rng.integers(n)) for n in mask.shape), (0, 1))
    frame = as_image(before)
    return [
        outlined(frame, None, words),
        outlined(as_image(after), mask, words),
        outlined(frame, moved, words),
    ]


def _changed_pixels(before: np.ndarray, after: np.ndarray) -> Bool[np.ndarray, "height width"]:
    layout = image_layout(before.shape)
    channels = layout.channels if layout is not None else None
    differs = before != after
    return np.asarray(differs if channels is None else differs.any(axis=channels))
