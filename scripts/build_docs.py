"""Write the documentation pages that are made from the registry and from stored results.

python scripts/build_docs.py            # write docs/explainers.md, metrics.md, bench.md, planted.md
python scripts/build_docs.py --check    # fail if they are not what would be written
"""

import argparse
import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from pellucid import registry
from pellucid.bench import SUITES, board_table
from pellucid.bench.reasoners import ABOUT
from pellucid.bench.standing import RECORD, record_of
from pellucid.bench.table import markdown
from pellucid.explanation import KINDS, TARGETS
from pellucid.faithfulness import reasoning_calibration
from pellucid.faithfulness.planted import TASKS
from pellucid.io import strict_json

ROOT = Path(__file__).resolve().parents[1]
NOTICE = "<!-- Written by scripts/build_docs.py from the registry; `make docs` writes it again. -->"
BENCH_NOTICE = (
    "<!-- Written by scripts/build_docs.py from results/bench; `make docs` writes it again. -->"
)
BENCH = """`pellucid bench SUITE` measures again. Both sides run in turn in one process on one
thread unless the suite says two, every peer after a warm-up; ratios are medians of the
ratios of blocks of work. Times are per unit of work. Evaluations are rows through the
agent, counted in the functions that each side calls. Peers that are not installed are
skipped and named. What was measured depends on the machine; a goal that was missed says
so."""

PLANTED = """Tasks whose answer is known. `pellucid bench planted` puts every registered explainer,
ours or a plug-in's, to the tasks of its kind and target, on 12 draws of each: another agent, other
episodes, another seed. On each draw an explanation is compared with the mean of meaningless ones of
its kind. A row passes if its mean meets the goal and is better than that control by a one-sided
sign-flip test with p at most 0.05 after Holm's correction for all rows. `pellucid list explainers`
says which explainers failed. A passed row says that the answer was right where it is known; it says
nothing of other agents, whose explanations are tested one by one."""


def main() -> int:
    """Write or check the pages; return 1 if a checked page is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    arguments = parser.parse_args()
    stale = []
    for path, text in pages().items():
        if not arguments.check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(path)
    for path in stale:
        print(f"{path.relative_to(ROOT)} is out of date: run `make docs`", file=sys.stderr)
    return 1 if stale else 0


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    return {
        ROOT / "docs" / "explainers.md": explainers_page(),
        ROOT / "docs" / "metrics.md": metrics_page(),
        **bench_pages(),
        **planted_pages(),
    }


def bench_pages() -> dict[Path, str]:
    """Return the page of stored comparisons with other packages, if there are any."""
    sections = [
        markdown(name, str(inspect.getdoc(importlib.import_module(module))), json.loads(text))
        for name, module in SUITES.items()
        if (text := stored(ROOT / "results" / "bench" / f"{name}.json"))
    ]
    page = "\n\n".join([BENCH_NOTICE, "# Comparisons with other packages", BENCH, *sections])
    return {ROOT / "docs" / "bench.md": page + "\n"} if sections else {}


def planted_pages() -> dict[Path, str]:
    """Return the page of the tasks with planted truth, and the record that ships; none if not run.

    Raises:
        ValueError: The stored result is not of the full scale.
    """
    text = stored(ROOT / "results" / "bench" / "planted.json")
    if not text:
        return {}
    document = json.loads(text)
    if document["scale"] != "full":
        raise ValueError("results/bench/planted.json must come from the full scale")
    tasks = [
        f"| `{t.name}` | {t.target} | `{t.kind.__name__}` | {planted_task(t)} |" for t in TASKS
    ]
    tasks += [f"| `{case}` | action | `TextTrace` | {words} |" for case, words in ABOUT.items()]
    table = "\n".join(["| task | target | kind | what is planted |", "|---|---|---|---|", *tasks])
    made_with = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    own_rows = [row for row in document["rows"] if row["source"] == "pellucid"]
    parts = [BENCH_NOTICE, "# Planted truth", PLANTED, "## Tasks", table]
    parts += ["## Results", board_table.markdown(own_rows), planted_verdict(document)]
    setup = f"With {made_with}. The last column is seconds per draw, controls included."
    page = "\n\n".join([*parts, setup])
    record = strict_json.dumps(record_of(document), indent=1)
    pages = {ROOT / "docs" / "planted.md": page + "\n", RECORD: record + "\n"}
    calibration = reasoning_calibration.record_of(document["rows"])
    if calibration is not None:
        text = strict_json.dumps(calibration, indent=1)
        pages[reasoning_calibration.RECORD] = text + "\n"
    return pages


def planted_task(task: Any) -> str:
    """Return what one task plants, and against what explanations are compared."""
    return f"{task.about} Control: {task.control}."


def planted_verdict(document: Any) -> str:
    """Return in words which explainers failed and which were put to no task."""
    told = [entry for entry in document["explainers"] if entry["from"] == "pellucid"]
    failed = [f"`{e['method']}` ({', '.join(e['failed'])})" for e in told if e["failed"]]
    unmeasured = [f"`{e['method']}`" for e in told if e["standing"] == "not_measured"]
    words = [f"Failed: {', '.join(failed) or 'none'}."]
    if unmeasured:
        words.append(f"Not measured, as there is no task for them yet: {', '.join(unmeasured)}.")
    return " ".join(words)


def stored(path: Path) -> str:
    """Return a file's text, empty if there is none."""
    return path.read_text() if path.exists() else ""


def explainers_page() -> str:
    """Return the page of all explainers, in alphabetical order."""
    loaded = own("explainers")
    rows = [
        f"| [`{name}`](#{name}) | {cls.info.leaf} | {cls.info.question} | {needs_of(cls.info)} |"
        for name, cls in loaded.items()
    ]
    table = "\n".join(["| name | leaf | question | needs |", "|---|---|---|---|", *rows])
    sections = [explainer_section(name, cls) for name, cls in loaded.items()]
    return "\n\n".join([NOTICE, "# Explainers", table, *sections]) + "\n"


def explainer_section(name: str, cls: Any) -> str:
    """Return what one explainer answers, how, and how its answer is tested."""
    info = cls.info
    decisive = ", else ".join(f"[`{m}`](metrics.md#{m})" for m in info.decisive)
    facts = [
        f"- Question: {info.question}",
        f"- Explains: {', '.join(info.targets)}",
        f"- Needs: {needs_of(info)}",
        f"- Result: `{info.kind.__name__}` ({first_line(info.kind)})",
        f"- Decisive test: {decisive}",
        f"- Source: {info.source}",
        f"- Example: [examples/{stem(name)}.py](../examples/{stem(name)}.py)",
    ]
    if info.axioms:
        facts.insert(
            5, f"- Identities it claims: {', '.join(a.replace('_', ' ') for a in info.axioms)}"
        )
    if info.options:
        words = "; ".join(f"`{option}`, {what}" for option, what in info.options.items())
        facts.insert(3, f"- Options: {words}")
    return f"## {name}\n\n{inspect.getdoc(cls)}\n\n" + "\n".join(facts)


def metrics_page() -> str:
    """Return the page of all metrics, in alphabetical order, and the kinds that they score."""
    sections = [metric_section(name, function) for name, function in own("metrics").items()]
    scored = {function.info.kind for function in own("metrics").values()}
    unscored = ", ".join(f"`{cls.__name__}`" for cls in KINDS.values() if cls not in scored)
    note = f"Kinds of content that no metric of pellucid scores yet: {unscored}."
    return "\n\n".join([NOTICE, "# Metrics", *sections, note]) + "\n"


def metric_section(name: str, function: Any) -> str:
    """Return what one metric tests."""
    info = function.info
    again = "runs the environment again" if info.closed_loop else "does not run the environment"
    facts = [
        f"- Test: {info.label}",
        f"- Scores: `{info.kind.__name__}`{of_targets(info)}",
        f"- Better: {info.direction}; resampled by {info.unit}; {again}",
        f"- Role: {info.role}",
        f"- Source: {info.source}",
    ]
    return f"## {name}\n\n{inspect.getdoc(function)}\n\n" + "\n".join(facts)


def of_targets(info: Any) -> str:
    """Return in words which explanations a metric scores, if not those of every target."""
    return "" if info.targets == TARGETS else f" of the {' or '.join(info.targets)}"


def own(family: str) -> dict[str, Any]:
    """Return what pellucid itself registers, by name; plug-ins of this machine do not count."""
    items = registry.items(family).values()
    names = sorted(item.name for item in items if item.source == "pellucid")
    return {name: registry.load(family, name) for name in names}


def needs_of(info: Any) -> str:
    """Return in words what an explainer needs."""
    return ", ".join(sorted(n.replace("_", " ") for n in info.needs)) or "nothing beyond actions"


def first_line(cls: type) -> str:
    """Return the first sentence of a docstring, as part of a sentence."""
    line = (inspect.getdoc(cls) or "").partition("\n")[0].rstrip(".")
    return line[:1].lower() + line[1:]


def stem(name: str) -> str:
    """Return the file name that belongs to a registered name."""
    return name.replace("-", "_")


if __name__ == "__main__":
    sys.exit(main())
