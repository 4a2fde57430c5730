"""Networks as matrices: the module's own answers, or none."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from threadpoolctl import ThreadpoolController
from torch import nn

from pellucid.agents import load_agent
from pellucid.agents.acting import bulk_preferences, fast_preferences, preferences
from pellucid.agents.dense import DenseForward, DenseLayer, close, dense_forward
from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.errors import AgentError, BudgetError
from tests.agents.models import (
    CONTINUOUS,
    TORQUES,
    StubEnv,
    make_model,
    random_observations,
)

ROWS = random_observations()


def filled(*modules: nn.Module, seed: int = 0) -> nn.Sequential:
    """Return modules one after another with random weights."""
    stack = nn.Sequential(*modules)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in stack.parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(drawn / parameter.shape[-1] ** 0.5)
    return stack


def two_layers() -> nn.Sequential:
    return filled(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))


def agent_of(module: nn.Module, **options: Any) -> Any:
    return load_agent(module, env=StubEnv(), **options)


def test_two_layers_by_hand() -> None:
    # max(0, [2, -2] + [1, 0]) = [3, 0]; [3, 0] @ [[2, 1], [9, 9]] = [6, 3]
    first, second = nn.Linear(1, 2), nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[2.0], [-2.0]]))
        first.bias.copy_(torch.tensor([1.0, 0.0]))
        second.weight.copy_(torch.tensor([[2.0, 9.0], [1.0, 9.0]]))
    forward = dense_forward([first, nn.ReLU(), second], lambda outputs: outputs)
    assert forward is not None
    assert forward(np.ones((1, 1), np.float32)).tolist() == [[6.0, 3.0]]


STACKS: dict[str, list[nn.Module]] = {
    "one layer": [nn.Linear(3, 4)],
    "tanh": [nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4)],
    "relu, odd sizes": [nn.Linear(3, 7), nn.ReLU(), nn.Linear(7, 33), nn.ReLU(), nn.Linear(33, 4)],
    "no bias": [nn.Linear(3, 5, bias=False), nn.Tanh(), nn.Linear(5, 4, bias=False)],
    "nested, flattened": [nn.Flatten(), nn.Sequential(nn.Linear(3, 5), nn.Tanh()), nn.Linear(5, 4)],
    "no activation, one behind": [nn.Linear(3, 5), nn.Identity(), nn.Linear(5, 4), nn.Tanh()],
    "wide": [nn.Linear(3, 512), nn.ReLU(), nn.Linear(512, 4)],
}


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS.keys())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("outputs", ["logits", "q_values"])
def test_random_stacks_answer_as_their_modules(
    stack: list[nn.Module], dtype: torch.dtype, outputs: str
) -> None:
    agent = agent_of(filled(*stack).to(dtype), outputs=outputs)
    fast, expected = bulk_preferences(agent), preferences(agent, ROWS)
    assert isinstance(fast, DenseForward)
    scale = max(1.0, np.abs(expected).max())
    found = fast(ROWS)
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=(1e-6 if dtype == torch.float32 else 1e-12) * scale
    )
    assert found.dtype == np.float64


def test_means_are_clipped_to_the_range() -> None:
    agent: Any = load_agent(filled(nn.Linear(3, 2)), env=StubEnv(TORQUES))
    fast = fast_preferences(agent)
    assert fast is not None
    found = fast(ROWS)
    np.testing.assert_allclose(found, preferences(agent, ROWS), atol=1e-6)
    assert found.min(axis=0).tolist() == TORQUES.low.tolist()
    assert found.max(axis=0).tolist() == TORQUES.high.tolist()


@pytest.mark.parametrize("algorithm", ["PPO", "A2C", "DQN", *CONTINUOUS])
def test_policies_of_stable_baselines3_answer_as_the_library(algorithm: str) -> None:
    agent = load_agent(make_model(algorithm, policy_kwargs={"net_arch": [16, 16]}))
    fast = fast_preferences(agent)
    assert isinstance(fast, DenseForward)
    expected = preferences(agent, ROWS)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(fast(ROWS), expected, rtol=0, atol=2e-6 * scale)


@pytest.mark.parametrize("settings", [{}, {"use_sde": True}])
def test_gaussian_policies_give_their_mean_action(settings: dict[str, bool]) -> None:
    agent = load_agent(make_model("PPO", TORQUES, **settings))
    fast = fast_preferences(agent)
    assert fast is not None
    np.testing.assert_allclose(fast(ROWS), preferences(agent, ROWS), rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_rows", [0, 1, 1023, 1024, 1025])
def test_f43_bytes_of_a_row_do_not_depend_on_the_others(n_rows: int) -> None:
    fast = bulk_preferences(agent_of(filled(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 4))))
    assert isinstance(fast, DenseForward)
    assert fast.piece_rows == 1024
    rows = random_observations(2500)
    assert fast(rows[:n_rows]).tobytes() == fast(rows)[:n_rows].tobytes()
    assert fast(rows[700:]).tobytes() == fast(rows)[700:].tobytes()


class Own(nn.Sequential):
    """A class whose `forward` is its own business."""


def hooked(module: nn.Module) -> nn.Module:
    module.register_forward_hook(lambda part, inputs, output: output + 1)
    return module


def overridden() -> nn.Module:
    """A stack that looks plain and is not."""
    stack = two_layers()
    stack[0].forward = lambda rows: torch.zeros(len(rows), 5)
    return stack


OTHERS: dict[str, nn.Module] = {
    "another activation": filled(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 4)),
    "activation first": filled(nn.Tanh(), nn.Linear(3, 4)),
    "two activations": filled(nn.Linear(3, 4), nn.Tanh(), nn.ReLU()),
    "another layer": filled(nn.Linear(3, 5), nn.LayerNorm(5), nn.Linear(5, 4)),
    "a class of its own": Own(nn.Linear(3, 4)),
    "hook on the stack": hooked(filled(nn.Linear(3, 4))),
    "hook on a layer": filled(hooked(nn.Linear(3, 4))),
    "another forward": overridden(),
    "products worth several threads": filled(nn.Linear(3, 513), nn.ReLU(), nn.Linear(513, 4)),
    "half precision": filled(nn.Linear(3, 4)).to(torch.float16),
}


@pytest.mark.parametrize("module", OTHERS.values(), ids=OTHERS.keys())
def test_anything_else_is_asked_itself(module: nn.Module) -> None:
    agent = agent_of(module)
    assert fast_preferences(agent) is None
    expected = preferences(agent, ROWS[:5])
    np.testing.assert_array_equal(bulk_preferences(agent)(ROWS[:5]), expected)


def test_state_dependent_clips_are_asked_of_the_library() -> None:
    # behind the mean of SAC with state-dependent exploration stands a clip
    assert fast_preferences(load_agent(make_model("SAC", use_sde=True))) is None


def test_pixels_that_the_library_scales_are_not_taken_for_numbers() -> None:
    space = Box(0, 255, (3, 36, 36), np.uint8)
    agent = load_agent(make_model("PPO", env=StubEnv(observation_space=space)))
    assert fast_preferences(agent) is None


def test_layers_that_keep_an_axis_of_the_observation_are_refused() -> None:
    env = StubEnv(Box(-1, 1, (2, 4)), Box(-1, 1, (2, 3)))
    agent: Any = load_agent(filled(nn.Flatten(), nn.Linear(6, 8)), env=env)
    rows = ROWS[:6].reshape(3, 2, 3)
    fast = fast_preferences(agent)
    assert fast is not None
    np.testing.assert_allclose(fast(rows), preferences(agent, rows), atol=1e-6)
    per_row = dense_forward([nn.Linear(3, 4)], lambda outputs: outputs)
    assert per_row is not None
    with pytest.raises(ValueError, match="matmul"):
        per_row(rows)


def test_names_as_observations_are_asked_of_the_library() -> None:
    agent = load_agent(make_model("PPO", env=StubEnv(observation_space=Discrete(5))))
    assert fast_preferences(agent) is None


def test_weights_are_those_of_the_moment() -> None:
    module = two_layers()
    agent = agent_of(module)
    before = bulk_preferences(agent)
    first = before(ROWS)
    with torch.no_grad():
        module[2].weight.mul_(-1.0)
    np.testing.assert_array_equal(before(ROWS), first)
    after = bulk_preferences(agent)(ROWS)
    assert np.abs(after - first).max() > 0.1
    np.testing.assert_allclose(after, preferences(agent, ROWS), atol=1e-6)


def test_a_randomised_copy_answers_for_itself() -> None:
    agent = agent_of(two_layers())
    other = agent.randomise_layers(2, np.random.default_rng(0))
    fast = fast_preferences(other)
    assert fast is not None
    np.testing.assert_allclose(fast(ROWS), preferences(other, ROWS), atol=1e-6)


def test_f12_numbers_that_are_none_are_an_error_of_the_agent() -> None:
    agent = agent_of(two_layers())
    fast = bulk_preferences(agent)
    rows = ROWS[:4].copy()
    rows[2, 0] = np.nan
    with pytest.raises(AgentError, match=r"NaN or infinite logits for 1 of 4 .* first in row 2"):
        fast(rows)
    ones = nn.Linear(3, 4, dtype=torch.float64)
    nn.init.ones_(ones.weight)
    with pytest.raises(AgentError, match="NaN or infinite"):
        bulk_preferences(agent_of(ones))(np.full((1, 3), 1e308))
    broken = two_layers()
    with torch.no_grad():
        broken[0].weight.fill_(torch.nan)
    assert fast_preferences(agent_of(broken)) is None


def test_products_run_on_one_thread_whatever_the_process_allows() -> None:
    threads = ThreadpoolController().select(user_api="blas")
    seen = []

    def noted(units: np.ndarray) -> None:
        seen.extend(library["num_threads"] for library in threads.info())

    forward = DenseForward((DenseLayer(np.ones((3, 2)), np.ones(2), noted),), lambda found: found)
    with threads.limit(limits=2):
        forward(ROWS[:1])
        assert {library["num_threads"] for library in threads.info()} == {2}
    assert set(seen) == {1}


def test_f32_the_module_keeps_no_trace() -> None:
    module = two_layers().train()
    state = torch.random.get_rng_state()
    bulk_preferences(agent_of(module))(ROWS)
    assert all(part.training for part in module.modules())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_f36_every_row_is_paid_before_it_is_passed() -> None:
    inner, meter = agent_of(two_layers()), Meter(Cost(10))
    fast = fast_preferences(MeteredAgent(MeteredAgent(inner, Meter(Cost(100))), meter))
    assert fast is not None
    assert meter.used == Cost(0)
    np.testing.assert_array_equal(fast(ROWS[:7]), bulk_preferences(inner)(ROWS[:7]))
    assert meter.used == Cost(7)
    with pytest.raises(BudgetError):
        fast(ROWS[:4])
    assert meter.used == Cost(7)


def test_agents_without_matrices_pay_as_before() -> None:
    meter = Meter(Cost(10))
    inner = load_agent(lambda rows: np.zeros(len(rows), np.int64), env=StubEnv())
    agent = MeteredAgent(inner, meter)
    assert fast_preferences(agent) is None
    assert bulk_preferences(agent)(ROWS[:3])[:, 0].tolist() == [1.0, 1.0, 1.0]
    assert meter.used == Cost(3)


def test_close_is_relative_to_the_largest_and_never_holds_for_nan() -> None:
    hundred = np.array([[100.0, 0.0]])
    assert close(hundred + 9e-3, hundred)
    assert not close(hundred + 2e-2, hundred)
    assert not close(np.array([[2e-4]]), np.zeros((1, 1)))
    assert not close(np.array([[np.nan]]), np.array([[np.nan]]))
    assert not close(np.zeros((2, 1)), np.zeros((1, 2)))
