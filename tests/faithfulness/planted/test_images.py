"""The planted image: what is planted is there, and every way to hide patches finds it."""

import numpy as np
import pytest

import pellucid as pl
from pellucid.budget import Cost
from pellucid.faithfulness.planted.images import SIDE, TASKS, WEIGHTS, linear_image
from pellucid.faithfulness.planted.task import readings
from pellucid.stats import mean_interval

METHODS = ("perturbation", "sarfa", "integrated-gradients", "rise", "shapley")


@pytest.fixture(scope="module")
def setting():
    return linear_image(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=8, seed=0)


def test_the_agent_acts_by_the_weighted_brightness_of_the_patches_it_reads(setting, episodes):
    bright = episodes.visited[:, ::SIDE, ::SIDE, 0].reshape(-1, 64) / 255.0 - 0.5
    total = bright[:, list(setting.truth.read)] @ np.array(WEIGHTS)
    actions = np.concatenate([e.actions for e in episodes.used])
    np.testing.assert_array_equal(actions, total > 0)
    assert (episodes.returns == 10).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_planted_patches(method, setting, episodes):
    result = pl.explain(
        setting.agent, episodes, method=method, seed=0, budget=Cost(400_000, 0), score=False
    )
    found = readings(TASKS[0], result.content, setting.truth, seed=0)
    for measure, reading in zip(TASKS[0].measures, found, strict=True):
        assert measure.meets(reading.value), measure.name
        assert not measure.meets(reading.control)


def test_hiding_the_top_patch_while_it_acts_costs_more_than_hiding_a_random_one(setting, episodes):
    result = pl.explain(
        setting.agent, episodes, method="perturbation", seed=0, budget=Cost(60_000, 20_000)
    )
    closed = result.faithfulness[0]
    assert closed.metric == "masked_return"
    assert closed.gap.low > 0
    assert result.text.startswith("the patch at rows ")


def test_hiding_an_ignored_patch_while_it_acts_costs_nothing(setting, episodes):
    from pellucid.explanation.groups import usual_patches
    from pellucid.faithfulness.hiding import GroupHider, changed_choices

    groups = usual_patches((16, 16, 1))
    images = episodes.visited
    numbers = np.arange(len(images))
    before = setting.agent.act(images)
    changed = {}
    for patch in (setting.truth.read[0], setting.truth.ignored[0]):
        hider = GroupHider(patch, groups, episodes.visited, 7)
        hidden = hider(images, numbers, numbers)
        differs = (hidden != images).reshape(len(images), -1).any(axis=0)
        np.testing.assert_array_equal(
            np.flatnonzero(differs), np.flatnonzero(groups.labels == patch)
        )
        changed[patch] = changed_choices(
            setting.agent.action_space, before, setting.agent.act(hidden)
        )
    shares = {p: mean_interval(c.astype(float)).value for p, c in changed.items()}
    assert shares[setting.truth.ignored[0]] == 0
    assert shares[setting.truth.read[0]] > 0.2
