"""Models and tokenizers of `transformers`: random weights, built in memory, nothing downloaded."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from pellucid.errors import ArtifactError, InputError
from pellucid.posttrain.native import (
    CharacterTokenizer,
    WordTokenizer,
    pad_left,
    pad_right,
    sample,
    token_log_probs,
)
from pellucid.posttrain.native.conversion import from_hugging_face, to_hugging_face
from pellucid.posttrain.native.hugging_face import HuggingFaceModel, is_plain
from pellucid.posttrain.native.hugging_face_tokenizer import HuggingFaceTokenizer
from pellucid.posttrain.native.model_folders import open_language_model

from .models_for_tests import SHAPES, VOCABULARY, shaken, small_model

transformers = pytest.importorskip("transformers")

PROMPTS = [[3, 4, 5], [3, 4, 5], [7], [9, 10, 11, 12]]
COMPLETIONS = [[6, 1], [8, 9, 10, 1], [2], [5, 5, 1]]
SHAPE = {
    "vocab_size": VOCABULARY,
    "num_hidden_layers": 2,
    "hidden_size": 16,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 0,
}
# renamed in transformers 5.2x
CHECKPOINTING = (
    "activation_checkpointing_enable"
    if hasattr(transformers.PreTrainedModel, "activation_checkpointing_enable")
    else "gradient_checkpointing_enable"
)
GROUPED = {**SHAPE, "num_key_value_heads": 2}
GPT2 = {"n_layer": 2, "n_embd": 16, "n_head": 4, "n_positions": 32, "vocab_size": VOCABULARY}
MAKERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", "LlamaForCausalLM", GROUPED),
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM", {**GROUPED, "head_dim": 8}),
    "gpt2": ("GPT2Config", "GPT2LMHeadModel", {**GPT2, "bos_token_id": 1, "eos_token_id": 1}),
    "gemma": ("GemmaConfig", "GemmaForCausalLM", {**GROUPED, "head_dim": 8}),
    # a window of three tokens, and logits that are capped
    "gemma2": (
        "Gemma2Config",
        "Gemma2ForCausalLM",
        {**GROUPED, "head_dim": 8, "sliding_window": 3},
    ),
}


def built(name: str, **changes: Any) -> Any:
    config, model, shape = MAKERS[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = getattr(transformers, model)(getattr(transformers, config)(**shape, **changes))
    return shaken(made.eval())


def own_log_probs(model: Any, prompt: list[int], completion: list[int]) -> torch.Tensor:
    """Return the log-probabilities of one completion from the model's own forward."""
    ids = torch.tensor([prompt + completion])
    log_probs = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    found: torch.Tensor = log_probs.gather(-1, torch.tensor(completion)[:, None])[:, 0]
    return found


@pytest.mark.parametrize("in_house", [True, False])
@pytest.mark.parametrize("name", MAKERS)
def test_sampler_and_scorer_agree_with_the_models_own_forward(name: str, in_house: bool) -> None:
    model = built(name)
    wrapped = HuggingFaceModel(model, in_house=in_house)
    samples = sample(
        wrapped,
        PROMPTS,
        max_new_tokens=9,
        eos_id=1,
        pad_id=0,
        generator=torch.Generator().manual_seed(0),
    )
    assert samples.ids.shape[1] > 1
    scored = token_log_probs(
        wrapped, samples.prompt_ids, samples.prompt_mask, samples.ids, samples.mask
    )
    for row, completion in enumerate(samples.completions()):
        expected = own_log_probs(model, PROMPTS[row], completion)
        for found in (samples.log_probs, scored.log_probs):
            torch.testing.assert_close(found[row, : len(completion)], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", MAKERS)
def test_left_and_right_padding_give_the_same_logits(name: str) -> None:
    wrapped = HuggingFaceModel(built(name))
    (left, left_mask), (right, right_mask) = (
        pad(PROMPTS, pad_id=0) for pad in (pad_left, pad_right)
    )
    with torch.no_grad():
        from_left, from_right = wrapped(left, left_mask), wrapped(right, right_mask)
    torch.testing.assert_close(from_left[left_mask], from_right[right_mask], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_gradients_reach_the_models_own_parameters(name: str) -> None:
    model = built(name)
    batch = (*pad_left(PROMPTS, pad_id=0), *pad_right(COMPLETIONS, pad_id=0))
    gradients = []
    for in_house in (True, False):
        wrapped = HuggingFaceModel(model, in_house=in_house)
        loss = token_log_probs(wrapped, *batch).log_probs.sum()
        gradients.append(torch.autograd.grad(loss, list(model.parameters())))
    for fast, own in zip(*gradients, strict=True):
        torch.testing.assert_close(fast, own, atol=1e-4, rtol=1e-4)


def test_hidden_states_are_what_the_head_reads() -> None:
    for in_house in (True, False):
        wrapped = HuggingFaceModel(built("llama"), in_house=in_house)
        batch = (*pad_left(PROMPTS, pad_id=0), *pad_right(COMPLETIONS, pad_id=0))
        logits, hidden = wrapped.predict(*batch)
        assert hidden.shape == (*batch[2].shape, wrapped.width)
        torch.testing.assert_close(wrapped.model.lm_head(hidden), logits)


def test_a_model_that_does_more_than_its_family_is_left_to_itself() -> None:
    model = built("llama")
    assert is_plain(model)
    handle = model.model.layers[0].register_forward_hook(lambda *_: None)
    assert not is_plain(model)
    handle.remove()
    model.train()
    getattr(model, CHECKPOINTING)()
    assert not is_plain(model)
    assert not is_plain(built("llama").to(torch.bfloat16))


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")  # peft's own
def test_adapters_take_part() -> None:
    peft = pytest.importorskip("peft")
    adapted = peft.get_peft_model(
        built("llama"), peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    )
    with torch.no_grad():
        for weight in adapted.parameters():
            if weight.requires_grad:
                weight.add_(0.3)
    samples = sample(
        HuggingFaceModel(adapted),
        PROMPTS,
        max_new_tokens=4,
        eos_id=1,
        pad_id=0,
        generator=torch.Generator().manual_seed(0),
    )
    for row, completion in enumerate(samples.completions()):
        expected = own_log_probs(adapted, PROMPTS[row], completion)
        got = samples.log_probs[row, : len(completion)]
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)


def test_dropout_is_switched_off() -> None:
    wrapped = HuggingFaceModel(built("gpt2", attn_pdrop=0.5, resid_pdrop=0.5)).train()
    batch = pad_left(PROMPTS, pad_id=0)
    assert torch.equal(wrapped(*batch), wrapped(*batch))


def test_a_model_without_a_head_and_too_long_a_prompt_are_refused() -> None:
    config = transformers.LlamaConfig(**GROUPED)
    with pytest.raises(InputError, match="a LlamaModel has no language-model head"):
        HuggingFaceModel(transformers.LlamaModel(config))
    wrapped = HuggingFaceModel(built("gpt2"))
    with pytest.raises(InputError, match=r"prompt 0 has 30 tokens; .* context of 32"):
        sample(
            wrapped,
            [[3] * 30],
            max_new_tokens=3,
            eos_id=1,
            pad_id=0,
            generator=torch.Generator(),
        )
    with pytest.raises(InputError, match="a sequence of 33 tokens does not fit"):
        wrapped(torch.ones(1, 33, dtype=torch.long), torch.ones(1, 33, dtype=torch.bool))


# --- conversion ---


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_go_there_and_back_unchanged_with_equal_logits(shape: str) -> None:
    model = small_model(shape)
    before = torch.get_rng_state()
    converted = to_hugging_face(model)
    assert torch.equal(before, torch.get_rng_state())
    ids = torch.tensor([[3, 4, 5, 6, 7]])
    own = model(ids, torch.ones_like(ids, dtype=torch.bool))
    torch.testing.assert_close(converted(input_ids=ids).logits, own, atol=1e-5, rtol=0)
    back = from_hugging_face(converted)
    for (name, weight), other in zip(
        model.state_dict().items(), back.state_dict().values(), strict=True
    ):
        assert torch.equal(weight, other), name


@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_a_model_of_transformers_goes_there_and_back(name: str) -> None:
    model = built(name, tie_word_embeddings=False)
    back = to_hugging_face(from_hugging_face(model))
    assert type(back) is type(model)
    for (key, weight), other in zip(
        model.state_dict().items(), back.state_dict().values(), strict=True
    ):
        assert torch.equal(weight, other), key


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "gelu"}, "the activation 'gelu'"),
        ({"mlp_bias": True}, "biases of the feed-forward maps"),
        ({"attention_bias": True}, "a bias of the attention's output"),
        (
            {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
            "rotary positions of type 'linear'",
        ),
    ],
)
def test_what_has_no_place_in_the_layout_is_named(changes: dict[str, Any], message: str) -> None:
    model = built("llama", **changes)
    with pytest.raises(InputError, match=message):
        from_hugging_face(model)
    # and is left to its own forward
    wrapped = HuggingFaceModel(model)
    batch = (*pad_left(PROMPTS, pad_id=0), *pad_right(COMPLETIONS, pad_id=0))
    log_probs, _ = token_log_probs(wrapped, *batch)
    expected = own_log_probs(model, PROMPTS[1], COMPLETIONS[1])
    torch.testing.assert_close(log_probs[1], expected, atol=1e-5, rtol=0)


def test_other_families_do_not_convert() -> None:
    with pytest.raises(InputError, match="a GPT2LMHeadModel does not convert; Llama, Qwen2, Qwen3"):
        from_hugging_face(built("gpt2"))
    with pytest.raises(InputError, match="no model of transformers has both head norms and biases"):
        to_hugging_face(small_model(query_key_norm=True, query_key_value_bias=True))


# --- tokenizers ---


@pytest.mark.parametrize(
    ("own", "text"),
    [
        (CharacterTokenizer("<>/abchtink +1\n", tags=("<think>", "<a")), "<think>a +1\n<a</think>"),
        (WordTokenizer(["go", "left", "\n"]), "go \n left go"),
    ],
)
def test_in_house_tokenizers_convert_without_loss(own: Any, text: str) -> None:
    wrapped = HuggingFaceTokenizer(own.to_hugging_face())
    assert wrapped.encode(text) == own.encode(text)
    assert wrapped.decode([*own.encode(text), 1, 0]) == own.decode(own.encode(text)) == text
    assert (wrapped.vocab_size, wrapped.eos_id, wrapped.pad_id) == (own.vocab_size, 1, 0)
    assert [wrapped.token(i) for i in range(2, own.vocab_size)] == [
        own.token(i) for i in range(2, own.vocab_size)
    ]


def test_missing_marks_are_filled_in_or_named() -> None:
    tokenizer = WordTokenizer(["go"]).to_hugging_face()
    tokenizer.pad_token = None
    wrapped = HuggingFaceTokenizer(tokenizer)
    assert wrapped.pad_id == wrapped.eos_id == 1
    with pytest.raises(InputError, match="no chat template, and prompts are conversations"):
        wrapped.render([[{"role": "user", "content": "go"}]])
    tokenizer.eos_token = None
    with pytest.raises(InputError, match="no token that ends a text"):
        HuggingFaceTokenizer(tokenizer)


def test_conversations_are_rendered_by_the_tokenizers_template() -> None:
    tokenizer = WordTokenizer(["go"]).to_hugging_face()
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}"
    texts = HuggingFaceTokenizer(tokenizer).render([[{"role": "user", "content": "go"}]])
    assert texts == ["go<eos>"]


# --- folders ---


def saved(folder: Path) -> Path:
    to_hugging_face(small_model()).save_pretrained(folder)
    CharacterTokenizer("abcdefghijklmnopq").to_hugging_face().save_pretrained(folder)
    return folder


def test_a_folder_opens_and_its_code_never_runs(tmp_path: Path) -> None:
    folder, trace = saved(tmp_path / "model"), tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w').write('ran')\n"
    for name in ("modeling_evil.py", "configuration_evil.py", "tokenization_evil.py"):
        (folder / name).write_text(code)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "configuration_evil.Evil",
        "AutoModelForCausalLM": "modeling_evil.Evil",
    }
    (folder / "config.json").write_text(json.dumps(config))
    named = json.loads((folder / "tokenizer_config.json").read_text())
    named["auto_map"] = {"AutoTokenizer": ["tokenization_evil.Evil", "tokenization_evil.Evil"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    model, tokenizer = open_language_model(folder)
    ids = torch.tensor([tokenizer.encode("abc")])
    expected = small_model()(ids, torch.ones_like(ids, dtype=torch.bool))
    got = model(ids, torch.ones_like(ids, dtype=torch.bool))
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)
    config["model_type"] = "evil"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ArtifactError, match=r"'evil' and asks for code of its own \(auto_map\)"):
        open_language_model(folder)
    config["model_type"] = "llama"
    config["parts"] = [{"_attn_implementation": "evil/kernels"}]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ArtifactError, match="asks for code from elsewhere: 'evil/kernels'"):
        open_language_model(folder)
    assert not trace.exists()


def test_weights_that_are_programs_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    torch.save(to_hugging_face(small_model()).state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(ArtifactError, match="cannot be opened as a model"):
        open_language_model(folder)


def test_folders_that_are_no_models_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"has no config\.json"):
        open_language_model(tmp_path)
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ArtifactError, match="holds an adapter, not a model"):
        open_language_model(tmp_path)
    (tmp_path / "adapter_config.json").unlink()
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ArtifactError, match="is not a table of fields"):
        open_language_model(tmp_path)
    (tmp_path / "config.json").unlink()
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(ArtifactError, match="has 2 GGUF files"):
        open_language_model(tmp_path)


def test_an_id_that_was_not_downloaded_says_how_to_get_it() -> None:
    with pytest.raises(InputError, match="'org/none' at revision abc is not on this machine") as e:
        open_language_model("org/none", revision="abc")
    assert e.value.hint == (
        "once, with network: hf download org/none --revision abc; or give a folder"
    )
    with pytest.raises(InputError, match="neither a folder nor an id"):
        open_language_model("../../somewhere/else")
