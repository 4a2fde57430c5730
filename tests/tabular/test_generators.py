"""Problems made at random have the structure that is said."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import backward_induction, random_mdp
from pellucid.tabular.generators import combination_lock, grid_world, random_graph


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_lock_opens_with_one_combination() -> None:
    mdp = combination_lock(4, 3, rng())
    solution = backward_induction(mdp)
    assert solution.value == 1.0
    every = np.array(np.meshgrid(*[range(3)] * 4)).reshape(4, -1).T
    opened = 0
    for actions in every:
        state, paid = 0, 0.0
        for action in actions:
            paid += mdp.rewards[state, action]
            state = mdp.next_states[state, action]
        opened += paid > 0
    assert opened == 1


def test_a_grid_pays_once_and_shaping_adds_what_is_come_nearer() -> None:
    plain = grid_world(4, rng(), horizon=12)
    shaped = grid_world(4, rng(), horizon=12, shaped=True)
    assert backward_induction(plain).value == 1.0
    n_away = next(
        horizon
        for horizon in range(1, 12)
        if backward_induction(grid_world(4, rng(), horizon=horizon)).value == 1.0
    )
    assert backward_induction(shaped).value == pytest.approx(1.0 + 0.1 * n_away)
    assert plain.action_names == ("up", "right", "down", "left")


def test_a_graph_pays_somewhere() -> None:
    mdp = random_graph(8, 3, rng(), horizon=5, share_paid=0.0)
    assert (mdp.rewards > 0).sum() == 1
    assert mdp.deterministic


@pytest.mark.parametrize("make", [lambda r: grid_world(1, r, horizon=3)])
def test_sizes_that_are_too_small_are_refused(make) -> None:
    with pytest.raises(InputError, match="at least 2 cells"):
        make(rng())
    with pytest.raises(InputError, match="expected 1 to 3 successors"):
        random_mdp(3, 2, rng(), n_successors=4, horizon=2)
