"""Two updates of each method on a CPU with the locked TRL."""

from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("trl")

from trl import GRPOConfig, GRPOTrainer

from pellucid.posttrain import objectives as o
from pellucid.posttrain.rewards import exact_answer_reward
from pellucid.posttrain.trl import EntropyModulation, Guidance, Plain, SelfExplanation
from tests.posttrain.trl import worlds
from tests.posttrain.trl.worlds import objective_trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return worlds.saved(tmp_path_factory.mktemp("tiny"))


def parameters(made: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in made.model.parameters()])


METHODS = {
    "plain": Plain(filter_uniform=True),
    "entropy-modulation": EntropyModulation(step_end=(3,)),
    "guidance": Guidance(lambda row: row["hint"] + row["prompt"]),
    "self-explanation": SelfExplanation(
        lambda row: row["prompt"] + row["answer"], keep=lambda row, text: True
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_two_updates_change_the_policy(name: str, folder: str, tmp_path: Path) -> None:
    made = objective_trainer(folder, tmp_path, method=METHODS[name])
    before = parameters(made)
    made.train()
    after = parameters(made)
    assert made.state.global_step == 2
    assert torch.isfinite(after).all()
    assert (before != after).any()


def test_our_rewards_run_unchanged_in_stock_trl(folder: str, tmp_path: Path) -> None:
    reward = exact_answer_reward(form="whole")
    made = GRPOTrainer(
        folder,
        reward_funcs=[reward, worlds.length_reward],
        args=GRPOConfig(**worlds.config(o.GRPO, tmp_path)),
        train_dataset=worlds.rows(),
    )
    made.train()
    logged = [entry for entry in made.state.log_history if "reward" in entry]
    assert len(logged) == 2
    assert f"rewards/{reward.__name__}/mean" in logged[0]
    assert logged[0]["kl"] == pytest.approx(0.0, abs=1e-6)
