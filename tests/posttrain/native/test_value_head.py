"""The critic: which state each value belongs to, and where its gradient goes."""

import torch

from pellucid.posttrain.native import pad_left, pad_right, token_log_probs
from pellucid.posttrain.native.value_head import ValueHead, token_values
from pellucid.posttrain.objectives import generalised_advantages

from .models_for_tests import small_model

PROMPTS = [[3, 4, 5], [7]]
COMPLETIONS = [[6, 1], [8, 9, 10]]
BATCH = (*pad_left(PROMPTS, pad_id=0), *pad_right(COMPLETIONS, pad_id=0))


def head(*, shared: bool = True) -> ValueHead:
    made = ValueHead(16, shared=shared)
    with torch.no_grad():
        made.weight.normal_(generator=torch.Generator().manual_seed(0))
        made.bias.fill_(0.5)
    return made


def test_values_are_of_the_state_before_each_token_and_after_the_last() -> None:
    model, critic = small_model(), head()
    found = token_values(model, critic, *BATCH)
    for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        for t in range(len(completion) + 1):
            state = torch.tensor([prompt + completion[:t]])
            real = torch.ones_like(state, dtype=torch.bool)
            # the hidden state that predicts what comes after this state
            hidden = model.predict(state, real, torch.zeros(1, 1, dtype=torch.long), real[:, :1])
            expected = critic(hidden.hidden)[0, 0]
            got = found.values[row, t] if t < len(completion) else found.final_values[row]
            torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)
    assert found.values[0, 2] == 0  # padding
    expected_log_probs = token_log_probs(model, *BATCH).log_probs
    torch.testing.assert_close(found.log_probs, expected_log_probs, atol=1e-5, rtol=0)


def test_a_new_head_says_zero_and_its_output_fits_the_objectives() -> None:
    found = token_values(small_model(), ValueHead(16), *BATCH)
    assert found.values.abs().sum() == found.final_values.abs().sum() == 0
    rewards = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    made = generalised_advantages(rewards, found.values, BATCH[3], trace=1.0).value
    assert made.tolist() == [[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]]


def test_the_gradient_stops_at_the_head_if_it_is_not_shared() -> None:
    for shared in (True, False):
        model, critic = small_model(), head(shared=shared)
        token_values(model, critic, *BATCH).values.sum().backward()  # type: ignore[no-untyped-call]
        assert critic.weight.grad is not None
        assert (model.embedding.grad is not None) == shared


def test_a_critic_learns_which_prompt_pays() -> None:
    model, critic = small_model(), ValueHead(16, shared=False)
    optimiser = torch.optim.Adam(critic.parameters(), lr=0.05)
    target = torch.tensor([[1.0], [-1.0]]).expand(2, 3)
    for _ in range(100):
        optimiser.zero_grad()
        values = token_values(model, critic, *BATCH).values
        ((values - target)[BATCH[3]] ** 2).mean().backward()
        optimiser.step()
    assert float((values - target)[BATCH[3]].abs().max().detach()) < 0.2
