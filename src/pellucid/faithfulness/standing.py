"""Whether an explainer passed its planted truth, as of the record that ships with the package.

`standings.json` beside this module is made from `results/bench/planted.json` by `make docs`. It
holds, per explainer of pellucid, how it stood and the hash of its code and of the tasks' then.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pellucid import registry
from pellucid.io import strict_json
from pellucid.io.code_hash import code_hash

RECORD = Path(__file__).with_name("standings.json")
TASKS = "pellucid.faithfulness.planted"

Verdict: TypeAlias = Literal["passed", "failed", "not_measured"]


@dataclass(frozen=True)
class Standing:
    """How one explainer stands.

    Args:
        verdict: `failed` if it failed any row; None if there is no record of it.
        failed: The rows that it failed, as `case/metric`.
        unmeasured: The rows in which it gave nothing that could be scored.
        stale: Whether its code or that of the tasks has changed since; None without a record.
    """

    verdict: Verdict | None = None
    failed: tuple[str, ...] = ()
    unmeasured: tuple[str, ...] = ()
    stale: bool | None = None

    @property
    def words(self) -> str:
        """The same for people."""
        if self.verdict is None:
            return "no planted-truth record"
        told = {
            "passed": "planted truth: passed",
            "failed": f"fails its planted truth: {', '.join(map(failure, self.failed))}",
            "not_measured": "planted truth: not measured",
        }[self.verdict]
        if self.unmeasured:
            # a task is not measured as a whole: an agent that it cannot ask, say
            tasks = dict.fromkeys(row.partition("/")[0] for row in self.unmeasured)
            told += f", not measured on {', '.join(tasks)}"
        elif self.verdict == "not_measured":
            told += ", no task for it"
        return f"{told} (stale)" if self.stale else told


def failure(row: str) -> str:
    """Return which measure of which task a row `case/metric` is, in words.

    Example:
        >>> failure("linear-scores/effect")
        'effect on linear-scores'
    """
    case, _, metric = row.partition("/")
    return f"{metric} on {case}"


def standing_of(name: str, record: Path = RECORD, *, check: bool = True) -> Standing:
    """Return how an explainer stands by a record; nothing is known of those of plug-ins.

    Args:
        name: Its registered name.
        record: As `bench.standing.record_of` made it.
        check: Whether to compare its code with that of the record, which takes up to a second.

    Raises:
        DataError: The record is damaged.
    """
    item = registry.items("explainers").get(name)
    if item is None or item.source != "pellucid" or not record.is_file():
        return Standing()
    stored = strict_json.read(record)["explainers"].get(name)
    if stored is None:
        return Standing()
    stale = stored["code"] != planted_hash(item.module) if check else None
    failed, unmeasured = (tuple(stored[key]) for key in ("failed", "unmeasured"))
    return Standing(stored["standing"], failed, unmeasured, stale)


def planted_hash(module: str) -> str:
    """Return the hash of an explainer's code and of the tasks that it is put to."""
    return code_hash(module, TASKS)
