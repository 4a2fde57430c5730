"""Actions with several parts must be chosen and drawn as Stable-Baselines3 itself does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from pellucid.agents import load_agent, save_agent
from pellucid.agents.acting import choose_actions, preference_unit, preferences
from pellucid.errors import InputError
from pellucid.types import MultiCategorical
from tests.agents.models import StubEnv, make_model, random_observations, save_model

LEVERS, LAMPS = spaces.MultiDiscrete([2, 4, 3]), spaces.MultiBinary(3)


@pytest.mark.parametrize("algorithm", ["PPO", "A2C"])
@pytest.mark.parametrize("actions", [LEVERS, LAMPS], ids=str)
def test_choices_and_probabilities_are_the_librarys(
    tmp_path: Path, algorithm: str, actions: Any
) -> None:
    model = make_model(algorithm, actions, policy_kwargs={"net_arch": [8]})
    agent: Any = load_agent(save_model(model, tmp_path), env=StubEnv(actions))
    rows = random_observations(300)
    expected, _ = model.predict(rows, deterministic=True)
    chosen = choose_actions(agent, rows, "greedy", ())
    assert chosen.dtype == actions.dtype
    np.testing.assert_array_equal(chosen, expected)
    assert len(np.unique(chosen, axis=0)) > 2
    ours = agent.distribution(rows)
    assert isinstance(ours, MultiCategorical)
    with torch.no_grad():
        theirs = model.policy.get_distribution(torch.as_tensor(rows)).distribution
    if actions is LEVERS:
        probabilities = np.concatenate([part.probs.numpy() for part in theirs], axis=1)
    else:
        on = theirs.probs.numpy()
        probabilities = np.stack([1.0 - on, on], axis=2).reshape(len(rows), -1)
    np.testing.assert_allclose(ours.probabilities, probabilities, atol=1e-6)
    np.testing.assert_array_equal(preferences(agent, rows), ours.probabilities)
    assert preference_unit(agent) == "probability per part"
    save_agent(agent, tmp_path / "stored")
    np.testing.assert_array_equal(load_agent(tmp_path / "stored").act(rows), chosen)


@pytest.mark.parametrize("actions", [LEVERS, LAMPS], ids=str)
def test_drawn_actions_have_those_probabilities(actions: Any) -> None:
    agent: Any = load_agent(make_model("PPO", actions, policy_kwargs={"net_arch": [8]}))
    row = random_observations(1)
    rngs = [np.random.default_rng(seed) for seed in range(1000)]
    drawn = choose_actions(agent, row.repeat(1000, axis=0), "sampled", rngs)
    assert all(action in actions for action in drawn[:20])
    first = float(agent.distribution(row).probabilities[0, 1])
    # four standard deviations of a mean of 1000
    assert abs(float((drawn[:, 0] == 1).mean()) - first) < 4 * np.sqrt(first * (1 - first) / 1000)


def test_fast_and_differentiable_preferences_agree_part_by_part() -> None:
    for actions in (LEVERS, LAMPS):
        agent: Any = load_agent(make_model("PPO", actions, policy_kwargs={"net_arch": [8]}))
        rows = random_observations(50)
        wanted = preferences(agent, rows)
        slow = agent.torch_preferences(torch.as_tensor(rows)).numpy(force=True)
        np.testing.assert_allclose(slow, wanted, atol=1e-6)
        fast = agent.fast_preferences()
        if actions is LEVERS:
            np.testing.assert_allclose(fast(rows), wanted, atol=1e-5)
        else:  # logits of `off` are no layer of the network
            assert fast is None


def test_what_the_algorithm_does_not_take_is_refused(tmp_path: Path) -> None:
    path = save_model(make_model("PPO", LEVERS), tmp_path)
    with pytest.raises(InputError, match=r"MultiDiscrete with \[2, 4\] values"):
        load_agent(path, env=StubEnv(spaces.MultiDiscrete([2, 4])))
    with pytest.raises(InputError, match="counts actions from 0"):
        load_agent(path, env=StubEnv(spaces.MultiDiscrete([2, 4, 3], start=[1, 0, 0])))
    agent = load_agent(path, env=StubEnv(LEVERS))
    save_agent(agent, tmp_path / "stored")
    card = json.loads((tmp_path / "stored" / "card.json").read_text())
    card["action_space"] = {"type": "MultiBinary", "shape": [2, 2]}
    (tmp_path / "stored" / "card.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match="one row of choices"):
        load_agent(tmp_path / "stored")
