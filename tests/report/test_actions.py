"""Actions of every kind in the words of the report."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pellucid.envs.names import Names
from pellucid.report.actions import action_name, first_action


@dataclass
class Record:
    """What is asked of a record."""

    action_space: str
    names: Names
    agent: Any = field(init=False)
    episodes: Any = field(init=False)

    def __post_init__(self) -> None:
        self.agent = SimpleNamespace(action_space=self.action_space)
        self.episodes = SimpleNamespace(names=self.names)


def named(*actions: str, units: tuple[str, ...] = ()) -> Names:
    return Names((), (), actions, units or ("",) * len(actions))


@pytest.mark.parametrize(
    ("space", "names", "action", "words"),
    [
        ("Discrete(2)", named("left", "right"), np.int64(1), "right"),
        ("Discrete(2, start=5)", named("left", "right"), np.int64(5), "left"),
        ("Discrete(2, start=-1)", named("left", "right"), np.int64(0), "right"),
        ("Discrete(3)", named("left"), np.int64(2), "action 2"),
        ("Box(...)", named("gas", "steer"), np.float32([0.5, -1]), "gas 0.5, steer -1"),
        (
            "MultiDiscrete([3 2])",
            named("steer", "gas", units=("left | straight | right", "")),
            np.array([2, 1]),
            "steer right, gas 1",
        ),
        (
            "MultiBinary(2)",
            named("front", "back", units=("off|on", "off|on")),
            np.array([1, 0], np.int8),
            "front on, back off",
        ),
        ("MultiBinary(6)", named(*"abcdef"), np.ones(6, np.int8), "a 1, b 1, c 1, d 1, 2 more"),
    ],
)
def test_actions_are_called_as_the_names_say(
    space: str, names: Names, action: Any, words: str
) -> None:
    record: Any = Record(space, names)
    assert action_name(record, action).replace("−", "-") == words


def test_only_a_discrete_space_starts_elsewhere() -> None:
    names = named("a")
    assert first_action(Record("Discrete(3, start=7)", names)) == 7  # type: ignore[arg-type]
    assert first_action(Record("MultiDiscrete([3], start=[7])", names)) == 0  # type: ignore[arg-type]
