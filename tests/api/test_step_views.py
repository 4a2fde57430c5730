"""What choices rested on: asked of the agent, paid for, stored and read again."""

import numpy as np
import pytest
from gymnasium import spaces

from pellucid.api.step_views import FILE, load_steps, store_steps, view_steps
from pellucid.budget import Cost, Meter
from pellucid.errors import DataError
from pellucid.rollouts.episodes import Episode, Episodes
from pellucid.types import Categorical, Gaussian


class Asked:
    """An agent that offers what it is told to."""

    name = framework = "asked"
    observation_space = spaces.Box(-1, 1, (2,))

    def __init__(self, action_space, *capabilities):
        self.action_space = action_space
        self.capabilities = frozenset(capabilities)

    def act(self, observations):
        if isinstance(self.action_space, spaces.Box):
            return observations[:, :1].astype(np.float32)
        return np.full(len(observations), self.action_space.start)

    def distribution(self, observations):
        if isinstance(self.action_space, spaces.Box):
            ends = self.action_space.low, self.action_space.high
            return Gaussian(observations[:, :1], np.full((len(observations), 1), 0.5), *ends)
        return Categorical(np.tile([0.75, 0.25], (len(observations), 1)))

    def q_values(self, observations):
        return np.column_stack((observations[:, 0], -observations[:, 0]))

    def value(self, observations):
        return observations.sum(axis=1)


def episodes(n_steps=4):
    observations = np.linspace(0, 1, 2 * (n_steps + 1)).reshape(-1, 2)
    episode = Episode(0, 0, observations, np.zeros(n_steps, int), np.ones(n_steps), True, False)
    return Episodes((episode,), None, None, 0, "greedy")


def view(agent, *, queries=100):
    meter = Meter(Cost(queries=queries))
    return view_steps(agent, episodes(), [0], meter=meter), meter


def test_probabilities_and_values_are_asked_once_per_step():
    views, meter = view(Asked(spaces.Discrete(2), "distribution", "value"))
    steps = views.steps[0]
    assert (steps.unit, steps.start) == ("probability", 0)
    assert steps.preferences.tolist() == [[0.75, 0.25]] * 4
    assert steps.values == pytest.approx(episodes()[0].observations[:-1].sum(axis=1))
    assert meter.used.queries == 8
    assert views.reason == ""


def test_the_largest_q_value_is_what_it_expects_and_is_not_asked_again():
    views, meter = view(Asked(spaces.Discrete(2), "q_values"))
    steps = views.steps[0]
    assert steps.values == pytest.approx(steps.preferences.max(axis=1))
    assert meter.used.queries == 4


def test_continuous_actions_bring_their_spread_and_their_range():
    steps = view(Asked(spaces.Box(-1, 1, (1,)), "distribution"))[0].steps[0]
    assert steps.unit == "mean action"
    assert steps.spreads.tolist() == [[0.5]] * 4
    assert steps.ends.tolist() == [[-1.0], [1.0]]
    assert len(steps.values) == 0
    unbounded = view(Asked(spaces.Box(-np.inf, np.inf, (1,))))[0].steps[0]
    assert unbounded.ends.size == unbounded.spreads.size == 0


def test_the_first_action_may_have_another_number_than_zero():
    steps = view(Asked(spaces.Discrete(2, start=3)))[0].steps[0]
    assert (steps.unit, steps.start) == ("choice", 3)
    assert steps.preferences.tolist() == [[1.0, 0.0]] * 4


def test_what_cannot_be_told_is_left_out_and_said():
    views, meter = view(Asked(spaces.MultiDiscrete([2, 2])))
    assert views == ({}, "")
    views, meter = view(Asked(spaces.Discrete(2), "distribution"), queries=3)
    assert views.steps == {}
    assert "budget" in views.reason
    assert meter.used.queries <= 3


@pytest.mark.parametrize("agent", [
    Asked(spaces.Discrete(2, start=3), "distribution", "value"),
    Asked(spaces.Box(-1, 1, (1,)), "distribution"),
])  # fmt: skip
def test_steps_come_back_as_they_were_stored(agent, tmp_path):
    steps = view(agent)[0].steps
    store_steps(steps, tmp_path / "frames")
    (again,) = load_steps(tmp_path / "frames").values()
    for name in ("preferences", "values", "spreads", "ends"):
        stored = getattr(steps[0], name)
        assert getattr(again, name).tobytes() == stored.tobytes()
    assert (again.unit, again.start) == (steps[0].unit, steps[0].start)


def test_runs_from_before_have_no_steps_and_damage_is_named(tmp_path):
    assert load_steps(tmp_path) == {}
    store_steps({}, tmp_path)
    assert not (tmp_path / FILE).exists()
    (tmp_path / FILE).write_bytes(b"no arrays")
    with pytest.raises(DataError, match=FILE):
        load_steps(tmp_path)
