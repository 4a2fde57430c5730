import pytest

from pellucid import registry


@pytest.mark.parametrize("family", ["explainers", "metrics", "adapters", "claims"])
def test_every_registered_name_is_listed(command, family):
    outcome = command("list", family, "--json")
    assert outcome.code == 0
    assert [row["name"] for row in outcome.json] == list(registry.items(family))
    for row in outcome.json:
        assert {"name", "family", "leaf", "source", "needs"} <= set(row)
        assert row["family"] == family
        assert row["source"]


def test_explainers_tell_their_leaf_and_their_needs(command):
    rows = {row["name"]: row for row in command("list", "explainers", "--json").json}
    assert rows["critical-steps"]["leaf"] == "C1"
    assert rows["critical-steps"]["needs"] == ["environment"]


def test_adapters_tell_their_capabilities(command):
    rows = {row["name"]: row for row in command("list", "adapters", "--json").json}
    assert "sampling" in rows["function"]["capabilities"]["with a parameter rngs"]
    assert all(row["capabilities"] for row in rows.values())


def test_text_has_one_paragraph_per_name(command):
    outcome = command("list", "explainers")
    assert outcome.code == 0
    for name in registry.names("explainers"):
        assert any(line.startswith(name) for line in outcome.out.splitlines())


def test_claims_are_listed_with_their_source(command):
    assert "shapley-axioms.exact  Shapley 1953" in command("list", "claims").out


def test_a_broken_plugin_is_a_warning_on_stderr(command, write_plugin):
    write_plugin(
        "pellucid-broken",
        {"broken_plugin": "raise ImportError('no \\x1b[31mluck')"},
        {"pellucid.explainers": {"broken": "broken_plugin:Broken"}},
    )
    outcome = command("list", "explainers", "--json")
    assert outcome.code == 0
    assert "broken" not in [row["name"] for row in outcome.json]
    assert "pellucid-broken" in outcome.err
    assert "no luck" in outcome.err
    assert "\x1b" not in outcome.err


def test_explainers_tell_how_they_did_where_the_truth_is_known(command, write_plugin):
    source = "from pellucid.explainers.state.shapley import Shapley\nclass Toy(Shapley): pass\n"
    source += "import dataclasses\nToy.info = dataclasses.replace(Shapley.info, name='toy')\n"
    points = {"pellucid.explainers": {"toy": "toy_module:Toy"}}
    write_plugin("pellucid-other", {"toy_module": source}, points)
    rows = {row["name"]: row["planted"] for row in command("list", "explainers", "--json").json}
    assert rows["shapley"]["standing"] in ("passed", "failed")
    assert rows["toy"]["standing"] is None
    lines = command("list", "explainers").out.splitlines()
    assert any(line.startswith("shapley ") and "planted truth: " in line for line in lines)
    assert any(
        line.startswith("toy ") and "no planted-truth record  from pellucid-other" in line
        for line in lines
    )
