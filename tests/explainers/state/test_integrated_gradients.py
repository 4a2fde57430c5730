"""Integrated gradients against closed forms."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from tests.explainers.cases import LinearQ, logged, task

from pellucid.errors import CapabilityError
from pellucid.explainers.state.integrated_gradients import IntegratedGradients, _steepest
from pellucid.explainers.state.pairs import planned_pairs
from pellucid.explanation.groups import single_inputs

WEIGHTS = np.array([[1.0, -2.0], [0.5, 0.0], [0.0, 0.0]])
OFFERED = frozenset({"q_values", "gradients"})


@dataclass
class Smooth(LinearQ):
    """Q(s, a) = s @ weights[:, a], as a torch function too."""

    capabilities: frozenset[str] = OFFERED

    def torch_preferences(self, observations):
        return observations @ torch.as_tensor(self.weights)


@dataclass
class Kinked(Smooth):
    """Q(s, 0) = 10 tanh(40 s_0): nearly a step, which few points on a path miss."""

    def q_values(self, observations):
        first = 10 * np.tanh(40 * observations[:, 0])
        return np.stack((first, 0 * first), axis=1)

    def torch_preferences(self, observations):
        first = 10 * torch.tanh(40 * observations[:, 0])
        return torch.stack((first, 0 * first), dim=1)


def test_linear_agent_has_weight_times_distance_from_the_background_mean():
    episodes = logged(3, 2)
    finding = IntegratedGradients().explain(task(Smooth(WEIGHTS), episodes))
    groups = single_inputs("abc")
    pairs = planned_pairs(
        task(None, episodes), "integrated-gradients", "", groups=groups, per_pair=8
    )
    distance = finding.content.observations - pairs.background.mean(axis=0)
    np.testing.assert_allclose(finding.content.values, distance[:, :, None] * WEIGHTS, atol=1e-12)
    assert finding.identity_error < 1e-12


def test_steep_paths_are_integrated_again_with_more_points():
    agent, episodes = Kinked(np.zeros((2, 2))), logged(2, 2, lengths=(5, 6))
    given = task(agent, episodes)
    planned = IntegratedGradients().plan(given).queries
    finding = IntegratedGradients().explain(given)
    assert finding.identity_error <= finding.identity_tolerance
    n_paths = (planned - 2 * 11) // 8
    # more than the next number of points on all paths, and less than the one after it
    assert 32 * n_paths < given.meter.used.queries - planned < (32 + 128) * n_paths
    poor = task(agent, episodes, queries=planned)
    coarse = IntegratedGradients().explain(poor)
    assert poor.meter.used.queries == planned
    assert coarse.identity_error > coarse.identity_tolerance  # and is told, not hidden
    some = task(agent, episodes, queries=planned + 32 * 20 + 31)
    IntegratedGradients().explain(some)
    assert some.meter.used.queries == planned + 32 * 20


def test_the_steepest_paths_are_those_that_miss_most():
    missing = np.array([[0.1, 0.5], [0.3, 0.0]])
    assert _steepest(missing, 0.05, 2).tolist() == [[False, True], [True, False]]
    assert _steepest(missing, 0.2, 4).tolist() == [[False, True], [True, False]]
    assert not _steepest(missing, 0.05, 0).any()


def test_the_agent_gets_no_gradient_of_its_own():
    agent = Smooth(WEIGHTS)
    IntegratedGradients().explain(task(agent, logged(3, 2)))
    assert isinstance(agent.weights, np.ndarray)


@pytest.mark.parametrize(
    ("agent", "episodes", "message"),
    [
        (LinearQ(WEIGHTS), logged(3, 2), "shows no gradients"),
        (Smooth(WEIGHTS), None, "between which there is no path"),
    ],
)
def test_what_has_no_gradient_is_told_what_would_work(agent, episodes, message):
    if episodes is None:
        episodes = logged(3, 2)
        for episode in episodes.attempted:
            object.__setattr__(episode, "observations", episode.observations.astype(np.int64))
    with pytest.raises(CapabilityError, match=message) as raised:
        IntegratedGradients().plan(task(agent, episodes))
    assert "perturbation" in str(raised.value.hint)
