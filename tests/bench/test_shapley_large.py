"""The suite of games of many inputs at its smallest, with known answers and made-up peers."""

import numpy as np
import pytest

from pellucid.bench import shapley_background, shapley_large
from pellucid.bench.harness import Counted, Scale
from pellucid.bench.shapley_estimators import Peer, paired_regression_of, relative_error
from pellucid.bench.shapley_large import ProductGame, product_games, sparse_regression_of
from pellucid.kernels.shapley import coalition_masks, exact_shapley


def test_exact_values_by_hand():
    state, background = np.array([2.0, 3.0, 5.0]), np.zeros(3)
    game = ProductGame(
        0, state, background, (np.array([[1.0] * 4, [2.0] * 4]),), Counted(lambda r: r),
        ((0, 1, 2), (1,)),
    )  # fmt: skip
    # 30 shared by three, and 2 times 3 for the second alone
    assert game.exact[:, 0] == pytest.approx([10.0, 16.0, 10.0])


def test_exact_values_are_those_of_all_coalitions():
    (game,) = product_games(8, 20, 1)
    values = game.worth(coalition_masks(8))
    assert game.exact == pytest.approx(exact_shapley(values), abs=1e-12)


def test_few_sets_of_three_are_found_and_the_values_are_exact():
    games = product_games(20, 30, 2)
    sparse = relative_error(games, [sparse_regression_of(game, 400) for game in games])
    plain = relative_error(games, [paired_regression_of(game, 400) for game in games])
    assert sparse < 1e-6 < plain


def test_f36_no_more_coalitions_are_asked_for_than_the_budget():
    (game,) = product_games(20, 30, 1)
    sparse_regression_of(game, 400)
    assert 350 < game.counted.n_rows <= 400


def absent():
    raise ImportError("no such package")


def test_rows_name_our_estimators_the_peers_and_who_is_missing(monkeypatch):
    peers = (
        Peer("numpy regression", "numpy", lambda: paired_regression_of),
        Peer("nothing", "nothing", absent),
    )
    monkeypatch.setattr(shapley_large, "PEERS", peers)
    monkeypatch.setattr(shapley_background, "REFERENCE_ORDERS", 1)
    rows = shapley_large.run(Scale.smoke, lambda text: None)
    ways = ["12 rows"] * 4 + ["2 rows", "a row per coalition"]
    visited = [f"numpy regression, {way}" for way in ways]
    assert [row.peer for row in rows] == ["numpy regression"] * 6 + visited + ["nothing"]
    assert rows[0].case == "paired regression with sets of three, 20 inputs, few terms, m = 400"
    assert rows[0].error_ours < rows[0].error_peer
    assert rows[0].evaluations_ours == rows[0].evaluations_peer
    assert rows[-1].reason == "nothing is not installed"
