"""The hash of several modules; what counts in each is tested with the claims' staleness."""

import pytest

from pellucid.io.code_hash import closure, code_hash


def test_the_closure_of_two_modules_is_that_of_both() -> None:
    one, other = closure("pellucid.seeds"), closure("pellucid.budget")
    assert closure("pellucid.seeds", "pellucid.budget") == sorted({*one, *other})


def test_order_does_not_count_and_another_module_does() -> None:
    both = code_hash("pellucid.seeds", "pellucid.budget")
    assert both == code_hash("pellucid.budget", "pellucid.seeds")
    assert both != code_hash("pellucid.seeds")
    assert len(both) == 64


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"no module 'pellucid\.nothing'"):
        code_hash("pellucid.seeds", "pellucid.nothing")
