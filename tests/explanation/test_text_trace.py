"""Counts of stated reasoning by hand, and their chart."""

import math

import numpy as np

from pellucid.explanation import TextTrace
from pellucid.explanation.plots import content_chart
from pellucid.stats import proportion_interval


def trace(correct, dependence, **hints):
    n = len(correct)
    return TextTrace(
        prompts=tuple(f"prompt {i}" for i in range(n)),
        openings=("",) * n,
        closings=("answer:",) * n,
        answers=("1",) * n,
        steps=tuple(f"step {i}\n" for i in range(2 * n)),
        step_prompts=np.repeat(np.arange(n), 2),
        effects=np.zeros(2 * n),
        correct=np.array(correct, dtype=float),
        dependence=np.array(dependence, dtype=float),
        reasons=("",) * n,
        **{name: np.array(values, dtype=float) for name, values in hints.items()},
    )


def test_quadrants_count_wrong_and_right_by_independent_and_dependent():
    content = trace([1, 1, 1, 0, 0, math.nan, 1], [1, 0.5, 0.49, 0, 1, 1, math.nan])
    assert content.quadrants.tolist() == [[1, 1], [1, 2]]


def test_hints_count_unused_and_used_by_unmentioned_and_mentioned():
    content = trace([1] * 4, [1] * 4, hints_used=[1, 1, 0, math.nan], hints_mentioned=[0, 1, 0, 1])
    assert content.hint_counts.tolist() == [[1, 0], [1, 1]]
    assert trace([1], [1]).hint_counts.sum() == 0


def test_steps_are_told_apart_by_prompt():
    assert trace([1, 1], [1, 1]).steps_of(1) == ("step 2\n", "step 3\n")


def test_the_chart_shows_the_four_shares_with_intervals():
    chart = content_chart(trace([1, 1, 1, 0], [1, 1, 0, 0]))
    assert chart.sentence == "2 of 4 answers are right and depend on the stated steps."
    assert [row.value for row in chart.rows] == [50.0, 25.0, 0.0, 25.0]
    expected = proportion_interval(2, 4)
    assert (chart.rows[0].low, chart.rows[0].high) == (100 * expected.low, 100 * expected.high)
    assert content_chart(trace([math.nan], [1])) is None
