"""F70: a plug-in that is broken is a warning and a listed problem; everything else works."""

import logging
import threading

import pytest

from pellucid import registry
from pellucid.errors import PluginError

EXPLAINER = """
class Info:
    name, family, contract = "{name}", "explainers", ("plan", "explain")

class Extra:
    info = Info

    def plan(self, task): ...
"""
COMPLETE = EXPLAINER + "    def explain(self, task): ...\n"


def explainers(**named: str) -> dict[str, dict[str, str]]:
    return {"pellucid.explainers": {n.replace("_", "-"): value for n, value in named.items()}}


def problem_of(name: str) -> str:
    loaded, problems = registry.load_all("explainers")
    assert {"shapley", "critical-steps", "why-not"} <= set(loaded)
    (problem,) = problems
    assert problem.item.name == name
    return problem.message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise ValueError('no licence key')", "ValueError: no licence key"),
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module"),
        ("def broken(:", "SyntaxError: "),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("Extra = 1", "is not registered as explainer 'extra-one'"),
        ("", "AttributeError: module 'f70_module' has no attribute 'Extra'"),
        (EXPLAINER.format(name="extra-one"), "f70_module:Extra lacks explain"),
        (COMPLETE.format(name="another"), "is not registered as explainer 'extra-one'"),
    ],
)
def test_f70_a_broken_plugin_is_listed_and_the_others_load(
    write_plugin, caplog: pytest.LogCaptureFixture, source: str, message: str
) -> None:
    write_plugin("f70-broken", {"f70_module": source}, explainers(extra_one="f70_module:Extra"))
    with caplog.at_level(logging.WARNING):
        assert message in problem_of("extra-one")
    assert "plug-in extra-one of f70-broken" in caplog.text
    with pytest.raises(PluginError):
        registry.load("explainers", "extra-one")


def test_f70_a_duplicate_name_leaves_the_first_in_place(write_plugin) -> None:
    source = COMPLETE.format(name="shapley")
    write_plugin("f70-copy", {"f70_copy": source}, explainers(shapley="f70_copy:Extra"))
    assert problem_of("shapley") == "the name 'shapley' is taken by pellucid"
    assert registry.load("explainers", "shapley").__module__.startswith("pellucid.")


def test_f70_of_two_plugins_with_one_name_the_first_by_value_wins(write_plugin) -> None:
    source = COMPLETE.format(name="extra-one")
    write_plugin("f70-b", {"f70_b": source}, explainers(extra_one="f70_b:Extra"))
    write_plugin("f70-a", {"f70_a": source}, explainers(extra_one="f70_a:Extra"))
    assert problem_of("extra-one") == "the name 'extra-one' is taken by f70-a"
    assert registry.load("explainers", "extra-one").__module__ == "f70_a"


def test_f70_a_slow_import_is_given_up(write_plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(registry, "f70_gate", gate, raising=False)
    monkeypatch.setattr(registry, "PLUGIN_IMPORT_SECONDS", 0.05)
    source = "from pellucid import registry\nregistry.f70_gate.wait(30)\n"
    write_plugin("f70-slow", {"f70_slow": source}, explainers(extra_one="f70_slow:Extra"))
    try:
        assert problem_of("extra-one") == "importing f70_slow took over 0.05 s"
    finally:
        gate.set()


def test_f70_a_working_plugin_beside_a_broken_one_is_used(write_plugin) -> None:
    write_plugin("f70-bad", {"f70_bad": "1 / 0"}, explainers(extra_one="f70_bad:Extra"))
    source = COMPLETE.format(name="extra-two")
    write_plugin("f70-good", {"f70_good": source}, explainers(extra_two="f70_good:Extra"))
    assert problem_of("extra-one") == "ZeroDivisionError: division by zero"
    assert registry.load("explainers", "extra-two").__module__ == "f70_good"


def test_f70_names_can_be_listed_without_importing_any_plugin(write_plugin) -> None:
    write_plugin("f70-bad", {"f70_bad": "1 / 0"}, explainers(extra_one="f70_bad:Extra"))
    assert "extra-one" in registry.names("explainers")
