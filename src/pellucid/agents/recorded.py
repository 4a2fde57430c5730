"""The agent behind recorded episodes that came without it: it is named, and cannot be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pellucid.agents.adapter import LoadRequest, StoredAgent, adapter
from pellucid.agents.spaces import Spaces, to_json
from pellucid.errors import CapabilityError, InputError
from pellucid.types import Actions, Observations

NAME = "log"


@dataclass(frozen=True, eq=False)
class RecordedAgent:
    """Stands for whoever made a log; what it would do elsewhere is not known.

    No stand-in is fitted to the log: an explanation of it would be one of another agent.

    Args:
        name: Short name for people.
        spaces: Of the log.
        card: What is known, as plain JSON values.
        sha256: Of the log.
    """

    name: str
    spaces: Spaces
    card: Mapping[str, Any]
    sha256: str = ""

    framework = "recorded episodes"
    n_parameters = 0
    capabilities: frozenset[str] = frozenset()

    @property
    def observation_space(self) -> Any:
        """The space of one observation."""
        return self.spaces.observation

    @property
    def action_space(self) -> Any:
        """The space of one action."""
        return self.spaces.action

    def act(self, observations: Observations) -> Actions:
        """Refuse: nobody is there to be asked.

        Raises:
            CapabilityError: Always.
        """
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise CapabilityError(
            "the episodes came without the agent that made them: it cannot be asked what it would "
            "do",
            hint="the agent itself, as AGENT, and the log with --logs",
        )


def recorded_agent(name: str, spaces: Spaces, sha256: str) -> RecordedAgent:
    """Return the agent that stands for the maker of a log.

    Args:
        name: How the log is called.
        spaces: Of the log.
        sha256: Of the log.
    """
    card = {
        "name": name,
        "adapter": NAME,
        "framework": RecordedAgent.framework,
        "log_sha256": sha256,
        "observation_space": to_json(spaces.observation),
        "action_space": to_json(spaces.action),
    }
    return RecordedAgent(name, spaces, card, sha256)


@adapter(
    NAME,
    source="recorded episodes",
    accepts=("minari:id or a folder of Minari", "a folder with steps.npz, .parquet or .jsonl"),
    capabilities={"without its agent": ()},
)
class Recorded:
    """Stands in where a run's episodes came without an agent; `explain` reads the log itself."""

    @staticmethod
    def load(request: LoadRequest) -> RecordedAgent:
        """Refuse: a log alone is no agent.

        Raises:
            InputError: Always; the hint says how logs are explained.
        """
        raise InputError(
            f"{request.source} holds recorded episodes and no agent",
            hint="pellucid explain LOG, or explain_all(LOG)",
        )

    @staticmethod
    def rebuild(stored: StoredAgent) -> RecordedAgent:
        """Return what stood for the agent."""
        sha256 = str(stored.card.get("log_sha256", ""))[:64]
        return RecordedAgent(str(stored.card["name"]), stored.spaces, stored.card, sha256)
