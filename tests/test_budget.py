"""The meter refuses before the work, here and in every parent."""

from types import SimpleNamespace

import pytest

from pellucid import budget
from pellucid.budget import Cost, Meter, TimeLimit
from pellucid.errors import BudgetError, TimeLimitError


def test_charge_up_to_the_budget_is_allowed_and_one_more_is_refused():
    meter = Meter(Cost(queries=10, env_steps=2))
    meter.charge(queries=10, env_steps=2)
    with pytest.raises(BudgetError, match="allows 10 agent queries and 11 are needed"):
        meter.charge(queries=1)
    assert meter.used == Cost(10, 2)


def test_refused_charge_records_nothing_in_child_or_parent():
    parent = Meter(Cost(queries=5))
    child = Meter(Cost(queries=100), parent=parent)
    with pytest.raises(BudgetError):
        child.charge(queries=6)
    assert child.used == parent.used == Cost()


def test_child_is_capped_by_what_its_parent_has_left():
    parent = Meter(Cost(queries=10, env_steps=10))
    parent.charge(queries=4)
    child = parent.child(Cost(queries=8, env_steps=3))
    assert child.allowed == Cost(6, 3)
    parent.charge(queries=5)
    assert child.left == Cost(1, 3)


def test_error_names_the_option_to_raise():
    with pytest.raises(BudgetError) as caught:
        Meter(Cost(queries=1)).charge(env_steps=3)
    assert caught.value.hint == "raise --env-steps to at least 3"


def test_gradient_steps_are_counted_and_never_refused():
    meter = Meter(Cost())
    meter.charge(gradient_steps=7)
    assert meter.used.gradient_steps == 7


# --- time ---


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until a test moves it."""
    made = SimpleNamespace(now=100.0)
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


def test_f46_after_the_time_limit_nothing_is_left_and_work_is_refused(clock):
    meter = Meter(Cost(10, 10), time_limit=TimeLimit(5.0))
    meter.charge(queries=3)
    clock.now = 104.9
    meter.check_time()
    assert (meter.time_is_up, meter.left) == (False, Cost(7, 10))
    clock.now = 105.0
    assert (meter.time_is_up, meter.left) == (True, Cost())
    with pytest.raises(TimeLimitError, match="the time limit of 5 s was reached") as caught:
        meter.check_time()
    assert isinstance(caught.value, BudgetError)
    assert "--time-limit" in caught.value.hint


def test_f46_work_that_was_done_is_charged_after_the_time_limit_too(clock):
    parent = Meter(Cost(10, 10), time_limit=TimeLimit(5.0))
    child = parent.child(Cost(10, 10))
    clock.now = 200.0
    child.charge(queries=4)
    assert child.used == parent.used == Cost(4)
    assert parent.child(Cost(10, 10)).allowed == Cost()


@pytest.mark.parametrize(("own", "ends"), [(None, 105.0), (2.0, 102.0), (50.0, 105.0)])
def test_f46_the_limit_that_ends_first_holds(clock, own, ends):
    parent = Meter(Cost(10, 10), time_limit=TimeLimit(5.0))
    child = parent.child(Cost(10, 10), None if own is None else TimeLimit(own))
    assert child.time_limit.ends == ends
    assert Meter(Cost(10, 10)).time_limit is None
