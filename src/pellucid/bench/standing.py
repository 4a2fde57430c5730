"""Whether an explainer passed its planted truth, as of the record that ships with the package.

`standings.json` beside this module is made from `results/bench/planted.json` by `make docs`. It
holds, per explainer of pellucid, how it stood and the hash of its code and of the tasks' then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

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
            "failed": f"fails its planted truth: {', '.join(self.failed)}",
            "not_measured": "planted truth: not measured",
        }[self.verdict]
        if self.unmeasured:
            told += f", not measured: {', '.join(self.unmeasured)}"
        elif self.verdict == "not_measured":
            told += ", no task for it"
        return f"{told} (stale)" if self.stale else told


def standing_of(name: str, record: Path = RECORD) -> Standing:
    """Return how an explainer stands by a record; nothing is known of those of plug-ins.

    Args:
        name: Its registered name.
        record: As `record_of` made it.

    Raises:
        DataError: The record is damaged.
    """
    item = registry.items("explainers").get(name)
    if item is None or item.source != "pellucid" or not record.is_file():
        return Standing()
    stored = strict_json.read(record)["explainers"].get(name)
    if stored is None:
        return Standing()
    stale = stored["code"] != planted_hash(item.module)
    failed, unmeasured = (tuple(stored[key]) for key in ("failed", "unmeasured"))
    return Standing(stored["standing"], failed, unmeasured, stale)


def verdicts(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Standing]:
    """Return how explainers stand by the rows of a board.

    Args:
        rows: As `pellucid bench planted --json` prints them.
        names: Explainers; one without a measured row is not measured.
    """
    return {name: _verdict([row for row in rows if row["method"] == name]) for name in names}


def record_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of pellucid's own explainers to ship with the package.

    Args:
        document: What `pellucid bench planted --json` printed.
    """
    own = [entry for entry in document["explainers"] if entry["from"] == "pellucid"]
    kept = ("standing", "failed", "unmeasured", "code")
    return {"explainers": {entry["method"]: {key: entry[key] for key in kept} for entry in own}}


def told(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return how every registered explainer stands, as a part of the board's document.

    Args:
        rows: As `pellucid bench planted --json` prints them.
    """
    loaded, _ = registry.load_all("explainers")
    items = registry.items("explainers")
    return [
        {
            "method": name,
            "from": items[name].source,
            "standing": standing.verdict,
            "failed": list(standing.failed),
            "unmeasured": list(standing.unmeasured),
            # the code of a plug-in is not ours to follow
            "code": planted_hash(items[name].module) if items[name].source == "pellucid" else None,
        }
        for name, standing in verdicts(rows, sorted(loaded)).items()
    ]


def planted_hash(module: str) -> str:
    """Return the hash of an explainer's code and of the tasks that it is put to."""
    return code_hash(module, TASKS)


def _verdict(rows: Sequence[Mapping[str, Any]]) -> Standing:
    failed = tuple(_name(row) for row in rows if row["passed"] is False)
    unmeasured = tuple(_name(row) for row in rows if row["value"] is None)
    if failed:
        return Standing("failed", failed, unmeasured)
    passed = any(row["passed"] for row in rows)
    return Standing("passed" if passed else "not_measured", (), unmeasured)


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['case']}/{row['metric']}"
