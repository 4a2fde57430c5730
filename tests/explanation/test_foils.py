"""The other action, enumerated by hand for every kind of action."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from pellucid.agents.acting import preferences
from pellucid.envs.rows import RowSpace
from pellucid.errors import CapabilityError, InputError
from pellucid.explanation.foils import checked_foil, likeliest_other
from pellucid.types import Categorical, MultiCategorical

SEEN = np.zeros(1, np.float32)
DRIVE = RowSpace(spaces.Dict({"gear": spaces.Discrete(3), "push": spaces.Box(-2.0, 4.0, (1,))}))


@dataclass
class Fixed:
    """Prefers the same in every state."""

    action_space: Any
    probabilities: tuple[float, ...] = ()
    action: Any = None
    name: str = "fixed"
    framework: str = "test"
    observation_space: Any = None

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"distribution"} if self.probabilities else set())

    def distribution(self, observations: Any) -> Any:
        rows = np.tile(self.probabilities, (len(observations), 1))
        if isinstance(self.action_space, spaces.Discrete):
            return Categorical(rows, int(self.action_space.start))
        nvec = getattr(self.action_space, "nvec", np.full(len(self.probabilities) // 2, 2))
        return MultiCategorical(rows, tuple(nvec.tolist()), (0,) * len(nvec))

    def act(self, observations: Any) -> Any:
        return np.stack([self.action] * len(observations))


def other(agent: Any, own: Any, allowed: Any = None) -> Any:
    return likeliest_other(
        agent.action_space, own, lambda: preferences(agent, SEEN[None])[0], allowed
    )


def test_of_one_choice_it_is_the_likeliest_other() -> None:
    agent = Fixed(spaces.Discrete(3, start=5), (0.5, 0.2, 0.3))
    assert int(other(agent, np.int64(5))) == 7
    assert int(other(agent, np.int64(7))) == 5  # what it did may be drawn


def test_only_what_is_allowed_counts() -> None:
    agent = Fixed(spaces.Discrete(3, start=5), (0.5, 0.2, 0.3))
    assert int(other(agent, np.int64(5), [5, 6])) == 6
    with pytest.raises(CapabilityError, match="only one action"):
        other(agent, np.int64(5), [5])


def test_of_several_choices_the_one_changes_that_loses_least_probability() -> None:
    # joint probabilities: own (0, 1) 0.6 * 0.7; (1, 1) 0.4 * 0.7 = 0.28; (0, 0) 0.6 * 0.3 = 0.18
    agent = Fixed(spaces.MultiDiscrete([2, 2]), (0.6, 0.4, 0.3, 0.7))
    assert other(agent, np.array([0, 1])).tolist() == [1, 1]
    surer = Fixed(spaces.MultiDiscrete([2, 3]), (0.9, 0.1, 0.4, 0.35, 0.25))
    assert other(surer, np.array([0, 0])).tolist() == [0, 1]


def test_of_switches_the_least_sure_one_flips() -> None:
    agent = Fixed(spaces.MultiBinary(2), (0.1, 0.9, 0.45, 0.55))
    found = other(agent, np.array([1, 1], np.int8))
    assert found.tolist() == [1, 0]
    assert found.dtype == np.int8


def test_without_preferences_the_first_choice_that_has_one_changes() -> None:
    agent = Fixed(spaces.MultiDiscrete([1, 3]), action=np.array([0, 2]))
    assert other(agent, np.array([0, 2])).tolist() == [0, 0]


def test_of_quantities_each_is_mirrored() -> None:
    box = spaces.Box(np.float32([-2, 0]), np.float32([2, 1]))
    own = np.float32([1.5, 0.25])
    assert other(Fixed(box), own).tolist() == [-1.5, 0.75]


def test_of_both_a_choice_changes_and_quantities_stay() -> None:
    own = np.float32([1, 0.5])
    assert other(Fixed(DRIVE, action=own), own).tolist() == [0, 0.5]


def test_one_action_has_no_other() -> None:
    with pytest.raises(CapabilityError, match="only one action"):
        other(Fixed(spaces.Discrete(1), (1.0,)), np.int64(0))


@pytest.mark.parametrize(
    ("space", "foil", "stored"),
    [
        (spaces.Discrete(3), 2, 2),
        (spaces.MultiDiscrete([2, 3]), [1, 2], [1, 2]),
        (spaces.MultiBinary(2), (0, 1), [0, 1]),
        (spaces.Box(-1.0, 1.0, (2,)), [0.5, -0.5], [0.5, -0.5]),
        (DRIVE, {"gear": 2, "push": [1.5]}, [2, 1.5]),
        (DRIVE, [2, 1.5], [2, 1.5]),
    ],
)
def test_a_foil_is_given_in_the_form_of_the_environment(space: Any, foil: Any, stored: Any) -> None:
    found = checked_foil(space, foil)
    assert found.tolist() == stored
    assert found.dtype == space.dtype


@pytest.mark.parametrize(
    ("space", "foil"),
    [
        (spaces.Discrete(3), 3),
        (spaces.Discrete(3), 1.5),
        (spaces.Discrete(3), "left"),
        (spaces.MultiDiscrete([2, 3]), [1, 3]),
        (spaces.MultiDiscrete([2, 3]), 1),
        (spaces.Box(-1.0, 1.0, (2,)), [0.5, 2.0]),
        (DRIVE, {"gear": 2}),
        (DRIVE, {"gear": 9, "push": [0.0]}),
        (DRIVE, None),
    ],
)
def test_what_is_no_action_is_refused(space: Any, foil: Any) -> None:
    with pytest.raises(InputError, match="is not an action of"):
        checked_foil(space, foil)
