"""What a future may have had, by hand."""

import numpy as np
import pytest

from pellucid.envs.names import Names
from pellucid.errors import InputError
from pellucid.rollouts import Future
from pellucid.rollouts.episodes import Episode, Episodes
from pellucid.rollouts.outcomes import named_outcomes, usual_outcomes

NAMES = Names(("height", "lamp"), ("m", ""), ("wait",), ("",))
SEEN = np.array([[9.0, 1.0], [1.0, 0.0], [2.0, 0.0]])


def future(**more):
    given = {"rewards": np.zeros(2), "actions": np.zeros(2), "observations": SEEN, **more}
    return Future(**given)


def recorded(terms=()):
    heights = np.column_stack((np.arange(101.0), np.arange(101) % 2))
    paid = {name: np.ones(100) for name in terms}
    one = Episode(0, 1, heights, np.zeros(100), np.zeros(100), True, False, terms=paid)
    return Episodes((one,), None, NAMES, 0, "greedy")


def test_named_outcomes_are_looked_for_at_every_step_but_the_first():
    found = named_outcomes(["height < 1.5", "height>5", "lamp > 0.5", "height > 1.5"], NAMES)
    # where it starts counts for nothing
    assert found.of(future()).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("told", "words"),
    [("height", "expected an outcome such as"), ("weight < 3", "no input is called 'weight'"),
     ("height < many", "expected an outcome such as"), ("__import__('os') > 1", "no input")],
)  # fmt: skip
def test_what_is_no_outcome_is_refused(told, words):
    with pytest.raises(InputError, match=words):
        named_outcomes([told], NAMES)


def test_usual_outcomes_are_what_is_rare():
    found = usual_outcomes(recorded(("fuel",)))
    assert found.names == (
        "height above 94", "height below 4.95", "lamp on", "it ends by itself",
        "the time limit ends it", "fuel gains", "fuel loses",
    )  # fmt: skip
    had = found.of(future(terminated=True, terms={"fuel": np.array([1.0, -3.0])}))
    assert had.tolist() == [False, True, False, True, False, False, True]
    other = found.of(future(truncated=True, observations=SEEN + 99.0))
    assert other.tolist() == [True, False, True, False, True, False, False]
