"""Entropy modulation in TRL: one advantage per token, equal within a step."""

from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("trl")

from pellucid.errors import CapabilityError, InputError
from pellucid.posttrain import objectives as o
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.trl import EntropyModulation, ending_tokens
from pellucid.posttrain.trl.batches import TURNS, turn_labels
from pellucid.posttrain.trl.modulated import ENTROPIES
from tests.posttrain.trl import worlds
from tests.posttrain.trl.worlds import objective_trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return worlds.saved(tmp_path_factory.mktemp("tiny"))


def collected(folder: str, tmp_path: Path, method: EntropyModulation) -> dict[str, Any]:
    made = objective_trainer(folder, tmp_path, method=method, max_new_tokens=12)
    made.model.train()
    inputs = [made.train_dataset[row] for row in (0, 1) for _ in range(4)]
    output: dict[str, Any] = made._generate_and_score_completions(inputs)
    return output


def test_a_step_ends_with_its_token_and_with_a_tools_words() -> None:
    mask = torch.tensor([[True, True, True, False, True, True]])
    ends = torch.tensor([[False, True, False, False, False, True]])
    assert turn_labels(mask, ends).tolist() == [[0, 0, 1, -1, 2, 2]]
    last = torch.tensor([[False, False, True, False, False, False]])
    assert turn_labels(mask, last).tolist() == [[0, 0, 0, -1, 1, 1]]


def test_advantages_are_those_of_the_objectives(folder: str, tmp_path: Path) -> None:
    ends = 4  # the sign 1
    output = collected(folder, tmp_path, EntropyModulation(step_end=(ends,), bonus=0.1))
    mask = output["completion_mask"].bool()
    rewards = torch.tensor(
        [
            len(text) / 10
            for text in worlds.tokenizer().batch_decode(
                output["completion_ids"], skip_special_tokens=True
            )
        ]
    )
    rows = o.scaled_advantages(rewards, torch.arange(8) // 4).value
    turns = turn_labels(mask, output["completion_ids"] == ends)
    modulated = o.entropy_modulated_advantages(
        rows, o.step_means(output[ENTROPIES], turns, mask), bonus=0.1
    ).value
    wanted = o.steps_to_tokens(modulated, turns, mask)
    assert torch.equal(output[TURNS], turns)
    torch.testing.assert_close(output["advantages"], wanted.float(), atol=1e-5, rtol=1e-5)
    assert output["advantages"].shape == mask.shape


def test_without_scaling_and_bonus_it_is_the_recipe(folder: str, tmp_path: Path) -> None:
    output = collected(folder, tmp_path, EntropyModulation(scaling=0.0, bonus=0.0, step_end=(4,)))
    mask = output["completion_mask"].bool()
    for row, seen in zip(output["advantages"], mask, strict=True):
        assert len(set(row[seen].tolist())) == 1


def test_one_ratio_for_several_advantages_is_refused(folder: str, tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match="clips whole responses"):
        objective_trainer(
            folder, tmp_path, method=EntropyModulation(), recipe=Recipe(loss="sequence_clip")
        )
    for wrong in ((-1,), ()):
        with pytest.raises(InputError, match="ids of tokens"):
            EntropyModulation(step_end=wrong)


def test_every_token_that_ends_with_the_separator_ends_a_step() -> None:
    class Tokens:
        words = ("a", "|", " |", "b|c", "|a")

        def __len__(self) -> int:
            return len(self.words)

        def batch_decode(self, ids: list[list[int]]) -> list[str]:
            return [self.words[i] for (i,) in ids]

    assert ending_tokens(Tokens(), "|") == (1, 2)
    assert ending_tokens(worlds.tokenizer(), "+") == (13,)
    with pytest.raises(InputError, match="no token of the model ends with"):
        ending_tokens(Tokens(), "!")
    with pytest.raises(InputError, match="must not be empty"):
        ending_tokens(Tokens(), "")
