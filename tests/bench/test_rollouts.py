"""The suite of batched environments at its smallest scale."""

from pellucid.bench import rollouts
from pellucid.bench.harness import Scale


def test_both_ways_give_the_same_trajectories(monkeypatch) -> None:
    monkeypatch.setattr(rollouts, "N_ROWS", 16)
    noted: list[str] = []
    rows = rollouts.run(Scale.smoke, noted.append)
    assert len(rows) == len(noted) == len(rollouts.ENVIRONMENTS)
    for row in rows:
        assert row.error_ours == row.error_peer == 0.0
        assert row.evaluations_ours == row.evaluations_peer == 1.0
        assert (row.met, row.reason) == (None, "smoke")
        assert row.goal == "at least 5 times as fast, with the same bytes"


def test_a_difference_between_the_two_would_be_seen(monkeypatch) -> None:
    monkeypatch.setattr(rollouts, "N_ROWS", 4)
    found = rollouts._seeds
    turns = iter(range(10**6))
    # every second call is the other way's: it gets other seeds
    monkeypatch.setattr(
        rollouts, "_seeds", lambda block, turn: found(block, turn + 1000 * (next(turns) % 2))
    )
    (row,) = [rollouts._row("pellucid/NoisyWalk-v0", Scale.smoke)]
    assert row.error_ours is not None
    assert row.error_ours > 0
    assert row.met is False
