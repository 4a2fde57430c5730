"""The other action of each state, for every kind of action."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from tests.explainers.cases import LinearQ, logged, task

from pellucid.envs.names import Names
from pellucid.envs.rows import RowSpace
from pellucid.errors import CapabilityError, InputError
from pellucid.explainers.model.aims import Aims, aims_of
from pellucid.types import Categorical, Context, MultiCategorical


@dataclass
class Acts:
    """Acts by a function, with any space of actions; tells probabilities if it has some."""

    action_space: Any
    probabilities: Any = None
    name: str = "acts"
    framework: str = "test"
    observation_space: Any = field(default_factory=lambda: spaces.Box(-9, 9, (2,), np.float64))

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset() if self.probabilities is None else frozenset({"distribution"})

    def act(self, observations: Any) -> Any:
        raise NotImplementedError

    def distribution(self, observations: Any) -> Any:
        rows = np.repeat(self.probabilities[None], len(observations), axis=0)
        if isinstance(self.action_space, spaces.Discrete):
            return Categorical(rows, int(self.action_space.start))
        return MultiCategorical(rows, (2, 3), (0, 0))


def aims(agent: Any, own: Any, seen: Any, *, masks: Any = None, **options: Any) -> Aims:
    n_parts = np.asarray(own).shape[1]
    episodes = logged(2, 3)
    names = Names(("x", "y"), ("", ""), tuple(f"part {i}" for i in range(n_parts)), ("",) * n_parts)
    if isinstance(agent.action_space, spaces.Discrete):
        words = tuple(f"action {i}" for i in range(int(agent.action_space.n)))
        names = Names(("x", "y"), ("", ""), words, ("",) * len(words))
    vars(episodes)["names"] = names
    given = task(agent, episodes, options=options)
    states = np.zeros((len(own), 2))
    context = Context(masks=None if masks is None else np.asarray(masks, dtype=bool))
    return aims_of(given, np.asarray(seen, float), states, context, np.asarray(own, float))


def test_of_one_choice_it_is_the_likeliest_other_one_that_is_ever_made_and_allowed() -> None:
    space = spaces.Discrete(4, start=2)
    agent = Acts(space, np.array([0.4, 0.3, 0.2, 0.1]))
    seen = [[2], [4], [5]]  # 3 is never chosen
    found = aims(agent, [[2], [2]], seen, masks=[[1, 1, 1, 1], [1, 1, 0, 1]])
    assert found.lows.tolist() == found.highs.tolist() == [[4], [5]]
    assert found.before == ("action 0", "action 0")
    assert found.after == ("action 2", "action 3")
    assert found.exists.all()
    assert found.are_met(0, np.array([[4.0], [5.0]])).tolist() == [True, False]
    only = aims(agent, [[2]], seen, masks=[[1, 1, 0, 0]])
    assert not only.exists.any()
    assert only.before == only.after == ("action 0",)


def test_of_several_choices_it_is_the_one_that_loses_least() -> None:
    # 0.6 against 0.4 loses less than 0.5 against 0.3
    agent = Acts(spaces.MultiDiscrete([2, 3]), np.array([0.6, 0.4, 0.5, 0.3, 0.2]))
    found = aims(agent, [[0, 0]], [[0, 0], [1, 1], [0, 2]])
    assert (found.before, found.after) == (("part 0: 0",), ("part 0: 1",))
    np.testing.assert_array_equal(found.lows, [[1, -np.inf]])
    assert found.are_met(0, np.array([[1.0, 2.0], [0.0, 0.0]])).tolist() == [True, False]
    # where the first part is never otherwise, it is the second one
    found = aims(agent, [[0, 0]], [[0, 0], [0, 1], [0, 2]])
    assert found.after == ("part 1: 1",)


def test_without_preferences_it_is_the_commonest_value_of_the_first_part_that_varies() -> None:
    agent = Acts(spaces.MultiDiscrete([2, 3]))
    found = aims(agent, [[0, 0], [0, 2]], [[0, 0], [0, 2], [0, 2], [0, 1]])
    assert found.after == ("part 1: 2", "part 1: 0")


def test_of_quantities_one_moves_a_tenth_of_its_range_to_where_most_states_are() -> None:
    agent = Acts(spaces.Box(np.array([-2.0, 0.0]), np.array([2.0, 1.0]), dtype=np.float64))
    seen = [[0.0, 0.5], [1.0, 0.5], [1.9, 0.55], [-1.0, 0.5]]
    found = aims(agent, [[0.0, 0.5], [1.95, 0.5]], seen)
    np.testing.assert_allclose(found.lows, [[0.4, -np.inf], [-np.inf, -np.inf]])
    np.testing.assert_allclose(found.highs, [[np.inf, np.inf], [1.55, np.inf]])
    assert found.before == ("part 0 0", "part 0 1.95")
    assert found.after == ("part 0 0.4 or more", "part 0 1.55 or less")


def test_a_quantity_without_a_range_counts_by_what_was_seen() -> None:
    agent = Acts(spaces.Box(-np.inf, np.inf, (1,), np.float64))
    found = aims(agent, [[0.0]], [[0.0], [5.0], [10.0]])
    np.testing.assert_allclose(found.lows, [[1.0]])
    same = aims(agent, [[0.0]], [[0.0], [5.0], [10.0]], foil=[0.5])
    assert not same.exists.any()


def test_of_both_a_choice_changes_and_quantities_stay_out_of_it() -> None:
    box = spaces.Box(-1.0, 1.0, (1,), np.float32)
    space = RowSpace(spaces.Dict({"lever": spaces.Discrete(3), "push": box}))
    found = aims(Acts(space), [[0, 0.5]], [[0, 0.5], [2, -0.5]])
    assert found.after == ("part 0: 2",)
    np.testing.assert_array_equal(found.highs, [[2, np.inf]])
    # an action that is named may change several parts
    found = aims(Acts(space), [[0, 0.5]], [[0, 0.5]], foil={"lever": 1, "push": [-0.25]})
    assert found.before == ("part 0: 0, part 1 0.5",)
    assert found.after == ("part 0: 1, part 1 -0.25 or less",)


def test_names_are_numbered_once_each() -> None:
    before, after, words = aims(
        Acts(spaces.MultiDiscrete([2, 3])), [[0, 0], [0, 2]], [[0, 0], [0, 2]]
    ).numbered()
    assert words == ["part 1: 0", "part 1: 2"]
    assert (before.tolist(), after.tolist()) == ([0, 1], [1, 0])


def test_what_there_is_no_other_action_of_is_refused() -> None:
    with pytest.raises(CapabilityError, match="the same choice in all of 2 visited states"):
        aims(Acts(spaces.MultiDiscrete([2, 3])), [[0, 0]], [[0, 0], [0, 0]])
    with pytest.raises(CapabilityError, match="does not choose 1 in any of 2"):
        aims(LinearQ(np.ones((2, 2))), [[0]], [[0], [0]], foil=1)
    with pytest.raises(InputError, match="is not an action of"):
        aims(Acts(spaces.MultiDiscrete([2, 3])), [[0, 0]], [[0, 0]], foil=[0, 3])
