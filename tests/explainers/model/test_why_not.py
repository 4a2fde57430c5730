"""Why a, not b: futures whose difference is known."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.rule import Rule, episodes_of, moves_right, reads_the_signal, takes_the_key
from tests.faithfulness.cases import Cues, Follower, run

from pellucid.errors import CapabilityError, InputError
from pellucid.explainers.model.why_not import N_FUTURES, WhyNot


def test_a_wrong_signal_costs_exactly_one_in_every_future():
    agent = reads_the_signal()
    episodes = episodes_of(agent)
    options = {"episode": 0, "step": 3, "hold": 1}
    content = WhyNot().explain(task(agent, episodes, options=options)).content
    np.testing.assert_array_equal(content.returns[0] - content.returns[1], np.ones(N_FUTURES))
    assert (content.episode, content.step, content.hold) == (0, 3, 1)


def test_the_foil_is_the_likeliest_other_action():
    agent = reads_the_signal()
    episodes = episodes_of(agent)
    content = WhyNot().explain(task(agent, episodes, options={"episode": 0, "step": 3})).content
    own = int(episodes[0].actions[3])
    assert int(content.actions[0]) == own
    assert int(content.actions[1]) == (own + 1) % 4
    assert content.arms == (f"choice {own + 1}", f"choice {(own + 1) % 4 + 1}")


def test_search_finds_the_moment_at_which_the_choice_costs_the_most():
    agent = takes_the_key()
    finding = WhyNot().explain(task(agent, episodes_of(agent)))
    assert finding.content.step == 5
    np.testing.assert_array_equal(finding.content.returns[0], 10.0)
    np.testing.assert_array_equal(finding.content.returns[1], -10.0)
    assert finding.facts["b"].value == "walk on"


class LastPays(gymnasium.Env):
    """Six steps, of which the last one pays 1 for action 1."""

    observation_space = Box(0.0, 6.0, (1,), np.float32)
    action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        over = self.t == 6
        return np.float32([self.t]), float(over and action == 1), over, False, {}


def test_the_last_step_of_an_episode_is_a_moment_too():
    agent = Rule(LastPays, lambda s: np.tile([0.0, 1.0], (len(s), 1)))
    finding = WhyNot().explain(task(agent, episodes_of(agent)))
    assert finding.content.step == 5
    lost = finding.content.returns[0] - finding.content.returns[1]
    assert (lost == 1.0).all()


def test_reward_terms_add_up_to_the_return_and_the_largest_loss_is_named():
    agent = moves_right()
    options = {"episode": 0, "step": 0, "foil": 0, "hold": 2}
    finding = WhyNot().explain(task(agent, episodes_of(agent), options=options))
    content = finding.content
    assert content.term_names == ("effort", "progress")
    np.testing.assert_allclose(content.terms.sum(axis=2), content.returns, atol=1e-9)
    assert content.returns[0].std() > 0  # the futures really have fresh noise
    # two moves the wrong way need more moves, each of which costs effort
    assert finding.facts["mostly"].value == ", mostly from effort"


def test_both_arms_share_the_noise_of_each_replicate():
    agent = moves_right()
    own = {"episode": 0, "step": 2, "foil": 2, "hold": 1}
    content = WhyNot().explain(task(agent, episodes_of(agent), options=own)).content
    # the foil is its own action: under the same noise nothing can differ
    np.testing.assert_array_equal(content.returns[0], content.returns[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"episode": 0, "step": 12}, "has 12 steps"),
        ({"episode": 0, "step": 3, "foil": 2}, "is not an action"),
        ({"episode": -1}, "6 episodes were kept"),
    ],
)
def test_option_out_of_range_is_one_clear_line(options, message):
    agent = takes_the_key()
    with pytest.raises(InputError, match=message):
        WhyNot().explain(task(agent, episodes_of(agent), options=options))


def test_logs_without_environment_are_refused():
    with pytest.raises(CapabilityError, match="need the environment"):
        WhyNot().explain(task(LinearQ(np.eye(2)), logged(2, 2)))


class Rare(Cues):
    """Reports a second reward term only in the steps in which the agent strays from the cue."""

    def step(self, action):
        strays = action != int(self.seen[1])
        observation, reward, ended, cut, info = super().step(action)
        info["reward_terms"] = {"cue": reward} | ({"straying": 0.0} if strays else {})
        return observation, reward, ended, cut, info


def test_a_term_that_not_every_future_reports_is_unknown_and_no_term_is_named():
    agent = Follower()
    episodes = run(agent, Rare, n_episodes=2)
    finding = WhyNot().explain(task(agent, episodes, options={"episode": 0, "step": 6, "hold": 1}))
    content = finding.content
    assert content.term_names == ("cue", "straying")
    np.testing.assert_array_equal(content.returns[0] - content.returns[1], 1.0)
    np.testing.assert_array_equal(content.terms[0, :, 0] - content.terms[1, :, 0], 1.0)
    assert np.isnan(content.terms[:, :, 1]).all()
    assert finding.facts["mostly"].value == ""


class Split(Cues):
    """Reports two terms that miss the reward by a fixed share of it."""

    miss = 0.0

    def step(self, action):
        observation, reward, ended, cut, info = super().step(action)
        parts = {"half": reward / 2, "rest": reward / 2 + self.miss * abs(reward)}
        return observation, reward, ended, cut, info | {"reward_terms": parts}


class Wrong(Split):
    """The same, a tenth too much."""

    miss = 0.1


@pytest.mark.parametrize("env", [Split, Wrong])
def test_terms_are_used_only_if_they_add_up_and_the_error_is_told(env):
    agent = Follower()
    options = {"episode": 0, "step": 6, "hold": 1}
    finding = WhyNot().explain(task(agent, run(agent, env, n_episodes=2), options=options))
    content = finding.content
    np.testing.assert_array_equal(content.returns[0] - content.returns[1], 1.0)
    if env is Split:
        assert content.term_names == ("half", "rest")
        assert content.terms_error == pytest.approx(0.0, abs=1e-12)
        assert finding.facts["mostly"].value.startswith(", mostly from")
        return
    assert (content.term_names, content.terms.shape[2]) == ((), 0)
    assert content.terms_error == pytest.approx(0.1 * content.returns.max())
    assert finding.facts["mostly"].value == ""
    (told,) = [w for w in finding.warnings if "reward terms" in w]
    assert "do not add up" in told
    assert f"{content.terms_error:.3g}" in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hold": 0}, "at least 1 step, got hold 0"),
        ({"hold": "two"}, "hold must be a whole number, got 'two'"),
        ({"step": 2.0}, "step must be a whole number, got 2.0"),
        ({"episode": True}, "episode must be a whole number, got True"),
    ],
)
def test_an_option_of_the_wrong_form_is_one_clear_line(options, message):
    agent = takes_the_key()
    given = {"episode": 0, "step": 3} | options
    with pytest.raises(InputError, match=message):
        WhyNot().explain(task(agent, episodes_of(agent), options=given))
