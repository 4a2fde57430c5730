import shutil

import numpy as np
import pytest

from pellucid.api import stages
from pellucid.api.run_folder import LOCK_FILE, read_run
from pellucid.api.stopping import Interrupted, Terminated
from pellucid.budget import Cost
from pellucid.errors import AgentError, BudgetError, EnvError, InputError
from pellucid.explanation.storage import load_explanation
from pellucid.io import strict_json
from pellucid.rollouts import load_episodes
from tests.cli import runs, toy

REPORT_KEYS = {"run", "report", "return", "explanations", "excluded", "warnings"}
EXPLANATION_KEYS = {
    "method",
    "leaf",
    "question",
    "target",
    "text",
    "badge",
    "decisive",
    "facts",
    "budget",
    "complete",
    "seconds",
    "faithfulness",
}


def fail_if_called(*args, **kwargs):
    raise AssertionError("this was done before and must not be done again")


# --- a finished run ---


def test_a_finished_run_holds_every_part(finished_once):
    names = {path.name for path in finished_once.folder.iterdir()}
    assert names == {
        "run.json",
        "agent",
        "episodes",
        "explanations",
        "frames",
        "report.html",
        "report.json",
    }
    assert read_run(finished_once.folder).state == "finished"
    assert len(load_episodes(finished_once.folder / "episodes").used) == 10
    stored = load_explanation(finished_once.folder / "explanations" / "why-not")
    assert stored.badge == finished_once.record.explanations[1].badge


def test_the_document_keeps_its_contract(finished_once):
    document = finished_once.document
    assert set(document) >= REPORT_KEYS
    assert document["report"] == str(finished_once.folder / "report.html")
    for explanation in document["explanations"]:
        assert set(explanation) >= EXPLANATION_KEYS
    assert [e["method"] for e in document["explanations"]] == list(runs.METHODS)


def test_the_known_answer_is_found(finished_once):
    shapley = finished_once.record.explanations[0]
    assert shapley.badge == "supported"
    # the second input has no weight
    assert shapley.content.ranking.tolist() == [0, 1]
    assert finished_once.record.returns.n == 10


def test_f36_the_parts_add_up_and_stay_within_the_budget(finished_once):
    record = finished_once.record
    total = sum(record.costs.values(), Cost())
    assert total == record.used
    assert record.used.fits(record.allowed)
    shared = "finding out how to return to a step, for all methods"
    assert set(record.costs) == {"episodes", "shapley", "why-not", "frames", shared}
    assert record.costs[shared].env_steps > record.costs[shared].queries == 0
    assert record.costs["episodes"] == Cost(80, 80)


def test_the_budget_left_is_shared_and_what_is_unused_flows_on(finished_once):
    shapley, why_not = finished_once.record.explanations
    # the one that runs the environment again comes first, wherever it was named
    kept_back = 10_000 - 80 - 2 * why_not.allowed.env_steps
    assert 0 < kept_back < 0.05 * 10_000
    assert why_not.allowed.queries == (10_000 - 80) // 2
    # the second one has all that the first one did not use
    assert shapley.allowed.queries == 10_000 - 80 - why_not.used.queries
    assert shapley.allowed.env_steps > why_not.allowed.env_steps


def test_frames_show_worst_median_best_and_what_is_explained(finished_once):
    frames = finished_once.record.frames
    returns = finished_once.record.episodes.returns
    assert {int(returns.argmin()), int(returns.argmax())} <= set(frames)
    assert finished_once.record.explanations[1].content.episode in frames
    for shown in frames.values():
        assert (shown.width, shown.height) == (30, 20)
        assert all(image[8:12] == b"WEBP" for image in shown.images)


def test_a_finished_run_is_not_done_again(finished, monkeypatch):
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    for name in ("collect", "explain", "render_frames", "save_agent"):
        monkeypatch.setattr(stages, name, fail_if_called)
    again = runs.small_run(finished)
    assert again.reused
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before
    assert [e.method for e in again.record.explanations] == list(runs.METHODS)


def test_f43_the_same_inputs_give_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        runs.tiny_run(tmp_path / name)
    assert runs.stored(tmp_path / "one") == runs.stored(tmp_path / "other")


def test_changed_inputs_are_refused_and_fresh_starts_again(finished):
    with pytest.raises(InputError, match="seed was 0, is 5"):
        runs.small_run(finished, seed=5)
    assert read_run(finished).state == "finished"
    fresh = runs.tiny_run(finished, seed=5, fresh=True)
    assert not fresh.reused
    assert fresh.record.episodes.seed == 5


def test_a_folder_of_its_own_is_named_by_time_and_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = runs.tiny_run(None)
    name = run.folder.relative_to("runs").name
    assert name == run.record.run_id
    day, time, inputs = name.split("-")
    assert (len(day), len(time), len(inputs)) == (8, 6, 8)
    assert read_run(run.folder).head["inputs_sha256"].startswith(inputs)


# --- stopped and resumed ---


@pytest.mark.parametrize("part", ["why-not", "frames"])
def test_f61_a_resumed_run_gives_the_same_bytes_as_one_that_was_not_stopped(
    finished_once, tmp_path, monkeypatch, part
):
    with pytest.raises(Interrupted):
        runs.small_run(tmp_path / "run", progress=runs.stop_at(part))
    monkeypatch.setattr(stages, "collect", fail_if_called)
    resumed = runs.small_run(tmp_path / "run")
    assert not resumed.reused
    assert resumed.record.state == "finished"
    assert resumed.record.banner == ""
    assert runs.stored(tmp_path / "run") == runs.stored(finished_once.folder)


def test_f61_a_stopped_run_reports_what_was_finished(tmp_path):
    with pytest.raises(Interrupted) as caught:
        runs.small_run(tmp_path / "run", progress=runs.stop_at("shapley"))
    run = caught.value.run
    assert run.record.state == "partial"
    assert run.document["banner"] == (
        "Stopped after 1 of 2 explanations; badges are lowered to weak."
    )
    cut, done = run.record.explanations
    assert (done.method, done.badge, done.complete) == ("why-not", "weak", False)
    assert "stopped early" in done.reason
    assert " may " in done.text
    assert done.text.endswith("but the run stopped early.")
    assert (cut.method, cut.badge, cut.content) == ("shapley", "not_measured", None)
    assert "stopped" in cut.text
    assert read_run(tmp_path / "run").state == "interrupted"
    # what is stored keeps its own badge
    assert load_explanation(tmp_path / "run" / "explanations" / "why-not").badge == "supported"
    assert not (tmp_path / "run" / LOCK_FILE).exists()


def test_f61_a_run_that_is_stopped_while_collecting_says_so(tmp_path):
    with pytest.raises(Interrupted) as caught:
        runs.small_run(tmp_path / "run", progress=runs.stop_at("episodes"))
    run = caught.value.run
    assert run.document["banner"].startswith("Stopped while episodes were collected")
    assert run.document["return"]["mean"] is None
    assert {e["badge"] for e in run.document["explanations"]} == {"not_measured"}
    assert runs.tiny_run(tmp_path / "run", fresh=True).record.state == "finished"


def test_f61_a_terminated_run_says_so_and_goes_on(finished_once, tmp_path):
    def terminate(name, share):
        if name == "why-not":
            raise Terminated

    with pytest.raises(Terminated):
        runs.small_run(tmp_path / "run", progress=terminate)
    assert read_run(tmp_path / "run").state == "failed: terminated"
    assert not (tmp_path / "run" / "report.html").exists()
    runs.small_run(tmp_path / "run")
    assert runs.stored(tmp_path / "run") == runs.stored(finished_once.folder)


def test_a_part_that_was_changed_is_not_resumed_from(finished, monkeypatch):
    document = strict_json.read(finished / "run.json") | {"state": "interrupted"}
    (finished / "run.json").write_text(strict_json.dumps(document))
    stored = finished / "explanations" / "shapley.json"
    stored.write_bytes(stored.read_bytes().replace(b'"badge": "supported"', b'"badge": "weak"'))
    with pytest.raises(InputError, match="not what the run stored"):
        runs.small_run(finished)


def test_an_unforeseen_error_is_the_state_of_the_run(tmp_path):
    def fail(name, share):
        if name == "frames":
            raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError):
        runs.tiny_run(tmp_path / "run", progress=fail)
    assert read_run(tmp_path / "run").state == "failed: ZeroDivisionError: by zero"


# --- budgets ---


def test_a_budget_that_does_not_pay_for_five_episodes_says_what_it_needs(tmp_path):
    with pytest.raises(BudgetError, match="0 of at least 5 episodes") as caught:
        runs.tiny_run(tmp_path / "run", env_steps=7)
    assert caught.value.hint == "raise --env-steps to 40"
    # nothing was stored, so that the larger budget is no changed input
    assert runs.tiny_run(tmp_path / "run", env_steps=800).record.state == "finished"


def test_the_report_says_that_episodes_were_left_out(tmp_path):
    run = runs.tiny_run(tmp_path / "run", n_episodes=20, env_steps=200)
    n = len(run.record.episodes.attempted)
    assert 5 <= n < 20
    assert f"The budget paid for {n} of 20 episodes." in run.record.left_out
    assert run.record.used.fits(Cost(3_000, 200))


def test_what_was_left_out_names_the_method_where_several_were_asked_the_same(tmp_path):
    run = runs.tiny_run(
        tmp_path / "run", methods=["shapley", "perturbation", "critical-steps"], budget=2_000
    )
    about_inputs = [s for s in run.record.left_out if s.startswith("Which inputs drive")]
    assert len({s.partition(")")[0] for s in about_inputs}) == 2
    assert all(" (by " in s for s in about_inputs)
    assert not any(" (by " in s for s in run.record.left_out if s not in about_inputs)


# --- agents and environments that misbehave ---


def test_f25_episodes_in_which_the_environment_raises_are_left_out_and_counted(tmp_path):
    run = runs.tiny_run(tmp_path / "run", env="tests.cli.toy:brittle", n_episodes=12)
    n_bad = len(run.record.episodes.excluded)
    assert 0 < n_bad < 12
    assert len(run.document["excluded"]) > 0
    warning = next(w for w in run.record.warnings if "left out" in w)
    assert warning.startswith(f"{n_bad} of 12 episodes failed")
    assert "environment, step 2" in warning
    assert run.record.returns.n == 12 - n_bad


def test_f25_a_run_without_a_single_good_episode_is_reported_and_fails(tmp_path):
    with pytest.raises(EnvError, match=r"none of 5 episodes could be used.*wheel came off"):
        runs.tiny_run(tmp_path / "run", env="tests.cli.toy:broken")
    assert (tmp_path / "run" / "report.html").is_file()
    assert read_run(tmp_path / "run").state.startswith("failed: EnvError")


def test_f23_an_agent_without_a_valid_action_is_named(tmp_path):
    with pytest.raises(AgentError):
        runs.tiny_run(tmp_path / "run", agent="tests.cli.toy:too_far")


def test_an_environment_without_pictures_is_reported_without_pictures(tmp_path):
    run = runs.tiny_run(tmp_path / "run", env="tests.cli.toy:blind")
    assert run.record.frames == {}
    assert any("frames" in warning for warning in run.record.warnings)


def test_an_environment_made_in_memory_is_used_again_on_resume(tmp_path):
    def make(render_mode=None):
        return toy.line(render_mode)

    with pytest.raises(Interrupted):
        runs.tiny_run(tmp_path / "run", env=make, progress=runs.stop_at("shapley"))
    resumed = runs.tiny_run(tmp_path / "run", env=make)
    assert resumed.record.explanations[0].faithfulness[0].closed_loop


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"episode": 5}, "episode 5"),
        ({"step": 8, "methods": ("why-not",)}, "step 8 is out of range"),
        ({"step": 1, "methods": ("shapley",)}, "--step is for methods that explain one step"),
    ],
)
def test_an_episode_or_step_out_of_range_is_refused(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        runs.tiny_run(tmp_path / "run", **options)


def test_wrappers_take_part(tmp_path):
    plain = runs.tiny_run(tmp_path / "plain")
    doubled = runs.tiny_run(tmp_path / "doubled", wrappers=["tests.cli.toy:Doubled"])
    np.testing.assert_allclose(doubled.record.episodes.returns, 2 * plain.record.episodes.returns)


def test_a_function_is_stored_as_its_card(tmp_path):
    run = runs.tiny_run(tmp_path / "run", agent="tests.cli.toy:to_zero")
    card = strict_json.read(run.folder / "agent" / "card.json")
    assert card["source"] == "tests.cli.toy:to_zero"
    assert card["adapter"] == "function"
    assert not (run.folder / "agent" / "weights.safetensors").exists()


def test_a_stored_run_can_be_explained_again_by_its_folder(finished_once, tmp_path):
    run = runs.tiny_run(tmp_path / "run", agent=finished_once.folder)
    first = finished_once.record.episodes.returns[:5]
    np.testing.assert_array_equal(run.record.episodes.returns, first)


def test_f08_a_folder_that_is_deleted_meanwhile_ends_the_run(tmp_path):
    def delete(name, share):
        if name == "shapley" and (tmp_path / "run").exists():
            shutil.rmtree(tmp_path / "run")

    with pytest.raises(OSError, match="No such file"):
        runs.tiny_run(tmp_path / "run", progress=delete)
    assert runs.tiny_run(tmp_path / "run").record.state == "finished"


def test_a_tree_is_exported_beside_the_report_and_goes_with_a_fresh_start(tmp_path):
    tree = {"methods": ("viper-tree",), "budget": 20_000, "env_steps": 20_000}
    run = runs.tiny_run(tmp_path / "run", **tree)
    exported = {path.name: path for path in (tmp_path / "run" / "exports").iterdir()}
    assert sorted(exported) == ["viper-tree.json", "viper-tree.py"]
    content = run.record.explanations[0].content
    assert exported["viper-tree.py"].read_text() == content.code
    document = strict_json.read(exported["viper-tree.json"])
    assert document["thresholds"] == content.thresholds.tolist()
    runs.tiny_run(tmp_path / "run", fresh=True)
    assert not (tmp_path / "run" / "exports").exists()
