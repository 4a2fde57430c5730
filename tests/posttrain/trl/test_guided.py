"""Guidance in TRL: sampled under the hint, scored without it, with the shaped ratio."""

from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("trl")

from pellucid.errors import CapabilityError
from pellucid.posttrain import objectives as o
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.trl import Guidance
from pellucid.posttrain.trl.batches import WEIGHTS
from pellucid.posttrain.trl.guided import BEHAVIOUR, GUIDED, SHAPING
from tests.posttrain.trl import worlds
from tests.posttrain.trl.worlds import objective_trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")

HINT = Guidance(lambda row: row["hint"] + row["prompt"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return worlds.saved(tmp_path_factory.mktemp("tiny"))


def hint_helps(completions: list[str], prompts: list[str], **columns: Any) -> list[float]:
    """Half of the completions under a hint are right, none without."""
    return [float("double" in prompt and row % 2) for row, prompt in enumerate(prompts)]


def collected(folder: str, tmp_path: Path, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Return a trainer and its batch of two groups of four."""
    given = {"reward": hint_helps, "method": HINT} | options
    made = objective_trainer(folder, tmp_path, **given)
    made.model.train()
    made.current_gradient_accumulation_steps = made.args.gradient_accumulation_steps
    inputs = [made.train_dataset[row] for row in (0, 1) for _ in range(4)]
    return made, made._generate_and_score_completions(inputs)


def test_scored_prompts_hold_no_hint_and_completions_are_those_under_it(
    folder: str, tmp_path: Path
) -> None:
    made, output = collected(folder, tmp_path)
    prompts = made.processing_class.batch_decode(output["prompt_ids"], skip_special_tokens=True)
    assert output[GUIDED].all()
    assert set(prompts) == {"what is 0+0=", "1+1="}
    texts = made.processing_class.batch_decode(output["completion_ids"], skip_special_tokens=True)
    assert len(set(texts)) > 1
    # hinted groups have a signal where plain ones had none
    assert torch.isfinite(output["advantages"]).all()
    assert (output["advantages"] != 0).any(1).all()


def test_the_denominator_is_the_probability_under_the_hint(folder: str, tmp_path: Path) -> None:
    made, output = collected(folder, tmp_path)
    rows = [made.train_dataset[row] for row in (0, 1) for _ in range(4)]
    for row in range(8):
        length = int(output["completion_mask"][row].sum())
        ids = output["completion_ids"][row, :length]
        prompt = made.processing_class(rows[row]["hint"] + rows[row]["prompt"])["input_ids"]
        with torch.no_grad():
            logits = worlds.model()(torch.tensor([prompt + ids.tolist()])).logits[0]
        wanted = torch.log_softmax(logits[len(prompt) - 1 : -1], -1)[torch.arange(length), ids]
        torch.testing.assert_close(output[BEHAVIOUR][row, :length], wanted, atol=1e-5, rtol=1e-5)


def test_the_loss_is_that_of_the_objectives(folder: str, tmp_path: Path) -> None:
    made, output = collected(folder, tmp_path, rows_per_device=8)
    scored = made.score(
        made.model,
        prompt_ids=output["prompt_ids"],
        prompt_mask=output["prompt_mask"],
        ids=output["completion_ids"],
        mask=output["completion_mask"],
    ).log_probs
    counted = output["completion_mask"].bool()
    ratios = o.likelihood_ratios(scored, output[BEHAVIOUR], counted)
    gamma = o.shaping_constant(ratios, counted, output[GUIDED])
    torch.testing.assert_close(output[SHAPING].double(), gamma, atol=1e-6, rtol=1e-6)
    losses = o.guided_losses(
        scored, output[BEHAVIOUR], output["advantages"], counted, output[GUIDED], gamma
    ).value
    wanted = o.reduce_losses(losses, output[WEIGHTS]).value
    torch.testing.assert_close(made._compute_loss(made.model, output), wanted)
    assert float(wanted.detach().abs()) > 1e-5


def test_an_empty_hint_gives_a_ratio_of_one(folder: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def right_the_second_time(completions: list[str], **columns: Any) -> list[float]:
        asked.append("")
        return [float(len(asked) > 1 and row % 2) for row in range(len(completions))]

    _, output = collected(
        folder,
        tmp_path,
        reward=right_the_second_time,
        method=Guidance(lambda row: row["prompt"]),
    )
    assert output[GUIDED].all()
    assert float(output[SHAPING]) == pytest.approx(1.0, abs=1e-5)


def test_solved_groups_and_rows_without_a_hint_stay_as_they_are(
    folder: str, tmp_path: Path
) -> None:
    some = Guidance(lambda row: row["hint"] + row["prompt"] if "what" in row["prompt"] else None)
    _, output = collected(folder, tmp_path, method=some)
    assert output[GUIDED].tolist() == [True] * 4 + [False] * 4
    assert torch.isnan(output[BEHAVIOUR][4:]).all()
    _, output = collected(folder, tmp_path, reward=worlds.length_reward)
    assert not output[GUIDED].any()
    assert float(output[SHAPING]) == 1.0


def test_groups_that_a_hint_does_not_help_keep_their_own_completions(
    folder: str, tmp_path: Path
) -> None:
    def never(completions: list[str], **columns: Any) -> list[float]:
        return [0.0] * len(completions)

    _, output = collected(folder, tmp_path, reward=never)
    assert not output[GUIDED].any()
    assert (output[WEIGHTS] == 0).all()  # filter_uniform: nothing to learn, nothing counted
    assert int(output["num_items_in_batch"]) == 0


@pytest.mark.parametrize(
    ("recipe", "words"),
    [(Recipe(kl=0.1), "without a divergence"), (Recipe(loss="sequence_clip"), "token_clip")],
)
def test_recipes_that_guidance_is_not_defined_for_are_refused(
    recipe: Recipe, words: str, folder: str, tmp_path: Path
) -> None:
    with pytest.raises(CapabilityError, match=words):
        objective_trainer(folder, tmp_path, method=HINT, recipe=recipe)


class Engine:
    """Just the settings of a trainer, to ask `check`."""

    def __init__(self, **options: Any) -> None:
        sizes = {
            "use_vllm": False,
            "vllm_importance_sampling_correction": False,
            "per_device_train_batch_size": 4,
            "steps_per_generation": 2,
            "num_generations": 4,
        }
        self.options = type("Options", (), sizes | options)()
        self.recipe = Recipe()


def test_the_correction_for_another_engine_is_refused_under_a_hint() -> None:
    engine: Any = Engine(use_vllm=True, vllm_importance_sampling_correction=True)
    with pytest.raises(CapabilityError, match="takes the hint for a difference"):
        HINT.check(engine)
    engine = Engine(per_device_train_batch_size=3)
    with pytest.raises(CapabilityError, match="parts of a group"):
        HINT.check(engine)
