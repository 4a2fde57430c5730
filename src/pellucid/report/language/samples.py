"""The screen of samples as data: prompts fixed by seed first, then lists of what stands out."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.explanation.wording import fact
from pellucid.posttrain.recording import EvaluationRow, RunRecord, SampleRow
from pellucid.report.language.answers import Limits, answer_document, fitting, group_document
from pellucid.report.language.contexts import WORDS as CONTEXT_WORDS
from pellucid.report.language.gain import held_out, share_right
from pellucid.report.language.progress import has_signal, unscored
from pellucid.report.language.record import Group, LanguageRecord, groups_of
from pellucid.report.language.texts import FIXED, short, shortened
from pellucid.report.said import Document, said
from pellucid.seeds import stream

FEW = 2
"""Answers of a group that only illustrates a list."""


def samples(record: LanguageRecord, limits: Limits) -> Document:
    """Return everything that the screen shows.

    Args:
        record: The run.
        limits: How much of it.
    """
    groups = record.groups
    prompts = list(dict.fromkeys(g.prompt_id for g in groups))
    limits = fitting(limits, len(prompts), len(record.run.reward_names))
    chosen, fixed_by_run = fixed_prompts(record, prompts, limits.prompts)
    shown = _Shown(record.run, limits)
    own = _by_prompt(groups)
    beside = _by_prompt(groups_of(record.other)) if record.other is not None else {}
    entries = [
        {
            "prompt_id": short(name),
            "groups": [shown.place(g) for g in thinned(own[name], limits.steps)],
            "other": [
                shown.place(g, record.other) for g in thinned(beside.get(name, []), limits.steps)
            ],
        }
        for name in chosen
    ]
    lists = [_high_but_wrong(record, shown), _equal(record, shown), _unscored(record, shown)]
    return {
        "n_prompts": len(prompts),
        "n_answers": len(record.run.samples),
        "steps": sorted({g.step for g in groups}),
        "chosen": _chosen_words(len(chosen), len(prompts), record, fixed_by_run=fixed_by_run),
        "entries": entries,
        "shown_answers": limits.answers,
        "lists": lists,
        "changes": _changes(record, limits),
        "groups": shown.documents,
        "parsed": any(row.parsed is not None for row in record.run.samples),
        "words": dict(CONTEXT_WORDS),
        "absent": record.run.absent.get("samples", "no completions were recorded")
        if not groups
        else "",
    }


def fixed_prompts(
    record: LanguageRecord, prompts: Sequence[str], most: int
) -> tuple[list[str], bool]:
    """Return the prompts that are shown first, and whether the run itself had fixed them.

    They are drawn by seed before anything is read: those that the run fixed before it started, and
    if there are fewer, or none, others drawn by the report.
    """
    kept: Any = record.run.head.kept.get(FIXED, ())
    occurring = set(prompts)
    fixed = [name for name in kept if isinstance(name, str) and name in occurring]
    others = sorted(occurring - set(fixed))
    order = stream(record.seed, "report", "prompts").permutation(len(others))
    drawn = [others[i] for i in order]
    return [*fixed, *drawn][:most], len(fixed) >= min(most, len(prompts)) and bool(fixed)


def thinned(groups: Sequence[Group], most: int) -> list[Group]:
    """Return groups spread evenly over the steps, the first and the last among them."""
    if len(groups) <= most:
        return list(groups)
    if most == 1:
        return [groups[-1]]
    places = {round(i * (len(groups) - 1) / (most - 1)) for i in range(most)}
    return [groups[i] for i in sorted(places)]


class _Shown:
    """The groups that the page holds, each once.

    Args:
        run: The run that they are of.
        limits: How much of each.
    """

    def __init__(self, run: RunRecord, limits: Limits) -> None:
        self.run, self.limits = run, limits
        self.documents: list[Document] = []
        self._places: dict[tuple[int, int, str], int] = {}

    def place(self, group: Group, run: RunRecord | None = None) -> int:
        """Return the place of a group, which is added if it is not there."""
        source = self.run if run is None else run
        key = (id(source), group.step, group.prompt_id)
        if key not in self._places:
            self._places[key] = len(self.documents)
            weights = source.head.reward_weights
            self.documents.append(
                group_document(group, source.reward_names, weights, self.limits)
                | {"other": source is not self.run}
            )
        return self._places[key]

    def answer(self, sample: SampleRow) -> Document:
        """Return one answer alone, with its prompt."""
        run, limits = self.run, self.limits
        plain = sample.prompt if sample.scored_prompt is None else sample.scored_prompt
        return {
            "prompt_id": short(sample.prompt_id),
            "prompt": shortened(plain, limits.longest // 2),
            "answer": answer_document(sample, run.reward_names, run.head.reward_weights, limits),
        }


# --- lists of what stands out ---


def _high_but_wrong(record: LanguageRecord, shown: _Shown) -> Document:
    rows = [s for g in record.groups for s in g.samples]
    judged = [s for s in rows if s.correct is not None and not math.isnan(s.total)]
    wrong = sorted((s for s in judged if not s.correct), key=lambda s: (-s.total, s.step, s.index))
    right = [s.total for s in judged if s.correct]
    told: Document
    if not judged:
        told = said("Not measured: the record does not say which answers are right.")
        found: list[SampleRow] = []
    elif not right:
        told = said("None of {n} judged answers is right; these earned most.", n=len(judged))
        found = wrong
    else:
        mean = math.fsum(right) / len(right)
        found = [s for s in wrong if s.total >= mean]
        told = said(
            "{k} of {n} wrong answers earned at least what a right one earns on average, {m}.",
            k=len(found),
            n=len(wrong),
            m=mean,
        )
    return _listed("wrong", "High reward, but wrong", told, found, shown)


def _unscored(record: LanguageRecord, shown: _Shown) -> Document:
    rows = [s for g in record.groups for s in g.samples]
    found = [s for s in rows if unscored(s)]
    told = said(
        "{k} of {n} kept answers could not be scored; they are in no mean.",
        k=len(found),
        n=len(rows),
    )
    return _listed("unscored", "Unscored", told, found, shown)


def _equal(record: LanguageRecord, shown: _Shown) -> Document:
    known = [(g, has_signal(g)) for g in record.groups]
    flat = [g for g, signal in known if signal is False]
    n = sum(signal is not None for _, signal in known)
    told = said(
        "In {k} of {n} kept groups all answers earned the same: nothing was learned from them.",
        k=len(flat),
        n=n,
    )
    return {
        "id": "equal",
        "title": "Equal reward",
        "told": told,
        "n": len(flat),
        "rows": [],
        "groups": [shown.place(g) for g in flat[: max(1, shown.limits.listed // 2)]],
        "shown_answers": FEW,
    }


def _listed(
    name: str, title: str, told: Document, found: Sequence[SampleRow], shown: _Shown
) -> Document:
    return {
        "id": name,
        "title": title,
        "told": told,
        "n": len(found),
        "rows": [shown.answer(sample) for sample in found[: shown.limits.listed]],
        "groups": [],
        "shown_answers": 0,
    }


def _changes(record: LanguageRecord, limits: Limits) -> Document:
    """Held-out examples whose success changed most between the two evaluations."""
    found = held_out(record.run)
    paired = list(zip(found.before, found.after, strict=False)) if _is_paired(found) else []
    pairs = [
        (before, after, share)
        for before, after in paired
        if not math.isnan(share := share_right(after) - share_right(before)) and share != 0
    ]
    pairs.sort(key=lambda pair: (-abs(pair[2]), pair[1].example_id))
    up = sum(share > 0 for _, _, share in pairs)
    told = (
        said(
            "Of {n} held-out prompts, {up} were answered right more often after training, {down} "
            "less often.",
            n=len(paired),
            up=up,
            down=len(pairs) - up,
        )
        if paired
        else said("Not measured: {reason}.", reason=fact(_no_pairs(record)))
    )
    return {
        "told": told,
        "step": found.step,
        "rows": [_change(*pair, limits) for pair in pairs[: limits.listed]],
    }


def _is_paired(found: Any) -> bool:
    return bool(found.before) and len(found.before) == len(found.after)


def _no_pairs(record: LanguageRecord) -> str:
    return record.run.absent.get(
        "evaluations", "no held-out prompts were asked both before and after training"
    )


def _change(before: EvaluationRow, after: EvaluationRow, share: float, limits: Limits) -> Document:
    return {
        "example_id": short(after.example_id),
        "prompt": shortened(after.prompt or before.prompt, limits.longest // 2),
        "gold": short(after.gold if after.gold is not None else before.gold),
        "change": 100.0 * share,
        "sides": [_side(before, limits), _side(after, limits)],
    }


def _side(row: EvaluationRow, limits: Limits) -> Document:
    first = row.completions[0] if row.completions else None
    return {
        "when": row.when,
        "step": row.step,
        "n_correct": row.n_correct,
        "n": row.n - row.n_unscored,
        "text": None if first is None else shortened(first, limits.longest),
    }


# --- small parts ---


def _by_prompt(groups: Sequence[Group]) -> Mapping[str, list[Group]]:
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(group.prompt_id, []).append(group)
    return found


def _chosen_words(k: int, n: int, record: LanguageRecord, *, fixed_by_run: bool) -> Document:
    if fixed_by_run:
        return said("{k} of {n} recorded prompts, drawn by seed before training started.", k=k, n=n)
    return said(
        "{k} of {n} recorded prompts, drawn by seed {seed} before anything was read.",
        k=k,
        n=n,
        seed=record.seed,
    )
