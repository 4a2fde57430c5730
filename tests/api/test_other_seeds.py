"""Explanations under other seeds: measured within the budget, stored, and shown in Trust."""

import math

import pytest

from pellucid.api import other_seeds, stages
from pellucid.api.other_seeds import kept_for_other_seeds, read_rows, stored_rows
from pellucid.api.planning import plan_all
from pellucid.api.request import make_request
from pellucid.api.run_folder import read_run
from pellucid.budget import Cost
from pellucid.errors import DataError, InputError
from pellucid.report.record import SeedStability
from tests.api.test_grouping import ASKED
from tests.cli import runs, toy

LARGER = {"other_seeds": 3, "budget": 40_000, "env_steps": 40_000}
PLAN = {"seed": 0, "policy": "greedy", "episode": None, "step": None, "names": None}


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    return runs.small_run(tmp_path_factory.mktemp("seeds") / "run", **LARGER)


def test_each_explanation_is_compared_with_those_under_other_seeds(again):
    rows = {row.method: row for row in again.record.stability}
    assert set(rows) == set(runs.METHODS)
    shapley = rows["shapley"]
    # one of two inputs has no weight: every seed ranks them alike
    assert shapley.values == (1.0, 1.0, 1.0)
    assert (shapley.interval.value, shapley.interval.n) == (1.0, 3)
    assert shapley.reason == ""


def test_what_it_costs_is_counted_and_within_the_budget(again):
    record = again.record
    assert record.costs["other-seeds"].queries > 0
    assert sum(record.costs.values(), Cost()) == record.used
    assert record.used.fits(record.allowed)


def test_the_trust_page_tells_of_it(again):
    trust = again.document["trust"]
    found = {
        again.document["explanations"][r["explanation"]]["method"]: r for r in trust["stability"]
    }
    assert found["shapley"]["value"] == 1.0
    assert found["shapley"]["n"] == 3
    assert not any("--other-seeds" in told["text"] for told in trust["choices"])
    assert "n seeds" in again.report.read_text(encoding="utf-8")


def test_without_other_seeds_the_page_says_that_it_was_not_measured(finished_once):
    trust = finished_once.document["trust"]
    assert trust["stability"] == []
    assert any("--other-seeds" in told["text"] for told in trust["choices"])
    assert "other_seeds" not in read_run(finished_once.folder).head["inputs"]


def test_a_finished_run_does_not_make_them_again(again, monkeypatch):
    monkeypatch.setattr(stages, "stabilities", None)
    resumed = runs.small_run(again.folder, **LARGER)
    assert resumed.reused
    assert resumed.record.stability == again.record.stability


def test_equal_runs_find_equal_stability(again, tmp_path):
    other = runs.small_run(tmp_path / "run", **LARGER)
    assert runs.stored(other.folder) == runs.stored(again.folder)


def test_one_other_seed_has_a_value_and_no_interval(tmp_path):
    run = runs.tiny_run(tmp_path / "run", other_seeds=1, budget=20_000)
    (row,) = run.record.stability
    assert row.values == (1.0,)
    assert row.reason == "one other seed gives no interval"
    assert math.isnan(row.interval.low)


def test_what_the_budget_does_not_pay_for_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(other_seeds, "plan_method", lambda *args, **kwargs: Cost(10**9, 0))
    run = runs.tiny_run(tmp_path / "run", other_seeds=2)
    (row,) = run.record.stability
    assert row.values == ()
    assert "2 more explanations need about 2000000000 agent queries" in row.reason
    (shown,) = run.document["trust"]["stability"]
    assert shown["value"] is None
    assert "not measured" in run.report.read_text(encoding="utf-8")


def test_the_plan_keeps_budget_back(tmp_path):
    plan = plan_all(toy.network(), runs.ENV, **(runs.SMALL | {"other_seeds": 4}), **PLAN)
    assert plan.parts[-1].name == "other-seeds"
    # four repetitions of half of what an explanation with its tests may use
    assert plan.parts[-1].most == Cost(6666, 6666)


def test_nothing_is_kept_back_if_none_are_asked_for():
    assert kept_for_other_seeds(make_request(methods="shapley", **ASKED)) == Cost()


@pytest.mark.parametrize("wrong", [-1, 21])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="other_seeds must be 0 to 20"):
        make_request(methods="shapley", other_seeds=wrong, **ASKED)


def test_rows_come_back_as_they_were_stored():
    rows = (
        SeedStability("a", "words", -1.0, (0.5, math.nan), ""),
        SeedStability("b", "", 0.0, (), "no measure"),
    )
    assert str(read_rows(stored_rows(rows))) == str(rows)
    with pytest.raises(DataError, match="damaged where it tells of other seeds"):
        read_rows([{"method": "a"}])


def test_an_interval_stays_within_what_a_likeness_can_be():
    wide = SeedStability("a", "words", 0.0, (1.0, 0.0, 0.5), "").interval
    assert (wide.value, wide.low, wide.high) == (0.5, 0.0, 1.0)
