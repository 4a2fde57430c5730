"""The only place that opens model files. Opening one never runs anything that is in it.

Four kinds are read: Stable-Baselines3 archives, torch weight files, safetensors and estimators of
scikit-learn in skops files. Everything is checked on the bytes before it is unpacked: names, sizes
and links in archives, and what a torch or skops file asks to be built. The libraries' own safe
readers (torch's `weights_only`, skops' list of trusted types) are the second wall, and when they
refuse there is no second attempt. There is no unsafe mode.
"""

import hashlib
import io
import pickletools
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import safetensors.torch
import torch

from pellucid.errors import ArtifactError, DataError
from pellucid.io import strict_json
from pellucid.io.arrays import check_header
from pellucid.io.estimator_schema import TRUSTED, check_schema, check_trees
from pellucid.io.files import read_bytes
from pellucid.io.imports import optional_import
from pellucid.io.messages import first_line
from pellucid.io.zips import SMALL_BYTES, ZipLimits, open_zip, read_member

MAX_MEMBERS = 10_000  # a torch file has one member per tensor
MAX_SB3_MEMBERS = 64
MAX_SB3_DATA_BYTES = 64 * 1024**2
MAX_UNPACKED_BYTES = 4 * 1024**3
_SB3_LIMITS = ZipLimits(MAX_SB3_MEMBERS, MAX_UNPACKED_BYTES)
_TORCH_LIMITS = ZipLimits(MAX_MEMBERS, MAX_UNPACKED_BYTES)
_MAKER = "give the file that model.save(...) or torch.save(...) wrote"
_SKOPS_MAKER = "give the file that skops.io.dump(estimator, path) wrote"
_MAX_PROGRAM_BYTES = 32 * 1024**2
_SERIALISED = ":serialized:"

_STORAGES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
# all that a table of dense tensors needs; torch's own list is longer
_ALLOWED_NAMES = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "torch.nn.parameter Parameter",
        *(f"torch {kind}Storage" for kind in _STORAGES),
    }
)


@dataclass(frozen=True)
class Sb3Archive:
    """What is read of a Stable-Baselines3 archive.

    Args:
        data: The plain JSON fields; serialised objects are taken out unread.
        state_dict: The policy's weights by name, on the CPU.
        system_info: The text that tells where it was trained; may be empty.
        version: Version of Stable-Baselines3 that wrote it; may be empty.
        sha256: Of the file.
    """

    data: Mapping[str, Any]
    state_dict: Mapping[str, torch.Tensor]
    system_info: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Weights:
    """The weights in a file.

    Args:
        state_dict: By name, on the CPU.
        sha256: Of the file.
    """

    state_dict: Mapping[str, torch.Tensor]
    sha256: str


@dataclass(frozen=True)
class Estimator:
    """An estimator of scikit-learn and the file that it was read from.

    Args:
        estimator: The estimator.
        content: Bytes of the file.
        sha256: Of the file.
        version: Version of skops that wrote it; empty if unknown.
    """

    estimator: Any
    content: bytes
    sha256: str
    version: str = ""


def open_sb3_zip(path: Path) -> Sb3Archive:
    """Read a Stable-Baselines3 archive without decoding any object in it.

    Raises:
        ArtifactError: The file is missing, damaged, not such an archive, or unsafe to unpack.
    """
    content = read_bytes(path, error=ArtifactError)
    archive = open_zip(
        content, where=str(path), limits=_SB3_LIMITS, error=ArtifactError, hint=_MAKER
    )
    with archive:
        names = set(archive.namelist())
        for needed in ("data", "policy.pth"):
            if needed not in names:
                raise ArtifactError(
                    f"{path} is a zip without {needed!r}, which a Stable-Baselines3 archive has",
                    hint="give the file that model.save(...) wrote",
                )
        data = _member(archive, "data", str(path), MAX_SB3_DATA_BYTES)
        weights = _member(archive, "policy.pth", str(path), MAX_UNPACKED_BYTES)
        texts = {
            name: _member(archive, name, str(path), SMALL_BYTES).decode("utf-8", "replace")
            for name in ("system_info.txt", "_stable_baselines3_version")
            if name in names
        }
    return Sb3Archive(
        _plain_fields(data, f"'data' in {path}"),
        _parse_torch(weights, f"'policy.pth' in {path}"),
        texts.get("system_info.txt", "").strip(),
        texts.get("_stable_baselines3_version", "").strip(),
        hashlib.sha256(content).hexdigest(),
    )


def read_state_dict(path: Path) -> Weights:
    """Read a `.pth` file that holds a table of tensors and nothing else.

    Raises:
        ArtifactError: The file is missing, damaged, or holds more than tensors.
    """
    content = read_bytes(path, error=ArtifactError)
    state_dict = _parse_torch(content, str(path))
    return Weights(state_dict, hashlib.sha256(content).hexdigest())


def read_safetensors(path: Path) -> Weights:
    """Read the tensors of a safetensors file.

    Raises:
        ArtifactError: The file is missing, damaged or not safetensors.
    """
    content = read_bytes(path, error=ArtifactError)
    check_header(content, where=str(path), error=ArtifactError)
    state_dict = safetensors.torch.load(content)
    return Weights(state_dict, hashlib.sha256(content).hexdigest())


def open_skops(path: Path) -> Estimator:
    """Read an estimator of scikit-learn from a skops file.

    Raises:
        ArtifactError: The file is missing, damaged, unsafe to unpack, or holds another type than
            `io.estimator_schema` lists.
        InputError: skops is not installed.
    """
    content, where = read_bytes(path, error=ArtifactError), str(path)
    with open_zip(
        content, where=where, limits=_TORCH_LIMITS, error=ArtifactError, hint=_SKOPS_MAKER
    ) as archive:
        if "schema.json" not in archive.namelist():
            raise ArtifactError(f"{where} is a zip without 'schema.json'", hint=_SKOPS_MAKER)
        described = _member(archive, "schema.json", where, MAX_SB3_DATA_BYTES)
    try:
        schema = strict_json.loads(described, where=f"'schema.json' in {where}")
    except DataError as error:
        raise ArtifactError(str(error)) from None
    check_schema(schema, where)
    skops_io = optional_import("skops.io", extra="skops")
    try:
        # another version of scikit-learn warns: that is told by the versions in the report
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator = skops_io.loads(content, trusted=list(TRUSTED))
    except Exception as error:  # damaged in any way; never a second attempt
        raise ArtifactError(
            f"{where} cannot be read as an estimator: {first_line(error)}", hint=_SKOPS_MAKER
        ) from None
    check_trees(estimator, where)
    version = str(schema.get("_skops_version", ""))[:40]
    return Estimator(estimator, content, hashlib.sha256(content).hexdigest(), version)


# --- zip archives ---


def _member(archive: zipfile.ZipFile, name: str, where: str, max_bytes: int) -> bytes:
    return read_member(archive, name, where=where, max_bytes=max_bytes, error=ArtifactError)


def _plain_fields(content: bytes, where: str) -> dict[str, Any]:
    try:
        # Stable-Baselines3 writes Python's literals, as in "max_grad_norm": Infinity
        fields = strict_json.loads(content, where=where, non_finite_literals=True)
    except DataError as error:
        raise ArtifactError(str(error)) from None
    if not isinstance(fields, dict):
        raise ArtifactError(f"{where} is not a table of fields")
    return {key: _without_objects(value) for key, value in fields.items()}


def _without_objects(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_objects(v) for k, v in value.items() if k != _SERIALISED}
    if isinstance(value, list):
        return [_without_objects(item) for item in value]
    return value


# --- torch files ---


def _parse_torch(content: bytes, where: str) -> dict[str, torch.Tensor]:
    _check_torch_file(content, where)
    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        # whatever it was: a damaged or unsafe file; never a second attempt. torch's own message
        # advises one, so it is not passed on
        raise ArtifactError(
            f"{where} cannot be read as plain weights ({type(error).__name__})",
            hint="save it again with torch.save(module.state_dict(), path)",
        ) from None
    return _check_table(loaded, where)


def _check_torch_file(content: bytes, where: str) -> None:
    """Refuse a torch file that asks for more than tensors, before torch sees it."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise ArtifactError(
            f"{where} is not a torch weight file (those are zip archives since torch 1.6)",
            hint="save it again with torch.save(module.state_dict(), path)",
        )
    with open_zip(
        content, where=where, limits=_TORCH_LIMITS, error=ArtifactError, hint=_MAKER
    ) as archive:
        packed = [m.filename for m in archive.infolist() if m.compress_type != zipfile.ZIP_STORED]
        if packed:
            # torch never compresses; unpacked sizes are then those of the file
            raise ArtifactError(f"{where} has the compressed member {packed[0][:80]!r}")
        if sum(m.file_size for m in archive.infolist()) > len(content):
            raise ArtifactError(f"{where} has members that overlap")
        programs = [n for n in archive.namelist() if PurePosixPath(n).name == "data.pkl"]
        scripted = [n for n in archive.namelist() if PurePosixPath(n).name == "constants.pkl"]
        if scripted or len(programs) != 1:
            what = "TorchScript code" if scripted else f"{len(programs)} 'data.pkl'"
            raise ArtifactError(
                f"{where} holds {what}, and one table of tensors was expected",
                hint="save it again with torch.save(module.state_dict(), path)",
            )
        program = _member(archive, programs[0], where, _MAX_PROGRAM_BYTES)
    asked = _names_asked_for(program, where) - _ALLOWED_NAMES
    if asked:
        listed = ", ".join(repr(name.replace(" ", ".")[:60]) for name in sorted(asked)[:3])
        raise ArtifactError(
            f"{where} holds more than tensors: it asks for {listed}",
            hint="save it again with torch.save(module.state_dict(), path)",
        )


def _names_asked_for(program: bytes, where: str) -> set[str]:
    # the operations are listed, not run; torch writes names with GLOBAL only
    names: set[str] = set()
    try:
        for operation, argument, _ in pickletools.genops(program):
            if operation.name == "GLOBAL":
                names.add(str(argument))
            elif operation.name in ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4"):
                names.add(f"an object by {operation.name}")
    except Exception as error:  # damaged in any way
        raise ArtifactError(f"{where} is damaged: {first_line(error)}") from None
    return names


def _check_table(loaded: Any, where: str) -> dict[str, torch.Tensor]:
    if not isinstance(loaded, dict):
        raise ArtifactError(
            f"{where} holds a value of type {type(loaded).__name__}, expected a table of tensors"
        )
    table: dict[str, torch.Tensor] = {}
    for key, value in loaded.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise ArtifactError(
                f"{where} holds a value of type {type(value).__name__} under {str(key)[:80]!r}, "
                "expected tensors",
                hint="save it again with torch.save(module.state_dict(), path)",
            )
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise ArtifactError(f"{where}: tensor {key[:80]!r} is not a dense tensor")
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            # one stored number shown as millions: copies of it would fill the memory
            raise ArtifactError(f"{where}: tensor {key[:80]!r} is larger than what is stored of it")
        table[key] = value.detach()
    return table
