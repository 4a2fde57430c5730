"""The experiment on normalisation: pools, noise, and that broken advantages are caught."""

from dataclasses import replace

import pytest

from pellucid.systems import lite_ppo_checks
from pellucid.systems.base_models import SMOKE
from pellucid.systems.lite_ppo import (
    POOLS,
    REDUCTIONS,
    SCOPES,
    NoisyReward,
    learned,
    machines,
    recipe_of,
    walks,
)


@pytest.mark.parametrize("pool", POOLS)
def test_pools_hold_walks_of_all_lengths_and_one_kind(pool: str) -> None:
    doubted = machines(0).doubted
    train_on, held_out = walks(pool, replace(SMOKE, n_train=30, n_test=12), 0)
    assert (len(train_on), len(held_out)) == (30, 12)
    for example in (*train_on, *held_out):
        names = example.prompt.split()[2:-1:4]
        assert len(names) in (2, 3, 4)
        assert all((name in doubted) == (pool == "hard") for name in names)


def test_noise_is_small_and_each_responses_own() -> None:
    reward = NoisyReward(0.02, seed=0)
    found = reward(["path 2"] * 50 + ["path 3"] * 50, answer=["2"] * 100)
    assert all(abs(value - 1) <= 0.02 for value in found[:50])
    assert all(abs(value) <= 0.02 for value in found[50:])
    assert len(set(found)) == 100
    assert NoisyReward(0.0, seed=0)(["path 2"], answer=["2"]) == [1.0]


def test_recipes_differ_in_what_the_arm_says() -> None:
    recipes = {recipe_of(scopes, reduction) for scopes in SCOPES for reduction in REDUCTIONS}
    assert len(recipes) == 8
    lite = recipe_of("group/batch", "token")
    assert (lite.mean, lite.std, lite.reduction, lite.kl) == ("group", "batch", "token_mean", 0.0)


@pytest.mark.parametrize("scopes", SCOPES)
def test_every_arm_gives_shares(scopes: str) -> None:
    found = learned("easy", scopes, "token", 0.02, SMOKE, 0)
    assert 0 <= found.accuracy <= 1
    assert 0 <= found.area <= 1
    assert found.unsteadiness >= 0
    assert found.entropy > 0


def test_a_deviation_of_centred_rewards_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = lite_ppo_checks.scaled_advantages

    def pooled(*args: object, std: str, **options: object) -> object:
        return honest(*args, std="pooled" if std == "batch" else std, **options)  # type: ignore

    monkeypatch.setattr(lite_ppo_checks, "scaled_advantages", pooled)
    assert abs(lite_ppo_checks.amplification()["one failure, batch"] - -1.87) > 0.05
