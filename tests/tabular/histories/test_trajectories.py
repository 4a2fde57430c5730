"""Numbers of histories by hand, and what no log is."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular.histories import Trajectories, index_histories


def log(**changes) -> Trajectories:
    arguments = {
        "observations": np.array([[0, 1, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]]),
        "actions": np.array([[1, 0], [0, 0], [1, 1], [1, 0]]),
        "rewards": np.array([[0.0, 1.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
        "n_observations": 2,
        "n_actions": 2,
    }
    return Trajectories(**(arguments | changes))


def test_histories_are_numbered_by_hand() -> None:
    index = index_histories(log())
    assert index.numbers[:, 0].tolist() == [0, 0, 1, 0]
    # in order of (number before, action, observation)
    assert index.numbers[:, 1].tolist() == [2, 0, 3, 1]
    assert index.numbers[:, 2].tolist() == [-1] * 4  # nothing is seen after the end
    assert index.n_histories == 2 + 4


def test_what_is_seen_after_a_cut_counts() -> None:
    index = index_histories(log(terminated=np.array([True, False, True, True])))
    assert index.numbers[:, 2].tolist() == [-1, 0, -1, -1]


def test_short_episodes_have_no_later_histories() -> None:
    index = index_histories(log(lengths=np.array([1, 2, 2, 2])))
    assert index.numbers[0].tolist() == [0, -1, -1]


def test_histories_are_found_and_unseen_ones_are_not() -> None:
    index = index_histories(log())
    wanted = np.array([[0, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    assert index.find(1, wanted).tolist() == [2, 1, -1, 0]
    assert index.find(0, np.array([[1], [0]])).tolist() == [1, 0]


def test_numbers_stay_apart_however_long_histories_are() -> None:
    n_steps = 60  # (2 * 2)^60 would not fit an integer
    rng = np.random.default_rng(0)
    observations = rng.integers(0, 2, (50, n_steps + 1))
    actions = rng.integers(0, 2, (50, n_steps))
    data = log(observations=observations, actions=actions, rewards=np.zeros((50, n_steps)))
    index = index_histories(data)
    last = index.numbers[:, n_steps - 1]
    assert len(set(last)) == 50
    assert (index.find(n_steps - 1, data.tokens(n_steps - 1)) == last).all()


def test_tokens_alternate() -> None:
    assert log().tokens(1).tolist() == [[0, 1, 1], [0, 0, 1], [1, 1, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": np.array([0, 1])}, r"actions of shape \(episodes, steps\)"),
        ({"rewards": np.zeros((4, 3))}, "rewards of shape"),
        ({"lengths": np.array([1, 2, 3, 1])}, "lengths from 1 to 2, got 3 for episode 2"),
        ({"lengths": np.array([1, 2])}, "lengths of shape"),
        ({"terminated": np.array([True])}, "terminated of shape"),
        ({"n_observations": 1}, "every observation from 0 to 0, got 1 for episode 0, step 1"),
        ({"n_actions": 1}, "every action from 0 to 0, got 1 for episode 0, step 0"),
        ({"rewards": np.full((4, 2), np.nan)}, "finite rewards, got nan for episode 0, step 0"),
    ],
)
def test_logs_that_are_none_are_refused(changes, message) -> None:
    with pytest.raises(InputError, match=message):
        log(**changes)


def test_steps_and_episodes_that_are_not_there_are_refused() -> None:
    with pytest.raises(InputError, match="a step from 0 to 2, got 3"):
        log().tokens(3)
    with pytest.raises(InputError, match="1 to 4 episodes, got 5"):
        log().first(5)
