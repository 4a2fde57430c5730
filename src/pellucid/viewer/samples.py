"""Stored answers of a language model in training, some prompts on each page."""

from collections.abc import Sequence

from pellucid.posttrain.recording import RunRecord, read_run
from pellucid.posttrain.recording.layout import ROW_FILES
from pellucid.report.language.answers import Limits, group_document
from pellucid.report.language.contexts import WORDS
from pellucid.report.language.html import LanguagePage
from pellucid.report.language.record import Group, groups_of
from pellucid.report.said import plain
from pellucid.viewer.reading import RUN_FILE, Place
from pellucid.viewer.rendering import pages_of

FILES = (RUN_FILE, *ROW_FILES)
GROUPS_PER_PAGE = 10
ANSWERS = 64
"""Answers of a prompt that are shown; the page says how many there are."""
SHARED_PROMPTS = 20
LIMITS = Limits(answers=ANSWERS, hidden=ANSWERS)


def read_record(place: Place) -> RunRecord:
    """Read the record of a training run, as far as it is written.

    Raises:
        DataError: A file is damaged or behind a link.
        InputError: The folder holds no such record.
    """
    place.check(*FILES)
    return read_run(place.folder)


def sample_pages(record: RunRecord) -> list[list[Group]]:
    """Return the prompts of each page, by step and order of drawing."""
    groups = groups_of(record)
    return [[groups[i] for i in page] for page in pages_of(len(groups), GROUPS_PER_PAGE)]


def step_rows(pages: Sequence[Sequence[Group]]) -> list[dict[str, int]]:
    """Return each kept step with the number of the first page that shows it, from 1."""
    rows: dict[int, dict[str, int]] = {}
    for number, groups in enumerate(pages, start=1):
        for group in groups:
            row = rows.setdefault(group.step, {"step": group.step, "page": number, "n": 0})
            row["n"] += len(group.samples)
    return list(rows.values())


def samples_page(record: RunRecord, groups: Sequence[Group]) -> LanguagePage:
    """Return what a template needs to show some prompts of one run."""
    return _page([(record, group) for group in groups])


def shared_page(
    ours: RunRecord, other: RunRecord
) -> tuple[LanguagePage, list[tuple[int, int]], int]:
    """Return the prompts that two runs share, at the last step that each kept of them.

    Returns:
        What a template needs, the places of the two groups of each prompt, and how many prompts
        they share, of which the first are shown.
    """
    last = [{group.prompt_id: group for group in groups_of(run)} for run in (ours, other)]
    shared = [name for name in last[0] if name in last[1]]
    names = shared[:SHARED_PROMPTS]
    shown = [(run, at[name]) for name in names for run, at in zip((ours, other), last, strict=True)]
    return _page(shown), [(2 * i, 2 * i + 1) for i in range(len(names))], len(shared)


def _page(shown: Sequence[tuple[RunRecord, Group]]) -> LanguagePage:
    groups = [
        group_document(group, run.reward_names, run.head.reward_weights, LIMITS)
        for run, group in shown
    ]
    parsed = any(row.parsed is not None for _, group in shown for row in group.samples)
    return LanguagePage(
        plain({"samples": {"groups": groups, "parsed": parsed, "words": dict(WORDS)}})
    )
