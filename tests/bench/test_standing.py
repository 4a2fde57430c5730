"""What the shipped record says of explainers."""

import pytest

from pellucid import registry
from pellucid.bench.standing import RECORD, Standing, planted_hash, record_of, standing_of
from pellucid.errors import DataError
from pellucid.io import strict_json

SHAPLEY = planted_hash("pellucid.explainers.state.shapley")


@pytest.fixture
def record(tmp_path):
    """Write a record of one explainer."""

    def write(**entry):
        known = {"method": "shapley", "from": "pellucid", "standing": "passed", "code": SHAPLEY}
        document = {"explainers": [{**known, "failed": [], "unmeasured": [], **entry}]}
        path = tmp_path / "standings.json"
        path.write_text(strict_json.dumps(record_of(document)))
        return path

    return write


def test_a_passed_explainer_says_so(record):
    found = standing_of("shapley", record())
    assert found == Standing("passed", stale=False)
    assert found.words == "planted truth: passed"


def test_a_failed_one_names_the_rows_that_it_failed(record):
    found = standing_of("shapley", record(standing="failed", failed=["shortcut/recall"]))
    assert found.words == "fails its planted truth: recall on shortcut"


def test_rows_that_were_not_measured_are_named_beside_those_that_passed(record):
    found = standing_of("shapley", record(unmeasured=["backdoor/recall"]))
    assert found.words == "planted truth: passed, not measured on backdoor"


def test_one_that_no_task_fits_is_not_measured(record):
    found = standing_of("shapley", record(standing="not_measured"))
    assert found.words == "planted truth: not measured, no task for it"


def test_a_record_of_other_code_is_stale(record):
    found = standing_of("shapley", record(code="0" * 64))
    assert found.stale
    assert found.words == "planted truth: passed (stale)"


def test_without_a_record_nothing_is_said(record, tmp_path):
    for found in (standing_of("why-not", record()), standing_of("shapley", tmp_path / "none")):
        assert found == Standing()
        assert found.words == "no planted-truth record"


def test_a_plugin_has_no_record_whatever_a_file_says(record, write_plugin):
    write_plugin("toy", {"toy_module": ""}, {"pellucid.explainers": {"toy": "toy_module:Toy"}})
    path = record(method="toy")
    assert "toy" in strict_json.read(path)["explainers"]
    assert standing_of("toy", path) == Standing()


def test_plugins_do_not_enter_the_record(record):
    assert strict_json.read(record(**{"from": "pellucid-toy"})) == {"explainers": {}}


def test_a_damaged_record_is_an_error_and_not_a_pass(tmp_path):
    path = tmp_path / "standings.json"
    path.write_text('{"explainers": {"shapley"')
    with pytest.raises(DataError, match=r"standings\.json"):
        standing_of("shapley", path)


def test_the_record_that_ships_tells_of_explainers_that_are_registered():
    stored = strict_json.read(RECORD)["explainers"]
    assert set(stored) <= set(registry.names("explainers"))
    assert {entry["standing"] for entry in stored.values()} <= {"passed", "failed", "not_measured"}
