"""Returns by term and by span of time, by hand."""

import numpy as np
import pytest

from pellucid.kernels.returns import discounted_returns
from pellucid.kernels.reward_parts import span_returns, stacked_terms, term_returns

REWARDS = np.array([1.0, 2.0, 4.0, 8.0])


def test_terms_are_discounted_one_by_one():
    terms = np.array([[1.0, 0.0], [0.0, 4.0]])
    assert term_returns(terms, 0.5).tolist() == [[1.0, 2.0], [0.0, 4.0]]
    assert term_returns(np.empty((3, 0)), 0.5).shape == (3, 0)


@pytest.mark.parametrize("discount", [1.0, 0.9])
@pytest.mark.parametrize("since", [[0, 1], [0, 2, 3], [0, 3, 10]])
def test_spans_add_up_to_the_return(discount, since):
    spans = span_returns(REWARDS, np.array(since), discount)
    np.testing.assert_allclose(spans.sum(axis=1), discounted_returns(REWARDS, discount))


def test_spans_by_hand():
    spans = span_returns(REWARDS, np.array([0, 1, 3]), 1.0)
    assert spans.tolist() == [[1, 6, 8], [2, 12, 0], [4, 8, 0], [8, 0, 0]]


def test_an_episode_without_steps_has_no_rows():
    assert span_returns(np.empty(0), np.array([0, 2]), 1.0).shape == (0, 2)


def test_a_term_that_is_not_reported_is_unknown():
    rows = stacked_terms({"a": np.array([1.0, 2.0])}, ("b", "a"), 2)
    np.testing.assert_array_equal(rows, [[np.nan, 1.0], [np.nan, 2.0]])
    assert stacked_terms({}, (), 2).shape == (2, 0)
