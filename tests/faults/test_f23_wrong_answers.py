"""F23: an agent that returns something else than an action of its space."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from tests.agents.models import CHOICES, TORQUES, StubEnv, make_model, random_observations
from torch import nn

from pellucid.agents import load_agent
from pellucid.agents.acting import choose_actions, preferences
from pellucid.errors import AgentError

N_ROWS = 5


def failure(agent: Any, ask: Any = None) -> str:
    rows = random_observations(N_ROWS)
    with pytest.raises(AgentError) as caught:
        (ask or (lambda: choose_actions(agent, rows, "greedy", ())))()
    message = str(caught.value)
    assert "\n" not in message
    assert agent.name in message
    return message


class Raw:
    """An agent of the user's own, with no check of its own."""

    name, framework, capabilities = "mine", "test", frozenset[str]()
    observation_space = StubEnv().observation_space

    def __init__(self, space: Any, answer: Any) -> None:
        self.action_space, self.answer = space, answer

    def act(self, observations: Any) -> Any:
        return self.answer(len(observations))


NAN = np.array([[0.0, np.nan]], np.float32)
WRONG = [
    ("list", CHOICES, lambda n: [0] * n, "a list", "an array of shape (5,) and type int64"),
    ("none", CHOICES, lambda n: None, "a NoneType", "an array of shape"),
    ("number", CHOICES, lambda n: 0, "a int", "an array of shape"),
    ("tensor", CHOICES, lambda n: torch.zeros(n), "a torch.Tensor on cpu", "an array"),
    ("elsewhere", CHOICES, lambda n: torch.zeros(n, device="meta"), "on meta", "an array"),
    ("column", CHOICES, lambda n: np.zeros((n, 1), int), "shape (5, 1)", "(5,)"),
    ("one row", CHOICES, lambda n: np.zeros(1, int), "shape (1,)", "(5,)"),
    ("one action", TORQUES, lambda n: np.zeros(2, np.float32), "shape (2,)", "(5, 2)"),
    ("floats", CHOICES, lambda n: np.zeros(n), "type float64", "int64"),
    ("integers", TORQUES, lambda n: np.ones((n, 2), int), "type int64", "float32"),
    ("booleans", CHOICES, lambda n: np.zeros(n, bool), "type bool", "int64"),
    ("objects", CHOICES, lambda n: np.array([None] * n), "type object", "int64"),
    ("too high", CHOICES, lambda n: np.full(n, 4), "the action 4", "Discrete(4)"),
    ("negative", CHOICES, lambda n: np.full(n, -1), "the action -1", "Discrete(4)"),
    ("below start", Discrete(3, start=5), lambda n: np.zeros(n, int), "action 0", "start=5"),
    ("wrapping", Box(0, 1, (1,), np.int8), lambda n: np.full((n, 1), 256), "action 256", "Box"),
    ("outside", TORQUES, lambda n: np.full((n, 2), 2.0), "the action 2.0", "Box"),
    ("nan", TORQUES, lambda n: np.repeat(NAN, n, axis=0), "NaN actions", "Box"),
    ("infinite", TORQUES, lambda n: np.full((n, 2), np.inf), "the action inf", "Box"),
]


@pytest.mark.parametrize(
    ("space", "answer", "got", "expected"), [row[1:] for row in WRONG], ids=[r[0] for r in WRONG]
)
def test_f23_the_error_names_what_was_expected_and_what_came(
    space: Any, answer: Any, got: str, expected: str
) -> None:
    agent = Raw(space, answer)
    messages = [failure(agent), failure(agent, lambda: preferences(agent, random_observations(5)))]
    for message in messages:
        assert got in message
        assert expected in message


@pytest.mark.parametrize("row", WRONG, ids=[r[0] for r in WRONG])
def test_f23_a_function_is_checked_when_it_acts(row: Any) -> None:
    _, space, answer, got, _ = row
    agent = load_agent(lambda rows: answer(len(rows)), env=StubEnv(space), name="f")
    message = failure(agent, lambda: agent.act(random_observations(N_ROWS)))
    assert got.replace("(5", "(32") in message


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_f23_integers_of_another_width_are_actions(dtype: Any) -> None:
    agent = Raw(CHOICES, lambda n: np.ones(n, dtype))
    actions = choose_actions(agent, random_observations(2), "greedy", ())
    assert actions.dtype == np.int64


def test_f23_the_edge_of_the_range_is_inside_in_any_precision() -> None:
    space = Box(np.float32(-0.1), np.float32(0.1), (1,))
    agent = Raw(space, lambda n: np.full((n, 1), 0.1))
    actions = choose_actions(agent, random_observations(2), "greedy", ())
    np.testing.assert_array_equal(actions, np.full((2, 1), np.float32(0.1)))


class Answers(nn.Module):
    """A module that answers soundly once, when it is loaded, and then as it is told."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.answer, self.calls = answer, 0

    def forward(self, observations: torch.Tensor) -> Any:
        self.calls += 1
        if self.calls == 1:
            return torch.zeros(len(observations), 4)
        return self.answer(len(observations))


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (lambda n: torch.full((n, 4), torch.nan), "NaN or infinite logits for 5 of 5"),
        (lambda n: torch.full((n, 4), torch.inf), "NaN or infinite logits"),
        (lambda n: torch.full((n, 4), -torch.inf), "NaN or infinite logits"),
        (lambda n: torch.zeros(n, 3), "shape (256, 3), expected (256, 4)"),
        (lambda n: torch.zeros(1, 4), "shape (1, 4)"),
        (lambda n: torch.tensor(0.0), "shape ()"),
        (lambda n: torch.zeros(n, 4, dtype=torch.int64), "type torch.int64"),
        (lambda n: torch.zeros(n, 4, device="meta"), "a tensor on meta, expected cpu"),
        (lambda n: (torch.zeros(n, 4), None), "a tuple, expected one tensor"),
        (lambda n: [[0.0] * 4] * n, "a list, expected one tensor"),
        (lambda n: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_f23_a_module_is_checked_at_its_outputs(answer: Any, got: str) -> None:
    agent = load_agent(Answers(answer), env=StubEnv())
    assert got in failure(agent)


def test_f23_masked_actions_are_no_fault() -> None:
    agent: Any = load_agent(
        Answers(lambda n: torch.tensor([[0.0, -torch.inf, 0.0, -torch.inf]]).expand(n, 4)),
        env=StubEnv(),
    )
    probabilities = agent.distribution(random_observations(2)).probabilities
    np.testing.assert_array_equal(probabilities, [[0.5, 0, 0.5, 0]] * 2)


@pytest.mark.parametrize("algorithm", ["PPO", "DQN", "SAC"])
def test_f23_broken_weights_of_a_policy_are_seen(algorithm: str) -> None:
    model = make_model(algorithm)
    with torch.no_grad():
        next(model.policy.parameters()).fill_(torch.nan)
        for parameter in model.policy.parameters():
            parameter.fill_(torch.nan)
    assert "NaN or infinite" in failure(load_agent(model))


def test_f23_an_agent_that_raises_is_named() -> None:
    def broken(n: int) -> Any:
        raise RuntimeError("one\ntwo")

    message = failure(Raw(CHOICES, broken))
    assert message == "mine raised RuntimeError: one"
