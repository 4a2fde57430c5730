"""Games against visited states: their worth by hand, and who is nearest to the reference."""

import numpy as np
import pytest

from pellucid.bench import shapley_background
from pellucid.bench.harness import Counted
from pellucid.bench.shapley_background import (
    OURS,
    VisitedGame,
    adjusted_chains_of,
    against_drawn,
    against_few,
    regressions_of,
    visited_games,
)
from pellucid.bench.shapley_estimators import Peer, paired_regression_of, relative_error


@pytest.fixture(autouse=True)
def few_orders(monkeypatch):
    monkeypatch.setattr(shapley_background, "REFERENCE_ORDERS", 4)


class SumGame(VisitedGame):
    """Four times the sum of the inputs, so that values are state less mean."""

    def probabilities(self, rows):
        return np.repeat(rows.sum(axis=1, keepdims=True), 4, axis=1)


def sums(n_inputs=20):
    rng = np.random.default_rng(0)
    visited, state = rng.normal(size=(500, n_inputs)), np.ones(n_inputs)
    return SumGame(0, state, visited[0], (), Counted(lambda rows: rows), visited)


def test_worth_is_the_mean_over_visited_rows_by_hand():
    visited = np.array([[0.0, 0.0], [4.0, 2.0]])
    game = SumGame(0, np.ones(2), visited[0], (), Counted(lambda rows: rows), visited)
    masks = np.array([[False, False], [True, False], [True, True]])
    assert game.worth(masks)[:, 0].tolist() == [3.0, 2.0, 2.0]
    assert game.counted.n_rows == 6
    assert game.exact[:, 0] == pytest.approx([-1.0, 0.0])


def test_adjusted_chains_of_a_sum_are_exact():
    game = sums()
    found = adjusted_chains_of(game, 2000)
    assert found == pytest.approx((1 - game.visited.mean(axis=0))[:, None] * np.ones(4), abs=1e-9)


def test_what_is_judged_is_nearest_to_the_reference():
    games = visited_games(20, 3)
    errors = {
        name: relative_error(games, [estimate(game, 4000) for game in games])
        for name, estimate in OURS
    }
    assert min(errors, key=errors.get) == "adjusted antithetic chains"
    assert errors["adjusted antithetic chains"] < 0.8 * errors["antithetic chains"]


@pytest.mark.parametrize("name", [name for name, _ in OURS])
def test_f36_no_more_rows_are_asked_for_than_the_budget(name):
    (game,) = visited_games(20, 1)
    dict(OURS)[name](game, 2000)
    assert 1800 < game.counted.n_rows <= 2000


@pytest.mark.parametrize("way", [lambda peer: against_few(peer, 10), against_drawn])
def test_f36_peers_ask_for_no_more_either(way):
    (game,) = visited_games(20, 1)
    peer = way(Peer("ours", "numpy", lambda: paired_regression_of))
    found = peer.make()(game, 2000)
    assert found.shape == (20, 4)
    assert 1700 < game.counted.n_rows <= 2000


def test_rows_that_are_drawn_are_the_same_for_the_same_game():
    (game,) = visited_games(20, 1)
    assert game.against(10).visited.tolist() == game.against(10).visited.tolist()
    assert regressions_of(game, 2000).tolist() == regressions_of(game, 2000).tolist()
