"""Pictures of what an agent saw: which state, which region, and what is drawn over it."""

import base64
import io
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from pellucid.explanation import Attribution, CounterfactualStates
from pellucid.report.changed_pictures import changed_picture_document, changed_picture_svgs
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.pictures import as_image, contour, picture_document, picture_svgs
from pellucid.report.record import RunRecord
from tests.report import lunar
from tests.report.facts import problem, read

SIDE = 8


def image_record(*, grouped: bool = True, badge: Any = "supported") -> RunRecord:
    """Frames of 8 x 8 with a bright lower right quarter, which moves the choice in state 1."""
    frames = np.zeros((11, SIDE, SIDE, 1), np.uint8)
    frames[:, 4:, 4:] = 255
    episode = replace(
        lunar.episode(0, steps=10), observations=frames, actions=np.zeros(10, np.int64)
    )
    labels = (np.arange(SIDE) // 4)[:, None] * 2 + np.arange(SIDE) // 4
    n = 4 if grouped else SIDE * SIDE
    values = np.zeros((2, n, 2))
    values[:, :, 0] = 0.01
    if grouped:
        values[1, 3, 0] = 0.9
    else:
        values[1, np.flatnonzero(labels.ravel() == 3)[:7], 0] = 0.9
    content = Attribution(
        values=values,
        observations=np.zeros((2, n)),
        chosen=np.array([0, 0]),
        outputs=np.array([[0.7, 0.3]] * 2),
        baseline=np.array([0.5, 0.5]),
        standard_errors=np.zeros((2, n, 2)),
        steps=np.array([[0, 2], [0, 5]]),
        input_names=tuple(f"region {i}" for i in range(n)),
        output_names=("stay", "go"),
        output_unit="probability",
        shape=(SIDE, SIDE, 1),
        groups=labels.ravel() if grouped else np.empty(0, np.int64),
    )
    seen = replace(lunar.supported(), content=content, badge=badge)
    collected = replace(lunar.episodes([1.0]), attempted=(episode,))
    return lunar.lunar_record(collected=collected, explanations=(seen,), with_frames=False)


def test_the_state_in_which_a_region_moved_the_choice_most_is_shown() -> None:
    record = image_record()
    told = picture_document(record, record.explanations[0])
    assert told is not None
    assert told["state"] == 1
    assert told["text"] == (
        "What it saw at step 5 of episode 0; outlined: region 3, which moved its choice most."
    )
    assert picture_document(record, lunar.supported()) is None


def test_the_outline_is_the_border_of_the_region_and_the_picture_stays_visible() -> None:
    record = image_record()
    content: Any = record.explanations[0].content
    plain, top, random = picture_svgs(record.episodes, content, 1, "words")
    assert "<path" not in plain
    path = re.findall(r' d="([^"]+)"', top)[0]
    # a square of 4 x 4 pixels has 16 border pieces
    assert len(re.findall("M", path)) == 16
    assert "M4 4h1" in path
    assert "M8 7v1" in path
    for drawing in (plain, top, random):
        root = ElementTree.fromstring(drawing)
        assert root.attrib["role"] == "img"
        assert 'fill="none"' in drawing or "<path" not in drawing
    assert re.findall(r' d="([^"]+)"', random)[0] != path


def test_single_pixels_are_outlined_by_their_strength() -> None:
    record = image_record(grouped=False)
    content: Any = record.explanations[0].content
    _, top, random = picture_svgs(record.episodes, content, 1, "words")
    strong = np.zeros((SIDE, SIDE), bool)
    strong.ravel()[np.flatnonzero(content.chosen_values[1] > 0.5)] = True
    assert re.findall(r' d="([^"]+)"', top)[0] == contour(strong)
    assert re.findall(r' d="([^"]+)"', random)[0] != contour(strong)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((9, 10, 3), np.uint8), ((4, 9, 10), np.float32), ((9, 10), np.float64)]
)
def test_observations_of_every_layout_become_pictures(shape: Any, dtype: Any) -> None:
    values = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    image = as_image((255 * values).astype(dtype) if dtype == np.uint8 else values.astype(dtype))
    assert image.shape == (9, 10, 3)
    assert image.dtype == np.uint8
    assert image.max() == 255
    with pytest.raises(ValueError, match="is no image"):
        as_image(np.zeros(8))


@pytest.mark.parametrize("badge", ["supported", "failed"])
def test_the_card_shows_both_pictures_and_the_random_one_on_demand(badge: str) -> None:
    record = image_record(badge=badge)
    document = build_document(record)
    page = render_html(record, document, json_sha256="")
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []
    card = page[page.index("<article") : page.index("</article>")]
    face, _, rest = card.partition("<details>")
    assert face.count('class="seen"') == (2 if badge == "supported" else 0)
    assert card.count('class="seen"') == 3
    assert "A random region for comparison" in rest


def changed_record() -> RunRecord:
    """The same frames, of which the quarter that is bright is taken over from a dark state."""
    record = image_record()
    seen = record.episodes[0].observations[[2, 3]]
    after = seen.copy()
    after[:, 4:, 4:] = 0
    content = CounterfactualStates(
        observations=np.array([[0.0, 0, 0, 255]] * 2),
        changed=np.array([[0.0, 0, 0, 0]] * 2),
        found=np.array([True, False]),
        chosen=np.array([0, 0]),
        wanted=np.array([1, 1]),
        reach_steps=np.array([-1, -1]),
        input_names=tuple(f"quarter {i}" for i in range(4)),
        output_names=("stay", "go"),
        steps=np.array([[0, 2], [0, 3]]),
        scales=np.ones(4),
        sizes=np.array([1.0, np.nan]),
        shape=seen.shape[1:],
        seen=seen,
        seen_changed=after,
        swapped=np.array([[False, False, False, True], [False] * 4]),
        sources=np.array([[0, 7], [-1, -1]]),
    )
    explanation = replace(record.explanations[0], method="changed-state", content=content)
    return replace(record, explanations=(explanation,))


def test_a_changed_image_is_shown_beside_the_one_it_was() -> None:
    record = changed_record()
    document = changed_picture_document(record, record.explanations[0])
    assert document is not None
    assert document["text"] == (
        "What it saw at step 2 of episode 0, and the same changed; outlined: what was taken over "
        "from step 7 of episode 0."
    )
    before, after, random = changed_picture_svgs(record.explanations[0].content, 0, "words")
    assert "o-over" not in before
    assert "M4 4h1" in after
    assert pixels(before)[5, 5].tolist() == [255] * 3
    assert pixels(after)[5, 5].tolist() == [0] * 3
    assert (pixels(random) == pixels(before)).all()
    unfound = replace(record.explanations[0].content, shown=1)
    assert (
        changed_picture_document(record, replace(record.explanations[0], content=unfound)) is None
    )
    assert changed_picture_document(record, image_record().explanations[0]) is None


def test_the_card_of_a_changed_image_shows_both() -> None:
    record = changed_record()
    document = build_document(record)
    page = render_html(record, document, json_sha256="")
    reader = read(page)
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []
    assert "outlined: what was taken over" in re.sub(r"<[^>]+>", "", page)
    assert page.count('class="seen"') == 3


def pixels(svg: str) -> Any:
    data = re.search(r"base64,([^\"]+)", svg)
    assert data is not None
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1]))))
