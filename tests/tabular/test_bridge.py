"""Problems in the format of the BRIDGE data set."""

import numpy as np
import pytest

from pellucid.errors import DataError, InputError, UnknownNameError
from pellucid.tabular import backward_induction
from pellucid.tabular.bridge import SHIPPED, bridge_mdp, from_npz


@pytest.mark.parametrize(
    ("name", "n_states", "n_actions", "best"),
    [
        ("maze_easy_l0_30_fs1", 244, 9, 10.0),
        ("freeway_10_fs30", 198, 3, 1.0),
        ("MiniGrid-KeyCorridorS3R1-v0", 169, 6, 1.0),
    ],
)
def test_shipped_problems(name, n_states, n_actions, best) -> None:
    mdp = bridge_mdp(name)
    assert (mdp.n_states, mdp.n_actions, mdp.horizon) == (n_states, n_actions, SHIPPED[name])
    assert mdp.deterministic
    assert backward_induction(mdp).value == best


def test_an_unknown_problem_is_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown problem 'pong'"):
        bridge_mdp("pong")


def test_a_file_of_ones_own(tmp_path) -> None:
    path = tmp_path / "two.npz"
    np.savez(path, transitions=np.array([[1, 0], [-1, 0]]), rewards=np.array([[0, 1], [5, 0]]))
    mdp = from_npz(path, horizon=3)
    # stay once for 1, walk on, take 5
    assert backward_induction(mdp).value == 6.0


@pytest.mark.parametrize(
    ("transitions", "rewards", "message"),
    [
        (np.array([[0.5]]), np.array([[0.0]]), "expected whole numbers as transitions"),
        (np.array([[3]]), np.array([[0.0]]), "got 3 for state 0, action 0"),
        (np.array([[0, 0]]), np.array([[0.0]]), "of one shape"),
        (np.array([[0]]), np.array([[np.nan]]), "expected finite rewards"),
    ],
)
def test_arrays_that_are_no_problem_are_refused(tmp_path, transitions, rewards, message) -> None:
    np.savez(tmp_path / "x.npz", transitions=transitions, rewards=rewards)
    with pytest.raises((InputError, DataError), match=message):
        from_npz(tmp_path / "x.npz", horizon=3)
