"""Concepts: what is true of which states, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task

from pellucid.errors import DataError, InputError
from pellucid.explainers.internals.concepts import concepts_of

AGENT = LinearQ(np.array([[1.0, -1.0], [0.0, 0.0]]))


def told(episodes, agent=AGENT, **options):
    asked = task(agent, episodes, options=options)
    return concepts_of(asked, episodes.visited_steps, episodes.visited)


def test_the_usual_concepts_by_hand() -> None:
    episodes = logged(2, 2, lengths=(4, 8))
    terms = {"fuel": np.array([0.0, -1.0, 0.0, 0.0])}, {"fuel": np.tile([0.0, -1.0], 4)}
    attempted = tuple(replace(e, terms=t) for e, t in zip(episodes.attempted, terms, strict=True))
    episodes = replace(episodes, attempted=attempted)
    found = told(episodes)
    first = episodes.visited[:, 0]
    np.testing.assert_array_equal(found["input 0 is high"], first > np.median(first))
    # the value of this agent is the size of its first input
    np.testing.assert_array_equal(
        found["its predicted return is high"], np.abs(first) > np.median(np.abs(first))
    )
    paid = [False, True, False, False, *([False, True] * 4)]
    assert found["fuel is paid"].tolist() == paid
    assert found["the end is near"].tolist() == [False] * 3 + [True] + [False] * 6 + [True] * 2
    assert set(found) == {
        "input 0 is high",
        "input 1 is high",
        "its predicted return is high",
        "fuel is paid",
        "the end is near",
    }


def test_what_hardly_varies_is_left_out_and_an_agent_without_value_has_none() -> None:
    episodes = logged(2, 2)
    for episode in episodes.attempted:
        episode.observations[:, 1] = 3.0
    bare = LinearQ(AGENT.weights, capabilities=frozenset())
    assert set(told(episodes, bare)) == {"input 0 is high", "the end is near"}


def test_given_concepts_take_the_place_of_the_usual_ones() -> None:
    found = told(logged(2, 2), concepts={"right": lambda rows: rows[:, 0] > 0})
    assert list(found) == ["right"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("right", "must be a mapping"),
        ({}, "must be a mapping"),
        ({"right": 3}, "must be a function"),
        ({"right": lambda rows: rows}, r"expected shape \(90,\), got \(90, 2\)"),
    ],
)
def test_what_is_no_concept_is_refused(given, message) -> None:
    with pytest.raises(InputError, match=message):
        told(logged(2, 2), concepts=given)


def test_concepts_that_never_vary_leave_nothing_to_read() -> None:
    with pytest.raises(DataError, match="no concept is true in some states"):
        told(logged(2, 2), concepts={"always": lambda rows: rows[:, 0] < np.inf})
