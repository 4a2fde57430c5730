"""Patched images: equal to asking the agent, and refused where the way does not hold."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from torch import nn

import pellucid as pl
from pellucid.agents.acting import preferences
from pellucid.agents.patched import PatchedImages, patched_preferences, takes_patches

PATCHES = np.array(
    [(t, u, t + 9, u + 7) for t in (0, 9, 27) for u in (0, 8, 29)] + [(30, 1, 36, 4)]
)


class Pixels(gymnasium.Env):
    """An environment of images whose channels come first."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, shape=(4, 36, 36), dtype=np.uint8):
        self.observation_space = Box(0, 255, shape, dtype)
        self.action_space = Discrete(3)


class Scaled(nn.Module):
    """Divides by 255, as policies of images do; a layer of its own, so that nothing is split."""

    def forward(self, images):
        return images / 255.0


class Turned(nn.Sequential):
    """Exchanges rows and columns before its layers."""

    def forward(self, images):
        return super().forward(images.transpose(2, 3))


def layers(seed=0):
    torch.manual_seed(seed)
    return [
        nn.Conv2d(4, 8, 8, 4), nn.ReLU(), nn.Conv2d(8, 8, 4, 2), nn.ReLU(), nn.Flatten(),
        nn.Linear(8 * 3 * 3, 3),
    ]  # fmt: skip


def agent_of(module, **kwargs):
    return pl.load_agent(module, env=Pixels(**kwargs))


def images(rng, shape=(4, 36, 36)):
    return rng.integers(0, 256, (1, *shape)).astype(np.uint8)


def patched(image, hidden, box):
    top, left, bottom, right = box
    made = image.copy()
    made[:, :, top:bottom, left:right] = hidden[:, :, top:bottom, left:right]
    return made


def asked(agent):
    rng = np.random.default_rng(0)
    image, hidden = images(rng), images(rng)
    every = [patched(image, hidden, box) for box in PATCHES]
    found = patched_preferences(agent, PatchedImages(image, hidden, PATCHES, (2, every[2])))
    return found, preferences(agent, np.concatenate(every))


@pytest.mark.parametrize("outputs", ["logits", "q_values"])
def test_preferences_are_those_of_whole_images(outputs):
    agent = pl.load_agent(nn.Sequential(*layers()), env=Pixels(), outputs=outputs)
    assert takes_patches(agent, 4 * 36 * 36)
    found, expected = asked(agent)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_a_network_that_turns_its_images_is_found_out():
    module = Turned(*layers())
    agent = agent_of(module)
    # not a plain stack: nothing is split off, however its layers are named
    assert not takes_patches(agent, 4 * 36 * 36)
    # a sample in which they are turned shows that the way does not hold
    plain = agent_of(nn.Sequential(*module))
    rng = np.random.default_rng(0)
    image, hidden = images(rng), images(rng)
    wrong = patched(image, hidden, PATCHES[2]).transpose(0, 1, 3, 2)
    found = patched_preferences(plain, PatchedImages(image, hidden, PATCHES, (2, wrong)))
    assert found is None


def test_small_images_and_other_agents_are_asked_as_usual():
    agent = agent_of(nn.Sequential(*layers()))
    assert not takes_patches(agent, 100)
    assert not takes_patches(agent_of(nn.Sequential(Scaled(), *layers())), 4 * 36 * 36)
    function = pl.load_agent(lambda o: np.zeros(len(o), dtype=np.int64), env=Pixels())
    assert not takes_patches(function, 4 * 36 * 36)


def test_no_hook_is_left_behind():
    module = nn.Sequential(*layers())
    asked(agent_of(module))
    assert not any(part._forward_pre_hooks for part in module.modules())


def test_policies_of_images_take_the_fast_way():
    pytest.importorskip("stable_baselines3")
    from stable_baselines3 import PPO

    env = Pixels((36, 36, 4))
    agent = pl.load_agent(PPO("CnnPolicy", env, seed=0, device="cpu"), env=env)
    assert takes_patches(agent, 4 * 36 * 36)
    rng = np.random.default_rng(0)
    image, hidden = images(rng, (36, 36, 4)), images(rng, (36, 36, 4))
    every = []
    for top, left, bottom, right in PATCHES:
        made = image.copy()
        made[:, top:bottom, left:right] = hidden[:, top:bottom, left:right]
        every.append(made)
    found = patched_preferences(agent, PatchedImages(image, hidden, PATCHES, (2, every[2])))
    np.testing.assert_allclose(found, preferences(agent, np.concatenate(every)), atol=1e-6)
