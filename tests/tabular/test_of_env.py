"""Finite problems of what users name: toy-text, MiniGrid, MinAtar, small games, files."""

import numpy as np
import pytest

from pellucid.errors import CapabilityError, InputError, UnknownNameError
from pellucid.tabular import FiniteMDP, backward_induction
from pellucid.tabular.horizon import (
    effective_planning_window,
    minimum_k,
    simple_bound,
    stages,
)
from pellucid.tabular.of_env import finite_mdp_of
from tests.tabular.test_enumerating import Ring


def test_toy_text_tells_its_own_table() -> None:
    mdp = finite_mdp_of("FrozenLake-v1", horizon=20)
    assert (mdp.n_states, mdp.horizon, mdp.deterministic) == (17, 20, False)
    assert mdp.state_name(6) == "row 1, column 2"
    assert finite_mdp_of("FrozenLake-v1").horizon == 100  # its own limit


def test_small_games_are_enumerated() -> None:
    mdp = finite_mdp_of("pellucid/KeyDoorTrap-v0")
    assert mdp.horizon == 20
    assert backward_induction(mdp).value == 10.0
    assert minimum_k(stages(mdp)) == 1
    assert effective_planning_window(stages(mdp)) == 7  # from the key to the door


def test_a_maker_of_environments_will_do() -> None:
    assert finite_mdp_of(Ring, horizon=5).n_states == 4
    assert finite_mdp_of("tests.tabular.test_enumerating:Ring", horizon=5).n_states == 4
    wrapped = finite_mdp_of(Ring, horizon=5, wrappers=("tests.tabular.wrapping:Doubled",))
    assert backward_induction(wrapped).value == 2.0


def test_shipped_problems_and_files(tmp_path) -> None:
    assert finite_mdp_of("bridge:freeway_10_fs30").horizon == 10
    assert finite_mdp_of("bridge:freeway_10_fs30", horizon=7).horizon == 7
    path = tmp_path / "x.npz"
    np.savez(path, transitions=np.array([[0, -1]]), rewards=np.array([[0, 1]]))
    assert finite_mdp_of(str(path), horizon=4).n_states == 2
    with pytest.raises(InputError, match="expected a horizon for"):
        finite_mdp_of(str(path))
    with pytest.raises(InputError, match="is a table"):
        finite_mdp_of(str(path), horizon=4, actions=[0])


def test_names_that_are_nothing_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="FrozenLak"):
        finite_mdp_of("FrozenLak-v1")
    with pytest.raises(InputError, match="at least 1 step, got 0"):
        finite_mdp_of("FrozenLake-v1", horizon=0)
    with pytest.raises(InputError, match="expected an environment's name or maker, got int"):
        finite_mdp_of(3)  # type: ignore[arg-type]
    with pytest.raises(CapabilityError, match="more than 100 states"):
        finite_mdp_of("CartPole-v1", max_states=100)


# --- MiniGrid ---


def test_minigrid_is_the_published_problem() -> None:
    pytest.importorskip("minigrid", reason="minigrid is not installed")
    name = "MiniGrid-KeyCorridorS3R1-v0"
    ours = finite_mdp_of(name, horizon=100, actions=range(6))
    published = finite_mdp_of(f"bridge:{name}")
    # the published one holds some states twice, which look different and behave the same
    assert n_behaviours(ours) == n_behaviours(published) == ours.n_states == 157
    a, b = stages(ours), stages(published)
    assert (minimum_k(a), effective_planning_window(a)) == (1, 15)
    assert float(ours.initial @ a.explored[0]) == pytest.approx(
        float(published.initial @ b.explored[0]), rel=1e-12
    )
    assert [x.m for x in simple_bound(a).levels] == [x.m for x in simple_bound(b).levels]
    assert ours.action_names == ("left", "right", "forward", "pickup", "drop", "toggle")


def n_behaviours(mdp: FiniteMDP) -> int:
    """Classes of states that pay alike and lead to the same classes."""
    classes, n_classes = np.zeros(mdp.n_states, dtype=np.int64), 0
    while True:
        rows = np.column_stack([classes, classes[mdp.next_states], mdp.rewards])
        classes = np.unique(rows, axis=0, return_inverse=True)[1]
        if classes.max() + 1 == n_classes:
            return n_classes
        n_classes = int(classes.max()) + 1


def test_minigrid_names_places_and_does_not_count_time() -> None:
    pytest.importorskip("minigrid", reason="minigrid is not installed")
    mdp = finite_mdp_of("MiniGrid-Empty-5x5-v0", horizon=12)
    # nine cells and four directions; at the goal the episode is over
    assert mdp.n_states == 8 * 4 + 1
    assert mdp.state_names[0] == "column 1, row 1, facing right"
    assert set(mdp.rewards.reshape(-1)) == {0.0, 1.0}
    # two steps, a turn, two steps
    values = [
        backward_induction(finite_mdp_of("MiniGrid-Empty-5x5-v0", horizon=h)).value for h in (4, 5)
    ]
    assert values == [0.0, 1.0]


# --- MinAtar ---


def test_minatar_where_it_is_deterministic() -> None:
    pytest.importorskip("minatar", reason="minatar is not installed")
    mdp = finite_mdp_of("MinAtar/Breakout-v1", horizon=8)
    assert mdp.action_names == ("no-op", "left", "right")
    assert mdp.deterministic
    # the ball comes down in time to be hit once, and takes a brick on its way up
    assert backward_induction(finite_mdp_of("MinAtar/Breakout-v1", horizon=14)).value >= 1.0
    with pytest.raises(CapabilityError, match="asterix draws random numbers in its steps"):
        finite_mdp_of("MinAtar/Asterix-v1")
