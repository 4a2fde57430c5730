import platform

import pellucid
from pellucid.cli import doctor


def test_it_tells_what_a_bug_report_needs(command):
    outcome = command("doctor", "--json")
    report = outcome.json
    assert outcome.code == 0
    assert report["versions"]["pellucid"] == pellucid.__version__
    assert report["versions"]["python"] == platform.python_version()
    assert report["threads"]["torch"] == 1
    assert report["threads"]["flush_denormal"] is True
    assert report["devices"][0] == "cpu"
    assert report["write"]["works"] is True
    assert report["problems"] == []


def test_missing_extras_come_with_their_command():
    found = doctor._extra("ray", {"installed": {}, "missing": ["ray"]})
    assert found["install"] == 'pip install "pellucid[ray]"'
    assert doctor._extra("sb3", {"installed": {"a": "1"}, "missing": []})["install"] is None


def test_broken_plugins_are_named(command, write_plugin):
    write_plugin(
        "pellucid-broken",
        {"broken_plugin_2": "raise ImportError('no luck')"},
        {"pellucid.metrics": {"broken": "broken_plugin_2:broken"}},
    )
    problem = command("doctor", "--json").json["problems"][0]
    assert (problem["family"], problem["name"], problem["from"]) == (
        "metrics",
        "broken",
        "pellucid-broken",
    )
    assert "no luck" in problem["message"]
    assert "PROBLEM metrics broken from pellucid-broken" in command("doctor").out


def test_a_folder_that_cannot_be_written_is_told(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert doctor._write_test()["message"] == "Read-only file system"


def test_text_has_versions_and_extras(command):
    out = command("doctor").out
    assert f"pellucid {pellucid.__version__}" in out
    assert "denormal" in out
    assert "extra sb3" in out
