"""Critical steps against environments whose decisive step is known."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.rule import episodes_of, reads_the_signal, takes_the_key
from tests.faithfulness.cases import Cues, Follower, run

from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.explainers.state.critical_steps import N_REPLAYS, CriticalSteps
from pellucid.rollouts.drawing import random_actions
from pellucid.seeds import stream


def test_the_step_that_decides_key_door_trap_is_found_with_its_exact_loss():
    agent = takes_the_key()
    episodes = episodes_of(agent)
    finding = CriticalSteps().explain(task(agent, episodes))
    content = finding.content
    assert (content.starts[content.chosen], content.stops[content.chosen]) == (5, 6)
    drawn = [
        random_actions(agent.action_space, 1, stream(0, "critical-steps", replay, 5))[0]
        for replay in range(N_REPLAYS)
    ]
    # leaving the key costs 20: -10 in place of +10
    assert content.drops[content.chosen] == pytest.approx(20 * np.mean(np.array(drawn) == 0))
    others = np.delete(content.drops, content.chosen)
    np.testing.assert_array_equal(others, 0.0)
    assert content.lowest != content.chosen
    assert finding.facts["when"].text == "Step 5"


def test_windows_cover_every_step_of_the_episode():
    agent = reads_the_signal()
    episodes = episodes_of(agent)
    content = CriticalSteps().explain(task(agent, episodes)).content
    covered = np.zeros(content.n_steps, dtype=bool)
    for start, stop in zip(content.starts, content.stops, strict=True):
        covered[start:stop] = True
    assert covered.all()
    assert len({int(n) for n in content.stops - content.starts}) == 1


def test_budget_too_small_for_two_rounds_says_what_it_needs():
    agent = takes_the_key()
    with pytest.raises(BudgetError, match="needs more environment steps"):
        CriticalSteps().explain(task(agent, episodes_of(agent), env_steps=60))


def test_a_budget_for_fewer_replays_is_kept_and_every_window_has_as_many():
    agent = takes_the_key()
    given = task(agent, episodes_of(agent), env_steps=2600)
    finding = CriticalSteps().explain(given)
    assert given.meter.used.env_steps <= 2600
    assert finding.facts["n_replays"].value >= 2


def test_logs_without_environment_are_refused():
    with pytest.raises(CapabilityError, match="needs the environment"):
        CriticalSteps().explain(task(LinearQ(np.eye(2)), logged(2, 2)))


def test_episode_out_of_range_names_the_range():
    agent = takes_the_key()
    given = task(agent, episodes_of(agent), options={"episode": 6})
    with pytest.raises(InputError, match="6 episodes were kept"):
        CriticalSteps().explain(given)


def test_f31_a_drawing_agent_loses_nothing_where_its_actions_change_nothing():
    @dataclass
    class Drawing(Follower):
        """Follows the cue in most steps, by lot."""

        capabilities: frozenset = frozenset({"sampling"})

        def sample(self, observations, rngs):
            other = np.array([rng.random() < 0.2 for rng in rngs])
            return np.where(other, 0, self.act(observations))

    agent = Drawing()
    # rewards have a random part; the drops are against what was really had, noise and draws alike
    episodes = run(agent, partial(Cues, noise=0.1), n_episodes=3, policy="sampled", seed=3)
    content = CriticalSteps().explain(task(agent, episodes, policy="sampled")).content
    touched = (content.starts < Cues.critical.stop) & (content.stops > Cues.critical.start)
    np.testing.assert_array_equal(content.drops[~touched], 0.0)
    assert touched[content.chosen]
    assert content.drops[content.chosen] > 0
