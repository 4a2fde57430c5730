"""The configuration of `pellucid train`: read strictly, and every mistake has its place."""

import json
from pathlib import Path

import pytest

from pellucid.api.training_config import load_config
from pellucid.api.training_data import load_data
from pellucid.api.training_methods import make_method, method_prompts, training_config
from pellucid.errors import DataError, InputError
from pellucid.posttrain.objectives import GRPO
from tests.api.training_configs import TINY, write_tiny

CONFIGS = Path(__file__).parents[2] / "configs"


def test_values_are_read_and_changed(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    changes = ["sampling.temperature=0.5", "rewards.0.weight=2", "evaluation.k=[2]"]
    config = load_config(path, changes, engine="trl", seed=7)
    assert config.sampling.temperature == 0.5
    assert config.rewards[0].weight == 2.0
    assert config.evaluation.k == (2,)
    assert (config.engine, config.seed) == ("trl", 7)
    assert config.optimiser.patience is None
    assert load_config(path).sampling.temperature == 1.0


@pytest.mark.parametrize(
    ("changes", "what", "hint"),
    [
        (["sampling.temprature=1"], "sampling: unknown key 'temprature'", "'temperature'"),
        (["samplng.temperature=1"], "unknown key 'samplng'", "'sampling'"),
        (["optimiser.n_updates=many"], "optimiser.n_updates: expected a whole number", None),
        (["rewards=[]"], "expected at least one reward", None),
        (["rewards.0.weights=1"], "rewards.0: unknown key 'weights'", "'weight'"),
        (["rewards.1.weight=1"], "'rewards.1.weight' leads to entry '1' of a list of 1", None),
        (["dataset.path=x"], "expected a task or a dataset, got both", None),
        (["task=null"], "expected a task or a dataset, got neither", None),
        (["model.path=a", "model.hub=b"], "expected one of path, hub and package", None),
        (["model.package=a"], "needs gguf_file", None),
        (["evaluation.k=[3]"], "k must lie in 1..n_samples = 2, got 3", None),
        (["engine=jax"], "engine: unknown value 'jax'", None),
        (["vllm={}"], "vllm needs the engine trl", "--engine trl"),
        (["seed=-1"], "seed must not be negative", None),
        (["temperature"], "--set: expected a.b=value, got 'temperature'", None),
        (["a..b=1"], "--set: expected a.b=value", None),
        (["optimiser.learning_rate=!!python/object/apply:os.system [ls]"], "tags such as", None),
        (["recording.samples=0"], "samples must be at least 1", None),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, changes: list[str], what: str, hint: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        load_config(write_tiny(tmp_path), changes)
    assert what in str(caught.value)
    if hint is not None:
        assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: &x [1]\nb: *x\n", "line 1: aliases are not allowed"),
        ("seed: 1\nseed: 2\n", "line 2: 'seed' twice"),
        ("seed: !!python/object/apply:os.system ['ls']", "line 1: tags such as"),
        ("- 1\n- 2\n", "expected keys with values"),
        ("a: " + "x" * 2_000_000, "bytes"),
        ("a: " + "[" * 50 + "]" * 50, "nested deeper"),
        ("a: [", "is not YAML"),
    ],
)
def test_hostile_yaml_is_refused(tmp_path: Path, text: str, what: str) -> None:
    """F20: nothing is built, expanded or guessed."""
    with pytest.raises((InputError, DataError), match=what):
        load_config(write_tiny(tmp_path, text))


@pytest.mark.parametrize(
    ("changes", "what", "hint"),
    [
        (["task.name=modular-chan"], "unknown task 'modular-chan'", "'modular-chain'"),
        (["task.options.modulos=3"], "task.options: unknown key 'modulos'", "'modulus'"),
        (["task.options.modulus=99"], "modulus must be in 2..10, got 99", None),
        (["task.difficulty=[9]"], "difficulty", None),
        (["rewards.0.name=solvd"], "rewards.0: unknown reward 'solvd'", "'solved'"),
        (["rewards.0.options.form=x"], "rewards.0: 'solved' has no options", None),
        (["gold=right"], "gold: unknown reward 'right'", None),
        (["method.name=plane"], "method: unknown method 'plane'", "'plain'"),
        (["method.options.filter=yes"], "method.options: unknown key 'filter'", "filter_uniform"),
        (["method.objective.clip=1"], "method.objective: unknown key 'clip'", "clip_"),
        (["method.objective.mean=leave_one_out"], "leave_one_out goes with std", None),
        (["sampling.samples_per_prompt=0"], "samples_per_prompt must be at least 1", None),
    ],
)
def test_what_cannot_be_built_is_named(
    tmp_path: Path, changes: list[str], what: str, hint: str | None
) -> None:
    config = load_config(write_tiny(tmp_path), changes)
    with pytest.raises(InputError) as caught:
        training_config(config, load_data(config))
    assert what in str(caught.value)
    if hint is not None:
        assert hint in str(caught.value.hint)


def test_a_recipe_is_a_start_that_objective_changes(tmp_path: Path) -> None:
    changes = ["method.recipe=grpo", "method.objective.clip_high=0.3", "method.objective.kl=0"]
    config = load_config(write_tiny(tmp_path), changes)
    settings = training_config(config, load_data(config))
    assert (settings.recipe.std, settings.recipe.clip_high) == (GRPO.std, 0.3)
    assert settings.recipe.kl == 0.0


# --- data ---

ROWS = [{"problem": f"{a}+1=", "answer": str(a + 1), "group_id": f"g{a // 2}"} for a in range(12)]
STORED = """
dataset: {path: PATH, columns: {prompt: problem}, test_share: 0.3}
rewards: [{name: exact-answer, options: {form: whole}}]
gold: exact-answer
"""


def stored(folder: Path, text: str = STORED) -> Path:
    data = folder / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, ROWS)) + "\n")
    return write_tiny(folder, text.replace("PATH", str(data)))


def test_a_data_set_is_split_by_group(tmp_path: Path) -> None:
    data = load_data(load_config(stored(tmp_path)))
    train = {example.group_id for example in data.split.train}
    test = {example.group_id for example in data.split.test}
    assert len(test) == 2
    assert not train & test
    assert data.facts["n_train"] + data.facts["n_test"] == 12
    example = data.split.test[0]
    assert data.verify(example.answer, example) is True
    assert data.verify("-5", example) is False


@pytest.mark.parametrize(
    ("changes", "what", "hint"),
    [
        (["dataset.columns={}"], "no column 'prompt'", None),
        (["dataset.columns={prompt: problm}"], "no column 'problm'", "'problem'"),
        (["dataset.columns={promt: problem}"], "unknown field of an example 'promt'", "'prompt'"),
        (["method.name=guidance"], "no column 'hint'", None),
        (["dataset.path=nowhere.jsonl"], "nowhere.jsonl does not exist", None),
        (["gold=null"], "a dataset needs gold", "gold: exact-answer"),
        (["rewards=[{name: solved}]", "gold=solved"], "'solved' asks a task", "exact-answer"),
        (
            ["rewards=[{name: exact-answer, options: {column: gold}}]"],
            "rewards, exact-answer: the reward 'exact_answer' needs the column 'gold'",
            None,
        ),
    ],
)
def test_a_column_that_is_missing_is_named(
    tmp_path: Path, changes: list[str], what: str, hint: str | None
) -> None:
    config = load_config(stored(tmp_path), changes)
    with pytest.raises((InputError, DataError)) as caught:
        load_data(config)
    assert what in str(caught.value)
    if hint is not None:
        assert hint in str(caught.value.hint)


def test_success_is_measured_beside_a_reward_that_does_not_ask_for_it(tmp_path: Path) -> None:
    text = TINY.replace("{name: solved}", "{name: marked-answer}")
    data = load_data(load_config(write_tiny(tmp_path, text)))
    assert data.weights == {"marked-answer": 1.0, "solved": 0.0}
    assert data.gold == "solved"


def test_two_rewards_of_one_kind_need_names(tmp_path: Path) -> None:
    text = TINY.replace("- {name: solved}", "- {name: solved}\n  - {name: solved}")
    with pytest.raises(InputError, match="two rewards are called 'solved'"):
        load_config(write_tiny(tmp_path, text))
    named = text.replace("- {name: solved}\n  -", "- {name: solved, called: again}\n  -")
    config = load_config(write_tiny(tmp_path, named))
    assert set(load_data(config).rewards) == {"again", "solved"}


def test_prompts_of_methods_are_templates(tmp_path: Path) -> None:
    changes = ["method.name=self-explanation", 'method.options.explain_prompt="{answer}:{prompt}"']
    config = load_config(write_tiny(tmp_path), changes)
    data = load_data(config)
    example = data.split.train[0]
    method = make_method(config.method, method_prompts(config.method, data.task))
    assert method.explain_prompt(example) == f"{example.answer}:{example.prompt}"
    wrong = load_config(
        write_tiny(tmp_path),
        ["method.name=self-explanation", 'method.options.explain_prompt="{anser}"'],
    )
    with pytest.raises(InputError, match=r"method\.options\.explain_prompt: unknown field"):
        method_prompts(wrong.method, data.task)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*/*.yaml")), ids=lambda p: str(p.parent.name))
def test_every_shipped_configuration_can_be_read(path: Path) -> None:
    config = load_config(path)
    assert config.purpose
