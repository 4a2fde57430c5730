"""Entry: one row of the list of runs, made from whatever of a run is stored and readable now.

Everything in a run folder is outside text: a value of another type than expected is left out, and
long text is cut.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pellucid.errors import DataError, PellucidError
from pellucid.explanation.outside import clip
from pellucid.io import strict_json
from pellucid.io.locks import is_held
from pellucid.viewer.reading import (
    HTML_FILE,
    JSON_FILE,
    LOCK_FILE,
    MAX_REPORT_BYTES,
    MAX_RUN_BYTES,
    RUN_FILE,
    Place,
)

BADGES = ("supported", "weak", "failed", "not_measured")
LONGEST = 300
RUNNING, CUT_OFF = "running", "cut off"
_BEING_WRITTEN = ("started", "running")


@dataclass(frozen=True)
class Amount:
    """A number that a run was measured at.

    Args:
        value: NaN if it was not measured.
        low: Lower end of its 95 % interval.
        high: Upper end.
        n: Units scored.
        n_unscored: Units left out.
        unit: What one unit of the value is called.
        what: What was measured.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    n_unscored: int = 0
    unit: str = ""
    what: str = "return"


@dataclass(frozen=True)
class Answer:
    """What a run answers to one question.

    Args:
        question: The question.
        badge: One of `BADGES`.
        text: The answer.
        method: Of the explanation.
        target: What it explains.
        does_not_say: What readers must not conclude.
    """

    question: str
    badge: str
    text: str
    method: str
    target: str
    does_not_say: str


@dataclass(frozen=True)
class Entry:
    """One run.

    Args:
        place: Where it lies.
        kind: `agent`, or `training` for the training of a language model.
        run_id: Its id.
        subject: The agent, or the method of training.
        environment: Where it acts, or where the record comes from.
        state: What became of it.
        banner: Why it is not finished, one sentence.
        time: When it started, as it was stored.
        result: Its return, or held-out success.
        before: Held-out success before training, None for agents.
        answers: One per question.
        has_report: Whether both files of a report are there.
        problem: Why nothing more is known of it, one sentence; empty if all could be read.
    """

    place: Place
    kind: str
    run_id: str
    subject: str
    environment: str
    state: str
    banner: str
    time: str
    result: Amount
    before: Amount | None
    answers: tuple[Answer, ...]
    has_report: bool
    problem: str = ""

    @property
    def key(self) -> str:
        """What it is called in addresses."""
        return self.place.key

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of answers by badge."""
        return {badge: sum(a.badge == badge for a in self.answers) for badge in BADGES}

    @property
    def when(self) -> float:
        """Seconds since 1970 at its start; minus infinity if it is not known."""
        try:
            moment = datetime.fromisoformat(self.time)
        except ValueError:
            return -math.inf
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def entry_of(place: Place) -> Entry:
    """Return the row of a run; what cannot be read of it is said in `problem`."""
    problems: list[str] = []
    stored = _document(place, RUN_FILE, MAX_RUN_BYTES, problems)
    report = _document(place, JSON_FILE, MAX_REPORT_BYTES, problems)
    is_training = report.get("kind") == "language-model" or stored.get("kind") == "training"
    head = _mapping(stored, "head") if is_training else stored
    shown = report or head
    return Entry(
        place=place,
        kind="training" if is_training else "agent",
        run_id=_text(shown, "run") or _text(head, "run_id") or place.key,
        subject=_training(report, head) if is_training else _agent(report, head),
        environment=_source(report, head) if is_training else _environment(report, head),
        state=_state(place, stored, report),
        banner=_text(report, "banner"),
        time=_text(shown, "time"),
        result=_success(report, "after") if is_training else _return(report),
        before=_success(report, "before") if is_training else None,
        answers=_answers(report),
        has_report=bool(report) and place.holds(HTML_FILE),
        problem="; ".join(problems),
    )


# --- what kinds of runs call their parts ---


def _agent(report: Mapping[str, Any], head: Mapping[str, Any]) -> str:
    return _text(_mapping(report, "agent"), "name") or _text(_mapping(head, "inputs"), "agent")


def _environment(report: Mapping[str, Any], head: Mapping[str, Any]) -> str:
    given = _mapping(head, "inputs").get("env")
    named = given.get("id") if isinstance(given, Mapping) else given
    return _text(_mapping(report, "environment"), "id") or _text({"env": named}, "env")


def _training(report: Mapping[str, Any], head: Mapping[str, Any]) -> str:
    method = _text(head, "method")
    return _text(report, "title") or (f"Training by {method}" if method else "Training run")


def _source(report: Mapping[str, Any], head: Mapping[str, Any]) -> str:
    config = _mapping(head, "config")
    named = [_text(config, name) for name in ("model", "task")]
    return ", ".join(filter(None, named)) or _text(_mapping(report, "source"), "kind")


def _return(report: Mapping[str, Any]) -> Amount:
    found = _mapping(report, "return")
    return _amount(found, "mean", _text(found, "unit"), "return")


def _success(report: Mapping[str, Any], when: str) -> Amount:
    rows = _mapping(report, "summary").get("passes")
    found = [r for r in rows if isinstance(r, Mapping)] if isinstance(rows, list) else []
    first = next((r for r in found if r.get("k") == 1), {})
    return _amount(_mapping(first, when), "value", "% of held-out prompts", "right answers")


def _amount(found: Mapping[str, Any], key: str, unit: str, what: str) -> Amount:
    low, high = _number(found, "low"), _number(found, "high")
    return Amount(
        _number(found, key), low, high, _count(found, "n"), _count(found, "n_unscored"), unit, what
    )


def _answers(report: Mapping[str, Any]) -> tuple[Answer, ...]:
    rows = report.get("explanations")
    found = [r for r in rows if isinstance(r, Mapping)] if isinstance(rows, list) else []
    return tuple(
        Answer(
            question=_text(row, "question"),
            badge=badge,
            text=_text(row, "text", longest=2000),
            method=_text(row, "method"),
            target=_text(row, "target"),
            does_not_say=_text(row, "does_not_say"),
        )
        for row in found
        if (badge := row.get("badge")) in BADGES
    )


def _state(place: Place, stored: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    state = _text(stored, "state") or _text(report, "state") or "unknown"
    if state not in _BEING_WRITTEN:
        return state
    try:
        place.check(LOCK_FILE)
    except DataError:
        return CUT_OFF
    return RUNNING if is_held(place.folder / LOCK_FILE) else CUT_OFF


# --- values of outside documents ---


def _document(place: Place, name: str, max_bytes: int, problems: list[str]) -> Mapping[str, Any]:
    if not place.holds(name):
        return {}
    try:
        found = strict_json.loads(place.read(name, max_bytes=max_bytes), where=name)
    except (PellucidError, RecursionError) as error:
        problems.append(clip(str(error), LONGEST))
        return {}
    if not isinstance(found, Mapping):
        problems.append(f"{name} holds no object")
        return {}
    return found


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(document: Mapping[str, Any], name: str, *, longest: int = LONGEST) -> str:
    found = document.get(name)
    return clip(found, longest) if isinstance(found, str) else ""


def _number(document: Mapping[str, Any], name: str) -> float:
    found = document.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return math.nan
    try:
        return float(found)
    except OverflowError:
        return math.nan


def _count(document: Mapping[str, Any], name: str) -> int:
    found = document.get(name)
    return found if type(found) is int and 0 <= found < 10**15 else 0


def matched_answers(ours: Sequence[Answer], theirs: Sequence[Answer]) -> list[int | None]:
    """Return for each answer of one run the position of the other's to the same question, once.

    Those that are equal in words, method and target come first, so that no other method takes their
    place; then equal words and target; then the same method and target.
    """
    keys: tuple[Callable[[Answer], tuple[str, ...]], ...] = (
        lambda a: (a.question, a.method, a.target),
        lambda a: (a.question, a.target),
        lambda a: (a.method, a.target),
    )
    found: list[int | None] = [None] * len(ours)
    for key in keys:
        for i, answer in enumerate(ours):
            if found[i] is None:
                free = (k for k, other in enumerate(theirs) if k not in found)
                found[i] = next((k for k in free if key(theirs[k]) == key(answer)), None)
    return found
