"""The agent behind a log: it has a name and spaces, and cannot be asked."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from pellucid.agents.adapter import LoadRequest, StoredAgent
from pellucid.agents.recorded import Recorded, recorded_agent
from pellucid.agents.spaces import Spaces
from pellucid.errors import CapabilityError, InputError

SPACES = Spaces(Box(-1.0, 1.0, (2,), np.float32), Discrete(3))


def test_it_knows_its_log_and_its_spaces() -> None:
    agent = recorded_agent("flights", SPACES, "ab12")
    assert (agent.name, agent.sha256, agent.card["log_sha256"]) == ("flights", "ab12", "ab12")
    assert (agent.observation_space, agent.action_space) == (SPACES.observation, SPACES.action)
    assert agent.capabilities == frozenset()


def test_asking_it_says_what_would_help() -> None:
    with pytest.raises(CapabilityError, match="came without the agent") as caught:
        recorded_agent("flights", SPACES, "ab12").act(np.zeros((1, 2), np.float32))
    assert "--logs" in caught.value.hint


def test_a_log_is_not_loaded_as_an_agent() -> None:
    with pytest.raises(InputError, match="holds recorded episodes and no agent"):
        Recorded.load(LoadRequest("flights"))


def test_it_comes_back_from_its_card(tmp_path) -> None:
    agent = recorded_agent("flights", SPACES, "ab12")
    stored = StoredAgent(agent.card, {}, SPACES, "cpu", tmp_path, "")
    again = Recorded.rebuild(stored)
    assert (again.name, again.sha256, again.card) == (agent.name, agent.sha256, agent.card)
