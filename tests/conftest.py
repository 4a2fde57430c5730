"""What every test can use: plug-ins written into a temporary folder."""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.chromium import axe, chromium  # noqa: F401 - fixtures

WritePlugin = Callable[[str, Mapping[str, str], Mapping[str, Mapping[str, str]]], Path]


@pytest.fixture(autouse=True)
def denormals_are_kept() -> Iterator[None]:
    """Put back what commands set for their whole process, which these tests share with them."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Put folders on the import path for one test; what was imported from them is forgotten."""
    before = set(sys.modules)
    added: list[Path] = []

    def add(folder: Path) -> None:
        added.append(folder)
        monkeypatch.syspath_prepend(folder)
        importlib.invalidate_caches()

    yield add
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin is not None and any(Path(origin).is_relative_to(f) for f in added):
            del sys.modules[name]


@pytest.fixture
def write_plugin(tmp_path: Path, on_path: Callable[[Path], None]) -> WritePlugin:
    """Write an installed distribution: its modules and the entry points of its metadata."""

    def write(
        name: str, modules: Mapping[str, str], points: Mapping[str, Mapping[str, str]]
    ) -> Path:
        folder = tmp_path / name
        metadata = folder / f"{name.replace('-', '_')}-0.1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
        lines = []
        for group, named in points.items():
            lines += [f"[{group}]", *(f"{point} = {value}" for point, value in named.items())]
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for module, source in modules.items():
            (folder / f"{module}.py").write_text(source)
        on_path(folder)
        return folder

    return write
