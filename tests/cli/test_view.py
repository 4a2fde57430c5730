"""`pellucid view`: an address or a bundle on stdout, and Ctrl-C ends it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from pellucid.cli import view
from pellucid.cli.main import main
from tests.report import lunar
from tests.viewer.folders import agent_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("view")
    agent_run(root / "run", lunar.lunar_record(with_frames=False))
    return root


def start(*arguments):
    # a shell's jobs in the background ignore Ctrl-C, and what they start does too
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = f"{heed}; import sys; from pellucid.cli.main import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", command, "view", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.enable_socket
@pytest.mark.parametrize("as_json", [True, False])
def test_it_serves_until_ctrl_c_and_exits_with_130(folder, as_json):
    with start(folder, "--port", 0, "--no-browser", *(["--json"] if as_json else [])) as process:
        try:
            line = process.stdout.readline()
            address = json.loads(line)["address"] if as_json else re.search(r"http\S+", line)[0]
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert b"ppo.zip" in answer.read()
        finally:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 130
        assert not as_json or out == ""
        assert err == ("" if as_json else "pellucid: closed\n")


def test_a_bundle_is_written_and_told(folder, tmp_path, capsys):
    assert main(["view", str(folder), "--bundle", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runs"] == 1
    assert Path(told["index"]).read_text().startswith("<!DOCTYPE html>")
    assert told["files"] == sum(path.is_file() for path in (tmp_path / "out").rglob("*"))
    assert main(["view", str(folder), "--bundle", str(tmp_path / "out2")]) == 0
    assert re.match(r"1 runs?, \d+ files, \d+\.\d MB: open ", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "expected a folder of runs"),
        ([], "Missing argument"),
        (["--port", "70000", "."], "65535"),
    ],
)
def test_bad_input_is_one_line_and_2(arguments, message, capsys):
    assert main(["view", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_bad_input_is_json_where_it_was_asked_for(capsys):
    assert main(["view", "nowhere", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "input"


def test_no_browser_is_opened_without_a_screen(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    view._open("http://127.0.0.1:1/")
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    view._open("http://127.0.0.1:1/")
    assert opened == ["http://127.0.0.1:1/"]
