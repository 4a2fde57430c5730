"""Temporal reward decomposition where the paydays are known."""

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.errors import DataError, InputError
from pellucid.explainers.reward.reward_when import RewardWhen
from pellucid.faithfulness.planted.components import parts_error, paydays


def test_parts_are_those_of_the_paydays():
    setting = paydays(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    finding = RewardWhen().explain(task(setting.agent, episodes))
    content = finding.content
    assert content.since.tolist() == [0, 4, 8, 12, 16]
    assert content.component_names[1] == "in steps 5 to 8"
    assert content.component_names[-1] == "after step 16"
    assert parts_error(content, setting.truth) < 0.15
    np.testing.assert_allclose(content.values.sum(axis=2), content.whole, atol=1e-9)
    assert finding.identity_error < 1e-9


def test_nothing_is_asked_of_agent_or_environment():
    episodes = logged(2, 2)
    asked = task(LinearQ(np.eye(2)), episodes, queries=0, env_steps=0, options={"width": 1})
    content = RewardWhen().explain(asked).content
    assert content.component_names[:2] == ("in step 1", "in step 2")
    assert content.values.shape == (20, 1, 5)


def test_logs_are_explained_and_not_tested():
    result = pl.explain(LinearQ(np.eye(2)), logged(2, 2), method="reward-when", seed=0)
    assert result.content is not None
    assert result.badge == "not_measured"
    assert "needs the environment" in result.reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"spans": 1}, "spans must be from 2 to 20"),
        ({"spans": 21}, "spans must be from 2 to 20"),
        ({"width": 0}, "at least 1 step"),
        ({"spans": 2.5}, "must be a whole number"),
    ],
)
def test_options_out_of_range_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        RewardWhen().plan(task(LinearQ(np.eye(2)), logged(2, 2), options=options))


def test_no_episodes_are_refused():
    with pytest.raises(DataError, match="no finished episode"):
        RewardWhen().plan(task(LinearQ(np.eye(2)), logged(2, 2, lengths=())))
