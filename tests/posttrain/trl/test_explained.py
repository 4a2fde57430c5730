"""Self-explanation in TRL: written knowing the answer, learned without it."""

from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("trl")

from pellucid.errors import InputError
from pellucid.posttrain import objectives as o
from pellucid.posttrain.trl import Plain, SelfExplanation
from pellucid.posttrain.trl.explained import IDS, MASK, SHARE
from tests.posttrain.trl import worlds
from tests.posttrain.trl.worlds import objective_trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return worlds.saved(tmp_path_factory.mktemp("tiny"))


def told(completions: list[str], prompts: list[str], **columns: Any) -> list[float]:
    """Only completions of a prompt that tells the answer are right."""
    return [float("knowing" in prompt) for prompt in prompts]


def method(**options: Any) -> SelfExplanation:
    return SelfExplanation(lambda row: f"knowing {row['answer']} {row['prompt']}", **options)


def collected(folder: str, tmp_path: Path, **options: Any) -> tuple[Any, dict[str, Any]]:
    given = {
        "reward": told,
        "method": method(beta=0.5),
        "rows_per_device": 8,
        "ended": True,
    } | options
    made = objective_trainer(folder, tmp_path, **given)
    made.model.train()
    made.current_gradient_accumulation_steps = made.args.gradient_accumulation_steps
    inputs = [made.train_dataset[row] for row in (0, 1) for _ in range(4)]
    return made, made._generate_and_score_completions(inputs)


def test_each_unsolved_prompt_gets_one_explanation_beside_its_first_row(
    folder: str, tmp_path: Path
) -> None:
    made, output = collected(folder, tmp_path)
    assert output[SHARE].tolist() == [0.5, 0, 0, 0, 0.5, 0, 0, 0]
    assert (output[MASK].sum(1) > 0).tolist() == [True, False, False, False] * 2
    prompts = made.processing_class.batch_decode(output["prompt_ids"], skip_special_tokens=True)
    assert not any("knowing" in prompt for prompt in prompts)


def test_the_loss_adds_the_mean_negative_log_likelihood(folder: str, tmp_path: Path) -> None:
    made, output = collected(folder, tmp_path)
    plain = torch.zeros(())  # no group has a signal: only the further term is left
    places = [0, 4]
    for place in places:
        length = int(output[MASK][place].sum())
        ids = output[IDS][place, :length]
        prompt = made.processing_class(made.train_dataset[place // 4]["prompt"])["input_ids"]
        logits = worlds.model()(torch.tensor([prompt + ids.tolist()])).logits[0]
        chosen = torch.log_softmax(logits[len(prompt) - 1 : -1], -1)[torch.arange(length), ids]
        plain = plain - chosen.mean() / 2
    found = made._compute_loss(made.model, output)
    torch.testing.assert_close(found, 0.5 * plain, atol=1e-5, rtol=1e-5)


def test_micro_batches_without_an_explanation_add_nothing(folder: str, tmp_path: Path) -> None:
    made, output = collected(folder, tmp_path)
    parts = [
        {key: value[rows] if value.dim() else value for key, value in output.items()}
        for rows in torch.arange(8).chunk(8)
    ]
    losses = [float(made._compute_loss(made.model, part).detach()) for part in parts]
    assert [place for place, loss in enumerate(losses) if loss] == [0, 4]
    whole = float(made._compute_loss(made.model, output).detach())
    assert sum(losses) == pytest.approx(whole, abs=1e-6)


def test_beta_zero_is_the_recipe_bit_for_bit(folder: str, tmp_path: Path) -> None:
    results = []
    for one in (method(beta=0.0), Plain()):
        made = objective_trainer(folder, tmp_path, method=one)
        made.train()
        results.append(torch.cat([p.detach().flatten() for p in made.model.parameters()]))
    assert torch.equal(*results)


def test_solved_prompts_and_wrong_explanations_are_left_out(folder: str, tmp_path: Path) -> None:
    _, output = collected(folder, tmp_path, reward=worlds.length_reward)
    assert SHARE not in output
    all_of_them = method(only_unsolved=False)
    _, output = collected(folder, tmp_path, reward=worlds.length_reward, method=all_of_them)
    assert output[SHARE].sum() == 1.0
    fussy = method(keep=lambda row, text: "what" in row["prompt"])
    _, output = collected(folder, tmp_path, method=fussy)
    assert output[SHARE].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


def test_explanations_that_were_cut_off_are_left_out(folder: str, tmp_path: Path) -> None:
    _, output = collected(folder, tmp_path, ended=False)
    ends = (output[IDS] == 1) & output[MASK].bool()
    assert (ends.any(1) == (output[SHARE] > 0)).all()
    assert (output[SHARE] > 0).sum() < 2


def test_the_answer_stands_once_at_the_end(folder: str, tmp_path: Path) -> None:
    one = method(answer_marker="k")
    assert one._spliced({"answer": "7"}, "so 7k8") == "so 7k7"
    assert one._spliced({"answer": "7"}, "so 7") == "so 7k7"
    tail = method(answer_marker="=", answer_tail=lambda row: f" so {row['answer']}")
    assert tail._spliced({"answer": "7"}, "3+4=8=9") == "3+4 so 7"
    assert method(answer_marker="")._spliced({"answer": "7"}, "as it is") == "as it is"
    made, output = collected(folder, tmp_path, method=method(answer_tail=lambda row: "+7"))
    ids = output[IDS][0][output[MASK][0].bool()].tolist()
    assert made.decode(ids).endswith("+7")
    assert ids[-1] == 1


def test_gold_decides_what_is_right(folder: str, tmp_path: Path) -> None:
    # every completion earns something for its length, and none is right
    _, output = collected(folder, tmp_path, reward=[told, worlds.length_reward], gold="told")
    assert (output[SHARE] > 0).sum() == 2
    _, output = collected(folder, tmp_path, reward=[told, worlds.length_reward])
    assert SHARE not in output


def test_a_negative_beta_is_refused() -> None:
    with pytest.raises(InputError, match="beta must be 0 or more"):
        method(beta=-1.0)


def test_the_term_is_that_of_the_objectives() -> None:
    mask = torch.tensor([[True, True, False]])
    loss = o.explanation_losses(torch.tensor([[-1.0, -3.0, -9.0]]), mask).value
    assert loss.tolist() == [2.0]
