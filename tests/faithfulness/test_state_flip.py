"""State flip: a threshold agent, whose right change flips always and whose random ones rarely."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import CounterfactualStates
from pellucid.explanation.groups import usual_patches
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.flips import threshold_rule
from pellucid.faithfulness.planted.images import DrawnImages
from pellucid.faithfulness.state_flip import random_change, random_swap, state_flip, within
from tests.faithfulness.cases import check


@pytest.fixture(scope="module")
def setting():
    return threshold_rule(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    import pellucid as pl

    return pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)


def changes(setting, episodes, *, column=None, past=0.01):
    """One state per episode, with the deciding input moved just past its threshold."""
    column = setting.truth.column if column is None else column
    steps = np.array([(e, 3) for e in range(len(episodes))])
    before = np.array([episodes[e].observations[t] for e, t in steps], dtype=float)
    chosen = (before[:, setting.truth.column] > setting.truth.threshold).astype(int)
    after = before.copy()
    after[:, column] = setting.truth.threshold + np.where(chosen == 1, -past, past)
    scales = episodes.visited.astype(float).std(axis=0)
    return CounterfactualStates(
        observations=before,
        changed=after,
        found=np.ones(len(before), dtype=bool),
        chosen=chosen,
        wanted=1 - chosen,
        reach_steps=np.full(len(before), -1),
        input_names=episodes.names.inputs,
        output_names=episodes.names.actions,
        steps=steps,
        scales=scales,
        sizes=np.abs((after - before) / scales).sum(axis=1),
        nearest=np.ones(len(before)),
        plausibility=np.full(len(before), 0.5),
        searched=np.zeros(len(before), dtype=bool),
    )


def test_the_right_change_always_flips_and_random_ones_of_that_size_do_not(setting, episodes):
    random, logged, occurs = state_flip(check(setting.agent, episodes, changes(setting, episodes)))
    assert random.metric == "state_flip.random_change"
    assert (random.interval.value, random.interval.n) == (100.0, 12)
    assert random.control.interval.value < 50
    assert judge(random, complete=True, rerun_possible=True).badge == "supported"
    assert (logged.role, occurs.role) == ("sanity", "sanity")
    assert logged.gap.value > 0
    assert occurs.interval.value == 0.0
    assert judge(occurs, complete=True, rerun_possible=True).badge == "supported"


def test_a_change_of_an_input_that_is_ignored_flips_nothing(setting, episodes):
    other = (setting.truth.column + 1) % 6
    content = changes(setting, episodes, column=other)
    random = state_flip(check(setting.agent, episodes, content))[0]
    assert random.interval.value == 0.0
    assert judge(random, complete=True, rerun_possible=True).badge == "failed"


def test_changes_longer_than_to_a_random_state_fail_their_check(setting, episodes):
    content = changes(setting, episodes)
    long = replace(content, sizes=content.sizes + 100)
    logged = state_flip(check(setting.agent, episodes, long))[1]
    assert judge(logged, complete=True, rerun_possible=True).badge == "failed"


def test_changed_states_that_are_mostly_rare_fail_their_check(setting, episodes):
    content = changes(setting, episodes)
    rare = replace(content, plausibility=np.full(12, 0.01))
    occurs = state_flip(check(setting.agent, episodes, rare))[2]
    assert occurs.interval.value == 1.0
    assert judge(occurs, complete=True, rerun_possible=True).badge == "failed"
    unknown = replace(content, plausibility=np.full(12, np.nan))
    assert not state_flip(check(setting.agent, episodes, unknown))[2].applicable


def test_what_was_not_found_is_not_scored(setting, episodes):
    content = changes(setting, episodes)
    found = np.arange(12) < 7
    changed = np.where(found[:, None], content.changed, np.nan)
    some = replace(content, found=found, changed=changed)
    assert state_flip(check(setting.agent, episodes, some))[0].interval.n == 7
    with pytest.raises(CapabilityError, match="no change was found"):
        state_flip(check(setting.agent, episodes, replace(some, found=np.zeros(12, dtype=bool))))


def test_logs_and_small_budgets_are_refused(setting, episodes):
    content = changes(setting, episodes)
    with pytest.raises(CapabilityError, match="needs the environment"):
        state_flip(check(setting.agent, replace(episodes, spec=None), content))
    with pytest.raises(BudgetError, match="changed states of 5 episodes"):
        state_flip(check(setting.agent, episodes, content, env_steps=20))


def test_a_budget_that_ends_early_scores_fewer_states_and_says_so(setting, episodes):
    content = changes(setting, episodes)
    scores = state_flip(check(setting.agent, episodes, content))
    used = check(setting.agent, episodes, content, env_steps=70)
    some = state_flip(used)[0]
    assert used.meter.used.env_steps <= 70
    assert some.interval.n < scores[0].interval.n
    assert not some.complete


# --- groups of inputs, other actions, contexts ---


@pytest.fixture(scope="module")
def images():
    """Chooses by the brightness of one patch of 64."""
    import pellucid as pl

    spec = spec_of(DrawnImages, paid=[0.0] * 64)
    agent = agent_of("patch", lambda rows: rows[:, 2, 4, 0] > 127, spec)
    return agent, pl.collect(agent, spec, n_episodes=8, seed=0)


def patch_changes(agent, episodes, patch):
    """One state per episode, with one patch as in a state with the other action."""
    seen = np.stack([e.observations[3] for e in episodes.used])
    others = np.stack([e.observations[4] for e in episodes.used])
    chosen = agent.act(seen)
    after = seen.copy()
    rows, columns = (slice(2 * at, 2 * at + 2) for at in divmod(patch, 8))
    for state in range(len(seen)):
        source = next(
            o for o, a in zip(others, agent.act(others), strict=True) if a != chosen[state]
        )
        after[state, rows, columns] = source[rows, columns]
    groups = usual_patches(seen.shape[1:])
    swapped = np.zeros((len(seen), 64), dtype=bool)
    swapped[:, patch] = True
    n = len(seen)
    content = CounterfactualStates(
        observations=groups.means(seen),
        changed=groups.means(after),
        found=np.ones(n, dtype=bool),
        chosen=chosen,
        wanted=1 - chosen,
        reach_steps=np.full(n, -1),
        input_names=groups.names,
        output_names=episodes.names.actions,
        steps=np.array([(e, 3) for e in range(n)]),
        scales=np.ones(64),
        sizes=np.full(n, 1.0),
        nearest=np.ones(n),
        plausibility=np.full(n, 0.5),
        searched=np.zeros(n, dtype=bool),
        shape=seen.shape[1:],
        seen=seen,
        seen_changed=after,
        swapped=swapped,
        sources=np.array([(e, 4) for e in range(n)]),
    )
    return content, groups


def test_a_patch_that_decides_flips_and_random_patches_do_not(images):
    agent, episodes = images
    content, groups = patch_changes(agent, episodes, 8 + 2)
    given = check(agent, episodes, content)
    given = replace(given, finding=replace(given.finding, groups=groups))
    random, logged, _ = state_flip(given)
    assert (random.interval.value, random.interval.n) == (100.0, 8)
    assert random.control.interval.value < 30
    assert judge(random, complete=True, rerun_possible=True).badge == "weak"  # of 8 episodes
    assert judge(logged, complete=True, rerun_possible=True).badge != "failed"
    content, groups = patch_changes(agent, episodes, 0)
    given = check(agent, episodes, content)
    given = replace(given, finding=replace(given.finding, groups=groups))
    assert state_flip(given)[0].interval.value == 0.0


def test_a_random_swap_takes_as_many_groups_that_differ():
    groups = usual_patches((16, 16, 1))
    state = np.zeros((16, 16, 1), np.uint8)
    other = state.copy()
    other[:4] = 9  # 16 of 64 patches differ
    for seed in range(5):
        rng = np.random.default_rng(seed)
        changed = random_swap(state, other[None], groups, None, 3, rng)
        assert (changed == 9).sum() == 3 * 4
    every = random_swap(state, other[None], groups, None, 40, np.random.default_rng(0))
    np.testing.assert_array_equal(every, other)
    same = random_swap(state, state[None], groups, None, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(same, state)


def test_bounds_of_parts_tell_which_action_is_wanted(setting, episodes):
    content = changes(setting, episodes)
    bounded = replace(
        content,
        wanted=np.zeros(12, dtype=int),
        lows=content.wanted[:, None].astype(float),
        highs=content.wanted[:, None].astype(float),
    )
    assert state_flip(check(setting.agent, episodes, bounded))[0].interval.value == 100.0
    ends = replace(content, lows=np.array([[0.5, -np.inf]]), highs=np.array([[np.inf, 2.0]]))
    rows = np.array([[0.4, 0.0], [0.5, 2.0], [9.0, 2.5]])
    assert ends.is_wanted(0, rows).tolist() == [False, True, False]
    assert content.is_wanted(0, np.array([4, 5]), start=5 - int(content.wanted[0])).tolist() == [
        False,
        True,
    ]


def test_random_changes_have_the_size_asked_for_and_leave_fixed_inputs_alone():
    scales = np.array([1.0, 2.0, 0.0, 0.5])
    state = np.arange(4.0)
    for seed in range(5):
        changed = random_change(state, scales, 2, 3.0, np.random.default_rng(seed))
        moved = np.abs(changed - state)
        assert (moved > 0).sum() == 2
        assert moved[2] == 0
        assert (moved[[0, 1, 3]] / scales[[0, 1, 3]]).sum() == pytest.approx(3.0)


def test_values_beyond_the_space_are_moved_to_its_ends():
    from gymnasium.spaces import Box, Discrete

    rows = np.array([[-5.0, 0.5], [2.0, 9.0]])
    np.testing.assert_allclose(within(rows, Box(-1, 1, (2,), np.float64)), [[-1, 0.5], [1, 1]])
    assert within(rows, Discrete(3)) is rows
