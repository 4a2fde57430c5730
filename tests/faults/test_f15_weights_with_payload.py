"""F15: a `.pth` file that runs code when it is unpickled."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.agents.models import StubEnv
from tests.io.hostile import Payload, torch_bytes, weight_files

from pellucid.agents import load_agent
from pellucid.errors import ArtifactError
from pellucid.io import artifacts
from pellucid.io.artifacts import read_state_dict


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record how `torch.load` is called; it still does its work."""
    calls: list[dict[str, Any]] = []
    original = torch.load

    def recorded(*args: Any, **options: Any) -> Any:
        calls.append(options)
        return original(*args, **options)

    monkeypatch.setattr(torch, "load", recorded)
    return calls


def test_f15_every_form_is_refused_and_nothing_is_tried_twice(
    tmp_path: Path, loads: list[dict[str, Any]]
) -> None:
    marker = tmp_path / "marker"
    for path in weight_files(tmp_path / "files", marker):
        loads.clear()
        with pytest.raises(ArtifactError) as caught:
            read_state_dict(path)
        assert "\n" not in str(caught.value)
        assert path.name in str(caught.value)
        assert len(loads) <= 1
        assert all(options["weights_only"] is True for options in loads)
    assert not marker.exists()


def test_f15_the_second_wall_holds_without_the_first(
    tmp_path: Path, loads: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    marker, path = tmp_path / "marker", tmp_path / "w.pth"
    path.write_bytes(torch_bytes({"w": Payload(marker)}))
    monkeypatch.setattr(artifacts, "_check_torch_file", lambda content, where: None)
    with pytest.raises(ArtifactError, match="cannot be read as plain weights"):
        read_state_dict(path)
    assert [options["weights_only"] for options in loads] == [True]
    assert not marker.exists()


def test_f15_a_plain_file_loads_once(tmp_path: Path, loads: list[dict[str, Any]]) -> None:
    path = tmp_path / "w.pth"
    module = torch.nn.Linear(3, 4)
    torch.save(module.state_dict(), path)
    agent: Any = load_agent(
        path, env=StubEnv(), policy_class="tests.agents.test_torch_module:ThreeToFour"
    )
    assert [options["weights_only"] for options in loads] == [True]
    assert torch.equal(agent.network.module.weight, module.weight)


def test_f15_names_that_the_user_made_safe_elsewhere_stay_unsafe_here(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(torch.nn.Linear(2, 2), path)
    allowed = [torch.nn.Linear, set]
    with torch.serialization.safe_globals(allowed), pytest.raises(ArtifactError, match="Linear"):
        read_state_dict(path)
