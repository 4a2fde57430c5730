"""Files that try to run code, fill the memory or leave their folder when they are opened.

Importable by the processes that open them. Every payload would create a marker file.
"""

import base64
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

TEN_GIGABYTES = 10 * 1024**3


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return exec, (f"open({str(self.marker)!r}, 'w').close()",)


def serialised(marker: Path) -> dict[str, str]:
    """Return a field as Stable-Baselines3 writes it, holding a payload."""
    return {
        ":type:": "<class 'function'>",
        ":serialized:": base64.b64encode(pickle.dumps(Payload(marker))).decode(),
    }


def torch_bytes(content: Any, **options: Any) -> bytes:
    """Return what `torch.save` writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def poison_archive(good: Path, path: Path, marker: Path, *, weights: bool = False) -> Path:
    """Copy an archive and put a payload in every serialised field, and beside the weights."""
    with zipfile.ZipFile(good) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    fields = json.loads(members["data"])
    for key, value in fields.items():
        if isinstance(value, dict) and ":serialized:" in value:
            fields[key] = {**value, ":serialized:": serialised(marker)[":serialized:"]}
    fields["lr_schedule"] = serialised(marker)
    fields["unheard_of"] = serialised(marker)
    fields["nested"] = {"deep": [serialised(marker)]}
    members["data"] = json.dumps(fields).encode()
    members["pytorch_variables.pth"] = torch_bytes({"x": Payload(marker)})
    members["policy.optimizer.pth"] = pickle.dumps(Payload(marker))
    if weights:
        members["policy.pth"] = torch_bytes({"x": Payload(marker)})
    return write_zip(path, members)


def write_zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """Write members in order."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_member(path: Path, info: zipfile.ZipInfo, content: bytes = b"x") -> Path:
    """Write an archive that has one odd member beside those that it needs."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", "{}")
        archive.writestr("policy.pth", torch_bytes({}))
        archive.writestr(info, content)
    return path


def link_member(path: Path) -> Path:
    """Write an archive with a symbolic link in it."""
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return write_member(path, info, b"/etc/passwd")


def zip_bomb(path: Path, claimed: int = TEN_GIGABYTES) -> Path:
    """Write a small archive of which one member claims to unpack to a size of its own choice."""
    return _claim_size(true_bomb(path), "data", claimed)


def _claim_size(path: Path, member: str, size: int) -> Path:
    """Change the unpacked size of a member in the list at the end of an archive."""
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(member.encode()) + 1)
    content[at + 24 : at + 28] = struct.pack("<I", min(size, 2**32 - 2))
    path.write_bytes(content)
    return path


def true_bomb(path: Path) -> Path:
    """Write a sound archive of 64 KB whose fields unpack to 64 MB."""
    return write_zip(
        path,
        {"data": bytes(64 * 1024**2), "policy.pth": torch_bytes({})},
        zipfile.ZIP_DEFLATED,
    )


def weight_files(folder: Path, marker: Path) -> list[Path]:
    """Write torch files that hold more than tensors, each in its own way."""
    folder.mkdir(exist_ok=True)
    files = {
        "reduce.pth": torch_bytes({"w": Payload(marker)}),
        "plain_pickle.pth": pickle.dumps(Payload(marker)),
        "old_form.pth": torch_bytes({"w": torch.zeros(2)}, _use_new_zipfile_serialization=False),
        "old_payload.pth": torch_bytes(Payload(marker), _use_new_zipfile_serialization=False),
        "whole_module.pth": torch_bytes(torch.nn.Linear(2, 2)),
        "numpy.pth": torch_bytes({"w": np.zeros(2)}),
        "list.pth": torch_bytes([torch.zeros(2)]),
        "number.pth": torch_bytes({"w": 3}),
        "number_key.pth": torch_bytes({3: torch.zeros(2)}),
        "sparse.pth": torch_bytes({"w": torch.eye(2).to_sparse()}),
        "expanded.pth": torch_bytes({"w": torch.zeros(1).expand(2**40)}),
        "noise.pth": bytes(range(256)) * 4,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    packed = folder / "packed.pth"
    with zipfile.ZipFile(io.BytesIO(torch_bytes({"w": torch.zeros(100)}))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    write_zip(packed, members, zipfile.ZIP_DEFLATED)
    scripted = folder / "scripted.pth"
    write_zip(scripted, {**members, "archive/constants.pkl": b"x"})
    return [*(folder / name for name in files), packed, scripted]


def array_files(folder: Path) -> list[Path]:
    """Write safetensors files whose header lies."""
    folder.mkdir(exist_ok=True)
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    headers: dict[str, bytes] = {
        "overlap": json.dumps({"a": entry, "b": {**entry, "data_offsets": [2, 6]}}).encode(),
        "outside": json.dumps({"a": {**entry, "data_offsets": [2**60, 2**60 + 4]}}).encode(),
        "twice": b'{"a": ' + json.dumps(entry).encode() + b', "a": 1}',
        "deep": b'{"a":' * 100_000,
        "huge_shape": json.dumps({"a": {**entry, "shape": [2**62, 2**62]}}).encode(),
    }
    made = []
    for name, header in headers.items():
        path = folder / f"{name}.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
        made.append(path)
    long = folder / "long.safetensors"
    long.write_bytes((2**60).to_bytes(8, "little") + b"{}" * 8)
    return [*made, long]
