"""What is read of a sound model file."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pellucid.errors import ArtifactError
from pellucid.io.artifacts import open_sb3_zip, read_safetensors, read_state_dict
from tests.agents.models import make_model, save_model
from tests.io.hostile import array_files, torch_bytes, write_zip


def test_an_archive_gives_plain_fields_and_weights(tmp_path: Path) -> None:
    model = make_model("PPO", policy_kwargs={"net_arch": [4], "activation_fn": torch.nn.ReLU})
    path = save_model(model, tmp_path)
    archive = open_sb3_zip(path)
    assert archive.data["n_epochs"] == 10
    assert archive.data["policy_kwargs"] == {
        ":type:": "<class 'dict'>",
        "net_arch": [4],
        "activation_fn": "<class 'torch.nn.modules.activation.ReLU'>",
    }
    assert archive.data["action_space"]["n"] == "4"
    for name, tensor in model.policy.state_dict().items():
        assert torch.equal(archive.state_dict[name], tensor)
    assert archive.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert archive.version.count(".") == 2
    assert "PyTorch" in archive.system_info


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"policy.pth": b"x"}, "without 'data'"),
        ({"data": b"{}"}, "without 'policy.pth'"),
        ({"data": b"[]", "policy.pth": b"x"}, "not a table of fields"),
        ({"data": b'{"a": 1, "a": 2}', "policy.pth": b"x"}, "occurs twice"),
        ({"data": b"\xff", "policy.pth": b"x"}, "not UTF-8"),
        ({"data": b"{}", "policy.pth": b"x"}, "not a torch weight file"),
    ],
)
def test_another_zip_is_refused(tmp_path: Path, members: dict[str, bytes], what: str) -> None:
    with pytest.raises(ArtifactError, match=what):
        open_sb3_zip(write_zip(tmp_path / "x.zip", members))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64])
def test_tensors_of_any_usual_type_load(tmp_path: Path, dtype: torch.dtype) -> None:
    table = {"a": torch.arange(3).to(dtype), "b": torch.nn.Parameter(torch.ones(2))}
    torch.save(table, tmp_path / "w.pth")
    save_file({k: v.detach() for k, v in table.items()}, tmp_path / "w.safetensors")
    for weights in (
        read_state_dict(tmp_path / "w.pth"),
        read_safetensors(tmp_path / "w.safetensors"),
    ):
        assert torch.equal(weights.state_dict["a"], table["a"])
        assert weights.state_dict["a"].dtype == dtype
        assert not weights.state_dict["b"].requires_grad


def test_weights_saved_on_a_gpu_load_on_the_cpu(tmp_path: Path) -> None:
    content = torch_bytes({"w": torch.ones(3)})
    # the device is a text in the file: what a GPU would have written
    changed = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert changed != content
    members = _members(content)
    name = next(n for n in members if n.endswith("data.pkl"))
    members[name] = members[name].replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    path = write_zip(tmp_path / "w.pth", members)
    state_dict = read_state_dict(path).state_dict
    assert state_dict["w"].device.type == "cpu"
    assert torch.equal(state_dict["w"], torch.ones(3))


def test_tensors_that_share_memory_load(tmp_path: Path) -> None:
    base = torch.arange(6.0)
    torch.save({"a": base, "b": base[2:4], "t": base.reshape(2, 3).T}, tmp_path / "w.pth")
    state_dict = read_state_dict(tmp_path / "w.pth").state_dict
    assert state_dict["b"].tolist() == [2, 3]
    assert state_dict["t"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """A quine-like file: many members over the same bytes."""
    content = bytearray(torch_bytes({"w": torch.zeros(50_000), "v": torch.zeros(50_000)}))
    first = content.rindex(b"PK\x01\x02")
    # let the last member claim all bytes of the file
    size = (len(content) - 100).to_bytes(4, "little")
    content[first + 20 : first + 28] = size + size
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(ArtifactError):
        read_state_dict(tmp_path / "w.pth")


def test_a_malformed_safetensors_file_is_an_artifact_error(tmp_path: Path) -> None:
    for path in array_files(tmp_path / "arrays"):
        with pytest.raises(ArtifactError, match="not a sound safetensors file"):
            read_safetensors(path)


def _members(content: bytes) -> dict[str, bytes]:
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
