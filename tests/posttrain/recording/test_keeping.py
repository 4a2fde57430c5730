"""What is kept: chosen before the run, by seed and step alone, whole groups, within limits."""

import pytest

from pellucid.errors import InputError
from pellucid.posttrain.recording import Keeper, KeepLimits

PROMPTS = [f"p{i}" for i in range(100)]
BATCH = [name for name in ("p1", "p2", "p3", "p4") for _ in range(4)]


def keeper(limits: KeepLimits | None = None, seed: int = 0, n_updates: int = 10) -> Keeper:
    return Keeper(limits or KeepLimits(), PROMPTS, n_updates=n_updates, seed=seed)


def test_whole_groups_are_kept() -> None:
    kept = keeper(KeepLimits(fixed_prompts=0, groups_per_step=2)).choose(2, BATCH)
    names = [BATCH[row] for row in kept.samples]
    assert len(kept.samples) == 8
    assert kept.samples == sorted(kept.samples)
    assert [names.count(name) for name in dict.fromkeys(names)] == [4, 4]


def test_fixed_prompts_are_kept_first() -> None:
    chosen = keeper(KeepLimits(fixed_prompts=100, groups_per_step=0, samples_per_step=10))
    assert len(chosen.fixed) == 100
    assert chosen.choose(2, BATCH).samples == list(range(8))  # a third group would not fit whole


def test_the_choice_depends_on_seed_and_step_alone() -> None:
    limits = KeepLimits(fixed_prompts=5, groups_per_step=1)
    first, again = keeper(limits), keeper(limits)
    again.choose(7, BATCH)
    assert first.choose(3, BATCH) == again.choose(3, BATCH)
    assert first.fixed == again.fixed != keeper(limits, seed=1).fixed
    assert len({tuple(first.choose(step, BATCH).samples) for step in range(1, 30)}) > 1


def test_tokens_are_kept_of_fewer() -> None:
    kept = keeper(KeepLimits(token_rows_per_step=5, groups_per_step=4)).choose(2, BATCH)
    assert len(kept.tokens) == 4
    assert set(kept.tokens) <= set(kept.samples)
    none = keeper(KeepLimits(token_rows_per_step=0)).choose(2, BATCH)
    assert none.samples
    assert not none.tokens


def test_a_group_larger_than_the_limit_is_kept_whole() -> None:
    kept = keeper(KeepLimits(samples_per_step=2, fixed_prompts=0)).choose(2, BATCH)
    assert len(kept.samples) == 4


@pytest.mark.parametrize("step", [1, 10])
def test_the_first_and_the_last_step_are_whole(step: int) -> None:
    everything = list(range(len(BATCH)))
    assert keeper().choose(step, BATCH) == (everything, everything)
    bounded = keeper(KeepLimits(whole_step_rows=15, fixed_prompts=0, groups_per_step=1))
    assert len(bounded.choose(step, BATCH).samples) == 4


def test_long_runs_are_thinned_evenly_with_first_and_last() -> None:
    limits = KeepLimits(samples_per_step=10, samples=50, groups_per_step=4)
    long = keeper(limits, n_updates=12)
    assert long.stride == 3
    kept = [step for step in range(1, 13) if long.choose(step, BATCH).samples]
    assert kept == [1, 4, 7, 10, 12]


def test_limits_are_checked() -> None:
    with pytest.raises(InputError, match="samples must be at least 1, got 0"):
        KeepLimits(samples=0)
