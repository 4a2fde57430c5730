"""Subgoals where it is known what every episode passes."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.explainers.task.regions import regions_of
from pellucid.explainers.task.subgoals import Subgoals
from pellucid.faithfulness.planted.errands import errands, subgoals_found, subgoals_true


@pytest.fixture(scope="module")
def setting():
    return errands(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=60, seed=0)


@pytest.fixture(scope="module")
def content(setting, episodes):
    return Subgoals().explain(task(setting.agent, episodes)).content


def test_the_key_and_the_door_are_found_in_their_order(setting, content):
    assert subgoals_found(content, setting.truth) == 1.0
    assert subgoals_true(content, setting.truth) >= 0.6
    key, door = setting.truth.subgoals
    told = content.centres[content.regions]
    nearest = [int(np.abs(told - one).sum(axis=1).argmin()) for one in (key, door)]
    assert nearest[0] < nearest[1]


def test_before_the_key_it_is_the_key_that_is_announced(setting, content):
    key = int(np.abs(content.centres[content.regions] - setting.truth.subgoals[0]).sum(1).argmin())
    without = (content.centres[:, 2] == 0) & (content.announced >= 0)
    assert (content.announced[without] <= key).all()
    assert (content.within[content.announced >= 0] >= 1).all()
    assert (content.within[content.announced < 0] == 0).all()


def test_rows_of_the_moves_sum_to_one_or_lead_nowhere(content):
    total = content.transitions.sum(axis=1)
    assert set(np.round(total, 12).tolist()) <= {0.0, 1.0}
    assert not np.diag(content.transitions).any()


def test_it_is_supported_in_the_house_and_costs_nothing_but_its_test(setting, episodes):
    asked = task(setting.agent, episodes, queries=0, env_steps=0)
    Subgoals().explain(asked)
    result = pl.explain(setting.agent, episodes, method="subgoals", seed=0)
    assert result.badge == "supported"
    assert result.content.node_names[0] in result.text


def test_logs_are_explained_and_not_tested(setting, episodes):
    result = pl.explain(setting.agent, replace(episodes, spec=None), method="subgoals", seed=0)
    assert result.content is not None
    assert (result.badge, result.need) == ("not_measured", "give the environment")


def test_fewer_are_told_if_fewer_are_asked_for(setting, episodes):
    told = Subgoals().explain(task(setting.agent, episodes, options={"subgoals": 1})).content
    assert len(told.node_names) == 1


@pytest.mark.parametrize("wanted", [0, 11, 1.5])
def test_a_number_out_of_range_is_refused(setting, episodes, wanted):
    with pytest.raises(InputError, match="subgoals"):
        Subgoals().plan(task(setting.agent, episodes, options={"subgoals": wanted}))


def test_few_episodes_images_and_nothing_in_common_are_refused(setting, episodes):
    with pytest.raises(DataError, match="5 episodes or more"):
        Subgoals().plan(task(setting.agent, replace(episodes, attempted=episodes.attempted[:4])))
    with pytest.raises(CapabilityError, match="300 inputs"):
        Subgoals().plan(task(LinearQ(np.ones((300, 2))), logged(300, 2)))
    apart = logged(2, 2, lengths=(8,) * 6)
    with pytest.raises(CapabilityError, match="no region is passed"):
        Subgoals().explain(task(LinearQ(np.ones((2, 2))), apart))


def test_many_different_states_are_clusters_with_names():
    episodes = logged(2, 2, lengths=(60,) * 6)
    regions = regions_of(episodes, 0)
    assert len(regions.centres) == len(regions.names) == 20
    assert "about" in regions.names[0]
    again = regions_of(episodes, 0)
    np.testing.assert_array_equal(again.centres, regions.centres)
    path = regions.paths(episodes.used)[0]
    assert path.shape == (61,)
