"""The suite of estimators at its smallest, with known answers and made-up peers."""

import numpy as np
import pytest

from pellucid.bench import shapley_estimators
from pellucid.bench.harness import Scale
from pellucid.bench.shapley_estimators import (
    OURS,
    PEERS,
    Peer,
    chains_of,
    paired_regression_of,
    random_games,
    relative_error,
    small_regressions_of,
)
from pellucid.kernels.shapley import coalition_masks, exact_shapley


def errors_of(estimate, games, n_coalitions):
    return relative_error(games, [estimate(game, n_coalitions) for game in games])


def test_exact_values_are_those_of_all_coalitions():
    (game,) = random_games(6, 1)
    values = game.worth(coalition_masks(6))
    assert game.exact == pytest.approx(exact_shapley(values), abs=1e-14)
    assert game.exact.shape == (6, 4)
    assert game.exact.sum(axis=0) == pytest.approx(values[-1] - values[0])
    assert game.exact.sum(axis=1) == pytest.approx(0.0, abs=1e-14)  # probabilities sum to one
    assert relative_error([game], [game.exact]) == 0.0
    assert relative_error([game], [1.5 * game.exact]) == pytest.approx(0.5)


@pytest.mark.parametrize(("n_inputs", "n_games"), [(12, 6), (16, 3)])
@pytest.mark.parametrize(
    ("estimate", "few", "many"),
    [
        (paired_regression_of, 0.22, 0.09),
        (small_regressions_of, 0.22, 0.13),
        (chains_of, 0.33, 0.18),
    ],
)
def test_errors_next_to_exact_values_at_12_and_16_inputs(n_inputs, n_games, estimate, few, many):
    games = random_games(n_inputs, n_games)
    assert errors_of(estimate, games, 20 * n_inputs) < few
    assert errors_of(estimate, games, 80 * n_inputs) < many


@pytest.mark.parametrize("estimate", [ours for _, ours in OURS])
def test_f36_no_more_coalitions_are_asked_for_than_the_budget(estimate):
    (game,) = random_games(12, 1)
    estimate(game, 240)
    assert 200 < game.counted.n_rows <= 240


def regression_again(game, n_coalitions):
    return paired_regression_of(game, n_coalitions)


def absent():
    raise ImportError("no such package")


def test_rows_name_our_estimators_the_peers_and_who_is_missing(monkeypatch):
    peers = (
        Peer("numpy regression", "numpy", lambda: regression_again),
        Peer("numpy chains", "numpy", lambda: chains_of),
        Peer("nothing", "nothing", absent),
    )
    monkeypatch.setattr(shapley_estimators, "PEERS", peers)
    noted = []
    rows = shapley_estimators.run(Scale.smoke, noted.append)
    assert [row.case for row in rows[:3]] == [f"{name}, 12 inputs, m = 240" for name, _ in OURS]
    assert [row.peer for row in rows] == ["numpy regression"] * 3 + ["numpy chains", "nothing"]
    assert rows[0].error_ours == rows[0].error_peer
    assert rows[0].evaluations_ours == rows[0].evaluations_peer
    assert rows[3].error_ours < rows[3].error_peer
    assert rows[-1].reason == "nothing is not installed"
    assert {row.met for row in rows} == {None}
    assert len(noted) == 2
    full = shapley_estimators._asked(rows[3])
    assert (full.met, full.goal) == (True, "error at most 1.1 times the peer's")


@pytest.mark.slow
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_installed_peers_estimate_the_same(peer):
    pytest.importorskip(peer.distribution, reason=f"{peer.distribution} is not installed")
    estimate = shapley_estimators._estimator(peer)
    if estimate is None:
        pytest.skip(f"{peer.distribution} does not have it")
    games = random_games(8, 2)
    found = np.array([estimate(game, 240) for game in games])
    assert found.shape == (2, 8, 4)
    assert relative_error(games, found) < 0.6
