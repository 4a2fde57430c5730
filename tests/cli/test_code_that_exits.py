"""A user's code that calls `sys.exit` decides neither the exit code nor what is said."""

import textwrap

from pellucid.io import strict_json

EXITS = """
    import sys
    from tests.cli.toy import Line

    class Exits(Line):
        def step(self, action):
            sys.exit(0)
"""


def test_f25_an_environment_that_exits_is_an_error_in_one_line(command, tmp_path):
    (tmp_path / "leaves.py").write_text(textwrap.dedent(EXITS))
    asked = ("explain", "tests.cli.toy:to_zero", "--env", "leaves:Exits", "--out", "run")
    outcome = command(*asked, "--methods", "shapley", "--json")
    assert outcome.code == 2
    assert "sys.exit(0)" in outcome.json["error"]["message"]
    assert strict_json.read(tmp_path / "run" / "run.json")["state"].startswith("failed: SystemExit")
    assert not (tmp_path / "run" / "run.lock").exists()


def test_f24_a_script_that_exits_on_import_is_no_agent(command, tmp_path):
    (tmp_path / "script.py").write_text("raise SystemExit('usage: script.py FILE')")
    outcome = command("explain", "script:policy", "--env", "tests.cli.toy:line", "--json")
    assert outcome.code == 2
    assert "SystemExit: usage: script.py FILE" in outcome.json["error"]["message"]
