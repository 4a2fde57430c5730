"""Whether an agent sees the inputs that it was made for, and what that does to badges."""

from typing import Any

import numpy as np
import torch
from torch import nn

from pellucid.agents import load_agent
from pellucid.agents.normalisation import doubtful, with_card
from pellucid.envs.names import Names
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.input_doubt import KnownInputs, elsewhere, input_doubt, normalised
from pellucid.rollouts.episodes import Episode, Episodes
from tests.agents.models import StubEnv
from tests.agents.test_normalised import STATISTICS, linear
from tests.faithfulness.test_badges import _score

ONE = np.ones(3)


def episodes_of(rows: Any) -> Episodes:
    rows = np.asarray(rows, np.float32)
    episode = Episode(
        0, 0, rows, np.zeros(len(rows) - 1, np.int64), np.zeros(len(rows) - 1), True, False
    )
    names = Names(("height", "speed", "angle"), ("", "", ""), ("a", "b", "c", "d"), ("",) * 4)
    return Episodes((episode,), None, names, 0, "greedy")


def normal_first(mean: float, var: float) -> Any:
    """Return a network that has seen inputs of this mean and variance."""
    first = nn.BatchNorm1d(3)
    assert first.running_mean is not None
    assert first.running_var is not None
    with torch.no_grad():
        first.running_mean.fill_(mean)
        first.running_var.fill_(var)
    return nn.Sequential(first, nn.Linear(3, 4))


def test_an_input_is_elsewhere_beyond_ten_standard_deviations() -> None:
    known = KnownInputs(np.zeros(3), ONE, "its card")
    near = np.array([[0.0, 9.9, 0.0], [0.0, 9.9, 0.0]])
    assert elsewhere(known, near) is None
    assert elsewhere(known, near + np.array([0, 0.2, 0])) == 1
    wide = np.array([[0.0, 0.0, -10.1], [0.0, 0.0, 10.1]])
    assert elsewhere(known, wide) == 2
    # less than was seen in training is no contradiction
    assert elsewhere(known, np.zeros((5, 3))) is None


def test_other_numbers_of_inputs_and_no_states_tell_nothing() -> None:
    known = KnownInputs(np.zeros(2), ONE[:2], "its card")
    assert elsewhere(known, np.full((4, 3), 99.0)) is None
    assert elsewhere(known, np.empty((0, 2))) is None


def test_a_network_that_begins_with_batch_normalisation_tells_its_inputs() -> None:
    rows = np.full((6, 3), 50.0)
    agent = load_agent(normal_first(0.0, 1.0), env=StubEnv())
    doubt = input_doubt(agent, episodes_of(rows))
    assert doubt == (
        "its inputs are not those that it was made for: height has another range here than its "
        "first layer tells"
    )
    assert normalised(agent, episodes_of(rows)) == "unknown"
    assert input_doubt(load_agent(normal_first(50.0, 9.0), env=StubEnv()), episodes_of(rows)) == ""


def test_a_card_tells_the_inputs_too() -> None:
    agent = with_card(
        load_agent(linear(), env=StubEnv()),
        {"input_statistics": {"mean": [0, 0, 0], "var": [1, 1, 1]}},
    )
    assert "its card tells" in input_doubt(agent, episodes_of(np.full((4, 3), 20.0)))
    damaged = with_card(agent, {"input_statistics": {"mean": ["x"], "var": [1]}})
    assert input_doubt(damaged, episodes_of(np.full((4, 3), 20.0))) == ""


def test_statistics_that_are_given_leave_no_doubt() -> None:
    agent = with_card(load_agent(linear(), env=StubEnv()), doubtful("the archive says so"))
    rows = episodes_of(np.zeros((4, 3)))
    assert "the archive says so" in input_doubt(agent, rows)
    assert normalised(agent, rows) == "unknown"
    given = load_agent(agent, env=StubEnv(), normalize=STATISTICS)
    assert (input_doubt(given, rows), normalised(given, rows)) == ("", "yes")
    stated = load_agent(agent, env=StubEnv(), normalize="none")
    assert (input_doubt(stated, rows), normalised(stated, rows)) == ("", "no")


def test_agents_of_which_nothing_is_known_are_not_doubted() -> None:
    agent = load_agent(linear(), env=StubEnv())
    assert normalised(agent, episodes_of(np.full((4, 3), 1e6))) == "no"


def test_doubt_lowers_supported_to_weak_and_leaves_failed_alone() -> None:
    good = _score(2.0, 1.0, 3.0)
    assert judge(good, complete=True, rerun_possible=True).badge == "supported"
    lowered = judge(good, complete=True, rerun_possible=True, doubt="it may be another agent")
    assert (lowered.badge, lowered.reason) == ("weak", "it may be another agent")
    bad = _score(-2.0, -3.0, -1.0)
    assert judge(bad, complete=True, rerun_possible=True, doubt="x").badge == "failed"
