"""The suite itself at its smallest scale, with whatever peers are installed."""

import numpy as np
import pytest

from pellucid.bench import shapley, shapley_peers
from pellucid.bench.harness import Counted, Scale
from pellucid.bench.shapley_peers import Peer
from pellucid.kernels.shapley import coalition_masks, exact_shapley


def plain(fn, background):
    """Every coalition of every pair, as a peer."""

    def explain(states):
        masks = coalition_masks(states.shape[1])[:, None]
        values = []
        for state in states:
            hybrids = np.where(masks, state, background).reshape(-1, len(state))
            worth = fn(hybrids).reshape(len(masks), len(background), -1)
            values.append(exact_shapley(worth.mean(axis=1)))
        return np.stack(values)

    return explain


def absent(fn, background):
    raise ImportError("no such package")


@pytest.mark.slow
def test_peers_are_compared_and_missing_ones_are_named(monkeypatch):
    peers = (
        Peer("every coalition", "numpy", True, plain),
        Peer("every coalition, as an estimate", "numpy", False, plain),
        Peer("Nothing", "nothing", True, absent),
    )
    monkeypatch.setattr(shapley, "PEERS", peers)
    noted = []
    rows = shapley.run(Scale.smoke, noted.append)
    forward, by_library, exact, shared, library, matrices, both, limit, *curve, skipped = rows
    assert len(noted) == 4
    for alone in (forward, by_library):
        assert alone.error_peer is None
        assert alone.evaluations_ours == alone.evaluations_peer
    assert limit.error_ours is None
    # pairs of background rows are evaluated once for both of their rows
    assert shared.evaluations_ours == both.evaluations_ours < exact.evaluations_ours * 0.6
    for row in (exact, shared, library, matrices, both):
        assert row.error_ours < 1e-12
    assert library.error_ours == 0
    assert exact.evaluations_peer == 2**8 * 10
    assert exact.evaluations_ours < exact.evaluations_peer
    # both are exact: the states' values agree to rounding, though computed in different ways
    assert exact.error_peer < 1e-12
    assert exact.peer_version is not None
    # along the curve errors fall; an exact peer is only reached by exact values
    assert curve[-1].case == "exact"
    assert curve[-1].goal == shapley.AT_EQUAL_ERROR or curve[-1].error_peer > 0
    assert curve[0].error_ours > curve[-2].error_ours > curve[-1].error_ours
    assert (skipped.peer_version, skipped.ours_s) == (None, None)
    assert skipped.reason == "nothing is not installed"
    # so few states prove nothing
    assert {row.met for row in rows} == {None}


@pytest.mark.slow
@pytest.mark.parametrize("peer", shapley_peers.PEERS, ids=lambda peer: peer.name)
def test_installed_peers_agree_with_every_coalition(peer):
    pytest.importorskip(peer.distribution, reason=f"{peer.distribution} is not installed")
    weights = np.random.default_rng(0).normal(size=(8, 2))
    fn = Counted(lambda rows: np.tanh(np.asarray(rows, dtype=np.float64) @ weights))
    states, background = np.random.default_rng(1).normal(size=(2, 3, 8)).astype(np.float32)
    exact = plain(fn.fn, background)(states)
    found = peer.make(fn, background)(states)
    assert found.shape == exact.shape
    assert np.abs(found - exact).max() < (1e-4 if peer.exact else 0.6)
    assert fn.n_rows > 0
