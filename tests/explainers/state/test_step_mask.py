"""Step masks against environments whose decisive step is known."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from gymnasium.spaces import Box
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.rule import episodes_of, takes_the_key
from tests.faithfulness.cases import Cues, Follower, run

from pellucid.api.collecting import collect
from pellucid.budget import Cost
from pellucid.errors import AgentError, BudgetError, CapabilityError, InputError
from pellucid.explainers.state import step_mask
from pellucid.explainers.state.keeping import Mask
from pellucid.explainers.state.step_mask import (
    N_BATCHES,
    N_MASKS,
    StepMask,
    _content,
    kept_stretch,
)
from pellucid.explanation import KEEPING
from pellucid.faithfulness.planted import moments
from pellucid.kernels.keep_gradient import state_features

SMALL = 4_000
"""Environment steps that pay for masks of a small environment, and not for as many episodes as
could be used."""


def explained(agent, episodes, **kwargs):
    return StepMask().explain(task(agent, episodes, **{"env_steps": SMALL, **kwargs}))


# --- the stretch ---


def test_a_step_that_decides_outvotes_a_longer_run_that_hardly_matters():
    importance = np.array([0.2, 0.25, 0.25, 0.25, 0.2, 0.2, 0.9, 0.2, 0.2, 0.2])
    assert kept_stretch(importance, 0.4) == (6, 7)


def test_neighbours_that_matter_are_one_stretch():
    importance = np.full(20, 0.1)
    importance[3], importance[9:11] = 0.8, 0.7
    assert kept_stretch(importance, 0.15) == (9, 11)
    importance[-2:] = 0.95
    assert kept_stretch(importance, 0.1) == (18, 20)


def test_equally_important_steps_name_the_first_ones():
    assert kept_stretch(np.full(20, 0.5), 0.1) == (0, 2)
    assert kept_stretch(np.array([0.5, 0.5]), 0.1) == (0, 1)


def test_contents_list_the_named_and_the_least_important_stretch_of_its_length():
    importances = np.full((3, 100), 0.2)
    importances[:, 41:44] = [[0.9], [0.8], [0.7]]
    importances[:, 77:80] = 0.1
    content = _content(2, importances)
    assert (content.episode, content.n_steps, content.quantity) == (2, 100, KEEPING)
    # the seven others of the tenth are the first of those alike, away from the run
    assert (content.starts[content.chosen], content.stops[content.chosen]) == (41, 44)
    assert content.drops[content.chosen] == pytest.approx(0.8)
    assert content.standard_errors[content.chosen] == pytest.approx(0.1 / np.sqrt(3))
    assert content.starts[content.lowest] == 77
    assert content.drops[content.lowest] == pytest.approx(0.1)
    covered = {step for start in content.starts for step in range(start, start + 3)}
    assert covered == set(range(100))


def test_one_mask_has_no_standard_error():
    content = _content(0, np.array([[0.1, 0.9, 0.1]]))
    assert np.isnan(content.standard_errors).all()


# --- the masks ---


def test_the_step_that_decides_key_door_trap_is_kept():
    agent = takes_the_key()
    finding = explained(agent, episodes_of(agent), env_steps=8_000)
    content = finding.content
    assert (content.starts[content.chosen], content.stops[content.chosen]) == (5, 6)
    assert content.drops[content.chosen] > 0.95
    assert content.drops[content.lowest] < 0.3
    # 10 with the key; a random walk ends with it in half of the episodes at most
    assert 5 < finding.facts["spread"].value <= 20


def test_the_steps_at_which_following_the_cue_pays_are_kept():
    agent = Follower()
    content = explained(agent, run(agent, Cues), env_steps=12_000).content
    start, stop = (int(ends[content.chosen]) for ends in (content.starts, content.stops))
    assert set(range(start, stop)) <= set(Cues.critical)


def test_a_drawing_agent_has_its_masks_too():
    @dataclass
    class Drawing(Follower):
        """Follows the cue in most steps, by lot."""

        capabilities: frozenset = frozenset({"sampling"})

        def sample(self, observations, rngs):
            other = np.array([rng.random() < 0.2 for rng in rngs])
            return np.where(other, 0, self.act(observations))

    agent = Drawing()
    episodes = run(agent, partial(Cues, noise=0.1), n_episodes=3, policy="sampled", seed=3)
    content = explained(agent, episodes, policy="sampled", env_steps=15_000).content
    assert content.starts[content.chosen] in Cues.critical


def test_an_agent_no_better_than_chance_is_let_go_everywhere():
    agent = Follower()
    agent.act = lambda observations: np.zeros(len(observations), dtype=np.int64)
    episodes = run(agent, partial(Cues, n_actions=3), n_episodes=6)
    flat = replace(
        episodes, attempted=tuple(replace(e, rewards=0 * e.rewards) for e in episodes.attempted)
    )
    finding = explained(agent, flat, env_steps=8_000)
    assert finding.facts["kept"].value < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("set_up", [moments.one_key, moments.key_and_slips])
def test_f37_the_planted_step_is_found_in_four_of_five_draws(set_up):
    hits = []
    for seed in range(2000, 2005):
        setting = set_up(seed)
        episodes = collect(setting.agent, setting.spec, n_episodes=20, seed=seed)
        content = StepMask().explain(task(setting.agent, episodes, seed=seed)).content
        hits.append(moments.stretch_hit(content, setting.truth))
    assert np.mean(hits) >= moments.HITS


# --- budgets and refusals ---


def test_a_small_budget_learns_from_fewer_episodes_and_says_so():
    agent = takes_the_key()
    given = task(agent, episodes_of(agent), env_steps=SMALL)
    finding = StepMask().explain(given)
    assert given.meter.used.env_steps <= SMALL
    assert given.meter.used.gradient_steps <= N_MASKS * N_BATCHES
    assert finding.complete
    assert f"{N_MASKS} masks were learnt from" in finding.left_out[0]


def test_the_plan_is_close_to_what_is_used():
    agent = takes_the_key()
    given = task(agent, episodes_of(agent), env_steps=SMALL)
    planned = StepMask().plan(given)
    StepMask().explain(given)
    assert given.meter.used.env_steps == pytest.approx(planned.env_steps, rel=0.1)
    assert given.meter.used.queries == pytest.approx(planned.queries, rel=0.1)


def test_a_budget_for_no_mask_says_what_it_needs():
    agent = takes_the_key()
    episodes = episodes_of(agent)
    with pytest.raises(BudgetError, match="learning 3 masks from 32 episodes") as caught:
        StepMask().explain(task(agent, episodes, env_steps=500))
    need = int("".join(c for c in caught.value.hint.split("at least")[1] if c.isdigit()))
    assert StepMask().explain(task(agent, episodes, env_steps=need)).content is not None


def test_masks_that_the_budget_ends_are_left_out_and_told(monkeypatch):
    def learnt(task, stake, schedule, position, tell):
        return None if position >= n_paid else Mask(flat_features, np.zeros((1, 5)))

    monkeypatch.setattr(step_mask, "learnt_mask", learnt)
    flat_features = state_features(np.zeros((1, 3)), 1, np.random.default_rng(0))
    agent = takes_the_key()
    n_paid = 2
    finding = explained(agent, episodes_of(agent))
    assert not finding.complete
    assert "2 masks were learnt" in finding.left_out[0]
    n_paid = 0
    with pytest.raises(BudgetError, match="before one mask was learnt"):
        explained(agent, episodes_of(agent))


def test_one_step_has_no_stretches():
    agent = Follower()
    episodes = run(agent, Cues)
    first = [
        replace(e, observations=e.observations[:2], actions=e.actions[:1], rewards=e.rewards[:1])
        for e in episodes.attempted
    ]
    with pytest.raises(CapabilityError, match="too few to tell stretches apart"):
        explained(agent, replace(episodes, attempted=tuple(first)))


def test_logs_without_environment_are_refused():
    with pytest.raises(CapabilityError, match="needs the environment"):
        explained(LinearQ(np.eye(2)), logged(2, 2))


def test_large_images_are_refused_with_another_method():
    agent = takes_the_key()
    episodes = episodes_of(agent)
    agent.observation_space = Box(0, 255, (84, 84, 4), np.uint8)
    with pytest.raises(CapabilityError, match="28224 numbers") as caught:
        explained(agent, episodes)
    assert "critical-steps" in caught.value.hint


def test_an_episode_out_of_range_names_the_range():
    agent = takes_the_key()
    with pytest.raises(InputError, match="6 episodes were kept"):
        explained(agent, episodes_of(agent), options={"episode": 6})


def test_an_agent_that_fails_is_told_as_such():
    agent = takes_the_key()
    episodes = episodes_of(agent)

    def fail(observations):
        raise RuntimeError("on purpose")

    agent.act = fail
    with pytest.raises(AgentError, match=r"16 of 16 episodes failed: rule raised .*on purpose"):
        explained(agent, episodes, env_steps=10**5)


def test_some_failures_are_left_out_and_told():
    agent = Follower()
    episodes = run(agent, Cues)
    follow = agent.act

    def fragile(observations):
        # a cue of 2 at the start, in a third of the episodes
        if ((observations[:, 0] == 0) & (observations[:, 1] == 2)).any():
            raise RuntimeError("on purpose")
        return follow(observations)

    agent.act = fragile
    finding = explained(agent, episodes, env_steps=8_000)
    assert "episodes failed and are left out of learning; the first:" in finding.warnings[0]
    assert "on purpose" in finding.warnings[0]


def test_plans_count_the_episodes_of_random_actions():
    agent = takes_the_key()
    episodes = episodes_of(agent)
    planned = StepMask().plan(task(agent, episodes))
    length = len(episodes[0])
    assert planned == Cost(N_MASKS * 320 * length, (N_MASKS * 320 + 8) * length, N_MASKS * 20)
