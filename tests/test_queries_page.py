"""The Python of the page about queries runs and answers what its words say."""

import importlib.util
from pathlib import Path
from typing import Any

from tests.test_readme import BLOCK, ROOT

BLOCKS = dict(BLOCK.findall((ROOT / "docs" / "queries.md").read_text()))
SETTING = """
import pellucid as pl

env = "pellucid/KeyDoorTrap-v0"
agent = pl.load_agent("tests.cli.test_query:take_in_reach", env=env)
episodes = pl.collect(agent, env, n_episodes=6, seed=0)
found = []
"""


def test_both_questions_are_answered(tmp_path: Path) -> None:
    code = SETTING + BLOCKS["python"].replace("pl.explain(", "found += [pl.explain(", 1)
    code = code.replace('{"when": "take"})', '{"when": "take"})]').replace(
        "\npl.explain(\n", "\nfound += [pl.explain(\n"
    )
    path = tmp_path / "shown.py"
    path.write_text(code.rstrip() + "]\n")
    spec = importlib.util.spec_from_file_location("shown", path)
    assert spec is not None
    assert spec.loader is not None
    shown: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shown)
    when, why_not = shown.found
    assert "take" in when.question
    assert "step 4 of episode 0" in why_not.question
    assert when.content.rules
