"""Folders of RL Baselines3 Zoo."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pellucid.agents import load_agent
from pellucid.agents.normalisation import stated
from pellucid.agents.zoo import find_zoo
from pellucid.api.locating import locate
from pellucid.cli.main import main
from pellucid.errors import ArtifactError, InputError
from tests.agents.models import make_model, save_model

ENV = "CartPole-v1"
FLATTEN = "gymnasium.wrappers.FlattenObservation"


def make_zoo(root: Path, *, config: Any = None, args: Any = None, name: str = ENV) -> Path:
    """Return a folder as the Zoo leaves it."""
    import gymnasium

    folder = root / "logs" / "ppo" / f"{ENV}_1"
    settings = folder / ENV
    settings.mkdir(parents=True)
    save_model(make_model("PPO", env=gymnasium.make(ENV)), folder, f"{name}.zip")
    stored = OrderedDict([("n_envs", 8), ("policy", "MlpPolicy"), *(config or {}).items()])
    (settings / "config.yml").write_text(yaml.dump(stored))
    stored = OrderedDict(
        [("algo", "ppo"), ("env", ENV), ("env_kwargs", None), *(args or {}).items()]
    )
    (settings / "args.yml").write_text(yaml.dump(stored))
    np.savez(
        folder / "evaluations.npz",
        timesteps=np.array([10, 20]),
        results=np.array([[100.0, 110.0, 90.0], [20.0, 22.0, 24.0]]),
    )
    return folder


def test_a_folder_tells_archive_environment_and_record(tmp_path: Path) -> None:
    found = locate(make_zoo(tmp_path))
    assert found.agent.name == f"{ENV}.zip"
    assert found.spec.id == ENV
    assert found.facts.recorded is not None
    assert found.facts.recorded.value == 22.0  # of the last evaluation: the file is the last agent
    assert found.warnings == (f"The training folder's {ENV}.zip is explained.",)
    assert stated(found.agent) == ("", "")


def test_an_archive_in_the_folder_is_known_as_well(tmp_path: Path) -> None:
    folder = make_zoo(tmp_path, config={"normalize": True})
    assert stated(load_agent(folder / f"{ENV}.zip", env=ENV))[0] == "unknown"
    (folder / f"{ENV}.zip").rename(folder / "best_model.zip")
    found = locate(folder)
    assert found.agent.name == "best_model.zip"
    assert found.facts.recorded is not None
    assert found.facts.recorded.value == 100.0  # of the best evaluation
    assert found.spec.id == ENV


def test_settings_beside_the_archive_are_found_as_in_a_hub(tmp_path: Path) -> None:
    folder = make_zoo(tmp_path, name=f"ppo-{ENV}")
    for file in (folder / ENV).iterdir():
        file.rename(folder / file.name)
    (folder / ENV).rmdir()
    assert locate(folder).spec.id == ENV


def test_arguments_of_the_environment_are_taken_up(tmp_path: Path) -> None:
    folder = make_zoo(tmp_path, args={"env_kwargs": {"sutton_barto_reward": True}})
    assert locate(folder).spec.kwargs == {"sutton_barto_reward": True}


@pytest.mark.parametrize(
    ("config", "state"),
    [
        ({}, ""),
        ({"normalize": False}, "no"),
        ({"normalize": True}, "unknown"),
        ({"normalize": "dict(norm_obs=True, norm_reward=False)"}, "unknown"),
        ({"normalize": "{'norm_obs': False, 'norm_reward': True}"}, "no"),
        ({"normalize": "dict(norm_obs=False)"}, "no"),
        ({"normalize": True, "normalize_kwargs": {"norm_obs": False}}, "no"),
    ],
)
def test_the_settings_say_whether_inputs_were_normalised(
    tmp_path: Path, config: Any, state: str
) -> None:
    agent = load_agent(make_zoo(tmp_path, config=config), env=ENV)
    assert stated(agent)[0] == state


def test_statistics_are_noticed_and_never_opened(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_zoo(tmp_path)
    pickle = folder / ENV / "vecnormalize.pkl"
    pickle.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    pickle.chmod(0)  # who opens it fails
    agent = load_agent(folder, env=ENV)
    assert stated(agent) == ("unknown", "vecnormalize.pkl lies beside it")
    assert "python -c" in caplog.text
    assert "--normalize stats.json" in caplog.text


def test_wrappers_are_named_and_never_applied_unasked(tmp_path: Path) -> None:
    folder = make_zoo(tmp_path, config={"env_wrapper": [FLATTEN]})
    with pytest.raises(InputError, match="names wrappers") as caught:
        locate(folder)
    wrap = "gymnasium.wrappers:FlattenObservation"
    assert f"--wrap {wrap}" in str(caught.value.hint)
    assert locate(folder, wrappers=[wrap]).spec.wrappers == (wrap,)
    assert any("missing here" in w for w in locate(folder, ENV).warnings)


def test_what_differs_from_training_is_said(tmp_path: Path) -> None:
    config = {"frame_stack": 4, "env_wrapper": [{"a.B": {"k": 1}}, "no name!"]}
    folder = make_zoo(tmp_path, config=config, args={"env": "CartPole-v0"})
    warnings = " ".join(locate(folder, ENV).warnings)
    assert "4 observations at once" in warnings
    assert "gives a.B arguments" in warnings
    assert "no name of a class" in warnings
    assert "trained in CartPole-v0, and this is CartPole-v1" in warnings


def test_tags_are_named_and_not_followed(tmp_path: Path) -> None:
    folder = make_zoo(tmp_path)
    marker = tmp_path / "marker"
    with (folder / ENV / "config.yml").open("w") as file:
        file.write(f"env_wrapper: !!python/object/apply:os.system ['touch {marker}']\n")
    warnings = " ".join(locate(folder).warnings)
    assert not marker.exists()
    assert "was not read at env_wrapper (python/object/apply:os.system)" in warnings


def test_several_archives_of_which_none_is_named_so_are_refused(tmp_path: Path) -> None:
    folder = make_zoo(tmp_path, name="one")
    (folder / "two.zip").write_bytes(b"x")
    for file in (folder / ENV).iterdir():
        file.rename(folder / file.name)
    with pytest.raises(ArtifactError, match=r"several archives: one\.zip, two\.zip"):
        load_agent(folder, env=ENV)


def test_other_folders_are_none_of_the_zoo(tmp_path: Path) -> None:
    assert find_zoo(tmp_path) is None
    assert find_zoo(tmp_path / "missing.zip") is None
    path = save_model(make_model("PPO"), tmp_path)
    assert find_zoo(path) is None
    (tmp_path / "config.yml").write_text("- anybody's\n")
    assert find_zoo(path) is None
    (tmp_path / "vecnormalize.pkl").write_bytes(b"x")
    found = find_zoo(path)
    assert found is not None
    assert found.normalised


def test_damaged_settings_are_one_line_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_zoo(tmp_path)
    (folder / ENV / "config.yml").write_text("a: [1\n")
    assert main(["explain", str(folder), "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert "is not YAML that can be read" in error
    assert "Traceback" not in error
