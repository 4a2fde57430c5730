"""Opens a folder with a model and a tokenizer of `transformers`; none of its code ever runs.

Nothing is downloaded here: what is not on this machine is refused with the command that brings it.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import torch

from pellucid.errors import ArtifactError, InputError
from pellucid.io import strict_json
from pellucid.io.imports import optional_import
from pellucid.posttrain.native.hugging_face import HuggingFaceModel
from pellucid.posttrain.native.hugging_face_tokenizer import HuggingFaceTokenizer

MAX_CONFIG_BYTES = 16 * 1024**2
_HUB_ID = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
_SAFE = {"trust_remote_code": False, "local_files_only": True}
_NO_CODE = "pellucid never runs code that comes with a model"


class Opened(NamedTuple):
    """A model with its tokenizer.

    Args:
        model: The model, in float32.
        tokenizer: Its tokenizer.
    """

    model: HuggingFaceModel
    tokenizer: HuggingFaceTokenizer


def open_language_model(
    source: str | Path, *, revision: str | None = None, gguf: str | None = None
) -> Opened:
    """Open a model folder, or a hub id that was downloaded before.

    Args:
        source: Folder with `config.json`, safetensors and a tokenizer, or with a GGUF file; or an
            id such as `org/name` in the local cache of the hub.
        revision: Of the id; None for the newest one that was downloaded.
        gguf: Name of the GGUF file in the folder; None for the only one if there is no
            `config.json`.

    Raises:
        ArtifactError: The folder is damaged, has no safetensors, asks for code of its own, or is
            an adapter without its model.
        InputError: It is not on this machine, or `transformers` is not installed.
    """
    transformers = optional_import("transformers", extra="llm")
    folder = Path(source)
    if not folder.is_dir():
        folder = _downloaded(str(source), revision)
    gguf = gguf or _only_gguf(folder)
    options: dict[str, Any] = dict(_SAFE)
    if gguf is None:
        _check_config(folder)
        weights = {"use_safetensors": True}
    else:
        options["gguf_file"] = gguf
        weights = {}
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=torch.float32, attn_implementation="sdpa", **weights, **options
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **options)
    except Exception as error:  # transformers raises any class, by what is wrong with the files
        first = (str(error).splitlines() or [""])[0][:200]
        raise ArtifactError(
            f"{folder} cannot be opened as a model: {type(error).__name__}: {first}",
            hint="give a folder with config.json, safetensors and a tokenizer",
        ) from None
    return Opened(HuggingFaceModel(model.eval()), HuggingFaceTokenizer(tokenizer))


def _downloaded(source: str, revision: str | None) -> Path:
    """Return the folder of a hub id in the local cache."""
    if not _HUB_ID.fullmatch(source):
        raise InputError(f"{source!r} is neither a folder nor an id such as org/name")
    hub = optional_import("huggingface_hub", extra="llm")
    try:
        found = hub.snapshot_download(source, revision=revision, local_files_only=True)
    except (OSError, ValueError) as error:
        at, wanted = (
            (f" at revision {revision}", f" --revision {revision}") if revision else ("", "")
        )
        raise InputError(
            f"{source!r}{at} is not on this machine, and nothing is downloaded here",
            hint=f"once, with network: hf download {source}{wanted}; or give a folder",
        ) from error
    return Path(found)


def _only_gguf(folder: Path) -> str | None:
    if (folder / "config.json").exists():
        return None
    found = sorted(path.name for path in folder.glob("*.gguf"))
    if len(found) > 1:
        raise ArtifactError(
            f"{folder} has {len(found)} GGUF files", hint=f"say which: gguf={found[0]!r}"
        )
    return found[0] if found else None


def _check_config(folder: Path) -> None:
    if (folder / "adapter_config.json").exists():
        raise ArtifactError(
            f"{folder} holds an adapter, not a model",
            hint="merge it first: PeftModel.merge_and_unload(), then save_pretrained",
        )
    path = folder / "config.json"
    if not path.exists():
        raise ArtifactError(
            f"{folder} has no config.json", hint="give the folder that save_pretrained wrote"
        )
    config = strict_json.read(path, max_bytes=MAX_CONFIG_BYTES)
    if not isinstance(config, dict):
        raise ArtifactError(f"{path} is not a table of fields")
    known = optional_import("transformers", extra="llm").CONFIG_MAPPING
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in known:
        code = " and asks for code of its own (auto_map)" if "auto_map" in config else ""
        raise ArtifactError(
            f"{path}: transformers does not know the model type {str(model_type)[:60]!r}{code}",
            hint=_NO_CODE,
        )
    kernels = _outside_code(config)
    if kernels is not None:
        raise ArtifactError(f"{path} asks for code from elsewhere: {kernels[:80]!r}", hint=_NO_CODE)


def _outside_code(config: Any) -> str | None:
    """Return what a configuration names as the implementation of a part, if it is on the hub."""
    if isinstance(config, list):
        return next(filter(None, map(_outside_code, config)), None)
    if not isinstance(config, dict):
        return None
    for key, value in config.items():
        if key.endswith("_implementation") and any("/" in text for text in _texts(value)):
            return str(value)
        found = _outside_code(value)
        if found is not None:
            return found
    return None


def _texts(value: Any) -> list[str]:
    values = value.values() if isinstance(value, dict) else [value]
    return [text for text in values if isinstance(text, str)]
