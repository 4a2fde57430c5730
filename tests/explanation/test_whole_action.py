"""Attributions of actions with several parts, added up by hand."""

import numpy as np
from gymnasium import spaces

from pellucid.envs.rows import RowSpace
from pellucid.explanation import Attribution
from pellucid.explanation.whole_action import WHOLE_ACTION, with_whole_action


def attribution(values: object, outputs: object, unit: str) -> Attribution:
    given, reached = np.array(values, dtype=float), np.array(outputs, dtype=float)
    n_states, n_inputs, n_outputs = given.shape
    return Attribution(
        values=given,
        observations=np.zeros((n_states, n_inputs)),
        chosen=reached.argmax(axis=1),
        outputs=reached,
        baseline=np.zeros(n_outputs),
        standard_errors=np.full(given.shape, 0.5),
        steps=np.array([(0, i) for i in range(n_states)]),
        input_names=tuple(f"x{i}" for i in range(n_inputs)),
        output_names=tuple(f"o{i}" for i in range(n_outputs)),
        output_unit=unit,
    )


def test_choices_add_up_over_the_preferred_values() -> None:
    # two parts of two values; the agent prefers columns 1 and 2, then 0 and 3
    content = attribution(
        [[[9, 1, 2, 9], [9, -3, 5, 9]], [[1, 9, 9, 4], [0, 9, 9, -1]]],
        [[0.2, 0.8, 0.7, 0.3], [0.6, 0.4, 0.1, 0.9]],
        "probability per part",
    )
    whole = with_whole_action(content, spaces.MultiDiscrete([2, 2]))
    assert whole.output_names[-1] == WHOLE_ACTION
    assert whole.chosen.tolist() == [4, 4]
    np.testing.assert_allclose(whole.chosen_values, [[3, 2], [5, -1]])
    np.testing.assert_allclose(whole.outputs[:, 4], [1.5, 1.5])
    np.testing.assert_allclose(whole.standard_errors[:, :, 4], 1.0)
    assert whole.orders[0].tolist() == [0, 1]
    np.testing.assert_array_equal(whole.values[:, :, :4], content.values)


def test_quantities_add_up_as_sizes_in_their_own_spread() -> None:
    # the first dimension varies by 2 around its mean, the second by 10: standard deviations
    content = attribution(
        [[[2, 0], [0, -10]], [[-4, 10], [1, 0]]], [[0, 0], [4, 20]], "mean action"
    )
    whole = with_whole_action(content, spaces.Box(-50, 50, (2,)))
    np.testing.assert_allclose(whole.chosen_values, [[1, 1], [3, 0.5]])
    np.testing.assert_allclose(whole.importance, [2, 0.75])
    # what it reached above the baseline of zero: 0 and 0, then 4 / 2 + 20 / 10
    np.testing.assert_allclose(whole.outputs[:, 2], [0, 4])
    assert whole.orders.tolist() == [[0, 1], [0, 1]]


def test_a_quantity_that_never_varies_counts_as_it_is() -> None:
    content = attribution([[[3, 1]], [[3, 1]]], [[1, 0], [1, 2]], "mean action")
    whole = with_whole_action(content, spaces.Box(-5, 5, (2,)))
    np.testing.assert_allclose(whole.chosen_values, [[4], [4]])


def test_choices_and_quantities_together_are_sizes() -> None:
    space = RowSpace(spaces.Dict({"gear": spaces.Discrete(2), "push": spaces.Box(-9.0, 9.0, (1,))}))
    content = attribution(
        [[[-1, 1, 4]], [[1, -1, -8]]], [[0, 1, 0], [1, 0, 8]], "choice or mean action"
    )
    whole = with_whole_action(content, space)
    # the preferred gear's column varies by 0.5 and the push by 4
    np.testing.assert_allclose(whole.chosen_values, [[1 / 0.5 + 4 / 4], [1 / 0.5 + 8 / 4]])


def test_one_choice_or_one_quantity_stays_as_it_is() -> None:
    content = attribution([[[1, 2]]], [[0, 1]], "probability")
    assert with_whole_action(content, spaces.Discrete(2)) is content
    one = attribution([[[1]]], [[3]], "mean action")
    assert with_whole_action(one, spaces.Box(-5, 5, (1,))) is one
