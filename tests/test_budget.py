"""The meter refuses before the work, here and in every parent."""

import pytest

from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError


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
