"""A language model, a tokenizer and rows that are small enough to train with TRL in a test."""

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from huggingface_hub import constants
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig

from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.trl import RunSettings, cpu_settings, objective_to_trl_config
from pellucid.posttrain.trl.trainer import ObjectiveTrainer

# no test may ask a hub, and TRL's trainers would report that they were made
constants.HF_HUB_DISABLE_TELEMETRY = True

SIGNS = list("0123456789+=? abcdefghijklmnopqrstuvwxyz")
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of single signs with a chat template."""
    names = ["<pad>", "<eos>", "<unk>", *SIGNS]
    rules = Tokenizer(models.WordLevel({t: i for i, t in enumerate(names)}, unk_token="<unk>"))
    rules.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    rules.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=rules,
        pad_token="<pad>",
        eos_token="<eos>",
        unk_token="<unk>",
        padding_side="left",
        chat_template=TEMPLATE,
    )


def model(seed: int = 0) -> LlamaForCausalLM:
    """Return a Llama of 2 layers with random weights."""
    config = LlamaConfig(
        vocab_size=len(SIGNS) + 3,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=128,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=1,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def saved(folder: Path) -> str:
    """Save model and tokenizer: TRL loads its reference model from a folder (trap 13)."""
    where = folder / "model"
    model().save_pretrained(where)
    tokenizer().save_pretrained(where)
    return str(where)


def rows(n_rows: int = 8) -> Dataset:
    """Return sums with hints; the prompts differ in length."""
    return Dataset.from_list(
        [
            {
                "prompt": f"{n}+{n}=" if n % 2 else f"what is {n}+{n}=",
                "answer": str(2 * n),
                "hint": f"double {n} ",
            }
            for n in range(n_rows)
        ]
    )


def length_reward(completions: list[str], **columns: Any) -> list[float | None]:
    """Reward short texts: it differs within every group, so there is always a signal."""
    return [float(len(text)) / 10 for text in completions]


def settings(folder: Path, **options: Any) -> RunSettings:
    """Return settings of a run that takes two updates of two groups of four."""
    sizes: dict[str, Any] = {
        "n_updates": 2,
        "prompts_per_update": 2,
        "samples_per_prompt": 4,
        "rows_per_device": 4,
        "max_new_tokens": 6,
        "learning_rate": 1e-2,
    }
    return RunSettings(output_dir=str(folder / "out"), **(sizes | options))


def config(recipe: Recipe, folder: Path, **options: Any) -> dict[str, Any]:
    """Return arguments of `GRPOConfig` for a CPU."""
    return objective_to_trl_config(recipe, settings(folder, **options), cpu_settings())


def objective_trainer(
    folder: str, tmp_path: Path, *, reward: Any = None, rows_: Any = None, **given: Any
) -> ObjectiveTrainer:
    """Return our trainer with the sizes of `settings`, changed by what is given."""
    recipe = given.pop("recipe", Recipe())
    method = given.pop("method", None)
    gold = given.pop("gold", None)
    # random weights hardly ever end a completion, so the limit does
    ended = {"generation_kwargs": {"forced_eos_token_id": 1}} if given.pop("ended", False) else {}
    attention = given.pop("attention", None)
    options = config(Recipe(kl=recipe.kl), tmp_path, **given) | ended
    if attention:
        options["model_init_kwargs"] = {"attn_implementation": attention}
    return ObjectiveTrainer(
        folder,
        reward_funcs=reward or length_reward,
        args=GRPOConfig(**options),
        train_dataset=rows_ or rows(),
        recipe=recipe,
        method=method,
        gold=gold,
    )
