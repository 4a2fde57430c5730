"""The command with environments and agents as users have them."""

import pytest

FUNCTION = """
import numpy as np

def lean(observations):
    '''Push the cart to the side to which the pole falls.'''
    return (observations[:, 2] + observations[:, 3] > 0).astype(int)
"""


@pytest.mark.slow
def test_a_function_of_the_working_directory_in_cartpole(command, tmp_path):
    (tmp_path / "my_agent_of_this_test.py").write_text(FUNCTION)
    arguments = ("--methods", "shapley", "--budget", 60_000, "--env-steps", 12_000)
    outcome = command(
        "explain",
        "my_agent_of_this_test:lean",
        *("--env", "CartPole-v1", "--episodes", 10, "--out", "run", "--json"),
        *arguments,
    )
    assert outcome.code == 0, outcome.out
    document = outcome.json
    assert document["return"]["mean"] > 100
    (shapley,) = document["explanations"]
    # cart position and cart velocity are not looked at
    assert "pole" in shapley["text"]
    rechecked = command("evaluate", "run", "--code", "my_agent_of_this_test:lean")
    assert rechecked.code == 0, rechecked.err


@pytest.mark.slow
def test_an_environment_of_ours(command):
    outcome = command(
        "explain",
        "tests.cli.toy:go_right",
        *("--env", "pellucid/KeyDoorTrap-v0", "--episodes", 5, "--out", "run"),
        *("--methods", "why-not", "--budget", 20_000, "--env-steps", 20_000),
    )
    assert outcome.code == 0, outcome.err
    assert "KeyDoorTrap" in outcome.out


@pytest.mark.slow
def test_the_agent_that_ships_needs_no_argument(command):
    outcome = command("explain", "--dry-run", "--json")
    assert outcome.code == 0, outcome.out
    episodes = outcome.json["parts"][0]
    assert episodes["env_steps"] == 20 * 1000
    assert 0 < episodes["expected"]["env_steps"] < 20 * 1000
