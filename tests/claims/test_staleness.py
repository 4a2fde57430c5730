"""The hash of a claim's code: what changes it and what does not."""

import sys
from pathlib import Path

import pytest

from pellucid.claims.staleness import closure, code_hash

FILES = {
    "__init__": "",
    "claim": '"""A claim."""\nfrom toyclaims.sums import add\nX = add(1, 2)  # three\n',
    "sums": 'def add(a, b):\n    """Add."""\n    return a + b\n',
    "other": "Y = 1\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `toyclaims` whose module `claim` imports `sums` and not `other`."""
    folder = tmp_path / "toyclaims"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_the_closure_holds_what_decides_the_numbers_and_nothing_else() -> None:
    found = closure("pellucid.claims.shapley_axioms")
    assert {"pellucid.claims.shapley_axioms", "pellucid.kernels.shapley"} <= set(found)
    assert {"pellucid.claims.judging", "pellucid.stats", "pellucid.seeds"} <= set(found)
    assert not [
        m for m in found if m.startswith(("pellucid.io", "pellucid.cli", "pellucid.report"))
    ]
    assert "pellucid.claims.known_effects" not in found
    assert "pellucid.claims.harness" not in found


def test_a_claim_of_another_package_brings_its_own_modules(package: Path) -> None:
    found = closure("toyclaims.claim")
    assert {"toyclaims", "toyclaims.claim", "toyclaims.sums", "pellucid.stats"} <= set(found)
    assert "toyclaims.other" not in found
    assert "toyclaims" not in sys.modules  # reading is not importing


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("claim", '"""Said otherwise."""\nfrom toyclaims.sums import add\n\nX = add(1, 2)\n'),
        ("sums", "def add(a,\n        b):\n    # why\n    return (a + b)\n"),
        ("other", "Y = 2\n"),
        ("__init__", 'REGISTRY = {"a.b": "toyclaims.claim"}\n'),
    ],
)
def test_words_layout_and_neighbours_do_not_count(package: Path, name: str, text: str) -> None:
    before = code_hash("toyclaims.claim")
    (package / f"{name}.py").write_text(text)
    assert code_hash("toyclaims.claim") == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("claim", FILES["claim"].replace("1, 2", "1, 3")),
        ("claim", FILES["claim"].replace("1, 2", "1, 2.0")),
        ("sums", FILES["sums"].replace("a + b", "a - b")),
        ("sums", FILES["sums"] + "add = None\n"),
        ("__init__", "import toyclaims.other\n"),
    ],
)
def test_what_runs_counts(package: Path, name: str, text: str) -> None:
    before = code_hash("toyclaims.claim")
    (package / f"{name}.py").write_text(text)
    assert code_hash("toyclaims.claim") != before


def test_imports_inside_functions_and_relative_ones_count(package: Path) -> None:
    (package / "claim.py").write_text("def f():\n    from . import other\n    return other.Y\n")
    assert "toyclaims.other" in closure("toyclaims.claim")


def test_a_missing_module_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"no module 'pellucid[.]nothing'"):
        code_hash("pellucid.nothing")
