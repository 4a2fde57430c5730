"""Images under soft masks: equal to asking the agent, and refused where the way does not hold."""

import numpy as np
import pytest
import torch
from torch import nn

import pellucid as pl
from pellucid.agents.acting import preferences
from pellucid.agents.blended import blender, takes_blends
from pellucid.kernels.frame_blur import disc_masks, stride_centres
from tests.agents.test_patched import Pixels, Scaled, Turned, agent_of, layers

DISCS = disc_masks(stride_centres(36, 36, 7), 36, 36, 4.0)
SAMPLE = 5  # at row 0, column 35


def mixtures(image, hidden, *, channels_last=False):
    masks = DISCS[..., None] if channels_last else DISCS[:, None]
    mixed = image + masks * (hidden.astype(np.float64) - image)
    return (np.rint(mixed) if image.dtype == np.uint8 else mixed).astype(image.dtype)


def drawn(shape=(4, 36, 36), dtype=np.uint8):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, 1, *shape)).astype(dtype)


def test_preferences_are_those_of_mixed_images():
    env = Pixels(dtype=np.float32)
    agent = pl.load_agent(nn.Sequential(*layers()), env=env, outputs="q_values")
    image, hidden = drawn(dtype=np.float32)
    every = mixtures(image, hidden)
    assert takes_blends(agent, image.size)
    found = blender(agent, DISCS, SAMPLE)(image, hidden, every[SAMPLE : SAMPLE + 1])
    expected = preferences(agent, every)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert np.abs(found - found[0]).max() > 0.1


def test_whole_numbers_are_not_rounded_and_so_nearly_those_of_rounded_images():
    pytest.importorskip("stable_baselines3")
    from stable_baselines3 import PPO

    env = Pixels((36, 36, 4))
    agent = pl.load_agent(PPO("CnnPolicy", env, seed=0, device="cpu"), env=env)
    image, hidden = drawn((36, 36, 4))
    every = mixtures(image, hidden, channels_last=True)
    found = blender(agent, DISCS, SAMPLE)(image, hidden, every[SAMPLE : SAMPLE + 1])
    expected = preferences(agent, every)
    spread = np.abs(expected - expected[-1]).max()
    assert 0 < np.abs(found - expected).max() < 0.05 * spread


@pytest.mark.parametrize("wrong", ["turned", "another mask", "another image"])
def test_a_sample_that_is_not_the_mixture_meant_shows_that_the_way_does_not_hold(wrong):
    agent = agent_of(nn.Sequential(*layers()))
    image, hidden = drawn()
    every = mixtures(image, hidden)
    sample = {
        "turned": every[SAMPLE : SAMPLE + 1].transpose(0, 1, 3, 2),
        "another mask": every[SAMPLE + 1 : SAMPLE + 2],
        "another image": image,
    }[wrong]
    assert blender(agent, DISCS, SAMPLE)(image, hidden, sample) is None


def test_masks_of_another_size_are_refused():
    agent = agent_of(nn.Sequential(*layers()))
    image, hidden = drawn()
    found = blender(agent, DISCS[:, :30], SAMPLE)(image, hidden, image)
    assert found is None


def test_small_images_and_other_networks_are_asked_as_usual():
    agent = agent_of(nn.Sequential(*layers()))
    assert not takes_blends(agent, 100)
    assert not takes_blends(agent_of(nn.Sequential(Scaled(), *layers())), 4 * 36 * 36)
    assert not takes_blends(agent_of(Turned(*layers())), 4 * 36 * 36)
    assert not takes_blends(agent_of(nn.Sequential(nn.ReLU(), *layers())), 4 * 36 * 36)
    function = pl.load_agent(lambda o: np.zeros(len(o), dtype=np.int64), env=Pixels())
    assert not takes_blends(function, 4 * 36 * 36)


def test_no_hook_and_no_change_is_left_behind():
    module = nn.Sequential(*layers())
    before = [parameter.clone() for parameter in module.parameters()]
    image, hidden = drawn()
    blender(agent_of(module), DISCS, SAMPLE)(image, hidden, mixtures(image, hidden)[5:6])
    assert not any(part._forward_pre_hooks for part in module.modules())
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))
