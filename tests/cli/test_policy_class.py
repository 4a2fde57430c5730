"""`--policy-class` and `--outputs`: weights become an agent by a class that the user names."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pellucid.api.locating import code_sha256, locate
from pellucid.io import strict_json
from tests.cli import runs, toy

TINY = ("--env", runs.ENV, "--methods", "shapley", "--budget", 3000, "--env-steps", 800)
TINY = (*TINY, "--episodes", 5, "--quiet")
CLASS = f"{__name__}:Net"


class Net(nn.Module):
    """The network of `toy`, written as a user would: not a stack of plain layers."""

    def __init__(self, observation_space, action_space):
        super().__init__()
        self.head = nn.Linear(observation_space.shape[0], int(action_space.n))

    def forward(self, observations):
        return self.head(observations)


@pytest.fixture(params=[".pth", ".safetensors"])
def weights(request, tmp_path):
    """Weights of `toy.network()` under the names that `Net` has."""
    layer = toy.network()[0]
    state_dict = {f"head.{name}": value.detach() for name, value in layer.named_parameters()}
    path = tmp_path / f"w{request.param}"
    if request.param == ".pth":
        torch.save(state_dict, path)
    else:
        save_file(state_dict, path)
    return path


def test_weights_are_explained_with_the_class_and_the_run_can_be_evaluated(command, weights):
    outcome = command("explain", weights, *TINY, "--policy-class", CLASS, "--out", "run")
    assert (outcome.code, outcome.err) == (0, "")
    document = strict_json.read(Path("run", "report.json"))
    assert f"--policy-class {CLASS}" in document["command"]
    code = ("--code", runs.ENV)
    refused = command("evaluate", "run", *code)
    assert refused.code == 2
    assert f"--code {CLASS}" in refused.err
    assert command("evaluate", "run", *code, "--code", CLASS, "--quiet").code == 0


def test_its_answers_are_those_of_the_network(weights):
    observations = np.array([[1.0, 5.0], [-1.0, 5.0], [0.1, 0.0]], np.float32)
    found = locate(weights, runs.ENV, policy_class=CLASS)
    np.testing.assert_array_equal(found.agent.act(observations), [0, 2, 1])
    assert "distribution" in found.agent.capabilities
    scored = locate(weights, runs.ENV, policy_class=CLASS, outputs="q_values")
    np.testing.assert_allclose(scored.agent.q_values(observations[:1]), [[2.0, 1.0, -2.0]])
    assert "distribution" not in scored.agent.capabilities
    assert len(code_sha256(found.agent)) == 64


def test_other_outputs_are_another_run(command, weights):
    arguments = ("explain", weights, *TINY, "--policy-class", CLASS, "--out", "run")
    assert command(*arguments).code == 0
    other = command(*arguments, "--outputs", "q_values")
    assert other.code == 2
    assert "outputs" in other.err
    assert command(*arguments, "--dry-run").code == 0
    assert "outputs" in command(*arguments, "--outputs", "q_values", "--dry-run").err


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ((), "--policy-class module:Class"),
        (("--policy-class", "no_such_module_here:X"), "cannot be imported"),
        (("--policy-class", "torch.nn:Identity"), "do not fit the network"),
        (("--policy-class", CLASS, "--outputs", "mean"), "expected logits or q_values"),
        (("--policy-class", CLASS, "--outputs", "odd"), "odd"),
    ],
)
def test_what_does_not_fit_is_exit_code_2_before_any_work(command, weights, options, what):
    outcome = command("explain", weights, *TINY, *options, "--out", "run")
    assert outcome.code == 2
    assert what in outcome.err
    assert not (weights.parent / "run").exists()


@pytest.mark.parametrize(
    ("options", "what"),
    [(("--policy-class", CLASS), "leave --policy-class out"), (("--outputs", "mean"), "--outputs")],
)
def test_they_are_refused_where_they_would_be_ignored(command, options, what):
    outcome = command("explain", "tests.cli.toy:to_zero", *TINY, *options)
    assert outcome.code == 2
    assert what in outcome.err
