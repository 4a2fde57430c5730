"""Trees as files: from a result, whatever its folder; anything else is refused."""

import json
from dataclasses import replace

import pytest

from pellucid.errors import CapabilityError, InputError
from pellucid.explanation.exports import can_export
from pellucid.explanation.programs import export_json, export_python
from tests.explanation.contents import contents
from tests.explanation.test_trees import content
from tests.report import lunar


def with_tree():
    return replace(lunar.supported(), content=content())


def test_a_tree_is_written_as_python_or_json_by_the_ending(tmp_path):
    result = with_tree()
    python = result.export(tmp_path / "new" / "tree.py")
    assert python.read_text() == export_python(result.content)
    document = json.loads(result.export(str(tmp_path / "tree.json")).read_text())
    assert document == json.loads(export_json(result.content))


def test_another_ending_is_refused_and_names_those_that_are_not(tmp_path):
    with pytest.raises(InputError, match=r"ends in \.py or \.json, got 'tree\.txt'"):
        with_tree().export(tmp_path / "tree.txt")


@pytest.mark.parametrize("kind", ["attribution", "surrogate", None])
def test_an_explanation_without_a_tree_is_refused(tmp_path, kind):
    result = replace(lunar.supported(), content=contents().get(kind))
    assert not can_export(result)
    with pytest.raises(CapabilityError, match="found no stand-in to export"):
        result.export(tmp_path / "tree.py")
    assert list(tmp_path.iterdir()) == []
