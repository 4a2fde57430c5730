"""Which groups an explanation is about."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from pellucid.envs import EnvSpec
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.explanation.players import fixed_players_of, players_of
from tests.explainers.cases import logged, task


def images(shape=(16, 16, 1)):
    episodes = logged(int(np.prod(shape)), 2, lengths=(3, 4))
    return replace(
        episodes,
        attempted=tuple(
            replace(e, observations=e.observations.reshape(-1, *shape)) for e in episodes.attempted
        ),
    )


def groups(episodes, asked=None):
    return players_of(task(None, episodes, options={} if asked is None else {"groups": asked}))


def find(observations):
    return np.zeros(observations.shape, dtype=int)


find.names = ("ball",)


def test_vectors_have_single_inputs_images_patches_and_long_vectors_stretches():
    assert groups(logged(3, 2)).are_inputs
    assert len(groups(images())) == 64
    long = groups(logged(600, 2, lengths=(3,)))
    assert len(long) == 64
    assert long.names[0] == "inputs 0 to 9"


def test_groups_may_be_asked_for_as_a_grid_by_name_or_by_a_function():
    assert len(groups(images(), "4x2")) == 8
    assert len(groups(images(), " 4 × 2 ")) == 8
    named = groups(logged(4, 2), {"first": ["input 0", "2"], "second": [1]})
    assert named.labels.tolist() == [0, 1, 0, 2]
    found = groups(logged(4, 2), find)
    assert found.names == ("ball", "everything else")
    with pytest.raises(CapabilityError, match="same groups of inputs in every observation"):
        fixed_players_of(task(None, logged(4, 2), options={"groups": find}))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("many", "a grid such as 8x8, not 'many'"),
        ("20x20", "does not fit 16 x 16"),
        (3, "a grid such as 8x8, a mapping or a function, got int"),
        ({"a": "input 0"}, "must be a list of inputs"),
        ({"a": ["nothing"]}, "names the input 'nothing', which is not there"),
        ({"a": [1.5]}, "names the input 1.5"),
        ({"a": [True]}, "names the input True"),
        (lambda x: x, "must name them"),
    ],
)
def test_groups_in_another_form_are_refused(asked, words):
    with pytest.raises(InputError, match=words):
        groups(images(), asked)


def test_without_states_there_are_no_groups():
    with pytest.raises(DataError, match="no visited states"):
        groups(logged(3, 2, lengths=()))


class Telling(gymnasium.Env):
    """Tells its groups."""

    metadata = {"render_modes": [], "groups": {"both": [0, 1]}}  # noqa: RUF012
    observation_space = Box(-1, 1, (4,), np.float64)
    action_space = Discrete(2)


def test_an_environment_may_tell_its_groups_and_the_option_comes_first():
    episodes = replace(logged(4, 2), spec=EnvSpec("telling", factory=Telling))
    assert groups(episodes).labels.tolist() == [0, 0, 1, 1]
    assert groups(episodes, {"a": [3]}).labels.tolist() == [1, 1, 1, 0]
