"""The pages about agents and logs: every adapter is named, every option is one, recipes run."""

import importlib.util
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pellucid as pl
from pellucid import registry
from pellucid.agents.loading import SUFFIXES
from pellucid.io.estimator_schema import ESTIMATORS
from pellucid.rollouts import log_folders
from tests.test_readme import BLOCK, ROOT

PAGE = (ROOT / "docs" / "agents.md").read_text()
LOGS = (ROOT / "docs" / "logs.md").read_text()
RECIPES = {
    text.partition("\n")[0].removeprefix("# ").removesuffix(".py"): text
    for language, text in BLOCK.findall(PAGE)
    if language == "python"
}
ROWS = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)


def imported(name: str, folder: Path) -> Any:
    """Return the module of a recipe."""
    path = folder / f"{name}.py"
    path.write_text(RECIPES[name])
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_adapter_and_ending_is_on_the_page() -> None:
    for name, item in registry.items("adapters").items():
        assert item.source != "pellucid" or f"`{name}`" in PAGE, name
    for ending in SUFFIXES:
        assert ending in PAGE or ending == ".pt"


def test_every_option_on_the_pages_exists() -> None:
    shown = subprocess.run(
        [str(Path(sys.executable).parent / "pellucid"), "explain", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": "", "NO_COLOR": "1", "HOME": str(ROOT)},
    ).stdout
    options = set(re.findall(r"`[^`]*?(--[a-z][a-z-]+)", PAGE + LOGS))
    assert {option for option in options if option not in shown} == set()


def test_the_columns_of_logs_are_those_that_are_read() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", LOGS, re.MULTILINE))
    assert listed == {*log_folders.NEEDED, *log_folders.OPTIONAL}
    for file in log_folders.FILES:
        assert f"`{file}`" in LOGS


def test_estimators_that_the_page_refuses_are_not_read() -> None:
    assert not {"KNeighborsClassifier", "SVC", "GradientBoostingClassifier"} & ESTIMATORS


# --- recipes ---


def test_cleanrl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Agent(nn.Module):  # as in CleanRL's ppo.py
        def __init__(self, envs: Any) -> None:
            super().__init__()
            size = int(np.prod(envs.single_observation_space.shape))
            self.critic = nn.Sequential(nn.Linear(size, 8), nn.Tanh(), nn.Linear(8, 1))
            self.actor = nn.Sequential(
                nn.Linear(size, 8), nn.Tanh(), nn.Linear(8, envs.single_action_space.n)
            )

        def get_value(self, x: Any) -> Any:
            return self.critic(x)

    monkeypatch.setitem(sys.modules, "ppo", types.SimpleNamespace(Agent=Agent))
    recipe = imported("cleanrl_agent", tmp_path)
    monkeypatch.setitem(sys.modules, "cleanrl_agent", recipe)
    env = types.SimpleNamespace(
        single_observation_space=types.SimpleNamespace(shape=(4,)),
        single_action_space=types.SimpleNamespace(n=2),
    )
    trained = Agent(env)
    torch.save(trained.state_dict(), tmp_path / "agent.pth")
    agent: Any = pl.load_agent(
        tmp_path / "agent.pth", env="CartPole-v1", policy_class="cleanrl_agent:Explained"
    )
    with torch.no_grad():
        logits, values = (
            trained.actor(torch.from_numpy(ROWS)),
            trained.critic(torch.from_numpy(ROWS)),
        )
    np.testing.assert_array_equal(agent.act(ROWS), logits.argmax(dim=1))
    np.testing.assert_allclose(agent.value(ROWS), values[:, 0], rtol=1e-5)


def test_torchrl(tmp_path: Path) -> None:
    modules = pytest.importorskip("torchrl.modules")
    nets = pytest.importorskip("tensordict.nn")
    network, critic = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)), nn.Linear(4, 1)
    policy = modules.ProbabilisticActor(
        nets.TensorDictModule(network, in_keys=["observation"], out_keys=["logits"]),
        in_keys=["logits"],
        distribution_class=torch.distributions.Categorical,
    )
    values = modules.ValueOperator(critic, in_keys=["observation"])
    recipe = imported("torchrl_agent", tmp_path)
    agent: Any = pl.load_agent(recipe.FromTensorDict(policy, values), env="CartPole-v1")
    with torch.no_grad():
        logits, told = network(torch.from_numpy(ROWS)), critic(torch.from_numpy(ROWS))
    np.testing.assert_array_equal(agent.act(ROWS), logits.argmax(dim=1))
    np.testing.assert_allclose(agent.value(ROWS), told[:, 0], rtol=1e-5)
    assert agent.network.value_layers() == [critic]


def test_rllib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tree")  # of RLlib's extra
    pytest.importorskip("ray.rllib.core.rl_module.torch")
    import gymnasium
    from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
    from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
    from ray.rllib.core.columns import Columns
    from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

    env = gymnasium.make("CartPole-v1")
    module = DefaultPPOTorchRLModule(
        observation_space=env.observation_space,
        action_space=env.action_space,
        model_config=DefaultModelConfig(fcnet_hiddens=[8]),
        catalog_class=PPOCatalog,
    )
    place = tmp_path / "checkpoint/learner_group/learner/rl_module/default_policy"
    module.save_to_path(place)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "rllib_agent", imported("rllib_agent", tmp_path))
    explained = imported("rllib_checkpoint", tmp_path).explained
    agent: Any = pl.load_agent(explained, env="CartPole-v1")
    batch = {Columns.OBS: torch.from_numpy(ROWS)}
    with torch.no_grad():
        logits = module.forward_inference(batch)[Columns.ACTION_DIST_INPUTS]
        values = module.compute_values(batch)
    np.testing.assert_array_equal(agent.act(ROWS), logits.argmax(dim=1))
    np.testing.assert_allclose(agent.value(ROWS), values, rtol=1e-5)
    assert agent.torch_preferences(torch.from_numpy(ROWS).requires_grad_()).requires_grad


def test_a_stand_in_for_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log").mkdir()
    actions = (ROWS[:, 0] > 0).astype(np.int64)
    np.savez(tmp_path / "log" / "steps.npz", observations=ROWS, actions=actions)
    monkeypatch.chdir(tmp_path)
    imported("stand_in", tmp_path)
    agent = pl.load_agent("stand_in.skops", env="CartPole-v1")
    assert (agent.act(ROWS) == actions).mean() > 0.9


def test_a_team(tmp_path: Path) -> None:
    members = imported("squad", tmp_path).members
    assert set(members) == {"agent_0", "*"}
