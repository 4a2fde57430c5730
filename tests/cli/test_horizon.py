"""`pellucid horizon` on tasks whose numbers are known."""

import math
import sys
import types

import numpy as np
import pytest


def test_the_published_problem_in_words(command) -> None:
    outcome = command("horizon", "bridge:freeway_10_fs30", "--measure", "1000000")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0].startswith("bridge:freeway_10_fs30: 198 states, 3 actions, episodes of 10")
    assert lines[1] == "return: best 1, exploring at random 0.00903, worst 0"
    assert lines[3].startswith("k = 1: ")
    assert lines[4] == "H = 4.31: random exploration needs at most about 11,400 steps"
    assert "simple bound (H = 8)" in outcome.out
    assert "measured: " in outcome.out
    assert "step 5, state 44" in outcome.out


def test_json_has_every_number_and_null_for_what_is_not_known(command) -> None:
    found = command("horizon", "bridge:maze_easy_l0_30_fs1", "--json").json
    assert found["k"] == 1
    assert found["tight"]["levels"][0] == {
        "k": 1,
        "m": 3,
        "horizon": pytest.approx(1 + math.log(3) / math.log(9)),
        "steps": 24300.0,
    }
    assert found["simple"]["levels"][0]["m"] == 73385
    assert found["measured"] is None
    assert len(found["gap_profile"]) == 30
    hardest = found["hard_states"][0]
    assert hardest["gap"] == pytest.approx(0.013717421124828533)
    assert found["predicted_steps"] == 24300.0
    assert found["reason"] == ""


def test_chance_leaves_only_the_form_with_chance(command) -> None:
    outcome = command("horizon", "FrozenLake-v1", "--horizon", "12")
    assert "form with chance" in outcome.out
    assert "12 states (5 more are out of reach)" in outcome.out
    assert "then random play, gets" in outcome.out
    assert "action 2" not in outcome.out  # actions have their names
    found = command("horizon", "bridge:freeway_10_fs30", "--sticky", "0.25", "--json").json
    assert found["tight"] is None
    assert found["predicted_steps"] is None
    assert found["reason"] == "actions or starts are left to chance"
    assert found["return"]["explored"] == pytest.approx(0.031809488932291664)
    assert found["with_chance"][0]["k"] == 1


def test_planning_that_is_not_run_is_said(command) -> None:
    outcome = command("horizon", "FrozenLake-v1", "--horizon", "4", "--measure", "100")
    assert outcome.code == 0
    assert "planning was not run, because actions or starts are left to chance" in outcome.err


def test_the_picture_tells_the_same_numbers(command, tmp_path) -> None:
    path = tmp_path / "freeway.svg"
    outcome = command("horizon", "bridge:freeway_10_fs30", "--plot", str(path))
    assert outcome.code == 0
    drawn = path.read_bytes()
    assert b"bridge:freeway_10_fs30: k = 1, H = 4.31" in drawn
    assert b"tight bound" in drawn
    assert b"measured" not in drawn
    command("horizon", "bridge:freeway_10_fs30", "--plot", str(path))
    assert path.read_bytes() == drawn


@pytest.fixture
def shapings(monkeypatch):
    """A module of the user's with shapings of the key-door-trap game."""
    module = types.ModuleType("shapings")

    def for_the_key(mdp):
        extra = np.zeros(mdp.rewards.shape)
        at_key = mdp.state_names.index("after walk on, walk on, walk on, walk on, walk on")
        extra[at_key, 1] = 1.0
        return extra

    def against_the_key(mdp):
        return -30 * for_the_key(mdp)

    module.for_the_key, module.against_the_key = for_the_key, against_the_key
    module.one_number = lambda mdp: 1.0
    module.raises = lambda mdp: mdp.nothing
    monkeypatch.setitem(sys.modules, "shapings", module)


def test_shaping_is_compared_and_harm_is_said(command, shapings) -> None:
    outcome = command(
        *("horizon", "pellucid/KeyDoorTrap-v0"),
        *("--shaping", "shapings:for_the_key", "--shaping", "shapings:against_the_key"),
    )
    assert outcome.code == 0
    good, bad = outcome.out.split("with shapings:")[1:]
    assert "careful" not in good
    assert "its best policy gets 0 % of the best return" in bad
    assert "after walk on, walk on, walk on, walk on, walk on" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("FrozenLak-v1",), "FrozenLak-v1"),
        (("nowhere.npz", "--horizon", "3"), "nowhere.npz does not exist"),
        (("bridge:pong",), "unknown problem 'pong'"),
        (("CartPole-v1", "--max-states", "50"), "more than 50 states"),
        (("pellucid/NoisyWalk-v0",), "draws random numbers"),
        (("Pendulum-v1",), "expected discrete actions"),
        (("bridge:freeway_10_fs30", "--sticky", "1"), "probability of sticking"),
        (("pellucid/Chain-v0", "--actions", "a,b"), "expected actions such as 0,1,2"),
        (("pellucid/Chain-v0", "--actions", "7"), "expected actions from 0 to 1"),
        (("pellucid/Chain-v0", "--shaping", "nothing"), "module:attribute"),
        (("pellucid/Chain-v0", "--shaping", "shapings:one_number"), "to return rewards of shape"),
        (("pellucid/Chain-v0", "--shaping", "shapings:raises"), "raised AttributeError"),
        (("pellucid/Chain-v0", "--horizon", "0"), "--horizon"),
        (("pellucid/Chain-v0", "--plot", "."), "got the folder"),
    ],
)
def test_f62_bad_input_is_one_line(command, shapings, arguments, message) -> None:
    outcome = command("horizon", *arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    document = command("horizon", *arguments, "--json")
    assert set(document.json) == {"error"}
