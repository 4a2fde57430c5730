"""The registry: names are found without imports, and each leads to one working object."""

import logging
import subprocess
import sys
from importlib import import_module
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from pellucid import registry
from pellucid.errors import PluginError, UnknownNameError

HEAVY = ("torch", "gymnasium", "matplotlib", "numba", "stable_baselines3", "pandas")


class _Info:
    family = "explainers"
    contract = ("plan", "explain")

    def __init__(self, name: str) -> None:
        self.name = name


class _Complete:
    info = _Info("extra")

    def plan(self) -> None: ...

    def explain(self) -> None: ...


class _WithoutExplain:
    info = _Info("extra")

    def plan(self) -> None: ...


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module `toy_module` whose attributes the entry points of a test can name."""
    module = ModuleType("toy_module")
    monkeypatch.setitem(sys.modules, "toy_module", module)
    return module


def announce(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    found = [EntryPoint(name, value, "pellucid.explainers") for name, value in points]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)


@pytest.mark.parametrize("family", sorted(registry.FAMILIES))
def test_every_registered_name_loads_what_it_names(family: str) -> None:
    for name in registry.names(family):
        loaded = registry.load(family, name)
        assert loaded.info.name == name
        assert loaded.info.family == family
        for part in loaded.info.contract:
            assert callable(getattr(loaded, part))


@pytest.mark.parametrize("family", sorted(registry.FAMILIES))
def test_no_name_is_registered_by_two_packages(family: str) -> None:
    packages = registry.FAMILIES[family]
    listed = [name for package in packages for name in import_module(package).REGISTRY]
    assert sorted(listed) == sorted(set(listed))


def test_three_explainers_are_registered() -> None:
    assert {"shapley", "critical-steps", "why-not"} <= set(registry.names("explainers"))


def test_listing_names_imports_nothing_heavy() -> None:
    code = (
        "import sys; from pellucid import registry;"
        "[registry.names(f) for f in registry.FAMILIES];"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown explainer 'shaply'") as caught:
        registry.load("explainers", "shaply")
    assert caught.value.hint == "did you mean 'shapley'?"


def test_name_near_to_none_lists_all() -> None:
    error = registry.unknown_name("metric", "zzz", ["b", "a"])
    assert error.hint == "known: a, b"


def test_plugin_is_listed_and_loaded(monkeypatch: pytest.MonkeyPatch, plugin: ModuleType) -> None:
    plugin.Extra = _Complete
    announce(monkeypatch, ("extra", "toy_module:Extra"))
    assert registry.items("explainers")["extra"].source == "toy_module"
    assert registry.load("explainers", "extra") is _Complete


def test_our_own_name_wins_over_a_plugin(
    monkeypatch: pytest.MonkeyPatch, plugin: ModuleType
) -> None:
    announce(monkeypatch, ("shapley", "toy_module:Extra"))
    assert registry.items("explainers")["shapley"].source == "pellucid"
    (clash,) = registry.duplicates("explainers")
    assert clash.message == "the name 'shapley' is taken by pellucid"


def test_plugin_without_a_method_is_refused(
    monkeypatch: pytest.MonkeyPatch, plugin: ModuleType
) -> None:
    plugin.Extra = _WithoutExplain
    announce(monkeypatch, ("extra", "toy_module:Extra"))
    with pytest.raises(PluginError, match="toy_module:Extra lacks explain"):
        registry.load("explainers", "extra")


def test_plugin_under_another_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, plugin: ModuleType
) -> None:
    plugin.Extra = _Complete
    announce(monkeypatch, ("other", "toy_module:Extra"))
    with pytest.raises(PluginError, match="is not registered as explainer 'other'"):
        registry.load("explainers", "other")


def test_broken_plugin_is_a_warning_and_the_others_load(
    monkeypatch: pytest.MonkeyPatch, plugin: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    announce(monkeypatch, ("absent", "toy_module:Nothing"))
    with caplog.at_level(logging.WARNING):
        loaded, problems = registry.load_all("explainers")
    assert set(loaded) == set(registry.names("explainers")) - {"absent"}
    assert [problem.item.name for problem in problems] == ["absent"]
    assert "plug-in absent of toy_module" in caplog.text
