"""An agent rebuilt from an archive must answer as Stable-Baselines3 itself does."""

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete
from torch import nn

from pellucid.agents import agent_sha256, load_agent, save_agent
from pellucid.agents.acting import choose_actions, preference_unit, preferences
from pellucid.errors import ArtifactError, CapabilityError, InputError
from tests.agents.models import (
    CHOICES,
    CONTINUOUS,
    OBSERVATIONS,
    TORQUES,
    StubEnv,
    make_model,
    random_observations,
    save_model,
)

TOLERANCE = 1e-6
ARCHES: dict[str, list[Any]] = {
    "PPO": [None, [16], [], {"pi": [8], "vf": [16, 4]}, {"vf": [8]}],
    "A2C": [None, [12, 6], {"pi": [], "vf": [5]}],
    "DQN": [None, [], [16, 8, 4]],
    "SAC": [[16], [], {"pi": [8, 8], "qf": [4]}],
    "TD3": [None, [16], [], {"pi": [8, 8], "qf": [4]}],
    "DDPG": [[16, 8]],
}
CASES = [
    (algorithm, arch, activation, actions)
    for algorithm, arches in ARCHES.items()
    for arch in arches
    for activation in (None, nn.Tanh, nn.ReLU)
    for actions in (
        [TORQUES]
        if algorithm in CONTINUOUS
        else [CHOICES]
        if algorithm == "DQN"
        else [CHOICES, TORQUES]
    )
]
SDE_CASES = [
    (algorithm, arch, activation, options)
    for algorithm, arches, forms in (
        ("PPO", [None, [16], {"pi": [8], "vf": [16, 4]}], [{"squash_output": True}]),
        ("A2C", [[12, 6], {"pi": [], "vf": [5]}], [{"full_std": False}]),
        ("SAC", [[16], [], {"pi": [8, 8], "qf": [4]}], [{"clip_mean": 0.5}, {"clip_mean": 0.0}]),
    )
    for arch in arches
    for activation in (None, nn.Tanh, nn.ReLU)
    for options in ({}, {"use_expln": True}, *forms)
]


def policy_kwargs(arch: Any, activation: Any) -> dict[str, Any]:
    given = {"net_arch": arch, "activation_fn": activation}
    return {key: value for key, value in given.items() if value is not None}


def assert_same_answers(agent: Any, model: Any) -> None:
    """Compare every answer with the library's own on 1,000 observations."""
    observations = random_observations()
    policy, tensor = model.policy, torch.as_tensor(observations)
    expected, _ = model.predict(observations, deterministic=True)
    actions = agent.act(observations)
    assert actions.dtype == expected.dtype
    np.testing.assert_allclose(actions, expected, rtol=0, atol=TOLERANCE)
    with torch.no_grad():
        if "value" in agent.capabilities:
            values = policy.predict_values(tensor).numpy().ravel()
            np.testing.assert_allclose(agent.value(observations), values, rtol=1e-6, atol=TOLERANCE)
        if "q_values" in agent.capabilities:
            q_values = policy.q_net(tensor).numpy()
            np.testing.assert_allclose(
                agent.q_values(observations), q_values, rtol=1e-6, atol=TOLERANCE
            )
        if "distribution" in agent.capabilities:
            _assert_same_distribution(agent.distribution(observations), policy, tensor)


def _assert_same_distribution(ours: Any, policy: Any, tensor: Any) -> None:
    if hasattr(policy, "actor"):
        mean, log_std, latent = policy.actor.get_action_dist_params(tensor)
        theirs: Any = policy.actor.action_dist.proba_distribution(mean, log_std, **latent)
        theirs = theirs.distribution
    else:
        theirs = policy.get_distribution(tensor).distribution
    if hasattr(ours, "probabilities"):
        np.testing.assert_allclose(ours.probabilities, theirs.probs.numpy(), atol=TOLERANCE)
        np.testing.assert_allclose(ours.probabilities.sum(axis=1), 1.0, atol=1e-12)
    else:
        np.testing.assert_allclose(ours.mean, theirs.mean.numpy(), rtol=1e-6, atol=TOLERANCE)
        np.testing.assert_allclose(ours.std, theirs.stddev.numpy(), rtol=1e-6, atol=TOLERANCE)
        np.testing.assert_array_equal(ours.low, policy.action_space.low)
        np.testing.assert_array_equal(ours.high, policy.action_space.high)
        assert ours.squashed == policy.squash_output


@pytest.mark.parametrize(("algorithm", "arch", "activation", "actions"), CASES)
def test_every_answer_equals_the_librarys_own(
    tmp_path: Path, algorithm: str, arch: Any, activation: Any, actions: Any
) -> None:
    model = make_model(algorithm, actions, policy_kwargs=policy_kwargs(arch, activation))
    archive = save_model(model, tmp_path)
    assert_same_answers(load_agent(archive, env=StubEnv(actions)), model)


@pytest.mark.parametrize(("algorithm", "arch", "activation", "options"), SDE_CASES)
def test_state_dependent_exploration_answers_as_the_library_does(
    tmp_path: Path, algorithm: str, arch: Any, activation: Any, options: dict[str, Any]
) -> None:
    kwargs = policy_kwargs(arch, activation) | options
    model = make_model(algorithm, TORQUES, use_sde=True, policy_kwargs=kwargs)
    agent: Any = load_agent(save_model(model, tmp_path), env=StubEnv(TORQUES))
    assert_same_answers(agent, model)
    assert "distribution" in agent.capabilities
    # the standard deviation depends on the state, or the option was not tested
    assert agent.distribution(random_observations()).std.std(axis=0).min() > 1e-3


@pytest.mark.parametrize("algorithm", ["PPO", "A2C", "SAC", "TD3"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("activation", [None, nn.Tanh, nn.ReLU])
def test_a_shared_extractor_and_one_for_each_answer_as_the_library_does(
    tmp_path: Path, algorithm: str, shared: bool, activation: Any
) -> None:
    for arch in ([8], {"pi": [8], "vf" if algorithm in ("PPO", "A2C") else "qf": [4, 4]}):
        kwargs = policy_kwargs(arch, activation) | {"share_features_extractor": shared}
        model = make_model(algorithm, TORQUES, policy_kwargs=kwargs)
        assert_same_answers(load_agent(save_model(model, tmp_path), env=StubEnv(TORQUES)), model)


@pytest.mark.parametrize("algorithm", ["PPO", "DQN", "SAC", "TD3"])
@pytest.mark.parametrize(
    "observations",
    [
        Discrete(5),
        MultiDiscrete([2, 3]),
        MultiBinary(4),
        MultiBinary((2, 2)),
        Box(-1, 1, (2, 3), np.float32),
        Box(-1, 1, (2, 1, 2), np.float64),
        Box(0, 255, (4,), np.uint8),
    ],
    ids=str,
)
def test_observations_of_any_shape_are_encoded_as_the_library_does(
    tmp_path: Path, algorithm: str, observations: Any
) -> None:
    env = StubEnv(TORQUES if algorithm in CONTINUOUS else CHOICES, observations)
    model = make_model(algorithm, env=env, policy_kwargs={"net_arch": [8]})
    agent: Any = load_agent(save_model(model, tmp_path), env=env)
    observations.seed(0)
    rows = np.array([observations.sample() for _ in range(1000)], dtype=observations.dtype)
    expected, _ = model.predict(rows, deterministic=True)
    np.testing.assert_allclose(agent.act(rows), expected, rtol=0, atol=TOLERANCE)
    assert preferences(agent, rows).std(axis=0).max() > 0.01
    if "distribution" in agent.capabilities:
        with torch.no_grad():
            _assert_same_distribution(agent.distribution(rows), model.policy, torch.as_tensor(rows))
    save_agent(agent, tmp_path / "stored")
    np.testing.assert_array_equal(load_agent(tmp_path / "stored").act(rows), agent.act(rows))


@pytest.mark.parametrize("algorithm", list(ARCHES))
def test_choices_vary_so_that_equality_means_something(tmp_path: Path, algorithm: str) -> None:
    model = make_model(algorithm)
    actions = load_agent(model).act(random_observations())
    assert len(np.unique(actions.round(3), axis=0)) >= (3 if actions.ndim == 1 else 100)


def test_continuous_ppo_is_clipped_to_the_range_of_the_environment(tmp_path: Path) -> None:
    model = make_model("PPO", TORQUES)
    with torch.no_grad():
        model.policy.action_net.bias.add_(torch.tensor([10.0, -10.0]))
    actions = load_agent(model).act(random_observations(5))
    np.testing.assert_array_equal(actions, np.tile(np.float32([1.0, 0.5]), (5, 1)))


@pytest.mark.parametrize(
    ("algorithm", "actions"),
    [("PPO", CHOICES), ("A2C", TORQUES), ("DQN", CHOICES), ("SAC", TORQUES), ("TD3", TORQUES)],
)
def test_settings_that_matter_in_training_only_change_nothing(
    tmp_path: Path, algorithm: str, actions: Any
) -> None:
    settings: dict[str, Any] = {"learning_rate": lambda remaining: 3e-4 * remaining}
    settings["policy_kwargs"] = {"optimizer_class": torch.optim.RMSprop, "net_arch": [8]}
    settings["policy_kwargs"] |= {"optimizer_kwargs": {"eps": 1e-4}}
    if algorithm in ("PPO", "A2C"):
        settings["policy_kwargs"] |= {"log_std_init": -1.5, "ortho_init": False}
        # Python's json writes this as a bare Infinity, which strict JSON does not have
        settings["max_grad_norm"] = float("inf")
    if algorithm in ("SAC", "TD3"):
        settings["policy_kwargs"] |= {"n_critics": 3, "share_features_extractor": True}
    model = make_model(algorithm, actions, **settings)
    archive = save_model(model, tmp_path)
    agent = load_agent(archive, env=StubEnv(actions))
    assert_same_answers(agent, model)


def test_discrete_observations_are_encoded_by_the_policy(tmp_path: Path) -> None:
    env = StubEnv(CHOICES, Discrete(5))
    model = make_model("DQN", env=env)
    agent = load_agent(save_model(model, tmp_path), env=env)
    observations = np.arange(5)
    expected, _ = model.predict(observations, deterministic=True)
    np.testing.assert_array_equal(agent.act(observations), expected)
    assert "gradients" not in agent.capabilities


def test_an_archive_trained_for_a_few_steps_loads(tmp_path: Path) -> None:
    model = make_model("PPO", policy_kwargs={"activation_fn": nn.ReLU})
    model.learn(16)
    agent = load_agent(save_model(model, tmp_path), env=StubEnv())
    assert_same_answers(agent, model)
    assert agent.framework == "stable-baselines3 PPO"
    assert agent.name == "model.zip"


def test_weights_alone_do_not_tell_the_activation(tmp_path: Path) -> None:
    model = make_model("PPO", policy_kwargs={"activation_fn": nn.ReLU})
    right = load_agent(save_model(model, tmp_path), env=StubEnv())
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        fields = json.loads(archive.read("data"))
        fields["policy_kwargs"]["activation_fn"] = "<class 'torch.nn.modules.activation.Tanh'>"
        rewrite(archive, tmp_path / "tanh.zip", {"data": json.dumps(fields)})
    wrong = load_agent(tmp_path / "tanh.zip", env=StubEnv())  # loads without complaint
    difference = preferences(right, random_observations()) - preferences(
        wrong, random_observations()
    )
    assert np.abs(difference).max() > 0.1


def rewrite(archive: zipfile.ZipFile, path: Path, changed: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, changed.get(name, archive.read(name)))
    return path


# --- capabilities ---


@pytest.mark.parametrize(
    ("form", "lacks"),
    [
        ("PPO", {"q_values"}),
        ("A2C", {"q_values"}),
        ("DQN", {"distribution", "sampling", "value"}),
        ("SAC", {"q_values", "value"}),
        ("TD3", {"distribution", "sampling", "q_values", "value"}),
        ("DDPG", {"distribution", "sampling", "q_values", "value"}),
        ("PPO with use_sde", {"q_values", "sampling"}),
        ("A2C with use_sde", {"q_values", "sampling"}),
        ("SAC with use_sde", {"q_values", "value", "sampling"}),
    ],
)
def test_the_capability_table_is_honest(form: str, lacks: set[str]) -> None:
    from pellucid import registry

    everything = {"distribution", "q_values", "value", "latent", "gradients", "sampling", "layers"}
    algorithm, _, sde = form.partition(" with ")
    settings: dict[str, Any] = {"action_space": TORQUES, "use_sde": True} if sde else {}
    agent = load_agent(make_model(algorithm, policy_kwargs={"net_arch": [8]}, **settings))
    assert agent.capabilities == everything - lacks
    table = registry.load("adapters", "stable-baselines3").info.capabilities
    assert set(table[form]) == agent.capabilities


@pytest.mark.parametrize(
    ("algorithm", "actions", "unit"),
    [
        ("PPO", CHOICES, "probability"),
        ("PPO", TORQUES, "mean action"),
        ("DQN", CHOICES, "Q-value"),
        ("SAC", TORQUES, "mean action"),
        ("TD3", TORQUES, "mean action"),
    ],
)
def test_gradients_belong_to_the_preferences(algorithm: str, actions: Any, unit: str) -> None:
    agent: Any = load_agent(make_model(algorithm, actions, policy_kwargs={"net_arch": [16]}))
    observations = random_observations(6)
    tensor = torch.tensor(observations, requires_grad=True)
    outputs = agent.torch_preferences(tensor)
    assert preference_unit(agent) == unit
    numbers = preferences(agent, observations)
    np.testing.assert_allclose(outputs.detach().numpy(), numbers, rtol=1e-5, atol=1e-6)
    (gradient,) = torch.autograd.grad(outputs[:, 0].sum(), tensor)
    step = np.zeros_like(observations)
    step[:, 1] = 1e-2
    slope = preferences(agent, observations + step) - preferences(agent, observations - step)
    assert gradient[:, 1].abs().max() > 0
    np.testing.assert_allclose(gradient[:, 1].numpy(), slope[:, 0] / 2e-2, atol=2e-2)


@pytest.mark.parametrize(("algorithm", "actions"), [("PPO", CHOICES), ("DQN", CHOICES)])
def test_the_latent_feeds_the_head(algorithm: str, actions: Any) -> None:
    model = make_model(algorithm, actions, policy_kwargs={"net_arch": [16, 7]})
    agent: Any = load_agent(model)
    latent = agent.latent(random_observations(9))
    assert latent.shape == (9, 7)
    head = model.policy.action_net if algorithm == "PPO" else model.policy.q_net.q_net[-1]
    outputs = latent @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    np.testing.assert_array_equal(outputs.argmax(axis=1), agent.act(random_observations(9)))


def test_sac_latent_and_mean_agree_with_the_actor() -> None:
    model = make_model("SAC", policy_kwargs={"net_arch": [5]})
    agent: Any = load_agent(model)
    observations = random_observations(4)
    head = model.policy.actor.mu
    mean = agent.latent(observations) @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    np.testing.assert_allclose(agent.distribution(observations).mean, mean, atol=1e-5)


def test_td3_latent_feeds_its_action_and_its_layers_are_the_actors() -> None:
    model = make_model("TD3", policy_kwargs={"net_arch": [7, 5]})
    agent: Any = load_agent(model)
    observations = random_observations(20)
    latent = agent.latent(observations)
    assert latent.shape == (20, 5)
    head = model.policy.actor.mu[-2]
    squashed = np.tanh(latent @ head.weight.detach().numpy().T + head.bias.detach().numpy())
    scaled = TORQUES.low + 0.5 * (squashed + 1.0) * (TORQUES.high - TORQUES.low)
    np.testing.assert_allclose(agent.act(observations), scaled, atol=1e-5)
    assert agent.n_layers == 3
    copy: Any = agent.randomise_layers(1, np.random.default_rng(0))
    assert np.abs(agent.act(observations) - copy.act(observations)).max() > 0.05
    assert_same_answers(agent, model)  # the original is untouched


@pytest.mark.parametrize(
    ("algorithm", "option", "other"),
    [
        ("PPO", {"squash_output": True}, {}),
        ("A2C", {"use_expln": True}, {"use_expln": False}),
        ("SAC", {"clip_mean": 0.5}, {"clip_mean": 2.0}),
    ],
)
def test_options_of_state_dependent_exploration_change_answers(
    tmp_path: Path, algorithm: str, option: dict[str, Any], other: dict[str, Any]
) -> None:
    kwargs = {"net_arch": [16], "log_std_init": 0.5, **option}
    model = make_model(algorithm, TORQUES, use_sde=True, policy_kwargs=kwargs)
    right: Any = load_agent(save_model(model, tmp_path), env=StubEnv(TORQUES))
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        fields = json.loads(archive.read("data"))
        plain = {k: v for k, v in fields["policy_kwargs"].items() if k not in option}
        fields["policy_kwargs"] = plain | other
        path = rewrite(archive, tmp_path / "other.zip", {"data": json.dumps(fields)})
    wrong: Any = load_agent(path, env=StubEnv(TORQUES))  # the weights fit: no complaint
    observations = random_observations(50)
    ours, theirs = (agent.distribution(observations) for agent in (right, wrong))
    assert (
        np.abs(ours.mean - theirs.mean).max() > 0.1
        or np.abs(ours.std - theirs.std).max() > 0.1
        or ours.squashed != theirs.squashed
    )


def test_drawn_actions_follow_the_distribution() -> None:
    agent: Any = load_agent(make_model("PPO"))
    observations = np.repeat(random_observations(1), 4000, axis=0)
    rngs = [np.random.default_rng(i) for i in range(4000)]
    actions = agent.sample(observations, rngs)
    share = np.bincount(actions, minlength=4) / 4000
    expected = agent.distribution(observations[:1]).probabilities[0]
    assert np.abs(share - expected).max() < 4 * np.sqrt(0.25 / 4000)


def test_a_row_is_drawn_with_its_own_generator_only() -> None:
    agent: Any = load_agent(make_model("SAC", policy_kwargs={"net_arch": [8]}))
    observations = random_observations(5)

    def rngs(count: int) -> list[np.random.Generator]:
        return [np.random.default_rng(i) for i in range(count)]

    together = agent.sample(observations, rngs(5))
    alone = agent.sample(observations[3:4], [np.random.default_rng(3)])
    np.testing.assert_array_equal(alone[0], together[3])
    assert together.dtype == np.float32
    assert TORQUES.contains(together[0])


def test_bytes_do_not_depend_on_the_batch() -> None:
    agent: Any = load_agent(make_model("SAC", policy_kwargs={"net_arch": [64, 64]}))
    observations = random_observations(300)
    together = agent.act(observations)
    one_by_one = np.concatenate([agent.act(observations[i : i + 1]) for i in range(0, 300, 37)])
    np.testing.assert_array_equal(one_by_one, together[::37])
    assert agent.act(observations[:0]).shape == (0, 2)


def test_randomised_layers_are_redrawn_from_the_output_down() -> None:
    model = make_model("PPO", policy_kwargs={"net_arch": [32, 32]})
    agent: Any = load_agent(model)
    before = {k: v.clone() for k, v in model.policy.state_dict().items()}
    copy = agent.randomise_layers(2, np.random.default_rng(0))
    after = copy.network.module.state_dict()
    assert agent.n_layers == 3
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    # and alongside it the value head, without which what it predicts would survive
    layers = (
        *("action_net", "mlp_extractor.policy_net.2"),
        *("value_net", "mlp_extractor.value_net.2"),
    )
    assert changed == {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")}
    weight = "mlp_extractor.policy_net.2.weight"
    assert after[weight].std() == pytest.approx(before[weight].std().item(), rel=0.1)
    assert abs(after[weight].mean()) < 0.05
    # the original is untouched, and the same generator gives the same copy
    assert all(torch.equal(before[k], v) for k, v in model.policy.state_dict().items())
    again: Any = agent.randomise_layers(2, np.random.default_rng(0))
    observations = random_observations(20)
    np.testing.assert_array_equal(preferences(again, observations), preferences(copy, observations))
    assert np.abs(preferences(agent, observations) - preferences(copy, observations)).max() > 0.05


def test_redrawing_everything_redraws_all_of_a_deeper_value_head() -> None:
    model = make_model("PPO", policy_kwargs={"net_arch": {"pi": [8], "vf": [8, 8, 8]}})
    agent: Any = load_agent(model)
    before = {k: v.clone() for k, v in model.policy.state_dict().items()}

    def kept(n_layers: int) -> set[str]:
        copy = agent.randomise_layers(n_layers, np.random.default_rng(0))
        after = copy.network.module.state_dict()
        return {name for name in before if torch.equal(before[name], after[name])}

    value = {
        f"mlp_extractor.value_net.{i}.{part}" for i in (0, 2, 4) for part in ("weight", "bias")
    }
    assert kept(1) >= value
    assert not kept(2) & value
    observations = random_observations(20)
    copy = agent.randomise_layers(2, np.random.default_rng(0))
    assert np.abs(agent.value(observations) - copy.value(observations)).max() > 0.01


# --- the other sources ---


@pytest.mark.parametrize("algorithm", list(ARCHES))
def test_a_stored_agent_answers_without_the_archive(tmp_path: Path, algorithm: str) -> None:
    settings = {"policy_kwargs": {"activation_fn": nn.ELU, "net_arch": [8, 4]}}
    model = make_model(algorithm, **settings)
    archive = save_model(model, tmp_path)
    env = StubEnv(model.action_space)
    save_agent(load_agent(archive, env=env), tmp_path / "stored")
    archive.unlink()
    agent = load_agent(tmp_path / "stored")
    assert_same_answers(agent, model)
    assert agent.observation_space == OBSERVATIONS
    assert agent.framework == f"stable-baselines3 {algorithm}"
    card = json.loads((tmp_path / "stored" / "card.json").read_text())
    assert card["policy"]["activation"] == "ELU"
    assert card["policy"]["net_arch"] == [8, 4]


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [
        ("PPO", {"squash_output": True, "full_std": False}),
        ("A2C", {"use_expln": True}),
        ("SAC", {"clip_mean": 0.75}),
    ],
)
def test_state_dependent_exploration_is_kept_wherever_an_agent_goes(
    tmp_path: Path, algorithm: str, options: dict[str, Any]
) -> None:
    kwargs = {"net_arch": [8], **options}
    model = make_model(algorithm, TORQUES, use_sde=True, policy_kwargs=kwargs)
    model.predict(random_observations(4))  # leaves noise in a graph behind
    agent: Any = load_agent(model)
    assert_same_answers(agent, model)
    save_agent(agent, tmp_path / "stored")
    assert_same_answers(load_agent(tmp_path / "stored"), model)
    assert_same_answers(pickle.loads(pickle.dumps(agent)), model)
    copy: Any = agent.randomise_layers(agent.n_layers, np.random.default_rng(0))
    observations = random_observations(20)
    assert np.abs(preferences(agent, observations) - preferences(copy, observations)).max() > 0.05
    with pytest.raises(CapabilityError, match="cannot draw actions"):
        choose_actions(agent, observations, "sampled", [np.random.default_rng(0)] * 20)


def test_a_model_object_is_adapted_without_its_archive() -> None:
    model = make_model("A2C", TORQUES, policy_kwargs={"activation_fn": nn.ReLU})
    agent = load_agent(model)
    assert agent.framework == "stable-baselines3 A2C"
    assert_same_answers(agent, model)


def test_an_agent_can_be_sent_to_another_process(tmp_path: Path) -> None:
    model = make_model("SAC", policy_kwargs={"net_arch": [8]})
    agent = load_agent(save_model(model, tmp_path), env=StubEnv(TORQUES))
    there = pickle.loads(pickle.dumps(agent))
    observations = random_observations(5)
    np.testing.assert_array_equal(there.act(observations), agent.act(observations))


def test_the_checksum_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    archive = save_model(make_model("DQN"), tmp_path)
    agent: Any = load_agent(archive, env=StubEnv())
    assert agent_sha256(agent) == hashlib.sha256(archive.read_bytes()).hexdigest()
    save_agent(agent, tmp_path / "stored")
    weights = (tmp_path / "stored" / "weights.safetensors").read_bytes()
    stored = load_agent(tmp_path / "stored")
    assert agent_sha256(stored) == hashlib.sha256(weights).hexdigest()
    # a model in memory has the checksum of the weights that would be stored
    assert agent_sha256(load_agent(make_model("DQN"))) == agent_sha256(stored)
    assert agent.n_parameters == 3 * 64 + 64 + 64 * 64 + 64 + 64 * 4 + 4


# --- what is refused ---


def refused(source: Any, env: Any = None, error: type[InputError] = InputError) -> str:
    with pytest.raises(error) as caught:
        load_agent(source, env=env or StubEnv())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("env", "both"),
    [
        (StubEnv(Discrete(5)), ("Discrete with 4 values", "Discrete with 5 values")),
        (StubEnv(TORQUES), ("Discrete with 4 values", "Box of shape (2,), float32")),
        (StubEnv(CHOICES, Box(-1, 1, (4,))), ("(3,)", "(4,)")),
        (StubEnv(CHOICES, Box(-1, 1, (3,), np.float64)), ("float32", "float64")),
    ],
)
def test_an_archive_for_another_environment_is_refused(
    tmp_path: Path, env: StubEnv, both: tuple[str, str]
) -> None:
    message = refused(save_model(make_model("PPO"), tmp_path), env)
    assert both[0] in message
    assert both[1] in message


def test_other_action_bounds_are_refused(tmp_path: Path) -> None:
    archive = save_model(make_model("SAC"), tmp_path)
    twice = Box(2 * TORQUES.low, 2 * TORQUES.high)
    assert "action bounds" in refused(archive, StubEnv(twice))


def test_other_observation_bounds_are_accepted(tmp_path: Path) -> None:
    archive = save_model(make_model("PPO"), tmp_path)
    wider = Box(-100, 100, (3,))
    assert load_agent(archive, env=StubEnv(CHOICES, wider)).observation_space == wider


@pytest.mark.parametrize(
    ("algorithm", "settings", "found"),
    [
        ("TD3", {"policy_kwargs": {"activation_fn": nn.PReLU}}, "PReLU"),
        ("PPO", {"policy_kwargs": {"activation_fn": nn.PReLU}}, "PReLU"),
    ],
)
def test_what_the_table_does_not_know_is_refused(
    tmp_path: Path, algorithm: str, settings: dict[str, Any], found: str
) -> None:
    model = make_model(algorithm, **settings)
    for source in (save_model(model, tmp_path), model):
        message = refused(source, StubEnv(model.action_space))
        assert found in message
        assert "supported:" in message


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"policy_kwargs": None}, "policy_kwargs"),
        ({"policy_class": None}, "policy class"),
        ({"observation_space": None}, "observations"),
        ({"use_sde": True}, "takes Box actions"),
        ({"use_sde": "True"}, "use_sde='True'"),
        ({"use_sde": True, "policy_kwargs": {"clip_mean": 1.0}}, "clip_mean"),
        ({"use_sde": True, "policy_kwargs": {"full_std": "no"}}, "full_std"),
        ({"policy_kwargs": {"n_critics": 2}}, "n_critics"),
        ({"policy_kwargs": {"dropout": 0.5}}, "dropout"),
        ({"policy_kwargs": {"squash_output": True}}, "squash_output"),
        ({"policy_kwargs": {"net_arch": [64, {"pi": [8]}]}}, "net_arch"),
        ({"policy_kwargs": {"net_arch": "[np.int64(64)]"}}, "net_arch"),
        ({"policy_kwargs": {"net_arch": [1_000_000, 1_000_000]}}, "weights only"),
        ({"policy_kwargs": {"net_arch": [63, 64]}}, "do not fit"),
        ({"policy_kwargs": {"features_extractor_class": "<class 'x.Mine'>"}}, "x.Mine"),
        ({"cg_max_steps": 15}, "TRPO"),
    ],
)
def test_an_archive_with_other_fields_is_refused(
    tmp_path: Path, change: dict[str, Any], found: str
) -> None:
    save_model(make_model("PPO"), tmp_path)
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        fields = json.loads(archive.read("data")) | change
        fields = {key: value for key, value in fields.items() if value is not None}
        changed = rewrite(archive, tmp_path / "changed.zip", {"data": json.dumps(fields)})
    assert found in refused(changed, error=ArtifactError)


def test_a_convolutional_policy_of_no_images_is_refused(tmp_path: Path) -> None:
    save_model(make_model("PPO"), tmp_path)
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        text = archive.read("data").decode()
        changed = text.replace("<function ActorCriticPolicy.", "<function ActorCriticCnnPolicy.")
        assert changed != text
        path = rewrite(archive, tmp_path / "cnn.zip", {"data": changed})
    assert "convolutional network, which takes one image" in refused(path, error=ArtifactError)


def test_layers_shared_by_old_versions_are_named(tmp_path: Path) -> None:
    import io

    model = make_model("PPO")
    save_model(model, tmp_path)
    weights = model.policy.state_dict()
    weights["mlp_extractor.shared_net.0.weight"] = weights.pop("mlp_extractor.value_net.0.weight")
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        path = rewrite(archive, tmp_path / "old.zip", {"policy.pth": buffer.getvalue()})
    assert "before 1.8" in refused(path, error=ArtifactError)


def test_actions_that_do_not_start_at_zero_are_refused(tmp_path: Path) -> None:
    archive = save_model(make_model("PPO"), tmp_path)
    assert "counts actions from 0" in refused(archive, StubEnv(Discrete(4, start=1)))


def test_observations_that_do_not_start_at_zero_are_refused(tmp_path: Path) -> None:
    archive = save_model(make_model("PPO", env=StubEnv(CHOICES, Discrete(4))), tmp_path)
    message = refused(archive, StubEnv(CHOICES, Discrete(4, start=1)))
    assert "counts observations from 0" in message


@pytest.mark.parametrize(
    ("trained", "given"),
    [
        (MultiDiscrete([2, 3]), MultiDiscrete([3, 2])),
        (MultiBinary((2, 3)), MultiBinary((3, 2))),
    ],
)
def test_counts_in_another_order_are_refused(tmp_path: Path, trained: Any, given: Any) -> None:
    # the weights would fit
    archive = save_model(make_model("PPO", env=StubEnv(CHOICES, trained)), tmp_path)
    assert "made for other observations" in refused(archive, StubEnv(CHOICES, given))


def test_settings_tell_ddpg_from_td3(tmp_path: Path) -> None:
    for algorithm in ("DDPG", "TD3"):
        archive = save_model(make_model(algorithm, policy_kwargs={"net_arch": [4]}), tmp_path)
        agent = load_agent(archive, env=StubEnv(TORQUES))
        assert agent.framework == f"stable-baselines3 {algorithm}"


def test_an_archive_needs_an_environment(tmp_path: Path) -> None:
    archive = save_model(make_model("PPO"), tmp_path)
    with pytest.raises(InputError, match="needs an environment") as caught:
        load_agent(archive)
    assert "--env" in str(caught.value.hint)
