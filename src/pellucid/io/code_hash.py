"""A hash of what modules run, which tells whether a stored result still speaks of the code.

It covers the named modules and every module of the same packages that they import, directly or
not. Comments, layout and docstrings do not count, nor do files, reports and the command line, nor
lists of names, which change whenever a neighbour is added.
"""

import ast
import hashlib
import importlib.util
import os
from functools import lru_cache
from pathlib import Path

LEFT_OUT = ("pellucid", "pellucid.io", "pellucid.report", "pellucid.cli")
"""Modules that decide no number; `pellucid` itself holds only names that are resolved lazily."""

_LISTS = {"REGISTRY", "__all__", "__version__"}


def code_hash(*modules: str) -> str:
    """Return the SHA-256 of the code that modules run, in hexadecimal.

    Args:
        modules: Dotted names; they are not imported.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    digest = hashlib.sha256()
    for name in closure(*modules):
        digest.update(f"{name}\n{_meaning(_source(name))}\n".encode())
    return digest.hexdigest()


def closure(*modules: str) -> list[str]:
    """Return the modules that count for some modules, sorted by name.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    for module in modules:
        if _source_path(module) is None:
            raise ModuleNotFoundError(f"there is no module {module!r}", name=module)
    packages = {*(module.partition(".")[0] for module in modules), "pellucid"}
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [*modules]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.partition(".")[0] not in packages or _left_out(name):
            continue
        path = _source_path(name)
        if path is None:  # a name inside a module, not a module
            continue
        found.add(name)
        # importing a.b.c runs a and a.b too
        waiting += [name.rpartition(".")[0], *_imports(path, path.stat().st_mtime_ns, name)]
    return sorted(found)


def _left_out(name: str) -> bool:
    return not name or name in LEFT_OUT or name.startswith(tuple(f"{m}." for m in LEFT_OUT[1:]))


# the time of a file's last change is a key of these caches, which hold all modules that count
@lru_cache(maxsize=2048)
def _imports(path: Path, modified: int, name: str) -> frozenset[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(_tree(path, modified)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(base, package) if node.level else base
            found |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def _meaning(path: Path) -> str:
    return _canonical_file(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2048)
def _canonical_file(path: Path, modified: int) -> str:
    return _canonical(_tree(path, modified))


@lru_cache(maxsize=2048)
def _tree(path: Path, modified: int) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))


def _canonical(node: object) -> str:
    # not ast.dump: what that writes changes from one Python to the next
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = [type(node).__name__]
    for name in node._fields:
        value = getattr(node, name, None)
        if name == "body" and isinstance(value, list):
            value = [part for part in value if not _is_text(part) and not _is_list_of_names(part)]
        # a constant None is the only one without a value; fields that are empty differ by version
        if value is not None and value != []:
            parts.append(f"{name}={_canonical(value)}")
    return f"({' '.join(parts)})"


def _is_text(node: ast.AST) -> bool:
    # a docstring, or another statement that is only a text and does nothing
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_list_of_names(node: ast.AST) -> bool:
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return False
    target = node.targets[0]
    return isinstance(target, ast.Name) and target.id in _LISTS


def _source(name: str) -> Path:
    path = _source_path(name)
    if path is None:
        raise ModuleNotFoundError(f"there is no module {name!r}", name=name)
    return path


def _source_path(name: str) -> Path | None:
    top, *rest = name.split(".")
    root = _root(top)
    if root is None:
        return None
    if root.is_file():  # a package of one file
        return root if not rest else None
    # joined as texts: this is asked for every name that is imported anywhere
    stem = "/".join((str(root), *rest))
    for path in (f"{stem}/__init__.py", *([f"{stem}.py"] if rest else [])):
        if os.path.isfile(path):  # noqa: PTH113
            return Path(path)
    return None


def _root(top: str) -> Path | None:
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin
