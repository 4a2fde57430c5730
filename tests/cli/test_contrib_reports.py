"""Each kind of agent of sb3-contrib gives a full report from the command line."""

from pathlib import Path
from typing import Any

import pytest
from sb3_contrib import TRPO

from pellucid.envs.small.gates import Gates

DATA = Path(__file__).parents[1] / "data" / "contrib"
RECALL, GATES = "pellucid.envs.small.recall:Recall", "pellucid.envs.small.gates:Gates"


@pytest.mark.parametrize(
    ("name", "env", "kind", "env_steps"),
    [
        ("recurrent_recall", RECALL, "sb3-contrib RecurrentPPO", 20_000),
        ("maskable_gates", GATES, "sb3-contrib MaskablePPO", 20_000),
        ("qrdqn_keydoortrap", "pellucid/KeyDoorTrap-v0", "sb3-contrib QRDQN", 20_000),
        pytest.param(
            "tqc_pendulum", "Pendulum-v1", "sb3-contrib TQC", 60_000, marks=pytest.mark.slow
        ),
    ],
)
def test_a_report_of_every_default_question(
    name: str, env: str, kind: str, env_steps: int, tmp_path: Path, command: Any
) -> None:
    budget = ("--budget", 150_000, "--env-steps", env_steps, "--episodes", 6)
    agent = DATA / f"{name}.zip"
    outcome = command("explain", agent, "--env", env, "--out", "run", *budget, "--json")
    assert outcome.code == 0
    assert outcome.json["agent"]["framework"] == kind
    methods = {e["method"]: e for e in outcome.json["explanations"]}
    assert {"shapley", "critical-steps", "why-not", "linear-model-tree"} <= set(methods)
    # every question is answered; what a small budget left out is no matter of the kind of agent
    assert all(e["facts"] for e in methods.values())
    missing = [e["text"] for e in methods.values() if "it was asked without" in e["text"]]
    assert not missing
    html = (tmp_path / "run" / "report.html").read_text()
    assert ("It remembers earlier steps" in html) == (name == "recurrent_recall")
    assert ("It chooses among what is allowed" in html) == (name == "maskable_gates")
    assert ("memory" in methods) == (name == "recurrent_recall")


def test_an_unknown_policy_ends_with_2_and_names_the_way_round(
    tmp_path: Path, command: Any
) -> None:
    TRPO("MlpPolicy", Gates(), device="cpu").save(tmp_path / "trpo.zip")
    outcome = command("explain", tmp_path / "trpo.zip", "--env", GATES)
    assert outcome.code == 2
    assert "--policy-class module:Class" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


def test_the_list_of_adapters_says_what_each_kind_offers(command: Any) -> None:
    outcome = command("list", "adapters", "--json")
    rows = {row["name"]: row for row in outcome.json}
    offered = rows["sb3-contrib"]["capabilities"]
    assert "masks" in offered["MaskablePPO"]
    assert "recurrent" in offered["RecurrentPPO"]
    assert "sampling" not in offered["TQC with use_sde"]
