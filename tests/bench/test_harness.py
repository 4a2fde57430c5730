"""Comparisons with known answers: what is counted, paired, and said to be missing."""

import numpy as np
import pytest

from pellucid.bench import harness
from pellucid.bench.harness import Counted, Row, Scale, compare, document, run_suite, scale_named
from pellucid.errors import UnknownNameError


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when work says so."""

    class Clock:
        now = 0.0

        def perf_counter(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(harness, "time", made)
    return made


def test_ratio_is_the_median_of_the_ratios_of_blocks_and_rows_are_counted(clock):
    counter = Counted(lambda rows: rows * 2.0)
    # per block: how slow the machine is for both, and how much slower the peer is
    slowness, times = {0: 1.0, 1: 10.0, 2: 1.0}, {0: 3.0, 1: 3.0, 2: 7.0}
    calls = []

    def ours(block):
        calls.append("ours")
        clock.now += len(block) * slowness[int(block[0])]
        return counter(block)

    def peer(block):
        calls.append("peer")
        clock.now += len(block) * slowness[int(block[0])] * times[int(block[0])]
        return counter(np.concatenate([block] * 5))[: len(block)]

    found = compare(ours, peer, [np.full(2, float(i)) for i in range(3)], counter)
    assert found.ratio == pytest.approx(3.0)
    assert (found.ours_s, found.peer_s) == pytest.approx((1.0, 7.0))
    assert (found.evaluations_ours, found.evaluations_peer) == (1.0, 5.0)
    assert found.ours.tolist() == [0.0, 0.0, 2.0, 2.0, 4.0, 4.0]
    # warmed up once, then each first every other time
    warm, rounds = ["ours", "peer"], ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert calls == warm + rounds


def test_unknown_names_list_what_there_is():
    with pytest.raises(UnknownNameError, match="unknown suite 'shaply'"):
        run_suite("shaply", scale=Scale.smoke, note=lambda message: None)
    with pytest.raises(UnknownNameError, match="unknown scale 'huge'"):
        scale_named("huge")
    assert scale_named("full") is Scale.full


def test_rows_have_the_columns_of_the_contract():
    row = Row("shapley", "exact", "shap Exact", None, reason="shap is not installed")
    (made,) = document([row], Scale.full)["rows"]
    contract = "suite case peer peer_version ours_s peer_s ratio error_ours error_peer "
    contract += "evaluations_ours evaluations_peer threads goal met"
    assert set(contract.split()) <= set(made)
    assert made["peer_s"] is None
    assert made["reason"] == "shap is not installed"
