"""The Python of the page about queries runs and answers what its words say."""

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


def test_both_questions_are_answered() -> None:
    shown: dict[str, Any] = {}
    code = SETTING + BLOCKS["python"].replace("pl.explain(", "found += [pl.explain(", 1)
    code = code.replace('{"when": "take"})', '{"when": "take"})]').replace(
        "\npl.explain(\n", "\nfound += [pl.explain(\n"
    )
    exec(compile(code.rstrip() + "]\n", "shown.py", "exec"), shown)  # noqa: S102
    when, why_not = shown["found"]
    assert "take" in when.question
    assert "step 4 of episode 0" in why_not.question
    assert when.content.rules
