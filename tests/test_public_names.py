"""Public names: what they are called, what they cost to import, and that they are documented."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import pellucid

SOURCE = Path(pellucid.__file__).parent
HEAVY = ("torch", "matplotlib", "gymnasium", "numba", "pandas", "scipy", "stable_baselines3")
MOST_IMPORT_SECONDS = 0.3


def modules() -> list[str]:
    files = (f.relative_to(SOURCE.parent).with_suffix("") for f in SOURCE.rglob("*.py"))
    names = (".".join(f.parts).removesuffix(".__init__") for f in files)
    return sorted(name for name in names if not name.endswith("__main__"))


def submodules(package: str) -> set[str]:
    prefix = f"{package}."
    return {m.removeprefix(prefix).partition(".")[0] for m in modules() if m.startswith(prefix)}


def source_of(module: str) -> Path:
    path = SOURCE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def undocumented(module: str) -> list[str]:
    """Return the module itself, its public classes and functions, and their public methods."""
    tree = ast.parse(source_of(module).read_text())
    found = [] if ast.get_docstring(tree) else [module]
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
            continue
        methods = node.body if isinstance(node, ast.ClassDef) else ()
        named = [m for m in methods if isinstance(m, ast.FunctionDef) and m.name[0] != "_"]
        found += [n.name for n in (node, *named) if not ast.get_docstring(n)]
    return found


@pytest.mark.parametrize("module", modules())
def test_every_module_and_public_name_is_documented(module: str) -> None:
    assert undocumented(module) == []


@pytest.mark.parametrize("package", [m for m in modules() if submodules(m)])
def test_no_public_function_shares_its_name_with_a_submodule(package: str) -> None:
    module = importlib.import_module(package)
    exported = {n for n in dir(module) if not n.startswith("_")}
    shadowing = [
        name
        for name in exported & submodules(package)
        if not inspect.ismodule(getattr(module, name))
    ]
    assert shadowing == []


def test_every_exported_name_resolves_and_is_documented() -> None:
    for name in pellucid.__all__:
        value = getattr(pellucid, name)
        assert name == "__version__" or inspect.getdoc(value), f"pellucid.{name} is undocumented"


def test_dir_lists_what_can_be_had() -> None:
    assert dir(pellucid) == sorted(pellucid.__all__)


def test_unknown_attribute_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="module 'pellucid' has no attribute 'explian'"):
        _ = pellucid.explian


def test_import_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.process_time(); import pellucid;"
        f"print(time.process_time() - start, *[m for m in {HEAVY!r} if m in sys.modules])"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    seconds, *loaded = min(run.stdout.split() for run in runs)
    assert loaded == []
    assert float(seconds) < MOST_IMPORT_SECONDS


def test_no_module_defers_annotations() -> None:
    # jaxtyping reads annotations at run time; strings would hide them
    deferred = [p for p in SOURCE.rglob("*.py") if "from __future__" in p.read_text()]
    assert deferred == []
