"""Training of causal language models of `transformers`: the same loop, the same checkpoints."""

from pathlib import Path
from typing import Any

import pytest
import torch

from pellucid.posttrain.native.hugging_face import HuggingFaceModel
from pellucid.posttrain.native.methods import ExplanationPreference, Method, Plain
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.native.training import train
from tests.posttrain.native.small import EXAMPLES, TOKENIZER, config, sevens

transformers = pytest.importorskip("transformers")

PAIRED = ExplanationPreference(
    explain_prompt=Template("{prompt}?{answer};"),
    answer_marker="",
    keep=lambda example, text: True,
    only_unsolved=False,
)


def tiny(name: str, *, in_house: bool = True) -> HuggingFaceModel:
    """Return a random model: Llama is computed in-house or by its own forward, GPT-2 by its own."""
    shape: dict[str, Any] = {"vocab_size": TOKENIZER.vocab_size, "eos_token_id": 1}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if name == "llama":
            model = transformers.LlamaForCausalLM(
                transformers.LlamaConfig(
                    hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                    intermediate_size=24, max_position_embeddings=64, **shape,
                )
            )  # fmt: skip
        else:
            model = transformers.GPT2LMHeadModel(
                transformers.GPT2Config(
                    n_embd=16, n_layer=1, n_head=2, n_positions=64, bos_token_id=1, **shape
                )
            )
    return HuggingFaceModel(model, in_house=in_house)


def weights_of(model: HuggingFaceModel) -> torch.Tensor:
    return torch.cat([weight.detach().reshape(-1) for weight in model.parameters()])


@pytest.mark.parametrize("name", ["llama", "gpt2"])
@pytest.mark.parametrize("method", [Plain(), PAIRED], ids=["plain", "preference"])
def test_run_taken_up_ends_like_one_that_was_not(tmp_path: Path, name: str, method: Method) -> None:
    settings = {"method": method, "max_new_tokens": 12, "patience": None}
    whole, parts = tiny(name), tiny(name)
    before = weights_of(whole)
    train(whole, TOKENIZER, EXAMPLES, {"sevens": sevens}, config(**settings, n_updates=3))
    first = config(**settings, n_updates=2)
    train(parts, TOKENIZER, EXAMPLES, {"sevens": sevens}, first, run_dir=tmp_path)
    resumed = tiny(name)
    second = config(**settings, n_updates=3)
    result = train(resumed, TOKENIZER, EXAMPLES, {"sevens": sevens}, second, run_dir=tmp_path)
    assert result.resumed_from == 2
    assert torch.equal(weights_of(resumed), weights_of(whole))
    assert not torch.equal(weights_of(whole), before)


def test_in_house_arithmetic_and_own_forward_train_alike() -> None:
    fast, own = tiny("llama"), tiny("llama", in_house=False)
    rows = [
        train(model, TOKENIZER, EXAMPLES, {"sevens": sevens}, config(n_updates=1)).history[0]
        for model in (fast, own)
    ]
    assert rows[0].total == rows[1].total
    assert rows[0].grad_norm == pytest.approx(rows[1].grad_norm, rel=1e-4)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")  # peft's own
def test_adapters_alone_are_trained_and_stored(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    base = tiny("llama").model
    frozen = {name: weight.clone() for name, weight in base.named_parameters()}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        adapted = peft.get_peft_model(
            base, peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
        )
    model = HuggingFaceModel(adapted)
    settings = config(n_updates=2)
    result = train(model, TOKENIZER, EXAMPLES, {"sevens": sevens}, settings, run_dir=tmp_path)
    assert result.history[-1].grad_norm > 0
    own = dict(adapted.get_base_model().named_parameters())
    for name, weight in frozen.items():
        kept = own[name if name in own else name.replace("_proj.", "_proj.base_layer.")]
        assert torch.equal(kept, weight)
    stored = next((tmp_path / "checkpoints").rglob("weights.safetensors"))
    assert stored.stat().st_size < 4 * sum(weight.numel() for weight in frozen.values())
