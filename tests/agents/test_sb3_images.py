"""Policies for images and for many inputs must answer as Stable-Baselines3 itself does."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack
from torch import nn

from pellucid.agents import load_agent, save_agent
from pellucid.agents.acting import preferences
from pellucid.agents.sb3_arguments import arguments_in_card
from pellucid.agents.sb3_table import ALGORITHMS
from pellucid.envs.rows import RowSpace
from pellucid.envs.stacking import stacked_space
from pellucid.errors import ArtifactError, DataError, InputError

CLASSES: dict[str, Any] = {
    "PPO": PPO, "A2C": A2C, "DQN": DQN, "SAC": SAC, "TD3": TD3, "DDPG": DDPG
}  # fmt: skip
CHOICES = spaces.Discrete(4)
TORQUES = spaces.Box(np.float32([-2.0, 0.5]), np.float32([1.0, 3.0]))
IMAGE = spaces.Box(0, 255, (36, 36, 3), np.uint8)
PARTS = spaces.Dict(
    {
        "camera": IMAGE,
        "gear": spaces.Discrete(4),
        "lamps": spaces.MultiBinary(3),
        "levers": spaces.MultiDiscrete([2, 3]),
        "place": spaces.Box(-2.0, 2.0, (2,)),
    }
)
SMALL = {"features_extractor_kwargs": {"features_dim": 16}}
SMALL_PARTS = {"features_extractor_kwargs": {"cnn_output_dim": 8}, "net_arch": [8]}


class Still(gymnasium.Env[Any, Any]):
    """An environment that is nothing but its spaces."""

    def __init__(self, observations: Any, actions: Any) -> None:
        self.observation_space, self.action_space = observations, actions
        observations.seed(0)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        return self.reset()[0], 0.0, True, False, {}


def made(algorithm: str, policy: str, env: Any, **kwargs: Any) -> Any:
    """Return an untrained model whose choices vary."""
    steps: dict[str, Any] = {"PPO": {"n_steps": 8, "batch_size": 8}}.get(
        algorithm, {} if algorithm == "A2C" else {"buffer_size": 4}
    )
    model = CLASSES[algorithm](policy, env, seed=0, device="cpu", policy_kwargs=kwargs, **steps)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


def actions_of(algorithm: str) -> Any:
    return TORQUES if algorithm in ("SAC", "TD3", "DDPG") else CHOICES


def images(n: int, space: Any = IMAGE) -> Any:
    return np.random.default_rng(0).integers(0, 256, (n, *space.shape)).astype(np.uint8)


@pytest.mark.parametrize("algorithm", list(CLASSES))
def test_a_policy_for_images_answers_as_the_library_does(tmp_path: Path, algorithm: str) -> None:
    env = Still(IMAGE, actions_of(algorithm))
    model = made(algorithm, "CnnPolicy", env, **SMALL)
    model.save(tmp_path / "model.zip")
    agent: Any = load_agent(tmp_path / "model.zip", env=env)
    rows = images(40)
    expected, _ = model.predict(rows.transpose(0, 3, 1, 2), deterministic=True)
    np.testing.assert_allclose(agent.act(rows), expected, atol=1e-6)
    assert preferences(agent, rows).std(axis=0).max() > 1e-3
    # of the file, of the model in memory, and of what is stored: the same
    save_agent(agent, tmp_path / "stored")
    for other in (load_agent(tmp_path / "stored"), load_agent(model, env=env)):
        np.testing.assert_array_equal(other.act(rows), agent.act(rows))


@pytest.mark.parametrize("algorithm", ["PPO", "A2C", "DQN", "SAC", "TD3"])
def test_a_policy_for_parts_answers_as_the_library_does(tmp_path: Path, algorithm: str) -> None:
    env = Still(PARTS, actions_of(algorithm))
    model = made(algorithm, "MultiInputPolicy", env, **SMALL_PARTS)
    model.save(tmp_path / "model.zip")
    agent: Any = load_agent(tmp_path / "model.zip", env=env)
    PARTS.seed(0)
    elements = [PARTS.sample() for _ in range(40)]
    space = agent.observation_space
    rows = np.stack([space.row(element) for element in elements])
    batch = {key: np.stack([e[key] for e in elements]) for key in PARTS}
    batch["camera"] = batch["camera"].transpose(0, 3, 1, 2)
    expected, _ = model.predict(batch, deterministic=True)
    np.testing.assert_allclose(agent.act(rows), expected, atol=1e-6)
    assert preferences(agent, rows).std(axis=0).max() > 1e-3
    save_agent(agent, tmp_path / "stored")
    stored = load_agent(tmp_path / "stored")
    assert isinstance(stored.observation_space, RowSpace)
    np.testing.assert_array_equal(stored.act(rows), agent.act(rows))


def test_values_and_probabilities_of_an_image_are_the_librarys(tmp_path: Path) -> None:
    env = Still(IMAGE, CHOICES)
    model = made("PPO", "CnnPolicy", env, **SMALL)
    agent: Any = load_agent(model, env=env)
    rows = images(10)
    turned = torch.as_tensor(rows.transpose(0, 3, 1, 2))
    with torch.no_grad():
        theirs = model.policy.get_distribution(turned).distribution.probs.numpy()
        values = model.policy.predict_values(turned).numpy().ravel()
    np.testing.assert_allclose(agent.distribution(rows).probabilities, theirs, atol=1e-6)
    np.testing.assert_allclose(agent.value(rows), values, rtol=1e-5, atol=1e-6)
    assert agent.latent(rows).shape == (10, 16)


def test_gradients_of_an_image_are_those_of_its_pixels() -> None:
    agent: Any = load_agent(made("PPO", "CnnPolicy", Still(IMAGE, CHOICES), **SMALL),
                            env=Still(IMAGE, CHOICES))  # fmt: skip
    rows = torch.as_tensor(images(1), dtype=torch.float32).requires_grad_()
    agent.torch_preferences(rows)[0, 0].backward()
    assert rows.grad is not None
    slope = rows.grad[0]
    y, x, c = np.unravel_index(int(slope.abs().argmax()), slope.shape)
    step = 4.0
    pair = np.repeat(rows.detach().numpy(), 2, axis=0)
    pair[0, y, x, c] += step
    pair[1, y, x, c] -= step
    with torch.no_grad():
        ends = agent.torch_preferences(torch.as_tensor(pair))[:, 0]
    found = float(ends[0] - ends[1]) / (2 * step)
    assert found == pytest.approx(float(slope[y, x, c]), rel=0.05)


def test_parts_that_are_numbers_of_things_have_no_gradient(tmp_path: Path) -> None:
    env = Still(PARTS, CHOICES)
    mixed = load_agent(made("PPO", "MultiInputPolicy", env, **SMALL_PARTS), env=env)
    assert "gradients" not in mixed.capabilities
    smooth = Still(spaces.Dict({"camera": IMAGE, "place": PARTS["place"]}), CHOICES)
    agent = load_agent(made("PPO", "MultiInputPolicy", smooth, **SMALL_PARTS), env=smooth)
    assert "gradients" in agent.capabilities


def test_every_layer_from_image_to_action_can_be_redrawn() -> None:
    env = Still(IMAGE, CHOICES)
    agent: Any = load_agent(made("PPO", "CnnPolicy", env, **SMALL), env=env)
    assert agent.n_layers == 5  # three convolutions, features, action
    first = agent.randomise_layers(5, np.random.default_rng(0)).network.module.state_dict()
    before = agent.network.module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], first[name])}
    assert {name for name in before if name.endswith("weight")} <= changed


# --- frames ---


@pytest.mark.parametrize("n_frames", [2, 4])
def test_an_agent_of_stacked_frames_loads_for_an_environment_of_one(
    tmp_path: Path, n_frames: int
) -> None:
    env = VecFrameStack(DummyVecEnv([lambda: Still(IMAGE, CHOICES)]), n_frames)
    model = made("PPO", "CnnPolicy", env, **SMALL)
    model.save(tmp_path / "model.zip")
    agent: Any = load_agent(tmp_path / "model.zip", env=Still(IMAGE, CHOICES))
    assert agent.observation_space.shape == (36, 36, 3 * n_frames)
    rows = images(10, agent.observation_space)
    expected, _ = model.predict(rows.transpose(0, 3, 1, 2), deterministic=True)
    np.testing.assert_array_equal(agent.act(rows), expected)


def test_an_agent_of_grey_frames_on_a_new_axis_loads(tmp_path: Path) -> None:
    grey = spaces.Box(0, 255, (36, 36), np.uint8)
    stacked = stacked_space(grey, "pellucid.envs.stacking:new_axis_4")
    model = made("DQN", "CnnPolicy", Still(stacked, CHOICES), **SMALL)
    model.save(tmp_path / "model.zip")
    agent: Any = load_agent(tmp_path / "model.zip", env=Still(grey, CHOICES))
    assert agent.observation_space == stacked
    rows = images(10, stacked)
    np.testing.assert_array_equal(agent.act(rows), model.predict(rows, deterministic=True)[0])


def test_frames_that_no_number_of_makes_fit_are_refused(tmp_path: Path) -> None:
    made("PPO", "CnnPolicy", Still(IMAGE, CHOICES), **SMALL).save(tmp_path / "model.zip")
    other = spaces.Box(0, 255, (40, 40, 3), np.uint8)
    with pytest.raises(InputError, match=r"Box\(\(3, 36, 36\), uint8\).*\(40, 40, 3\)"):
        load_agent(tmp_path / "model.zip", env=Still(other, CHOICES))


def test_parts_of_another_environment_are_refused(tmp_path: Path) -> None:
    env = Still(PARTS, CHOICES)
    made("PPO", "MultiInputPolicy", env, **SMALL_PARTS).save(tmp_path / "model.zip")
    other = spaces.Dict({**PARTS.spaces, "gear": spaces.Discrete(5)})
    with pytest.raises(InputError, match=r"'gear': Discrete\(4\).*gear: Discrete with 5"):
        load_agent(tmp_path / "model.zip", env=Still(other, CHOICES))


# --- what is refused ---


class OwnExtractor(BaseFeaturesExtractor):
    """A features extractor of the user's own."""

    def __init__(self, observation_space: Any) -> None:
        super().__init__(observation_space, 4)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(36 * 36 * 3, 4))

    def forward(self, observations: Any) -> Any:
        return self.net(observations)


def test_an_unknown_features_extractor_is_refused_with_a_way_out(tmp_path: Path) -> None:
    env = Still(IMAGE, CHOICES)
    model = made("PPO", "CnnPolicy", env, features_extractor_class=OwnExtractor)
    model.save(tmp_path / "model.zip")
    with pytest.raises(ArtifactError, match=r"OwnExtractor.*not known here") as raised:
        load_agent(tmp_path / "model.zip", env=env)
    assert "--policy-class" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"extractor": "Own"}, "features extractor 'Own'"),
        ({"extractor": "NatureCNN", "extractor_options": {"features_dim": -1}}, "kwargs"),
        ({"extractor": "NatureCNN", "extractor_options": {"cnn_output_dim": 4}}, "features_dim"),
        ({"extractor": "NatureCNN", "extractor_options": [4]}, "kwargs"),
    ],
)
def test_a_card_with_another_extractor_is_refused(policy: dict[str, Any], told: str) -> None:
    stated = {"class": "CnnPolicy", "activation": "Tanh", "net_arch": None} | policy
    with pytest.raises(ArtifactError, match=told):
        arguments_in_card(ALGORITHMS["PPO"], stated, "card")


def test_a_card_that_asks_for_more_features_than_it_holds_is_refused(tmp_path: Path) -> None:
    env = Still(IMAGE, CHOICES)
    agent = load_agent(made("PPO", "CnnPolicy", env, **SMALL), env=env)
    save_agent(agent, tmp_path)
    card = (tmp_path / "card.json").read_text()
    wrong = card.replace('"features_dim": 16', '"features_dim": 900000')
    assert wrong != card
    (tmp_path / "card.json").write_text(wrong)
    with pytest.raises(ArtifactError, match="900000 features"):
        load_agent(tmp_path)


def test_a_card_that_turns_what_is_no_image_is_refused(tmp_path: Path) -> None:
    env = Still(IMAGE, CHOICES)
    save_agent(load_agent(made("PPO", "CnnPolicy", env, **SMALL), env=env), tmp_path)
    card = (tmp_path / "card.json").read_text()
    assert '"channels_first": [\n' in card or '"channels_first": [""]' in card
    (tmp_path / "card.json").write_text(card.replace('"channels_first"', '"channels_last"'))
    with pytest.raises(ArtifactError, match="channels_last"):
        load_agent(tmp_path)
    turned = card.replace('""\n', '"camera"\n').replace('[""]', '["camera"]')
    (tmp_path / "card.json").write_text(turned)
    with pytest.raises(DataError, match="camera"):
        load_agent(tmp_path)
