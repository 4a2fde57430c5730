"""The page on rewards and tasks: its code runs, and it names what there is."""

import re
from pathlib import Path

from pellucid.posttrain.rewards import REWARDS
from pellucid.posttrain.tasks import TASKS

PAGE = (Path(__file__).parents[2] / "docs" / "training-rewards.md").read_text(encoding="utf-8")


def test_the_code_of_the_page_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "training-rewards.md", "exec"), {})


def test_every_reward_of_a_configuration_is_on_the_page() -> None:
    assert set(REWARDS) <= set(re.findall(r"`([a-z-]+)`", PAGE))


def test_every_task_of_a_configuration_is_on_the_page() -> None:
    assert set(TASKS) <= set(re.findall(r"`([a-z-]+)`", PAGE))
