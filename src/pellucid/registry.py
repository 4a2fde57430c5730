"""Finds explainers, metrics, adapters and claims by name, ours and those of installed plug-ins.

Each family is one or more packages whose `__init__` holds a literal `REGISTRY = {name: module}`
line per item, and one entry-point group. Nothing is imported until it is asked for. A plug-in that
fails is a warning and a row in `pellucid doctor`, never the end of a run.
"""

import difflib
import importlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pellucid.errors import PluginError, UnknownNameError

logger = logging.getLogger(__name__)

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "explainers": (
        "pellucid.explainers.state",
        "pellucid.explainers.model",
        "pellucid.explainers.reward",
        "pellucid.explainers.task",
        "pellucid.explainers.internals",
        "pellucid.explainers.data",
        "pellucid.explainers.text",
        "pellucid.explainers.summary",
    ),
    "metrics": ("pellucid.faithfulness",),
    "adapters": ("pellucid.agents",),
    "claims": ("pellucid.claims",),
}
PLUGIN_IMPORT_SECONDS = 10.0


@dataclass(frozen=True)
class Item:
    """One registered name.

    Args:
        family: One of `FAMILIES`.
        name: What users type.
        module: The module that registers it, or the entry point's value.
        source: `pellucid`, or the distribution that the plug-in comes from.
    """

    family: str
    name: str
    module: str
    source: str


@dataclass(frozen=True)
class Problem:
    """A plug-in that cannot be used, and why."""

    item: Item
    message: str


def names(family: str) -> list[str]:
    """Return every registered name of a family, sorted; imports nothing heavy."""
    return sorted(items(family))


def items(family: str) -> dict[str, Item]:
    """Return the registered items of a family by name; our own win over plug-ins."""
    found: dict[str, Item] = {}
    for package in FAMILIES[family]:
        registry: Mapping[str, str] = importlib.import_module(package).REGISTRY
        for name, module in registry.items():
            found[name] = Item(family, name, module, "pellucid")
    for point in sorted(_points(family), key=lambda p: (p.name, p.value)):
        if point.name not in found:
            found[point.name] = _plugin_item(family, point)
    return found


def load(family: str, name: str) -> Any:
    """Import one item and return what it registers.

    An item's module holds exactly one object that a decorator of this family has tagged with its
    name (`info.name`); an entry point names the object itself (`package.module:object`).

    Raises:
        UnknownNameError: No such name; the hint suggests the nearest ones.
        PluginError: The plug-in cannot be imported in time or lacks a part of its contract.
    """
    known = items(family)
    if name not in known:
        raise unknown_name(family.removesuffix("s"), name, list(known))
    item = known[name]
    if item.source != "pellucid":
        return _load_plugin(item)
    module = importlib.import_module(item.module)
    for candidate in vars(module).values():
        info = getattr(candidate, "info", None)
        if getattr(info, "name", None) == name and getattr(info, "family", None) == family:
            return candidate
    raise PluginError(f"{item.module} registers nothing called {name!r}")


def load_all(family: str) -> tuple[dict[str, Any], list[Problem]]:
    """Import every item of a family; return the working ones and the problems of the others."""
    loaded: dict[str, Any] = {}
    problems: list[Problem] = duplicates(family)
    for name, item in items(family).items():
        try:
            loaded[name] = load(family, name)
        except PluginError as error:
            problems.append(Problem(item, str(error)))
    for problem in problems:
        logger.warning(
            "plug-in %s of %s: %s", problem.item.name, problem.item.source, problem.message
        )
    return loaded, problems


def duplicates(family: str) -> list[Problem]:
    """Return the plug-ins whose name is taken; the first one keeps it, ours before theirs."""
    taken = {item.name: item for item in items(family).values()}
    clashes = []
    for point in sorted(_points(family), key=lambda p: (p.name, p.value)):
        item = _plugin_item(family, point)
        if taken[point.name] != item:
            owner = taken[point.name].source
            clashes.append(Problem(item, f"the name {point.name!r} is taken by {owner}"))
    return clashes


def unknown_name(what: str, name: str, known: list[str]) -> UnknownNameError:
    """Return the error for a name that is not known, with the nearest known one as a hint."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    listed = ", ".join(sorted(known)) if known else "none"
    hint = f"did you mean {near[0]!r}?" if near else f"known: {listed}"
    return UnknownNameError(f"unknown {what} {name!r}", hint=hint)


def _points(family: str) -> list[EntryPoint]:
    return list(entry_points(group=f"pellucid.{family}"))


def _plugin_item(family: str, point: EntryPoint) -> Item:
    source = point.dist.name if point.dist is not None else point.value.partition(":")[0]
    return Item(family, point.name, point.value, source)


def _load_plugin(item: Item) -> Any:
    module, _, attribute = item.module.partition(":")
    try:
        loaded = _within(PLUGIN_IMPORT_SECONDS, lambda: importlib.import_module(module))
        found = getattr(loaded, attribute)
    except TimeoutError:
        raise PluginError(f"importing {module} took over {PLUGIN_IMPORT_SECONDS:g} s") from None
    except (Exception, SystemExit) as error:  # whatever a plug-in raises is a named problem
        raise PluginError(f"{type(error).__name__}: {error}") from error
    info = getattr(found, "info", None)
    if getattr(info, "name", None) != item.name or getattr(info, "family", None) != item.family:
        raise PluginError(f"{item.module} is not registered as {item.family[:-1]} {item.name!r}")
    missing = [part for part in getattr(info, "contract", ()) if not hasattr(found, part)]
    if missing:
        raise PluginError(f"{item.module} lacks {', '.join(missing)}")
    return found


def _within(seconds: float, work: Callable[[], Any]) -> Any:
    outcome: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError
    result, error = outcome[0]
    if error is not None:
        raise error
    return result
