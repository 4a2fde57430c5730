"""Runs on teams: every member and all together; some leave early or come late (F34)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.api.evaluating import evaluate
from pellucid.api.teams import explain_team
from pellucid.cli.main import main
from pellucid.errors import DataError, InputError
from tests.agents.test_team import network
from tests.envs.parallel_toy import TEAM

ENV = "tests.envs.parallel_toy:make"
SMALL: dict[str, Any] = {
    "methods": ["perturbation", "critical-steps"],
    "n_episodes": 6,
    "budget": 80_000,
    "env_steps": 4_000,
}
FACTS = ("text", "template", "facts", "shown")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    team = {"early": network(0), "*": network(1)}
    return explain_team(team, ENV, out=tmp_path_factory.mktemp("team") / "run", **SMALL)


def test_f34_every_member_has_its_own_rewards_and_length(tmp_path: Path) -> None:
    run = explain_team(TEAM, ENV, out=tmp_path / "run", **SMALL)
    returns = {m: set(r.record.episodes.returns) for m, r in run.runs.items()}
    # early: twice 2; steady and late: 1 until time 3, then 2; together: their sum
    assert returns == {"early": {4.0}, "steady": {7.0}, "late": {5.0}, "": {16.0}}
    lengths = {m: {len(e) for e in r.record.episodes.used} for m, r in run.runs.items()}
    assert lengths == {"early": {2}, "steady": {5}, "late": {3}, "": {5}}
    assert run.document["return"]["mean"] == 16.0
    assert run.document["state"] == "finished"
    took = [part["took"]["text"] for part in run.document["parts"]]
    assert took[0] == "It took part in 6 of 6 episodes and was gone before their limit in 6."
    assert took[1] == "It took part in 6 of 6 episodes and was there until their limit."


def test_every_member_and_all_together_are_explained(run: Any) -> None:
    parts = run.document["parts"]
    assert [part["name"] for part in parts] == ["early", "steady", "late", "all together"]
    assert {e["agent"] for e in run.document["explanations"]} == {"early", "steady", "late", ""}
    assert all(sum(part["badges"].values()) == 2 for part in parts)
    for part in parts:
        assert (run.folder / part["report"]).is_file()
    assert json.loads((run.folder / "report.json").read_text())["kind"] == "team"


def test_methods_for_teams_are_asked_of_all_together_alone(tmp_path: Path) -> None:
    small = {**SMALL, "methods": ["team-shapley", "critical-steps"]}
    run = explain_team(TEAM, ENV, out=tmp_path / "run", **small)
    asked = {m: [e.method for e in r.record.explanations] for m, r in run.runs.items()}
    of_one = ["critical-steps"]
    assert asked == {"early": of_one, "steady": of_one, "late": of_one, "": small["methods"]}
    alone = {**SMALL, "methods": ["team-shapley"]}
    run = explain_team(TEAM, ENV, out=tmp_path / "alone", **alone)
    assert run.runs["early"].record.explanations == ()
    assert "No question was asked" in run.runs["early"].report.read_text()


def test_the_page_names_every_member_with_its_findings(run: Any) -> None:
    page = run.report.read_text()
    for part in run.document["parts"]:
        assert f'href="{part["report"]}"' in page
    assert page.count("Can you rely on it?") == 4
    assert "<script src" not in page


def test_the_budget_is_one_for_all(run: Any) -> None:
    used = [r.record.used for r in run.runs.values()]
    assert sum(u.queries for u in used) <= SMALL["budget"]
    assert sum(u.env_steps for u in used) <= SMALL["env_steps"]


def test_stored_runs_are_evaluated_with_the_stored_team(run: Any) -> None:
    for place in ("members/0-early", "joint"):
        with pytest.raises(InputError, match="needs code that is not in it"):
            evaluate(run.folder / place)
        assert evaluate(run.folder / place, code=[ENV]).passed


def test_another_team_beside_the_run_is_refused(run: Any, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run.folder, tmp_path / "copy")
    shutil.copytree(
        tmp_path / "copy/team/members/1-steady",
        tmp_path / "copy/team/members/0-early",
        dirs_exist_ok=True,
    )
    with pytest.raises(DataError, match="not the one that was explained"):
        evaluate(tmp_path / "copy" / "joint", code=[ENV])
    shutil.rmtree(tmp_path / "copy" / "team")
    with pytest.raises(InputError, match="is missing"):
        evaluate(tmp_path / "copy" / "joint", code=[ENV])


def test_the_same_folder_takes_the_run_up_again(run: Any) -> None:
    again = explain_team({"early": network(0), "*": network(1)}, ENV, out=run.folder, **SMALL)
    assert all(r.reused for r in again.runs.values())


def test_f34_a_member_that_never_appears_is_said_and_the_others_are_explained(
    tmp_path: Path,
) -> None:
    env = "tests.envs.parallel_toy:without_late"
    run = explain_team(TEAM, env, out=tmp_path / "run", **SMALL)
    late = run.document["parts"][2]
    assert late["earns"] is None
    assert "took no part" in late["missing"]
    assert run.document["parts"][1]["earns"] is not None


TURNS = "tests.envs.turns_toy:make"


def test_f34_members_that_take_turns_die_early_or_come_late(tmp_path: Path) -> None:
    small = {**SMALL, "methods": ["why-not"], "env_steps": 40_000}
    team = "tests.envs.turns_toy:TEAM"
    run = explain_team(team, TURNS, out=tmp_path / "run", **small)
    earned = {m: r.record.episodes.returns.round(6).tolist() for m, r in run.runs.items()}
    returns = {member: set(found) for member, found in earned.items()}
    assert returns == {"early": {6.6}, "steady": {12.1}, "late": {6.7}}
    lengths = {m: {len(e) for e in r.record.episodes.used} for m, r in run.runs.items()}
    assert lengths == {"early": {2}, "steady": {4}, "late": {2}}
    for member in run.runs.values():
        # what is asked for in place of a move is one that is allowed
        assert member.record.explanations[0].content is not None
    together = run.document["parts"][3]
    assert together["missing"].startswith("the members take turns")
    assert run.document["return"]["mean"] is None
    assert evaluate(run.folder / "members" / "1-steady", code=[TURNS, team]).passed


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        explain_team(TEAM, ENV, out=tmp_path, **SMALL)


def to_landmark(number: int) -> Any:
    """Return an agent of simple_spread that goes to one landmark, the longer way first."""

    def act(observations: Any) -> Any:
        way = observations[:, 4 + 2 * number : 6 + 2 * number]
        sideways = np.abs(way[:, 0]) > np.abs(way[:, 1])
        return np.where(sideways, np.where(way[:, 0] < 0, 1, 2), np.where(way[:, 1] < 0, 3, 4))

    return act


@pytest.mark.slow
def test_each_member_is_explained_by_its_own_inputs(tmp_path: Path) -> None:
    team = {f"agent_{i}": to_landmark(i) for i in range(3)}
    small: dict[str, Any] = {"n_episodes": 5, "budget": 60_000, "env_steps": 2_000}
    out = tmp_path / "run"
    run = explain_team(team, "mpe2:simple_spread_v3", out=out, methods="perturbation", **small)
    for i in range(3):
        content: Any = run.runs[f"agent_{i}"].record.explanations[0].content
        first = {content.input_names[k] for k in content.ranking[:2]}
        assert first == {f"way to landmark {i + 1}, {axis}" for axis in ("sideways", "upwards")}
    whole: Any = run.runs[""].record.explanations[0].content
    named = {whole.input_names[k] for k in whole.ranking[:6]}
    assert named == {
        f"agent_{i}: way to landmark {i + 1}, {axis}"
        for i in range(3)
        for axis in ("sideways", "upwards")
    }


# --- on the command line ---


def command(*words: str) -> list[str]:
    small = ["--methods", "perturbation", "--episodes", "5", "--budget", "40000"]
    return ["explain", *words, *small, "--env-steps", "2000"]


@pytest.mark.slow
def test_a_team_and_its_environment_may_both_be_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command("tests.envs.parallel_toy:TEAM", "--env", ENV)
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert "late: All 5 episodes scored 5 points" in capsys.readouterr().out


def test_a_team_is_explained_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    words = command("tests.envs.parallel_toy:TEAM", "--env", "mpe2:simple_spread_v3")
    assert main([*words, "--out", str(out)]) == 2
    assert "an agent 'early'" in capsys.readouterr().err
    card = {"kind": "team", "env": "mpe2:simple_v3", "agents": {"*": "agent.pth"}}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert main([*command(str(tmp_path)), "--out", str(out)]) == 2
    assert "agent.pth" in capsys.readouterr().err


@pytest.mark.slow
def test_members_are_told_in_lines_and_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pellucid.agents.team import load_team, save_team

    team = load_team({"*": lambda o: (o[:, 0] > 0).astype(int)}, "mpe2:simple_v3")
    assert list(team.agents) == ["agent_0"]
    save_team(load_team({"*": network_for_four()}, "mpe2:simple_v3"), "mpe2:simple_v3", tmp_path)
    words = [*command(str(tmp_path)), "--out", str(tmp_path / "run")]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "agent_0: It earns" in told
    assert "all together: It earns" in told
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "team"
    assert main(["evaluate", str(tmp_path / "run" / "joint")]) == 0


def network_for_four() -> Any:
    from torch import nn

    return nn.Sequential(nn.Linear(4, 5))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--env", "mpe2:simple_v3"], "no team is named"),
        (["x:y", "--env", "mpe2:simple_v3", "--wrap", "a:b"], "--wrap is for single agents"),
        (["x:y", "--env", "mpe2:simple_v3", "--normalize", "none"], "--normalize is for single"),
        (["x:y", "--env", "mpe2:simple_v3", "--dry-run"], "is not told before"),
        (["tests.envs.parallel_toy:TEAM", "--env", "mpe2:nothing_v3"], "has no environment"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
