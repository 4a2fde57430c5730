import tracemalloc

import numpy as np

from pellucid.rollouts.checks import space_layout
from pellucid.rollouts.recorder import Recorder

VECTOR = ((2,), np.dtype(np.float32))
CHOICE = ((), np.dtype(np.int64))


def test_a_term_that_appears_late_was_not_zero_before() -> None:
    recorder = Recorder(VECTOR, CHOICE)
    recorder.start(np.zeros(2))
    recorder.step(0, 1.0, np.zeros(2), None)
    recorder.step(0, 1.0, np.zeros(2), {"a": 1.0})
    recorder.step(0, 1.0, np.zeros(2), {"b": 2.0, "a": 3.0})
    recorder.step(0, 1.0, np.zeros(2), {})
    np.testing.assert_array_equal(recorder.terms["a"], [np.nan, 1.0, 3.0, np.nan])
    np.testing.assert_array_equal(recorder.terms["b"], [np.nan, np.nan, 2.0, np.nan])


def test_without_terms_there_are_none() -> None:
    recorder = Recorder(VECTOR, CHOICE)
    recorder.start(np.zeros(2))
    recorder.step(0, 1.0, np.ones(2), None)
    assert recorder.terms == {}
    assert recorder.observations.shape == (2, 2)


def test_an_empty_record_has_the_right_shapes_and_types() -> None:
    recorder = Recorder(VECTOR, CHOICE)
    assert recorder.observations.shape == (0, 2)
    assert recorder.actions.dtype == np.int64
    assert len(recorder.rewards) == len(recorder) == 0


def test_f35_a_million_steps_take_little_more_than_their_values() -> None:
    import gymnasium

    layout = space_layout(gymnasium.spaces.Discrete(3))
    recorder = Recorder(layout, layout)
    n_steps = 100_000
    tracemalloc.start()
    recorder.start(0)
    for step in range(n_steps):
        recorder.step(1, 1.0, step % 3, None)
    used, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    values = 3 * 8 * n_steps
    assert used < 2.5 * values
    assert peak < 4 * values
    assert recorder.observations[-1] == (n_steps - 1) % 3
