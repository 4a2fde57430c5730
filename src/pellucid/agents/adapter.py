"""What an adapter is: a class that turns one kind of source into an agent, with a tag."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from pellucid.agents.spaces import Spaces
from pellucid.errors import InputError
from pellucid.io.imports import is_import_string
from pellucid.types import Agent, Capability


@dataclass(frozen=True)
class LoadRequest:
    """What an adapter is asked to load.

    Args:
        source: A path, or an object that is already in memory.
        name: What to call the agent; empty for the adapter's own choice.
        spaces: The environment's spaces; None if no environment was given.
        device: Where the weights go.
        policy_class: `module:Class` of a torch module whose weights are in the file.
        outputs: What a torch module returns: `logits`, `q_values` or `mean`; None for the usual.
        code: `module:attribute` that the source was imported from; None if it was not.
        allowed: Every `module:attribute` that may be imported if a card names it.
    """

    source: Any
    name: str = ""
    spaces: Spaces | None = None
    device: str = "cpu"
    policy_class: str | None = None
    outputs: str | None = None
    code: str | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredAgent:
    """What an adapter rebuilds an agent from.

    Args:
        card: The checked content of `card.json`.
        state_dict: The weights by name.
        spaces: The spaces in the card.
        device: Where the weights go.
        folder: Where they come from.
        sha256: Of the weights; empty if there are none.
        code: The object that the card's `source` names, if the user allowed its import.
    """

    card: Mapping[str, Any]
    state_dict: Mapping[str, Any]
    spaces: Spaces
    device: str
    folder: Path
    sha256: str
    code: Any = None


@runtime_checkable
class HasFile(Protocol):
    """An agent that is stored as one file of its own kind, which is safe to open."""

    @property
    def file_name(self) -> str:
        """Name of the file in the agent's folder."""

    def file_content(self) -> bytes:
        """Return its content.

        Raises:
            CapabilityError: The agent cannot be stored.
        """


@dataclass(frozen=True)
class AdapterInfo:
    """What the registry and the CLI know of an adapter without loading an agent.

    Args:
        name: Its name in the registry and in `card.json`.
        source: The library that it adapts.
        accepts: What it loads, in words.
        suffixes: Endings of the files that it loads.
        type_names: Full names of the classes that it loads, base classes included.
        needs: Packages beyond the core.
        capabilities: What its agents can do, by form of agent.
    """

    family: ClassVar[str] = "adapters"
    contract: ClassVar[tuple[str, ...]] = ("load",)
    name: str
    source: str
    accepts: tuple[str, ...]
    suffixes: tuple[str, ...]
    type_names: tuple[str, ...]
    needs: tuple[str, ...]
    capabilities: Mapping[str, tuple[Capability, ...]]


class Adapter(Protocol):
    """Turns one kind of source into an agent."""

    info: ClassVar[AdapterInfo]

    @staticmethod
    def load(request: LoadRequest) -> Agent:
        """Return the agent.

        Raises:
            InputError: The source is damaged, of an unknown form, or does not fit the spaces.
        """


def required_code(stored: StoredAgent) -> Any:
    """Return the code that a stored agent needs beside its weights.

    Raises:
        InputError: The card names none, or the user did not allow to import what it names.
    """
    if stored.code is not None:
        return stored.code
    source, name = stored.card.get("source"), stored.card["name"]
    if isinstance(source, str) and is_import_string(source):
        # a card is a file from anywhere: it must not choose what is imported
        raise InputError(
            f"the agent {name!r} in {stored.folder} is made by code, {source}, "
            "which is imported only if you name it",
            hint=f"if you trust it: --code {source}, or load_agent(…, code=[{source!r}])",
        )
    raise InputError(
        f"the agent {name!r} in {stored.folder} is code that was never stored",
        hint="give the agent itself again",
    )


T = TypeVar("T")


def adapter(
    name: str,
    *,
    source: str,
    accepts: tuple[str, ...],
    capabilities: Mapping[str, tuple[Capability, ...]],
    suffixes: tuple[str, ...] = (),
    type_names: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
) -> Callable[[type[T]], type[T]]:
    """Register a class with a static method `load(request)` as an adapter.

    One whose agents can be stored also has `rebuild(stored) -> Agent`.

    Args:
        name: Its name in the registry.
        source: The library that it adapts.
        accepts: What it loads, in words.
        capabilities: What its agents can do, by form of agent.
        suffixes: Endings of the files that it loads.
        type_names: Full names of the classes that it loads; base classes match too.
        needs: Packages beyond the core.
    """
    info = AdapterInfo(name, source, accepts, suffixes, type_names, needs, capabilities)

    def tag(cls: type[T]) -> type[T]:
        cls.info = info  # type: ignore[attr-defined]
        return cls

    return tag
