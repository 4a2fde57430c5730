"""The planted patch: the truth scores 1, and each way to be wrong scores 0."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.faithfulness.planted.patch_flips import TASKS, patch_rule, right_patch
from pellucid.faithfulness.planted.task import readings


@pytest.fixture(scope="module")
def found():
    setting = patch_rule(1001)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=8, seed=0)
    result = pl.explain(setting.agent, episodes, method="changed-state", seed=0, score=False)
    return setting.truth, result.content


def test_the_explainer_finds_the_planted_patch_and_random_ones_do_not(found):
    truth, content = found
    reading = readings(TASKS[0], content, truth, seed=0)[0]
    assert reading.value == 1.0
    assert reading.control < 0.2


def test_every_way_to_be_wrong_is_seen(found):
    truth, content = found
    other = np.roll(content.swapped, 1, axis=1)
    assert right_patch(replace(content, swapped=other), truth) == 0.0
    assert right_patch(replace(content, swapped=content.swapped | other), truth) == 0.0
    assert right_patch(replace(content, seen_changed=content.seen), truth) == 0.0
    none = np.zeros(len(content.found), dtype=bool)
    assert right_patch(replace(content, found=none), truth) == 0.0
    assert np.isnan(right_patch(replace(content, swapped=np.empty(0, dtype=bool)), truth))
