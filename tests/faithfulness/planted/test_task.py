"""For every task: who knows the truth passes, and who knows nothing fails."""

import re

import numpy as np
import pytest

from pellucid.explanation import KINDS
from pellucid.faithfulness.planted import TASKS, applies, readings
from pellucid.rollouts import Episodes
from pellucid.seeds import stream
from tests.faithfulness.planted.oracles import oracle

SEEDS = range(1000, 1006)


@pytest.fixture(params=TASKS, ids=lambda task: task.name)
def task(request):
    """Each task in turn."""
    return request.param


def test_an_oracle_meets_every_goal_and_beats_the_control_on_every_draw(task):
    for seed in SEEDS:
        setting = task.set_up(seed)
        found = readings(task, oracle(task, setting), setting.truth, seed=seed)
        for measure, reading in zip(task.measures, found, strict=True):
            assert measure.meets(reading.value), (seed, measure.name, reading)
            gap = reading.value - reading.control
            assert gap > 0 if measure.direction == "higher" else gap < 0


def test_a_meaningless_explanation_misses_every_goal(task):
    rng = stream(0, "tests", task.name)
    scores = []
    for seed in SEEDS:
        setting = task.set_up(seed)
        known = oracle(task, setting)
        drawn = [task.meaningless(known, setting.truth, rng) for _ in range(5)]
        scores += [
            [measure.score(one, setting.truth) for measure in task.measures] for one in drawn
        ]
    for measure, mean in zip(task.measures, np.mean(scores, axis=0), strict=True):
        assert not measure.meets(mean), (measure.name, mean)


def test_equal_seeds_give_equal_readings_and_others_another_draw(task):
    def told(seed):
        setting = task.set_up(seed)
        return readings(task, oracle(task, setting), setting.truth, seed=seed)

    assert told(7) == told(7)
    assert len({repr(task.set_up(seed).truth) for seed in SEEDS}) > 1


def test_names_are_unique_and_can_be_typed(task):
    assert [t.name for t in TASKS].count(task.name) == 1
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", task.name)
    assert task.kind in KINDS.values()
    assert len({measure.name for measure in task.measures}) == len(task.measures)


def test_an_explainer_is_put_to_the_tasks_of_its_kind_and_targets(task):
    assert applies(task, task.kind, ("another", task.target))
    assert not applies(task, task.kind, ("another",))
    assert not applies(task, Episodes, (task.target,))


def test_what_cannot_be_scored_costs_no_controls():
    (certified,) = [task for task in TASKS if task.name == "waits"]
    setting = certified.set_up(0)
    known = oracle(certified, setting)
    # radii of inputs are not radii of rewards
    other = type(known)(known.observations, known.radii, "l2", about="inputs")
    assert all(
        np.isnan(reading).all() for reading in readings(certified, other, setting.truth, seed=0)
    )
