"""The suite of post-training at its smallest scale."""

import pytest
import torch

from pellucid.bench import posttrain
from pellucid.bench.harness import Row
from pellucid.bench.posttrain import SMALL, share_of_vowels
from pellucid.errors import InputError


def test_the_reward_is_the_share_of_vowels() -> None:
    assert share_of_vowels(["ax", "", "bcd", "aei"]) == [0.5, 0.0, 0.0, 1.0]


def test_peers_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str, *, extra: str) -> None:
        raise InputError(f"{module} is needed and cannot be imported", hint=extra)

    monkeypatch.setattr("pellucid.posttrain.native.conversion.optional_import", missing)
    monkeypatch.setattr("pellucid.posttrain.native.tokenizing.optional_import", missing)
    rows = [
        *posttrain._update_rows((1, 8), SMALL, lambda _: None, in_house=1.8),
        *posttrain._sampler_rows((1, 8), SMALL, lambda _: None),
        posttrain._override_row((1, 8), SMALL, lambda _: None),
    ]
    assert all("cannot be imported" in row.reason for row in rows)
    assert {row.ours_s for row in rows} == {row.met for row in rows} == {None}


@pytest.mark.parametrize("batch", [2])
def test_both_samplers_are_exact_and_counted_alike(batch: int) -> None:
    pytest.importorskip("transformers")
    row = posttrain._sampler_row(Row(posttrain.SUITE, "", "", None), (1, 8), SMALL, batch, goal=1.0)
    assert row.error_ours is not None
    assert row.error_peer is not None
    assert max(row.error_ours, row.error_peer) < 1e-5
    assert row.evaluations_ours == row.evaluations_peer == 1
    assert row.ratio is not None
    assert row.met == (row.ratio >= 1)


@pytest.mark.slow
def test_updates_of_both_sides_are_timed_on_one_object() -> None:
    pytest.importorskip("trl")
    before = torch.get_num_threads()
    (row,) = posttrain._update_rows((1, 8), SMALL, lambda _: None, same_object=1.2)
    assert row.ours_s is not None
    assert row.peer_s is not None
    assert row.ratio == pytest.approx(row.peer_s / row.ours_s)  # one block
    assert torch.get_num_threads() == before
