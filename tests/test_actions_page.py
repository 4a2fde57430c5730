"""The page about actions: its code runs, and its names file does what the page says."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from pellucid.agents.outputs import output_names
from pellucid.envs.names import Names
from pellucid.envs.naming import load_names
from tests.test_readme import BLOCK, ROOT

PAGE = (ROOT / "docs" / "actions.md").read_text()
BLOCKS = dict(BLOCK.findall(PAGE))


def test_only_these_blocks_are_shown() -> None:
    assert sorted(language for language, _ in BLOCK.findall(PAGE)) == ["python", "yaml"]


SETTING = """
import pellucid as pl

env = "tests.agents.parts:crossing_dict"
agent = pl.load_agent("tests.agents.parts:drive_dict", env=env)
episodes = pl.collect(agent, env, n_episodes=5, seed=0)
"""


def test_a_foil_is_named_as_the_page_shows(tmp_path: Path) -> None:
    path = tmp_path / "shown.py"
    path.write_text(SETTING + BLOCKS["python"].replace("pl.explain(", "result = pl.explain("))
    spec = importlib.util.spec_from_file_location("shown", path)
    assert spec is not None
    assert spec.loader is not None
    shown: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shown)
    content = shown.result.content
    np.testing.assert_array_equal(content.actions[1], [2, 0.5])
    assert content.step == 4


def test_a_names_file_lists_the_values_of_parts(tmp_path: Path) -> None:
    file = tmp_path / "names.yaml"
    file.write_text(BLOCKS["yaml"])
    actions = load_names(file)["actions"]
    names = Names((), (), tuple(actions), tuple(actions.values()))
    assert output_names(spaces.MultiDiscrete([3, 2]), names) == (
        *("steer: left", "steer: straight", "steer: right"),
        *("gas: off", "gas: on"),
    )


@pytest.mark.parametrize("kind", ["One choice", "Several choices", "Quantities", "Both"])
def test_every_kind_has_a_foil(kind: str) -> None:
    assert f"- **{kind}:**" in PAGE
