"""Agents of sb3-contrib must answer as the library itself does."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from sb3_contrib import ARS, QRDQN, TQC, MaskablePPO, RecurrentPPO
from torch import nn

from pellucid.agents import load_agent, save_agent
from pellucid.agents.acting import preference_unit, preferences
from pellucid.agents.context import in_context
from pellucid.errors import AgentError, ArtifactError, CapabilityError, InputError
from pellucid.types import Context
from tests.agents.models import CHOICES, TORQUES, StubEnv, random_observations

TOLERANCE = 1e-6
FORMS = {
    "QRDQN": (QRDQN, "MlpPolicy", CHOICES, {"buffer_size": 4}),
    "TQC": (TQC, "MlpPolicy", TORQUES, {"buffer_size": 4}),
    "MaskablePPO": (MaskablePPO, "MlpPolicy", CHOICES, {"n_steps": 8, "batch_size": 8}),
    "RecurrentPPO": (RecurrentPPO, "MlpLstmPolicy", CHOICES, {"n_steps": 8, "batch_size": 8}),
}


def make(name: str, actions: Any = None, **settings: Any) -> Any:
    """Return an untrained model with weights large enough that its choices vary."""
    cls, policy, usual, steps = FORMS[name]
    env = StubEnv(usual if actions is None else actions)
    model = cls(policy, env, seed=0, device="cpu", **steps, **settings)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def loaded(model: Any, folder: Path) -> Any:
    """Return the agent in the archive that a model is saved to."""
    model.save(folder / "model.zip")
    return load_agent(folder / "model.zip", env=StubEnv(model.action_space))


def random_masks(n_rows: int, n_actions: int = 4) -> Any:
    masks = np.random.default_rng(3).random((n_rows, n_actions)) < 0.5
    masks[~masks.any(axis=1), 2] = True
    return masks


@pytest.mark.parametrize("arch", [None, [], [16, 8]])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
@pytest.mark.parametrize("n_quantiles", [1, 25])
def test_q_values_are_the_means_of_the_quantiles(
    tmp_path: Path, arch: Any, activation: Any, n_quantiles: int
) -> None:
    kwargs = {"activation_fn": activation, "n_quantiles": n_quantiles}
    kwargs |= {} if arch is None else {"net_arch": arch}
    model = make("QRDQN", policy_kwargs=kwargs)
    agent, observations = loaded(model, tmp_path), random_observations()
    np.testing.assert_array_equal(
        agent.act(observations), model.predict(observations, deterministic=True)[0]
    )
    with torch.no_grad():
        expected = model.policy.quantile_net(torch.as_tensor(observations)).mean(dim=1).numpy()
    np.testing.assert_allclose(agent.q_values(observations), expected, rtol=1e-6, atol=TOLERANCE)
    assert agent.framework == "sb3-contrib QRDQN"
    assert preference_unit(agent) == "Q-value"


@pytest.mark.parametrize("options", [{}, {"net_arch": [16]}, {"n_critics": 3, "n_quantiles": 4}])
@pytest.mark.parametrize("use_sde", [False, True])
def test_tqc_answers_as_the_library_does(tmp_path: Path, options: Any, use_sde: bool) -> None:
    model = make("TQC", policy_kwargs=options, use_sde=use_sde)
    agent, observations = loaded(model, tmp_path), random_observations()
    expected, _ = model.predict(observations, deterministic=True)
    np.testing.assert_allclose(agent.act(observations), expected, rtol=0, atol=TOLERANCE)
    with torch.no_grad():
        actor = model.policy.actor
        mean, log_std, more = actor.get_action_dist_params(torch.as_tensor(observations))
        theirs = actor.action_dist.proba_distribution(mean, log_std, **more).distribution
    ours = agent.distribution(observations)
    np.testing.assert_allclose(ours.mean, theirs.mean.numpy(), rtol=1e-6, atol=TOLERANCE)
    np.testing.assert_allclose(ours.std, theirs.stddev.numpy(), rtol=1e-6, atol=TOLERANCE)
    assert ("sampling" in agent.capabilities) is not use_sde


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("arch", [None, [16], {"pi": [8], "vf": [4, 4]}])
def test_the_masked_distribution_is_the_librarys_own(
    tmp_path: Path, shared: bool, arch: Any
) -> None:
    kwargs = {"share_features_extractor": shared} | ({} if arch is None else {"net_arch": arch})
    model = make("MaskablePPO", policy_kwargs=kwargs)
    observations, masks = random_observations(), random_masks(1000)
    whole = loaded(model, tmp_path)
    agent = in_context(whole, Context(masks=masks))
    expected, _ = model.predict(observations, deterministic=True, action_masks=masks)
    np.testing.assert_array_equal(agent.act(observations), expected)
    tensor = torch.as_tensor(observations)
    with torch.no_grad():
        theirs = model.policy.get_distribution(tensor, action_masks=masks).distribution.probs
        values = model.policy.predict_values(tensor).numpy().ravel()
    ours = agent.distribution(observations).probabilities
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=TOLERANCE)
    assert (ours[~masks] == 0.0).all()
    np.testing.assert_allclose(agent.value(observations), values, rtol=1e-6, atol=TOLERANCE)
    np.testing.assert_array_equal(preferences(agent, observations), ours)
    # the unmasked choice is often forbidden here, or masks were not tested
    free = in_context(whole, Context(masks=np.ones((1, 4), dtype=bool)))
    assert (~masks[np.arange(1000), free.act(observations)]).mean() > 0.2


def test_a_forbidden_action_is_never_drawn(tmp_path: Path) -> None:
    observations, masks = random_observations(200), random_masks(200)
    agent = in_context(loaded(make("MaskablePPO"), tmp_path), Context(masks=masks))
    for seed in range(20):
        rngs = [np.random.default_rng([seed, row]) for row in range(200)]
        assert masks[np.arange(200), agent.sample(observations, rngs)].all()


def test_gradients_of_masked_preferences_are_those_of_the_masked_distribution(
    tmp_path: Path,
) -> None:
    observations, masks = random_observations(50), random_masks(50)
    agent = in_context(loaded(make("MaskablePPO"), tmp_path), Context(masks=masks))
    inputs = torch.as_tensor(observations).requires_grad_()
    outputs = agent.torch_preferences(inputs)
    np.testing.assert_allclose(
        outputs.detach().numpy(), preferences(agent, observations), rtol=0, atol=TOLERANCE
    )
    slopes = torch.autograd.grad(outputs[:, 0].sum(), inputs)[0].numpy()
    assert np.isfinite(slopes).all()
    assert (slopes[~masks[:, 0]] == 0.0).all()


LSTMS: list[dict[str, Any]] = [
    {},
    {"lstm_hidden_size": 6, "n_lstm_layers": 2, "net_arch": [8]},
    {"lstm_hidden_size": 5, "enable_critic_lstm": False, "share_features_extractor": False},
    {"lstm_hidden_size": 5, "enable_critic_lstm": False, "shared_lstm": True},
]


@pytest.mark.parametrize("options", LSTMS)
@pytest.mark.parametrize("actions", [CHOICES, TORQUES])
def test_a_recurrent_agent_goes_on_as_the_library_does(
    tmp_path: Path, options: Any, actions: Any
) -> None:
    model = make("RecurrentPPO", actions, policy_kwargs=options)
    agent = loaded(model, tmp_path)
    memory, state = np.tile(agent.initial_memory, (50, 1)), None
    for step in range(5):
        observations = random_observations(50, seed=step)
        bound = in_context(agent, Context(memory=memory))
        expected, state = model.predict(observations, state=state, deterministic=True)
        np.testing.assert_allclose(bound.act(observations), expected, rtol=0, atol=TOLERANCE)
        memory = bound.next_memory(observations)
        n_layers, _, n_hidden = state[0].shape
        own = memory[:, : 2 * n_layers * n_hidden].reshape(50, 2, n_layers, n_hidden)
        theirs = np.stack(state).transpose(2, 0, 1, 3)
        np.testing.assert_allclose(own, theirs, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("options", LSTMS)
def test_distribution_and_value_are_the_librarys_own_with_any_memory(
    tmp_path: Path, options: Any
) -> None:
    model = make("RecurrentPPO", policy_kwargs=options)
    agent, observations = loaded(model, tmp_path), random_observations(300)
    memory = np.random.default_rng(0).normal(size=(300, len(agent.initial_memory)))
    memory = memory.astype(np.float32)
    lstm = model.policy.lstm_actor
    length = 2 * lstm.num_layers * lstm.hidden_size
    parts = [memory[:, i : i + length] for i in range(0, memory.shape[1], length)]
    states = [
        tuple(
            torch.as_tensor(half).contiguous()
            for half in part.reshape(300, 2, lstm.num_layers, lstm.hidden_size).transpose(
                1, 2, 0, 3
            )
        )
        for part in parts
    ]
    tensor, none = torch.as_tensor(observations), torch.zeros(300)
    with torch.no_grad():
        theirs, _ = model.policy.get_distribution(tensor, states[0], none)
        values = model.policy.predict_values(tensor, states[-1], none).numpy().ravel()
    bound = in_context(agent, Context(memory=memory))
    ours = bound.distribution(observations).probabilities
    np.testing.assert_allclose(ours, theirs.distribution.probs.numpy(), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(bound.value(observations), values, rtol=1e-6, atol=TOLERANCE)


@pytest.mark.parametrize("name", FORMS)
def test_stored_and_in_memory_agents_answer_like_the_archive(tmp_path: Path, name: str) -> None:
    model = make(name)
    agent = loaded(model, tmp_path)
    save_agent(agent, tmp_path / "stored")
    observations = random_observations(100)
    memory = agent.initial_memory if name == "RecurrentPPO" else np.zeros(1, dtype=np.float32)
    context = Context(masks=random_masks(100), memory=memory[None])
    expected = in_context(agent, context).act(observations)
    for other in (load_agent(model), load_agent(tmp_path / "stored")):
        np.testing.assert_array_equal(in_context(other, context).act(observations), expected)
        assert other.framework == f"sb3-contrib {name}"
        assert other.capabilities == agent.capabilities


@pytest.mark.parametrize("name", ["MaskablePPO", "RecurrentPPO"])
def test_an_agent_asked_without_its_context_refuses(tmp_path: Path, name: str) -> None:
    agent = loaded(make(name), tmp_path)
    with pytest.raises(CapabilityError, match="depend on"):
        agent.act(random_observations(3))
    with pytest.raises(CapabilityError, match="depend on"):
        agent.within(Context())


def test_a_context_of_other_actions_or_rows_is_refused(tmp_path: Path) -> None:
    agent = loaded(make("MaskablePPO"), tmp_path)
    with pytest.raises(AgentError, match="4 actions"):
        agent.within(Context(masks=random_masks(3, 5)))
    with pytest.raises(ValueError, match="3 rows for 2"):
        agent.within(Context(masks=random_masks(3))).act(random_observations(2))


@pytest.mark.parametrize("name", FORMS)
def test_redrawing_every_layer_changes_the_answers(tmp_path: Path, name: str) -> None:
    agent = loaded(make(name), tmp_path)
    redrawn = agent.randomise_layers(agent.n_layers, np.random.default_rng(0))
    memory = agent.initial_memory[None] if name == "RecurrentPPO" else None
    context = Context(masks=np.ones((1, 4), dtype=bool), memory=memory)
    before, after = (
        preferences(in_context(a, context), random_observations(100)) for a in (agent, redrawn)
    )
    assert np.abs(before - after).max() > 0.01


def _edited(path: Path, change: Any) -> Path:
    edited = path.with_name("edited.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(edited, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == "data":
                data = json.loads(content)
                change(data)
                content = json.dumps(data).encode()
            new.writestr(member, content)
    return edited


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("QRDQN", "n_quantiles", 10**6),
        ("QRDQN", "n_quantiles", 0),
        ("QRDQN", "n_quantiles", "many"),
        ("TQC", "n_quantiles", 10**6),
        ("TQC", "n_critics", 65),
        ("RecurrentPPO", "lstm_hidden_size", 10**5),
        ("RecurrentPPO", "n_lstm_layers", 65),
        ("RecurrentPPO", "shared_lstm", 3),
        ("RecurrentPPO", "lstm_kwargs", {"proj_size": 3}),
        ("MaskablePPO", "lstm_hidden_size", 8),
    ],
)
def test_odd_arguments_are_refused_before_anything_is_built(
    tmp_path: Path, name: str, option: str, value: Any
) -> None:
    make(name).save(tmp_path / "model.zip")
    path = _edited(
        tmp_path / "model.zip", lambda data: data["policy_kwargs"].update({option: value})
    )
    with pytest.raises(ArtifactError):
        load_agent(path, env=StubEnv(TORQUES if name == "TQC" else CHOICES))


def test_an_unknown_policy_names_the_way_round(tmp_path: Path) -> None:
    ARS("MlpPolicy", StubEnv(CHOICES), device="cpu").save(tmp_path / "ars.zip")
    with pytest.raises(InputError, match="ARSPolicy") as refused:
        load_agent(tmp_path / "ars.zip", env=StubEnv(CHOICES))
    assert "--policy-class" in str(refused.value.hint)


def test_other_actions_are_refused(tmp_path: Path) -> None:
    make("QRDQN").save(tmp_path / "model.zip")
    with pytest.raises(InputError, match="Discrete"):
        load_agent(tmp_path / "model.zip", env=StubEnv(Box(-1.0, 1.0, (2,))))


def test_off_policy_agents_raise_no_doubt_of_normalisation() -> None:
    # they keep raw observations whether or not there was a VecNormalize
    folder = Path(__file__).parents[1] / "data" / "contrib"
    for name, env in (
        ("qrdqn_keydoortrap", "pellucid/KeyDoorTrap-v0"),
        ("tqc_pendulum", "Pendulum-v1"),
    ):
        agent: Any = load_agent(folder / f"{name}.zip", env=env)
        assert "normalised" not in agent.card


@pytest.mark.parametrize("name", ["QRDQN", "TQC"])
def test_images_are_read_as_the_library_reads_them(tmp_path: Path, name: str) -> None:
    cls, _, actions, steps = FORMS[name]
    env = StubEnv(actions, Box(0, 255, (36, 36, 1), np.uint8))
    kwargs = {"net_arch": [8], "features_extractor_kwargs": {"features_dim": 8}}
    model = cls("CnnPolicy", env, seed=0, device="cpu", policy_kwargs=kwargs, **steps)
    model.save(tmp_path / "model.zip")
    agent: Any = load_agent(tmp_path / "model.zip", env=env)
    images = np.random.default_rng(0).integers(256, size=(8, 36, 36, 1), dtype=np.uint8)
    expected, _ = model.predict(images.transpose(0, 3, 1, 2), deterministic=True)
    np.testing.assert_allclose(agent.act(images), expected, rtol=0, atol=TOLERANCE)
    assert agent.n_layers > 4
