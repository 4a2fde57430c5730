"""Advantages by hand."""

import math

import pytest
import torch
from torch import Tensor, nan

from pellucid.errors import InputError
from pellucid.posttrain import objectives as o


def values(numbers: list[float] | list[list[float]]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def listed(recorded: o.Recorded) -> list[float]:
    return recorded.value.tolist()


ONE_GROUP_OF_FOUR = torch.zeros(4, dtype=torch.int64)
TWO_PAIRS = torch.tensor([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("mean", "std", "wanted"),
    [
        # rewards 0, 2 | 3, 9: group means 1 and 6, group variances 2 and 18; batch mean 3.5,
        # squared deviations 12.25 + 2.25 + 0.25 + 30.25 = 45, batch variance 15
        ("none", "none", [0.0, 2.0, 3.0, 9.0]),
        ("group", "none", [-1.0, 1.0, -3.0, 3.0]),
        ("batch", "none", [-3.5, -1.5, -0.5, 5.5]),
        ("group", "group", [-(0.5**0.5), 0.5**0.5, -(0.5**0.5), 0.5**0.5]),
        ("group", "batch", [x / 15**0.5 for x in (-1, 1, -3, 3)]),
        ("group", "pooled", [x / 10**0.5 for x in (-1, 1, -3, 3)]),
        ("batch", "batch", [x / 15**0.5 for x in (-3.5, -1.5, -0.5, 5.5)]),
        ("batch", "group", [-3.5 / 2**0.5, -1.5 / 2**0.5, -0.5 / 18**0.5, 5.5 / 18**0.5]),
    ],
)
def test_every_scope_by_hand(mean: str, std: str, wanted: list[float]) -> None:
    made = o.scaled_advantages(values([0, 2, 3, 9]), TWO_PAIRS, mean=mean, std=std, epsilon=0.0)
    assert listed(made) == pytest.approx(wanted, abs=1e-12)


def test_one_failure_among_eight() -> None:
    rewards = values([0, 1, 1, 1, 1, 1, 1, 1])
    made = o.scaled_advantages(rewards, torch.zeros(8, dtype=torch.int64), std="group")
    assert made.value[0].item() == pytest.approx(-0.875 / math.sqrt(0.125), abs=1e-4)  # -2.47


def test_tiny_differences_are_amplified_by_the_groups_own_spread_only() -> None:
    easy = [1.0, 1.07] * 4
    hard = [0.0] * 4 + [1.0] * 4
    groups = torch.tensor([0] * 8 + [1] * 8)
    own = o.scaled_advantages(values(easy + hard), groups, std="group").value[:8].abs().max()
    batch = o.scaled_advantages(values(easy + hard), groups, std="batch").value[:8].abs().max()
    assert own.item() == pytest.approx(0.035 / (0.035 * math.sqrt(8 / 7)), abs=1e-4)
    assert batch.item() < 0.1


def test_a_group_of_equal_rewards_teaches_nothing() -> None:
    for std in ("group", "batch", "pooled", "none"):
        made = o.scaled_advantages(values([0.1] * 4), ONE_GROUP_OF_FOUR, std=std)
        assert listed(made) == pytest.approx([0.0] * 4, abs=1e-12)


def test_no_spread_does_not_blow_up_a_wider_mean() -> None:
    made = o.scaled_advantages(values([0, 0, 1, 1]), TWO_PAIRS, mean="batch", std="group")
    assert listed(made) == [-0.5, -0.5, 0.5, 0.5]


def test_an_unscorable_response_has_no_weight_and_is_no_ones_baseline() -> None:
    made = o.scaled_advantages(values([1, nan, 0, 2]), ONE_GROUP_OF_FOUR, std="group", epsilon=0.0)
    # mean 1 and variance 1 of the three scorable ones
    assert listed(made) == [0.0, 0.0, -1.0, 1.0]
    assert made.ledger["scorable"].tolist() == [True, False, True, True]
    left_out = o.leave_one_out_advantages(values([1, nan, 0, 2]), ONE_GROUP_OF_FOUR)
    assert listed(left_out) == [0.0, 0.0, -1.5, 1.5]


@pytest.mark.parametrize("rewards", [[nan] * 4, [nan, 3.0, nan, nan], [2.0] * 4])
@pytest.mark.parametrize("std", ["group", "batch", "pooled", "none"])
def test_without_two_scorable_rewards_that_differ_nothing_is_learned(
    rewards: list[float], std: str
) -> None:
    made = o.scaled_advantages(values(rewards), ONE_GROUP_OF_FOUR, std=std)
    assert listed(made) == [0.0] * 4
    assert listed(o.leave_one_out_advantages(values(rewards), ONE_GROUP_OF_FOUR)) == [0.0] * 4


def test_groups_of_one_response() -> None:
    alone = torch.tensor([0, 1])
    assert listed(o.scaled_advantages(values([1, 3]), alone)) == [0.0, 0.0]
    assert listed(o.leave_one_out_advantages(values([1, 3]), alone)) == [0.0, 0.0]
    batch = o.scaled_advantages(values([1, 3]), alone, mean="batch", std="batch", epsilon=0.0)
    assert listed(batch) == pytest.approx([-(0.5**0.5), 0.5**0.5])


def test_leave_one_out_by_hand() -> None:
    made = o.leave_one_out_advantages(values([1, 0, 5, 3, 1]), torch.tensor([0, 0, 1, 1, 1]))
    assert listed(made) == [1.0, -1.0, 3.0, 0.0, -3.0]
    assert made.ledger["baseline"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_shift_and_scale_of_rewards() -> None:
    rewards = values([0, 2, 3, 9])
    base = o.scaled_advantages(rewards, TWO_PAIRS, std="pooled").value
    shifted = o.scaled_advantages(rewards + values([5, 5, -7, -7]), TWO_PAIRS, std="pooled").value
    scaled = o.scaled_advantages(rewards * 100, TWO_PAIRS, std="pooled").value
    assert torch.allclose(shifted, base)
    assert torch.allclose(scaled, base, atol=1e-5)


def test_an_infinite_reward_is_an_error() -> None:
    with pytest.raises(InputError, match="row 2 is infinite"):
        o.scaled_advantages(values([0, 1, math.inf, 1]), ONE_GROUP_OF_FOUR)


def test_rewards_are_weighted_and_added() -> None:
    rewards = {"right": values([1, 0, nan, nan]), "form": values([1, 0.5, 1, nan])}
    weights = {"right": 2.0, "form": 0.2}
    strict, ledger = o.combined_rewards(rewards, weights=weights)
    assert strict.tolist() == pytest.approx([2.2, 0.1, nan, nan], nan_ok=True)
    assert ledger["form"].tolist() == pytest.approx([0.2, 0.1, 0.2, nan], nan_ok=True)
    skipped = o.combined_rewards(rewards, weights=weights, missing="skip").value
    assert skipped.tolist() == pytest.approx([2.2, 0.1, 0.2, nan], nan_ok=True)


def test_weights_must_name_the_components() -> None:
    with pytest.raises(InputError, match=r"\['form'\], got \['from'\]"):
        o.combined_rewards({"form": values([1])}, weights={"from": 1.0})
    with pytest.raises(InputError, match="reward 'form' of row 1 is infinite"):
        o.combined_rewards({"form": values([1, -math.inf])})
    with pytest.raises(InputError, match="at least one reward component"):
        o.combined_rewards({})


def test_the_overlong_penalty_grows_over_the_buffer() -> None:
    lengths = torch.tensor([5, 6, 7, 8, 10, 11])
    made = o.overlong_penalties(lengths, longest=10, buffer=4)
    assert made.tolist() == [0.0, 0.0, -0.25, -0.5, -1.0, -1.0]
    with pytest.raises(InputError, match=r"1\.\.10"):
        o.overlong_penalties(lengths, longest=10, buffer=0)


def test_generalised_advantages_by_hand_over_tool_output() -> None:
    mask = torch.tensor([[True, False, True, True, False]])
    rewards = values([0.0, nan, 0.0, 1.0, nan])[None]
    critic = values([0.5, nan, 0.2, 0.4, nan])[None]
    made, ledger = o.generalised_advantages(rewards, critic, mask, discount=0.9, trace=0.5)
    # errors: 1 - 0.4 = 0.6; 0.9 * 0.4 - 0.2 = 0.16; 0.9 * 0.2 - 0.5 = -0.32
    # advantages: 0.6; 0.16 + 0.45 * 0.6 = 0.43; -0.32 + 0.45 * 0.43 = -0.1265
    assert made[0].tolist() == pytest.approx([-0.1265, 0.0, 0.43, 0.6, 0.0])
    assert ledger["errors"][0].tolist() == pytest.approx([-0.32, 0.0, 0.16, 0.6, 0.0])
    assert ledger["returns"][0].tolist() == pytest.approx([0.3735, 0.0, 0.63, 1.0, 0.0])


def test_generalised_advantages_at_the_ends_of_the_trace() -> None:
    mask = torch.ones(1, 3, dtype=torch.bool)
    rewards, critic = values([1, 2, 3])[None], values([4, 5, 6])[None]
    full = o.generalised_advantages(rewards, critic, mask, trace=1.0, final_values=values([10]))
    assert full.value[0].tolist() == pytest.approx([16 - 4, 15 - 5, 13 - 6])
    none = o.generalised_advantages(rewards, critic, mask, trace=0.0, final_values=values([10]))
    assert none.value[0].tolist() == pytest.approx([1 + 5 - 4, 2 + 6 - 5, 3 + 10 - 6])
    with pytest.raises(InputError, match=r"trace must lie in 0\.\.1, got 1\.5"):
        o.generalised_advantages(rewards, critic, mask, trace=1.5)


def test_step_advantages_by_hand() -> None:
    steps = torch.stack([values([1, 0, nan]), values([0, 1, 3])])
    groups = torch.tensor([0, 0])
    # mean 1 over the five steps: scaled 0, -1, - | -1, 0, 2
    made, ledger = o.step_advantages(steps, groups, std="none", discount=0.5)
    assert ledger["scaled"].tolist() == [[0.0, -1.0, 0.0], [-1.0, 0.0, 2.0]]
    assert made.tolist() == [[-0.5, -1.0, 0.0], [-0.5, 1.0, 2.0]]


def test_steps_and_tokens() -> None:
    turns = torch.tensor([[0, 0, -1, 1], [0, 1, 1, 1]])
    mask = torch.tensor([[True, True, False, True], [True, False, False, False]])
    means = o.step_means(values([[1, 3, nan, 5], [2, 9, 9, 9]]), turns, mask)
    assert means.nan_to_num(-1).tolist() == [[2.0, 5.0], [2.0, -1.0]]
    spread = o.steps_to_tokens(means, turns, mask)
    assert spread.tolist() == [[2.0, 2.0, 0.0, 5.0], [2.0, 0.0, 0.0, 0.0]]
    assert o.rows_to_tokens(values([7, 8]), mask).tolist() == [[7, 7, 0, 7], [8, 0, 0, 0]]
    with pytest.raises(InputError, match="a token is of turn 1, but there are 1 steps"):
        o.steps_to_tokens(means[:, :1], turns, mask)


def test_no_tokens_at_all() -> None:
    turns = torch.full((2, 3), -1)
    mask = torch.zeros(2, 3, dtype=torch.bool)
    means = o.step_means(torch.zeros(2, 3), turns, mask)
    assert means.shape == (2, 0)
    assert o.steps_to_tokens(means, turns, mask).tolist() == [[0.0] * 3] * 2
