"""Futures that failed enter no number and are told."""

import numpy as np
import pytest

from pellucid.errors import AgentError, EnvError
from pellucid.rollouts import Failure, Future
from pellucid.rollouts.failures import check_enough, failure_warnings, usable_returns


def future(*rewards: float, failed: str | None = None) -> Future:
    failure = Failure(failed, "agent raised ValueError: x", 1) if failed else None
    return Future(rewards=np.array(rewards), actions=np.zeros(len(rewards)), failure=failure)


def test_a_failed_future_has_no_return_whatever_it_earned_before() -> None:
    returns = usable_returns([future(1.0, 2.0), future(50.0, failed="agent"), future()])
    np.testing.assert_array_equal(returns, [3.0, np.nan, 0.0])


def test_failures_are_told_in_one_sentence_and_none_in_none() -> None:
    assert failure_warnings([future(1.0)]) == ()
    assert failure_warnings([future(1.0), future(failed="agent")]) == (
        "1 of 2 futures failed and are left out; the first: agent raised ValueError: x",
    )


@pytest.mark.parametrize(("kind", "error"), [("agent", AgentError), ("environment", EnvError)])
def test_too_few_left_by_failures_is_an_error_of_their_kind(kind, error) -> None:
    with pytest.raises(error, match="1 of 2 futures failed: agent raised ValueError: x"):
        check_enough([future(1.0), future(failed=kind)], n_usable=1, least=2)


def test_enough_or_no_failure_passes() -> None:
    assert check_enough([future(1.0), future(failed="agent")], n_usable=2, least=2) is None
    assert check_enough([future(1.0)], n_usable=0, least=2) is None
