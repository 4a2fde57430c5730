import dataclasses
import math

import numpy as np
import pytest

from pellucid.api.evaluating import evaluate, named_code, same_content, within
from pellucid.api.run_folder import part_sha256
from pellucid.api.stopping import Interrupted
from pellucid.envs import EnvSpec
from pellucid.errors import DataError, InputError
from pellucid.explanation import Components, Interval, not_measured
from pellucid.explanation.storage import load_explanation
from pellucid.io import strict_json
from tests.cli import runs, toy


def interval(value, low, high):
    return Interval(value, low, high, 10)


@pytest.mark.parametrize(
    ("now", "inside"),
    [(2.0, True), (1.0, True), (3.0, True), (0.999, False), (3.001, False), (2.5, True)],
)
def test_a_value_must_lie_in_the_stored_interval(now, inside):
    assert within(interval(2.0, 1.0, 3.0), interval(now, now, now)) is inside


def test_what_was_measured_must_be_measured_again():
    assert not within(interval(2.0, 1.0, 3.0), not_measured())
    assert within(not_measured(), not_measured())
    assert within(not_measured(), interval(1.0, 1.0, 1.0))


def test_an_interval_without_width_leaves_room_for_rounding_only():
    constant = Interval(0.3, 0.3, 0.3, 10, constant=True)
    assert within(constant, interval(0.1 + 0.2, 0, 0))
    assert not within(constant, interval(0.3001, 0, 0))


def test_a_stored_value_without_ends_must_come_out_equal():
    stored = Interval(2.0, math.nan, math.nan, 1)
    assert within(stored, interval(2.0, 2.0, 2.0))
    assert not within(stored, interval(2.1, 2.1, 2.1))


COMPONENTS = Components(
    values=np.array([[[1.0, 2.0]]]),
    whole=np.array([[3.0]]),
    component_names=("a", "b"),
    output_names=("x",),
)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"whole": np.array([[3.0001]])}, True),
        ({"whole": np.array([[3.1]])}, False),
        ({"whole": np.array([3.0])}, False),
        ({"component_names": ("a", "c")}, False),
    ],
)
def test_the_same_explanation_is_told_from_another(change, same):
    assert same_content(COMPONENTS, dataclasses.replace(COMPONENTS, **change)) is same


def test_no_content_is_only_the_same_as_none():
    assert same_content(None, None)
    assert not same_content(COMPONENTS, None)
    assert not same_content(None, COMPONENTS)


def test_every_piece_of_code_that_a_run_names_is_found():
    spec = EnvSpec("m:make", wrappers=("m:wrap", "n:wrap"), reward_terms="m:terms")
    assert named_code("m:act", spec) == ["m:act", "m:make", "m:wrap", "n:wrap", "m:terms"]
    assert named_code(None, EnvSpec("CartPole-v1")) == []
    assert named_code(None, None) == []


# --- a stored run ---


def test_every_score_comes_out_the_same_again(finished_once):
    outcome = evaluate(finished_once.folder, code=[runs.ENV])
    scores = [s for e in finished_once.record.explanations for s in e.faithfulness]
    assert [row.metric for row in outcome.rows] == [score.metric for score in scores]
    for row, score in zip(outcome.rows, scores, strict=True):
        assert row.now == row.stored == score.interval or not score.interval.measured
    assert outcome.passed
    assert outcome.differing == ()
    assert outcome.document()["run"] == finished_once.record.run_id


def test_a_stored_part_that_was_changed_is_refused(finished):
    path = finished / "explanations" / "shapley.json"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DataError, match="not what the run stored"):
        evaluate(finished, code=[runs.ENV])


def test_a_score_and_an_explanation_that_someone_improved_are_noticed(finished):
    stored = load_explanation(finished / "explanations" / "shapley")
    decisive = next(s for s in stored.faithfulness if s.metric == stored.decisive)
    better = decisive.interval
    lifted = dataclasses.replace(
        better, value=better.value + 1e3, low=better.low + 1e3, high=better.high + 1e3
    )
    scores = tuple(
        dataclasses.replace(s, interval=lifted) if s is decisive else s for s in stored.faithfulness
    )
    content = dataclasses.replace(stored.content, values=-stored.content.values)
    store_with_its_hash(finished, dataclasses.replace(stored, faithfulness=scores, content=content))
    outcome = evaluate(finished, code=[runs.ENV])
    assert [row.metric for row in outcome.rows if not row.inside] == [decisive.metric]
    assert not outcome.passed
    assert outcome.differing == ("shapley",)


def test_a_folder_without_episodes_cannot_be_checked(tmp_path):
    with pytest.raises(Interrupted):
        runs.tiny_run(tmp_path / "run", progress=runs.stop_at("episodes"))
    with pytest.raises(InputError, match="holds no episodes"):
        evaluate(tmp_path / "run")


def test_f16_code_that_a_run_names_is_imported_only_if_the_user_names_it_too(tmp_path):
    run = runs.tiny_run(tmp_path / "run", agent="tests.cli.toy:to_zero")
    with pytest.raises(InputError, match=r"tests\.cli\.toy:to_zero, tests\.cli\.toy:line") as e:
        evaluate(run.folder, code=["tests.cli.toy:other"])
    assert e.value.hint == (
        "if you trust it, add --code tests.cli.toy:to_zero --code tests.cli.toy:line"
    )
    assert evaluate(run.folder, code=["tests.cli.toy:to_zero", "tests.cli.toy:line"]).passed


def test_an_agent_and_an_environment_in_memory_are_given_again(tmp_path):
    def make(render_mode=None):
        return toy.line(render_mode)

    def act(observations):
        return toy.to_zero(observations)

    run = runs.tiny_run(tmp_path / "run", agent=act, env=make)
    with pytest.raises(InputError, match=r"environment .* made by code in memory"):
        evaluate(run.folder, agent=act)
    with pytest.raises(InputError, match="agent 'act' was code in memory"):
        evaluate(run.folder, env=make)
    assert evaluate(run.folder, agent=act, env=make).passed


def store_with_its_hash(folder, explanation):
    """Store an explanation as a forger would, who also changes the hash in `run.json`."""
    name = f"explanations/{explanation.method}"
    explanation.save(folder / name)
    document = strict_json.read(folder / "run.json")
    document["parts"][name]["sha256"] = part_sha256(folder, name)
    (folder / "run.json").write_text(strict_json.dumps(document))
