"""What the claims measure: learners at the junction, and recurrent learners in the maze."""

import numpy as np
import pytest
import torch

from pellucid.seeds import stream
from pellucid.systems import history_bisimulation as system
from pellucid.systems import history_bisimulation_grid as maze
from pellucid.systems.history_bisimulation_grid import GridOptions
from pellucid.tabular.histories import StitchingGrid

GRID = StitchingGrid()
TINY = GridOptions(n_episodes=20, n_updates=3, n_batch=4, n_units=8)


@pytest.mark.parametrize(
    ("learner", "value"), [("cue", 0.8), ("refined", 0.8), ("last observation", 0.5)]
)
def test_learners_that_are_right_or_hopeless(learner: str, value: float) -> None:
    assert system.junction_value(learner, 4, 1000, 1000) == pytest.approx(value)


def test_longer_histories_need_more_episodes() -> None:
    short, long = (system.episodes_needed("histories", n, 13, 1000) for n in (3, 5))
    assert 3 <= long - short <= 6
    assert system.episodes_needed("cue", 5, 13, 1000) < 5


def test_what_is_not_reached_is_not_a_number() -> None:
    assert np.isnan(system.episodes_needed("last observation", 3, 5, 1000))


def test_every_known_answer_comes_out() -> None:
    assert all(system.known_answers().values())


# --- the maze ---


def a_batch(actions, rewards, goes_on, *, n_actions: int = 2) -> maze.Batch:
    n, steps = np.shape(actions)
    return maze.Batch(
        features=torch.zeros(n, steps + 1, 1),
        actions=torch.tensor(actions),
        rewards=torch.tensor(rewards),
        taken=torch.ones(n, steps, dtype=torch.bool),
        goes_on=torch.tensor(goes_on),
        order=torch.arange(n * steps).flip(0),
    )


def test_the_conservative_loss_is_the_one_by_hand() -> None:
    batch = a_batch([[1, 0]], [[0.0, 1.0]], [[1.0, 0.0]])
    q_values = torch.tensor([[[0.0, 0.5], [0.2, 0.0], [9.0, 9.0]]])
    later = torch.tensor([[[7.0, 7.0], [0.4, 0.6], [9.0, 9.0]]])
    error = ((0.5 - 0.9 * 0.6) ** 2 + (0.2 - 1.0) ** 2) / 2
    penalty = (np.log(1 + np.exp(0.5)) - 0.5 + np.log(1 + np.exp(0.2)) - 0.2) / 2
    found = maze.conservative_loss(q_values, later, batch, GridOptions(conservatism=0.3))
    assert float(found) == pytest.approx(error + 0.3 * penalty, rel=1e-5)


def test_the_pair_loss_is_the_one_by_hand_and_leaves_targets_alone() -> None:
    # two episodes of one step: one is paid and ends, the other goes on to the state (.4, 0)
    batch = a_batch([[1], [1]], [[1.0], [0.0]], [[0.0], [1.0]])
    states = torch.tensor([[[1.0, 0.0], [8.0, 8.0]], [[0.0, 0.0], [8.0, 8.0]]], requires_grad=True)
    later = torch.tensor([[[9.0, 9.0], [9.0, 9.0]], [[9.0, 9.0], [0.4, 0.0]]], requires_grad=True)
    loss = maze.pair_loss(states, later, batch, 0.5)
    assert loss.item() == pytest.approx((0.5 - 1.0 - 0.5 * 0.2) ** 2)
    loss.backward()
    assert later.grad is None
    assert states.grad is not None


def test_pairs_of_different_actions_do_not_count() -> None:
    batch = a_batch([[1, 0], [0, 1]], [[0.0, 0.0]] * 2, [[1.0, 0.0]] * 2)
    batch.order[:] = torch.tensor([3, 2, 1, 0])  # the first with the last: action 1 both
    states = torch.zeros(2, 3, 1)
    states[0, 0] = 1.0
    found = maze.pair_loss(states, torch.zeros(2, 3, 1), batch, 0.5)
    assert found.item() == pytest.approx((1 + 0 + 0 + 1) / 4)
    batch.actions[0, 0] = 0
    assert maze.pair_loss(states, torch.zeros(2, 3, 1), batch, 0.5).item() == 0.0


def test_without_memory_only_the_last_step_counts() -> None:
    features = torch.from_numpy(stream(0, "t").normal(size=(2, 4, 3)).astype(np.float32))
    other = features.clone()
    other[:, :3] += 1
    for memory, same in ((False, True), (True, False)):
        network = maze.RecurrentQ(3, 5, 2, memory=memory)
        last, changed = (network(one)[1][:, -1] for one in (features, other))
        assert torch.allclose(last, changed) == same


def test_only_paid_episodes_are_cloned() -> None:
    kept = maze.paid_episodes(GRID.logged(100, stream(0, "t")))
    assert (kept.rewards.sum(axis=1) == 1).all()
    assert (GRID.parts(kept.observations[:, 0])[0] == GRID.top).all()


def test_features_hold_cell_colour_cue_and_the_action_before() -> None:
    tokens = np.array([[GRID.observation(12, 3, 1), 0, GRID.observation(7, 0, 2)]])
    found = maze.step_features(GRID, tokens)
    where = [np.flatnonzero(found[0, step]).tolist() for step in (0, 1)]
    assert where == [[12, 15 + 3, 19 + 1, 22 + 4], [7, 15, 19 + 2, 22]]


@pytest.mark.parametrize("learner", ["q-learning", "cloning"])
def test_the_same_seed_gives_the_same_result(learner) -> None:
    options = maze.replace(TINY, learner=learner, pair_weight=0.1)
    before = torch.random.get_rng_state()
    first = maze.grid_result(GRID, options, 0, n_tests=8)
    maze.grid_result.cache_clear()
    second = maze.grid_result(GRID, options, 0, n_tests=8)
    assert first == second
    assert (torch.random.get_rng_state() == before).all()


@pytest.mark.slow
def test_cloning_of_whole_ways_learns_the_cue() -> None:
    data = GRID.play(_straight, 60, stream(0, "t"))
    network = maze.trained(GRID, data, GridOptions(learner="cloning", n_updates=200), 0)
    assert GRID.success(maze.greedy(GRID, network), 50, stream(1, "t")) > 0.9


def _straight(step: int, tokens: np.ndarray) -> np.ndarray:
    sideways = np.where(GRID.parts(tokens[:, 0])[2] == 0, 2, 3)
    return sideways if step in (2, 3) else np.full(len(tokens), 0 if step < 2 else 1)
