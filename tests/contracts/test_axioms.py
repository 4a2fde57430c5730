"""F38: identities that a method claims hold on agents whose answer is known by hand."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid import registry
from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.explanation import Task
from tests.contracts.agents import LinearAgent

SWAPPED = [1, 0, 2]
TOLERANCE = 1e-9
CLAIMS = [
    (name, axiom)
    for name in registry.names("explainers")
    for axiom in registry.load("explainers", name).info.axioms
]


def explained(method, episodes):
    meter = Meter(Cost(10**7, 10**5))
    task = Task(MeteredAgent(LinearAgent(), meter), episodes, meter, seed=0)
    return registry.load("explainers", method)().explain(task)


def with_inputs(episodes, order):
    """The same episodes with inputs in another order, as logs without an environment."""
    names = replace(episodes.names, inputs=tuple(episodes.names.inputs[i] for i in order))
    moved = tuple(replace(e, observations=e.observations[:, order]) for e in episodes.attempted)
    return replace(episodes, attempted=moved, names=names, spec=None)


def efficiency(method, episodes):
    """What the inputs add to the baseline is the output, in every state and for every output."""
    content = explained(method, episodes).content
    total = content.baseline + content.values.sum(axis=1)
    np.testing.assert_allclose(total, content.outputs, atol=TOLERANCE)


def null_player(method, episodes):
    """An input that the agent does not look at gets nothing."""
    values = explained(method, episodes).content.values
    assert np.abs(values[:, 2]).max() <= TOLERANCE
    assert np.abs(values[:, :2]).max() > 0.01


def symmetry(method, episodes):
    """Two inputs that the agent treats alike trade places when their values do."""
    values = explained(method, episodes).content.values
    moved = explained(method, with_inputs(episodes, SWAPPED)).content.values
    np.testing.assert_allclose(moved, values[:, SWAPPED], atol=TOLERANCE)


AXIOMS = {"efficiency": efficiency, "null_player": null_player, "symmetry": symmetry}


@pytest.mark.parametrize(("method", "axiom"), CLAIMS)
def test_f38_a_claimed_axiom_holds(method, axiom, episodes) -> None:
    AXIOMS[axiom](method, episodes)


@pytest.mark.parametrize("method", [method for method, axiom in CLAIMS if axiom == "efficiency"])
def test_f38_the_method_itself_finds_its_identity_kept(method, episodes) -> None:
    finding = explained(method, episodes)
    assert finding.identity_error is not None
    assert 0 <= finding.identity_error <= finding.identity_tolerance
