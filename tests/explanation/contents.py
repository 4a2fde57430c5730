"""One content of every kind, small, with values that are hard to store."""

import math
from typing import Any

import numpy as np

from pellucid.explanation import (
    KINDS,
    Amounts,
    Attribution,
    Bands,
    Certificates,
    Components,
    Content,
    Contributions,
    CounterfactualStates,
    Doses,
    Futures,
    Graph,
    Orders,
    Prediction,
    Readings,
    Rules,
    Segments,
    Summary,
    Surrogate,
    TextTrace,
)


def unused_amounts(n_states: int, n_choices: int, n_events: int) -> dict[str, Any]:
    """The arrays of `Amounts` that a test has no use for."""
    return {
        "standard_errors": np.full((n_states, n_choices, n_events), math.nan),
        "returns": np.zeros((n_states, n_choices)),
        "choices": np.zeros((n_states, n_choices), np.int64),
        "choice_names": ("",) * n_choices,
        "discount": 1.0,
        "horizon": 1,
        "form": "levels",
        "places": np.empty((0, 0)),
        "columns": np.zeros(n_events, np.int64),
        "bounds": np.zeros(n_events),
        "above": np.ones(n_events, bool),
        "observations": np.zeros((n_states, 1)),
    }


ODD = (math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308)


def announced() -> tuple[Content, ...]:
    """One of every kind of announcement."""
    return (
        Prediction(("lands",), np.array([[0.9], [0.1]]), np.array([[True], [False]])),
        Amounts(("north west", "größe"), np.array([[[1.0, 0.0]] * 2]),
                np.array([[[0.1, math.nan]] * 2]), np.zeros((1, 2)), np.array([[math.nan, 0.0]]),
                np.array([[0, 1]]), ("right", "left"), np.array([[7, 12]]), 0.9, 44, "places",
                np.array([[2.0, 5.0], [2.0, 6.0]]), np.array([0, 0]), np.zeros(2),
                np.array([True, True]), np.array([[2.0, 5.0]]), np.array([[2, 5], [2, 6]])),
        Bands(("height",), np.array([[[[-math.inf, 0.0, 1.0]]]]), np.ones((1, 1, 1)), np.ones(1),
              np.array([[[math.nan]]]), np.zeros((1, 1)), np.array([[0, 3]]), 0.8),
        Orders(("lit then held",), ("x[0] > 0 then x[1] > 0",), np.array([0.5]),
               np.array([[True], [False]])),
        Readings(("größe",), np.array([[0.9], [0.1]]), np.array([[True], [False]]),
                 np.array([[2, 4], [2, 5]]), np.array([1]), np.array([math.nan]),
                 np.array([[0, 3]]), np.array([[True]])),
    )  # fmt: skip


def contents() -> dict[str, Content]:
    odd = np.array(ODD)
    found: tuple[Content, ...] = (
        Attribution(
            values=np.arange(12.0).reshape(2, 3, 2) - 4,
            observations=odd.reshape(2, 3),
            chosen=np.array([0, 1]),
            outputs=np.array([[0.75, 0.25], [0.5, 0.5]]),
            baseline=np.array([0.5, 0.5]),
            standard_errors=np.full((2, 3, 2), 0.1),
            steps=np.array([[0, 3], [1, 5]]),
            input_names=("height", "speed", "größe 身長"),
            output_names=("stay", "go"),
            output_unit="probability",
        ),
        Segments(
            episode=4,
            n_steps=10,
            starts=np.array([0, 5]),
            stops=np.array([5, 10]),
            drops=np.array([1.0, 9.0]),
            standard_errors=np.array([0.5, math.nan]),
            chosen=1,
            lowest=0,
        ),
        Futures(
            episode=0,
            step=3,
            arms=("stay", "go"),
            actions=np.array([0, 1]),
            returns=np.array([[3.0, 5.0], [1.0, 2.0]]),
            lengths=np.array([[7, 8], [7, 9]]),
            ended=np.array([[True, True], [True, False]]),
            term_names=("fuel", "goal"),
            terms=np.array([[[1.0, 2.0], [1.0, 4.0]], [[0.0, 1.0], [0.0, 2.0]]]),
            noise="fresh_noise",
            hold=1,
            preferences=np.array([0.6, 0.4]),
            preference_names=("stay", "go"),
            observation=np.array([1.0, 2.0, 3.0]),
        ),
        Surrogate("tree", ("if height > 1: go", "else: stay"), "def act(): ...", 2,
                  np.array([1, 2]), np.array([0.5, 1.5]), ("height",)),
        CounterfactualStates(
            observations=np.array([[1.0, 2.0]]),
            changed=np.array([[math.nan, math.nan]]),
            found=np.array([False]),
            chosen=np.array([0]),
            wanted=np.array([1]),
            reach_steps=np.array([-1]),
            input_names=("height", "speed"),
            output_names=("stay", "go"),
        ),
        Components(np.array([[[1.0, 2.0], [3.0, 4.0]]]), np.array([[3.0, 7.0]]),
                   ("fuel", "goal"), ("stay", "go")),
        Rules(("if high: stay",), np.array([2**53 + 1]), np.array([math.nan]),
              examples=np.array([[2, 5]]), likeness="its inputs", scale=np.ones(3)),
        *announced(),
        Certificates(np.zeros((2, 1), np.float32), np.array([0.5, math.inf]), "max norm"),
        Graph(("up", "down"), np.array([0.3, 0.7]), np.array([[0.9, 0.1], [0.2, 0.8]])),
        Summary(np.array([[0, 3], [2, 9]]), np.array([0.4, 0.2]), "value spread",
                ("value high", "größe low"), ("value", "größe"),
                np.array([[1.0, math.nan], [0.0, -1.0]])),
        Contributions(("a", "b"), np.array([1.0, 2.0]), np.array([0.1, math.nan]), math.inf,
                      moments=np.array([[0, 3]]), members=np.array([0, 1, 1]),
                      by_moment=np.array([[1.0, math.nan]]), shown=0,
                      absent=np.array([[False], [True]]), term_names=("größe",), named=1,
                      discount=0.9),
        Doses(("größe", "fast"), np.array([0, 1]), np.array([[0.5, -0.0], [math.inf, 1.0]]),
              np.array([0.5, math.nan]), np.array([-1.0, 0.0, 1.0]), ("stay",), np.array([0, 0]),
              np.array([True, False]), np.arange(6.0).reshape(1, 2, 3, 1), "points", 4,
              np.array([3]), 1, np.array([[1.0], [math.nan], [2.0]])),
        TextTrace(("2+2?",), ("",), ("answer: ",), ("4",), ("two and two ", "make four. "),
                  np.array([0, 0]), np.array([0.0, 1.0]), np.array([1.0]), np.array([math.nan]),
                  ("",)),
    )  # fmt: skip
    assert {c.kind for c in found} == set(KINDS)
    return {c.kind: c for c in found}
