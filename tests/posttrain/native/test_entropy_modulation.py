"""Entropy modulation in training: steps, weights, controls, and several turns."""

import pytest
import torch

from pellucid.errors import EnvError, InputError
from pellucid.posttrain.native.environments import Reply, environment_reward
from pellucid.posttrain.native.methods.entropy_modulation import (
    EntropyModulation,
    row_values,
    shuffled_steps,
)
from pellucid.posttrain.native.methods.guidance import Guidance
from pellucid.posttrain.native.methods.plain import Plain
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.rollouts import rescored
from pellucid.posttrain.native.training import train
from pellucid.posttrain.native.turns import play
from tests.posttrain.native.small import (
    EXAMPLES,
    TOKENIZER,
    config,
    session,
    sevens,
    small_model,
    weights_of,
)

MODULATED = EntropyModulation(turn_separator="+")


class Echo:
    """Asks for three turns and pays for each seven; answers `;` and the number of the turn."""

    def __init__(self, pays: float = 1.0) -> None:
        self.pays, self.turn = pays, 0

    def reset(self, seed: int) -> str:
        self.turn = 0
        return "!"

    def step(self, text: str) -> Reply:
        self.turn += 1
        return Reply(f";{self.turn}", self.pays * text.count("7"), self.turn == 3)


def test_without_weights_and_bonus_it_is_the_recipe_bit_for_bit() -> None:
    ours, plain = small_model(), small_model()
    train(plain, TOKENIZER, EXAMPLES, {"sevens": sevens}, config())
    method = EntropyModulation(turn_separator="+", scaling=0.0, bonus=0.0)
    train(ours, TOKENIZER, EXAMPLES, {"sevens": sevens}, config(method=method))
    assert torch.equal(weights_of(ours), weights_of(plain))


def test_step_ends_with_its_separator() -> None:
    now = session(small_model())
    rollout = MODULATED.collect(EXAMPLES, now).rollout
    plus = TOKENIZER.encode("+")[0]
    for response in rollout.responses:
        expected, step = [], 0
        for token in response.ids.tolist():
            expected.append(step)
            step += token == plus
        assert response.turns.tolist() == expected
    assert max(int(r.turns.max()) for r in rollout.responses) > 0


def test_weights_of_steps_have_mean_one_and_confident_steps_weigh_more() -> None:
    now = session(small_model())
    rollout = MODULATED.collect(EXAMPLES, now).rollout
    ledger = MODULATED.prepare(rollout, now).ledger
    weights, entropies = ledger["step/weights"], ledger["step/entropies"]
    present = ~torch.isnan(entropies)
    assert float(weights[present].mean()) == pytest.approx(1.0, abs=1e-6)
    order = entropies[present].argsort()
    assert torch.equal(weights[present][order], weights[present].sort(descending=True).values)


def test_entropy_of_a_step_is_the_mean_over_its_own_tokens() -> None:
    now = session(small_model())
    rollout = MODULATED.collect(EXAMPLES[:2], now).rollout
    found = MODULATED.prepare(rollout, now).ledger["step/entropies"]
    _, entropies = rescored(now, rollout, now.model)
    for row, response in enumerate(rollout.responses):
        for step in range(int(response.turns.max()) + 1):
            own = entropies[row, : len(response.ids)][response.turns == step]
            assert float(found[row, step]) == pytest.approx(float(own.mean()), abs=1e-6)


def test_shuffled_control_has_the_same_entropies_on_other_steps() -> None:
    now = session(small_model())
    rollout = MODULATED.collect(EXAMPLES, now).rollout
    control = EntropyModulation(turn_separator="+", shuffled=True)
    plain = MODULATED.prepare(rollout, now).ledger["step/entropies"]
    moved = control.prepare(rollout, now).ledger["step/entropies"]
    present = ~torch.isnan(plain)
    assert torch.equal(present, ~torch.isnan(moved))
    assert torch.equal(plain[present].sort().values, moved[present].sort().values)
    assert not torch.equal(plain[present], moved[present])


def test_shuffling_nothing_is_nothing() -> None:
    empty = torch.full((2, 2), torch.nan)
    assert torch.isnan(shuffled_steps(empty, torch.Generator())).all()


def test_share_of_the_bonus_is_recorded() -> None:
    settings = config(method=MODULATED, n_updates=1)
    row = train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings).history[0]
    assert 0 < row.extra["bonus_share"] < 1
    without = EntropyModulation(turn_separator="+", scaling=0.0, bonus=0.0)
    settings = config(method=without, n_updates=1)
    row = train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings).history[0]
    assert row.extra["bonus_share"] == 0.0


def test_number_of_a_row_is_taken_from_its_first_selected_token() -> None:
    values = torch.tensor([[0.0, 3.0, 3.0], [0.0, 0.0, 0.0]])
    mask = torch.tensor([[False, True, True], [False, False, False]])
    assert row_values(values, mask).tolist() == [3.0, 0.0]


def test_separator_must_be_one_token() -> None:
    with pytest.raises(InputError, match="is 2 tokens"):
        EntropyModulation(turn_separator="++").collect(EXAMPLES, session(small_model()))


def test_negative_settings_are_named() -> None:
    with pytest.raises(InputError, match="bonus must be 0 or more"):
        EntropyModulation(bonus=-1.0)


# --- turns in an environment ---


def test_environment_words_are_of_no_turn_and_are_scored_as_context() -> None:
    now = session(small_model(), rewards=Rewards({"paid": environment_reward}))
    responses = play(now, EXAMPLES[:2], lambda example: Echo(), purpose="test")
    assert len(responses) == 8
    for response in responses:
        assert response.prompt == response.example.prompt + "!"
        words = TOKENIZER.decode(response.ids[response.turns == -1].tolist())
        turns = set(response.turns[response.turns >= 0].tolist())
        assert turns == set(range(len(turns)))
        # the last turn has no reply: it ended the task, or was cut
        assert words == ";1;2"[: 2 * (len(turns) - 1)]


def test_log_probs_of_turns_are_those_of_the_whole_text() -> None:
    settings = config(max_new_tokens=12)
    now = session(
        small_model(), settings, environment=lambda example: Echo(),
        rewards=Rewards({"paid": environment_reward}),
    )  # fmt: skip
    rollout = Plain().collect(EXAMPLES[:3], now).rollout
    scored, _ = rescored(now, rollout, now.model)
    mask = rollout.batch.mask
    assert not bool(mask.all())
    assert torch.allclose(scored[mask], rollout.batch.behaviour_log_probs[mask], atol=1e-5)


def test_environment_pays_its_sum() -> None:
    now = session(small_model(), rewards=Rewards({"paid": environment_reward}))
    responses = play(now, EXAMPLES[:3], lambda example: Echo(), purpose="test")
    for response in responses:
        written = TOKENIZER.decode(response.ids[response.turns >= 0].tolist())
        # what was cut off was not handed to the environment
        if response.finished:
            assert response.total == written.count("7")


def test_environment_training_improves() -> None:
    settings = config(
        n_updates=25, samples_per_prompt=8, max_new_tokens=4,
        method=EntropyModulation(),
    )  # fmt: skip

    class One(Echo):
        def step(self, text: str) -> Reply:
            return Reply("", float("7" in text), done=True)

    history = train(
        small_model(),
        TOKENIZER,
        EXAMPLES,
        {"paid": environment_reward},
        settings,
        environment=lambda example: One(),
    ).history
    assert history[-1].total > history[0].total + 0.1


def test_method_that_does_not_play_says_so() -> None:
    with pytest.raises(InputError, match="cannot play environments"):
        train(
            small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, config(method=Guidance()),
            environment=lambda example: Echo(),
        )  # fmt: skip


def test_reward_that_is_no_number_is_the_environments_fault() -> None:
    now = session(small_model(), rewards=Rewards({"paid": environment_reward}))
    with pytest.raises(EnvError, match="paid a reward of nan"):
        play(now, EXAMPLES, lambda example: Echo(float("nan")), purpose="test")


def test_environment_reward_returns_its_column() -> None:
    assert environment_reward(["a", "b"], environment_reward=[1.0, 2.0], answer=["", ""]) == [1, 2]
