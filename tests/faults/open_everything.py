"""Opens hostile files with every loader under an audit hook, and prints what it saw as JSON.

Run by `test_f16_nothing_runs.py` in a process of its own, because a hook cannot be taken away.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from tests.agents.models import StubEnv
from tests.io import hostile

from pellucid.agents import input_statistics as statistics
from pellucid.agents import load_agent, save_agent
from pellucid.agents.zoo import find_zoo
from pellucid.api.logs import read_log
from pellucid.errors import PellucidError
from pellucid.io.arrays import load_arrays
from pellucid.io.artifacts import open_sb3_zip, open_skops, read_safetensors, read_state_dict
from pellucid.io.records import read_records
from pellucid.io.strict_json import read as read_json
from pellucid.io.tagged_yaml import read_tagged_yaml

# Every file is opened twice. The first time libraries import and compile what they need, so that
# only what no library does either is watched. The second time nothing may be compiled, run or
# imported at all. No loader is excepted: torch's `weights_only` reader is written in Python and
# looks names up in a table, so that not even it raises `pickle.find_class`.
FIRST_USE = ("exec", "compile", "import")
NEVER = (
    "pickle.find_class",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "socket.connect",
)


def load(path: Path) -> Any:
    weights = path.suffix in (".pth", ".pt", ".safetensors")
    network = "tests.agents.test_torch_module:ThreeToFour" if weights else None
    return load_agent(path, env=StubEnv(), policy_class=network)


def read_statistics(path: Path) -> Any:
    return statistics.read_statistics(path, StubEnv().observation_space)


def logs(path: Path) -> Any:
    return read_log(path, n_episodes=5)


OPENERS: tuple[Callable[[Path], Any], ...] = (
    open_sb3_zip,
    read_state_dict,
    read_safetensors,
    load_arrays,
    read_records,
    read_json,
    load,
    open_skops,
    find_zoo,
    read_tagged_yaml,
    read_statistics,
    logs,
)


def corpus(folder: Path, marker: Path) -> list[Path]:
    """Write every hostile file there is."""
    good = folder / "good.zip"
    zips = [
        hostile.poison_archive(good, folder / "poisoned.zip", marker),
        hostile.poison_archive(good, folder / "poisoned_weights.zip", marker, weights=True),
        hostile.zip_bomb(folder / "bomb.zip"),
        hostile.link_member(folder / "link.zip"),
    ]
    card = folder / "card"
    save_agent(load_agent(good, env=StubEnv()), card)
    document = json.loads((card / "card.json").read_text())
    cards = []
    for name, change in {
        "code": {"adapter": "function", "source": f"{__name__}:touch"},
        "class": {"adapter": "torch", "policy": {}, "source": f"{__name__}:touch"},
        "module": {"adapter": "os"},
        "activation": {"policy": {**document["policy"], "activation": "__import__('os')"}},
        "space": {"observation_space": {"type": "Box", "shape": [10**12], "dtype": "O"}},
        "dtype": {"observation_space": {"type": "Box", "shape": [3], "dtype": "f8", "low": "x"}},
    }.items():
        other = folder / f"card_{name}"
        save_agent(load_agent(good, env=StubEnv()), other)
        (other / "card.json").write_text(json.dumps({**document, **change}))
        cards += [other, other / "card.json"]
    pickled = folder / "policy.pkl"
    pickled.write_bytes(hostile.serialised(marker)[":serialized:"].encode())
    records = folder / "records.jsonl"
    records.write_bytes(b'{"crc": "00000000", "record": __import__("os")}\n')
    weights = hostile.weight_files(folder / "weights", marker)
    arrays = hostile.array_files(folder / "arrays")
    foreign = [*estimators(folder), *zoo_folder(folder, good, marker), *log_folders(folder, marker)]
    return [*zips, *cards, pickled, records, *weights, *arrays, *foreign]


def estimators(folder: Path) -> list[Path]:
    """Write skops files that name what is not read, in each way that there is."""
    found = []
    for loader in ("ObjectNode", "FunctionNode", "MethodNode", "OperatorFuncNode", "PartialNode"):
        schema = {"__module__": "os", "__class__": "system", "__loader__": loader, "content": None}
        found.append(folder / f"{loader}.skops")
        with zipfile.ZipFile(found[-1], "w") as archive:
            archive.writestr("schema.json", json.dumps(schema))
    return found


def zoo_folder(folder: Path, archive: Path, marker: Path) -> list[Path]:
    """Write a training folder whose settings ask for code."""
    place = folder / "logs" / "X-v0_1"
    (place / "X-v0").mkdir(parents=True)
    shutil.copy(archive, place / "X-v0.zip")
    text = f"env_wrapper: !!python/object/apply:os.system ['touch {marker}']\n"
    for name in ("config.yml", "args.yml"):
        (place / "X-v0" / name).write_text(text)
    (place / "X-v0" / "vecnormalize.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    return [place, place / "X-v0.zip", *sorted((place / "X-v0").iterdir())]


def log_folders(folder: Path, marker: Path) -> list[Path]:
    """Write logs that hold objects, or lead out of their folder."""
    objects, outside = folder / "log_objects", folder / "minari"
    objects.mkdir()
    np.savez(objects / "steps.npz", rewards=np.array([{}, 1], dtype=object))
    outside.mkdir()
    space = json.dumps({"type": "Discrete", "n": 2, "start": 0, "dtype": "int64"})
    (outside / "metadata.json").write_text(
        json.dumps({"observation_space": space, "action_space": space})
    )
    with h5py.File(outside / "main_data.hdf5", "w") as file:
        file["episode_0"] = h5py.ExternalLink(str(marker), "/")
    return [objects, outside, outside / "main_data.hdf5"]


def touch(*_: Any) -> None:
    """Stand for code that a card names; it must not be called."""
    Path(sys.argv[1], "marker").touch()


@contextlib.contextmanager
def watching(events: list[str], watched: tuple[str, ...]) -> Iterator[None]:
    """Collect watched events while the block runs."""
    active = [True]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if active[0] and event in watched:
            # an import of something that is there already is a look-up and runs nothing
            if event == "import" and arguments[0] in sys.modules:
                return
            events.append(f"{event} {str(arguments)[:160]}")

    sys.addaudithook(hook)
    try:
        yield
    finally:
        active[0] = False


def open_all(paths: list[Path]) -> tuple[int, list[str]]:
    """Open each file with each loader; return how many, and errors that are not ours."""
    opened, untyped = 0, []
    for path in paths:
        for opener in OPENERS:
            opened += 1
            try:
                opener(path)
            except PellucidError:
                continue
            except Exception as error:
                untyped.append(f"{path.name}: {type(error).__name__}: {error}")
    return opened, untyped


def breach(folder: Path) -> None:
    """Do what no loader may do."""
    import pickle

    pickle.loads(pickle.dumps(hostile.Payload(folder / "breach")))
    compile("1", "x", "eval")
    os.system("true")
    subprocess.run(["true"], check=True)
    with contextlib.suppress(OSError), socket.socket() as client:
        client.connect(("127.0.0.1", 9))


def main() -> None:
    """Open everything twice and print what was seen."""
    folder = Path(sys.argv[1])
    marker = folder / "marker"
    paths = corpus(folder, marker)
    warnings.simplefilter("ignore")  # torn records
    events: list[str] = []
    with watching(events, NEVER):
        open_all(paths)
    with watching(events, NEVER + FIRST_USE):
        opened, untyped = open_all(paths)
        if "--breach" in sys.argv:
            breach(folder)
    markers = [marker.name] if marker.exists() else []
    print(json.dumps({"events": events, "opened": opened, "untyped": untyped, "markers": markers}))


if __name__ == "__main__":
    main()
