"""Finding the adapter, reading cards, and the registry of adapters."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import registry
from pellucid.agents import load_agent
from pellucid.agents.adapter import AdapterInfo
from pellucid.agents.loading import SUFFIXES, TYPE_NAMES, spaces_of
from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.envs.spec import EnvSpec
from pellucid.errors import ArtifactError, InputError
from pellucid.types import Agent
from tests.agents.models import StubEnv, make_model, random_observations, save_model


def test_the_lazy_tables_are_what_the_adapters_say() -> None:
    loaded, problems = registry.load_all("adapters")
    assert problems == []
    items = registry.items("adapters")
    ours = {n: a.info for n, a in loaded.items() if items[n].source == "pellucid"}
    assert {s: n for n, info in ours.items() for s in info.suffixes} == SUFFIXES
    assert {t: n for n, info in ours.items() for t in info.type_names} == TYPE_NAMES
    for name, info in ours.items():
        assert isinstance(info, AdapterInfo)
        assert info.name == name
        assert info.capabilities
        assert all(hasattr(loaded[name], part) for part in info.contract)


def test_listing_adapters_loads_no_framework() -> None:
    code = (
        "import sys; from pellucid import registry; registry.names('adapters'); "
        "import pellucid.agents as a; dir(a); "
        "print([m for m in ('torch', 'gymnasium', 'stable_baselines3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_a_function_loads_no_other_framework() -> None:
    code = (
        "import sys, numpy as np; from pellucid.agents import load_agent; "
        "from gymnasium.spaces import Box, Discrete; import types; "
        "env = types.SimpleNamespace(observation_space=Box(-1, 1, (2,)), action_space=Discrete(2));"
        "load_agent(lambda o: np.zeros(len(o), int), env=env).act(np.zeros((1, 2)));"
        "print([m for m in ('torch', 'stable_baselines3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_agent_is_returned_as_it_is() -> None:
    agent = load_agent(make_model("DQN"))
    assert isinstance(agent, Agent)
    assert load_agent(agent, env=StubEnv()) is agent
    metered = MeteredAgent(agent, Meter(Cost()))
    assert load_agent(metered) is metered
    with pytest.raises(InputError, match="other actions"):
        load_agent(agent, env=StubEnv(StubEnv().observation_space))


def test_an_environment_may_be_a_spec() -> None:
    spaces = spaces_of(EnvSpec("CartPole-v1"))
    assert int(spaces.action.n) == 2
    assert spaces.observation.shape == (4,)


@pytest.mark.parametrize(
    ("name", "what", "hint"),
    [
        ("policy.pkl", "is a pickle, which runs code", "torch.save"),
        ("vecnormalize.pickle", "is a pickle, which runs code", "torch.save"),
        ("policy.onnx", "is of no known kind of agent", ""),
        ("policy.pth", "class of the network is needed", "--policy-class"),
        ("policy.zip", "not a sound zip archive", "model.save"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(
    tmp_path: Path, name: str, what: str, hint: str
) -> None:
    (tmp_path / name).write_bytes(b"some bytes")
    with pytest.raises(InputError, match=what) as caught:
        load_agent(tmp_path / name, env=StubEnv())
    assert hint in str(caught.value.hint)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"gone\.zip does not exist"):
        load_agent(tmp_path / "gone.zip", env=StubEnv())
    with pytest.raises(ArtifactError, match="does not exist"):
        load_agent("no/such/file", env=StubEnv())
    with pytest.raises(ArtifactError, match=r"folder without card\.json"):
        load_agent(tmp_path)


def test_a_plugin_adapter_is_asked_when_ours_do_not_fit(write_plugin: Any, tmp_path: Path) -> None:
    source = (
        "from pellucid.agents.adapter import adapter\n"
        "from pellucid.agents.function import FunctionAgent\n"
        "import numpy as np\n"
        "@adapter('toy', source='toy', accepts=('x.toy',), capabilities={'all': ()},\n"
        "         suffixes=('.toy',))\n"
        "class Toy:\n"
        "    @staticmethod\n"
        "    def load(request):\n"
        "        return FunctionAgent('toy', lambda o: np.full(len(o), 2), request.spaces,"
        " False, {})\n"
    )
    write_plugin("pellucid-toys", {"toys": source}, {"pellucid.adapters": {"toy": "toys:Toy"}})
    (tmp_path / "x.toy").write_bytes(b"x")
    agent = load_agent(tmp_path / "x.toy", env=StubEnv())
    np.testing.assert_array_equal(agent.act(random_observations(2)), [2, 2])


def test_an_archive_in_a_folder_that_looks_like_an_import_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = make_model("PPO", policy_kwargs={"net_arch": [8]})
    save_model(model, tmp_path, "m.zip")
    assert load_agent("m.zip", env=StubEnv()).name == "m.zip"
