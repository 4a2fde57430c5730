"""F16: no field of a `run.json` from elsewhere can do more than be refused in one line."""

import copy

import pytest
from tests.cli import runs

from pellucid.api.evaluating import evaluate
from pellucid.api.run_folder import inputs_sha256, read_run
from pellucid.cli.errors import MAX_MESSAGE, report_error
from pellucid.errors import DataError
from pellucid.io import strict_json

ODD = (None, True, -1, 10**400, "../../x", "<script>\x1b[31m{x}", [], [[]], {}, {"..": [1, 2]})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return runs.tiny_run(tmp_path_factory.mktemp("hostile") / "run").folder


@pytest.fixture
def document(finished):
    """Return the run's `run.json`, which is put back afterwards."""
    before = (finished / "run.json").read_bytes()
    yield strict_json.read(finished / "run.json")
    (finished / "run.json").write_bytes(before)


def store(folder, document):
    document["inputs_sha256"] = inputs_sha256(document["inputs"])
    (folder / "run.json").write_text(strict_json.dumps(document))


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("field", ["methods", "options"])
def test_f16_inputs_of_another_type_are_refused(finished, document, field, value):
    document["inputs"][field] = value
    store(finished, document)
    if (field, value) in [("methods", []), ("options", {}), ("options", {"..": [1, 2]})]:
        read_run(finished)
        return
    with pytest.raises(DataError, match=r"run\.json is damaged"):
        evaluate(finished, code=(runs.ENV,))


def test_f16_a_run_without_methods_or_options_is_refused(finished, document):
    for field in ("methods", "options"):
        changed = copy.deepcopy(document)
        del changed["inputs"][field]
        store(finished, changed)
        with pytest.raises(DataError, match=field):
            evaluate(finished, code=(runs.ENV,))


@pytest.mark.parametrize("used", [None, True, -1, 0.5, "1", [], {}])
def test_f16_what_a_part_used_is_a_number_that_cannot_add_to_the_budget(finished, document, used):
    document["parts"]["episodes"]["used"]["queries"] = used
    store(finished, document)
    with pytest.raises(DataError, match="whole numbers from 0"):
        read_run(finished)


@pytest.mark.parametrize("field", ["run_id", "time", "command", "seconds"])
def test_f16_a_head_of_another_type_is_refused(finished, document, field):
    for value in (None, 10**400, []):
        document[field] = value
        store(finished, document)
        with pytest.raises(DataError, match="is damaged"):
            read_run(finished)


@pytest.mark.parametrize(
    "facts", [{}, {"sizes": 3}, {"sizes": {"..": [1, 2]}}, {"sizes": {"0": 1}}]
)
def test_f16_frames_whose_sizes_are_damaged_are_refused_on_resume(finished, document, facts):
    document["parts"]["frames"]["facts"] = facts
    store(finished, document)
    with pytest.raises(DataError, match="sizes of the frames"):
        runs.tiny_run(finished)


def test_f16_text_without_end_is_cut(capsys):
    report_error("data", "x" * 10**6, "y" * 10**6, as_json=False)
    assert len(capsys.readouterr().err) < 2 * MAX_MESSAGE + 100
