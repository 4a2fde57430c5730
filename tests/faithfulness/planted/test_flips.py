"""The planted threshold: the truth scores 1, and each way to be wrong scores 0."""

from dataclasses import replace

import numpy as np

import pellucid as pl
from pellucid.faithfulness.planted.flips import TASKS, right_change, threshold_rule
from pellucid.faithfulness.planted.task import readings


def found(seed=1001):
    setting = threshold_rule(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=8, seed=0)
    result = pl.explain(setting.agent, episodes, method="changed-state", seed=0, score=False)
    return setting.truth, result.content


def test_the_explainer_finds_the_planted_change_and_random_ones_do_not():
    truth, content = found()
    reading = readings(TASKS[0], content, truth, seed=0)[0]
    assert reading.value == 1.0
    assert reading.control < 0.3


def test_every_way_to_be_wrong_is_seen():
    truth, content = found()
    column, other = truth.column, (truth.column + 1) % 6
    before = content.observations

    def scored(**moved):
        changed = before.copy()
        for name, value in moved.items():
            changed[:, int(name[1:])] = value
        return right_change(replace(content, changed=changed), truth)

    side = np.where(before[:, column] > truth.threshold, -1e-3, 1e-3)
    right = {f"x{column}": truth.threshold + side}
    assert scored(**right) == 1.0
    assert scored(**right, **{f"x{other}": 0.5}) == 0.0  # another input moves too
    assert scored(**{f"x{column}": truth.threshold - side}) == 0.0  # it does not flip
    assert scored(**{f"x{column}": truth.threshold + 900 * side}) == 0.0  # far too long
    assert scored() == 0.0
    none = replace(content, found=np.zeros(len(content.found), dtype=bool))
    assert right_change(none, truth) == 0.0
