"""Changed states against agents whose borders are known."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Text
from tests.agents.contexts import Jumper, Rememberer
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.images import PixelQ, logged_images
from tests.explainers.rule import Rule, episodes_of, moves_right
from tests.explainers.rule import takes_the_key as key_taker

from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.model.changed_state import ChangedState
from pellucid.explainers.model.reaching import (
    action_sequences,
    fewest_actions,
    held_variants,
    most_steps,
)

WEIGHTS = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.2]])


def explained(agent, episodes, **kwargs):
    given = task(agent, episodes, **kwargs)
    planned = ChangedState().plan(given)
    finding = ChangedState().explain(given)
    assert given.meter.used.queries <= planned.queries
    assert given.meter.used.env_steps <= planned.env_steps
    return finding


def test_a_change_is_valid_short_and_of_the_inputs_that_decide():
    # chooses 0 where x0 > 0.2 x2: moving x0 to 0.2 x2 is the shortest way
    episodes = logged(3, 2)
    content = explained(LinearQ(WEIGHTS), episodes).content
    assert content.found.all()
    choices = LinearQ(WEIGHTS).act(content.changed)
    np.testing.assert_array_equal(choices, content.wanted)
    np.testing.assert_array_equal(LinearQ(WEIGHTS).act(content.observations), content.chosen)
    assert (content.changed[:, 1] == content.observations[:, 1]).all()
    needed = np.abs(content.observations[:, 0] - 0.2 * content.observations[:, 2])
    assert (content.sizes <= 1.05 * needed / content.scales[0] + 1e-3).all()
    assert len(content.found) == len(episodes) == 3
    assert sorted(content.steps[:, 0]) == [0, 1, 2]


def test_sizes_are_sums_of_changes_in_standard_deviations():
    content = explained(LinearQ(WEIGHTS), logged(3, 2)).content
    change = np.abs(content.changed - content.observations) / content.scales
    np.testing.assert_allclose(content.sizes, change.sum(axis=1))
    np.testing.assert_allclose(content.scales, logged(3, 2).visited.std(axis=0))


def test_an_input_that_never_varies_is_never_changed():
    episodes = logged(3, 2)
    same = tuple(
        replace(e, observations=e.observations * [1.0, 0.0, 1.0]) for e in episodes.attempted
    )
    content = explained(LinearQ(WEIGHTS), replace(episodes, attempted=same)).content
    assert content.scales[1] == 0
    assert (content.changed[:, 1] == 0).all()


def test_the_second_choice_is_looked_for_unless_another_one_is_asked_for():
    weights = np.array([[1.0, 0.9, -1.0], [0.0, 0.3, 0.1]])
    agent = LinearQ(weights)
    episodes = logged(2, 3)
    content = explained(agent, episodes).content
    scores = agent.q_values(content.observations)
    np.testing.assert_array_equal(content.wanted, np.argsort(-scores, axis=1)[:, 1])
    asked = explained(agent, episodes, options={"foil": 1}).content
    assert (asked.wanted == 1).all()
    # where it is chosen already nothing has to change
    np.testing.assert_array_equal(asked.found, asked.chosen != 1)
    step = int(np.flatnonzero(agent.act(episodes[0].observations[:-1]) == 0)[0])
    options = {"foil": 0, "episode": 0, "step": step}
    with pytest.raises(InputError, match="it chooses action 0 there already"):
        explained(agent, episodes, options=options)


def test_the_moment_asked_for_is_the_one_that_is_told():
    finding = explained(LinearQ(WEIGHTS), logged(3, 2), options={"episode": 1, "step": 7})
    content = finding.content
    assert content.steps[content.shown].tolist() == [1, 7]
    assert "at step 7 of episode 1?" in finding.question
    assert len(content.found) == 3  # one of each other episode, for the test
    x0 = content.observations[content.shown, 0]
    assert finding.facts["x"].text == "input 0"
    assert finding.facts["u"].text == f"{float(f'{x0:.3g}'):.10f}".rstrip("0")


def test_whole_numbers_stay_whole():
    episodes = logged(2, 2)
    counts = tuple(
        replace(e, observations=np.rint(9 * e.observations).astype(np.int64))
        for e in episodes.attempted
    )
    agent = LinearQ(np.array([[1.0, 0.0], [0.0, 0.0]]))
    agent.observation_space = type(agent.observation_space)(-100, 100, (2,), np.int64)
    content = explained(agent, replace(episodes, attempted=counts)).content
    assert (content.changed == np.rint(content.changed)).all()
    positive = content.chosen == 0
    # 0 is chosen from 0 on; ties go to the first action
    assert (content.changed[positive, 0] == -1).all()
    assert (content.changed[~positive, 0] == 0).all()


def test_agents_that_only_act_get_a_change_too():
    agent = LinearQ(WEIGHTS, capabilities=frozenset())
    assert explained(agent, logged(3, 2)).content.found.all()


def test_a_state_that_occurs_is_told_from_one_that_is_rare():
    content = explained(LinearQ(WEIGHTS), logged(3, 2)).content
    assert (content.plausibility > 0).any()
    assert ((content.plausibility >= 0) & (content.plausibility <= 1)).all()
    assert (content.nearest > 0).all()


# --- images ---

GRID = {"groups": "4x4"}


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_of_an_image_the_patch_that_decides_is_taken_over_from_another_state(dtype):
    # chooses 0 where the sum of one patch of 4 x 4 is above that of its means
    weights = np.zeros((8, 8, 2))
    weights[2:4, 0:2] = 1.0
    episodes = logged_images(dtype, lengths=(6,) * 6)
    middle = (episodes.visited * weights).sum(axis=(1, 2, 3)).mean()
    agent = Above(weights, dtype, middle)
    finding = explained(agent, episodes, options=GRID)
    content = finding.content
    assert content.found.all()
    assert content.swapped[:, 4].all()
    assert content.swapped.sum() == 6  # and no other patch
    np.testing.assert_array_equal(agent.act(content.seen_changed), content.wanted)
    np.testing.assert_array_equal(agent.act(content.seen), content.chosen)
    assert content.seen_changed.dtype == dtype
    for state, (episode, step) in enumerate(content.sources):
        source = episodes[episode].observations[step]
        np.testing.assert_array_equal(content.seen_changed[state, 2:4, :2], source[2:4, :2])
    np.testing.assert_array_equal(content.changed[:, :4], content.observations[:, :4])
    assert (content.changed[:, 4] != content.observations[:, 4]).all()
    episode, step = content.sources[content.shown]
    assert finding.facts["x"].text == "the patch at rows 2 to 3, columns 0 to 1"
    assert finding.facts["v"].text == f"as it was at step {step} of episode {episode}"
    assert (content.n_changed == 1).all()


class Above(PixelQ):
    """Chooses 0 where the weighted sum is above a middle."""

    def __init__(self, weights, dtype, middle):
        super().__init__(weights, dtype)
        self.middle = middle

    def q_values(self, observations):
        return super().q_values(observations) - [self.middle, 0.0]


def test_of_single_inputs_among_groups_the_values_are_told():
    options = {"groups": {"first": [0], "second": [1], "third": [2]}}
    agent = LinearQ(np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]))
    finding = explained(agent, logged(3, 2), options={"groups": {"a": [0], "rest": [1, 2]}})
    assert finding.facts["x"].text == "a"
    assert finding.facts["u"].text != "what was there"
    alone = explained(agent, logged(3, 2), options=options)
    # groups of one input each, in order, change by degrees
    assert alone.content.swapped.size == 0
    assert alone.content.input_names == ("first", "second", "third")


# --- actions with parts, and quantities ---


def test_of_quantities_the_shortest_way_to_a_tenth_of_the_range_is_found():
    agent = Steer()
    content = explained(agent, logged(2, 2)).content
    assert content.found.all()
    for state in np.flatnonzero(content.found):
        action = agent.act(content.changed[state : state + 1])
        assert content.is_wanted(state, action)[0]
        moved = abs(action[0, 0] - agent.act(content.observations[state : state + 1])[0, 0])
        assert 0.2 <= moved <= 0.25
    assert (content.changed[:, 1] == content.observations[:, 1]).all()
    words = content.output_names[content.wanted[0]]
    assert words.endswith((" or more", " or less"))


class Steer(LinearQ):
    """Steers by tanh of input 0."""

    def __init__(self):
        super().__init__(np.zeros((2, 1)), capabilities=frozenset())
        self.action_space = Box(-1.0, 1.0, (1,), np.float64)

    def act(self, observations):
        return np.tanh(observations[:, :1])


# --- contexts ---


def remembering(memories, **kwargs):
    episodes = logged(3, 2, lengths=(10, 10, 10))
    attempted = tuple(
        replace(e, memories=np.tile(np.float32([m, 3]), (len(e), 1)))
        for e, m in zip(episodes.attempted, memories, strict=True)
    )
    return replace(episodes, attempted=attempted, **kwargs)


def test_what_it_remembers_is_held():
    # answers the sign that it sees, else the one that it remembers
    episodes = remembering((1.0, -1.0, 1.0))
    blind = tuple(
        replace(e, observations=e.observations * [[0.0, 1.0, 1.0]]) for e in episodes.attempted[:2]
    )
    some = replace(episodes, attempted=(*blind, episodes.attempted[2]))
    content = explained(Rememberer(), some).content
    np.testing.assert_array_equal(content.chosen[:2], [1, 0])
    assert content.found.all()
    # seeing the opposite sign flips it, and nothing else has to change
    assert (np.sign(content.changed[:2, 0]) == [-1, 1]).all()
    np.testing.assert_array_equal(content.changed[:, 1:], content.observations[:, 1:])


def test_where_memory_alone_decides_no_change_is_found():
    episodes = remembering((1.0, -1.0, 1.0))
    blind = tuple(
        replace(e, observations=e.observations * [[0.0, 1.0, 1.0]]) for e in episodes.attempted
    )
    with pytest.raises(CapabilityError, match="no change of 3 states was found after which"):
        explained(Rememberer(), replace(episodes, attempted=blind))


def test_what_is_allowed_is_held():
    episodes = logged(4, 4, lengths=(10, 10))
    masks = np.array([[True, True, True, False], [True, True, False, True]])
    attempted = tuple(
        replace(e, masks=np.tile(m, (len(e), 1)))
        for e, m in zip(episodes.attempted, masks, strict=True)
    )
    agent = Picky()
    some = replace(episodes, attempted=attempted)
    content = explained(agent, some).content
    assert content.found.all()
    for state, (episode, _) in enumerate(content.steps):
        assert masks[episode][content.wanted[state]]
    options = {"foil": 3, "episode": 0, "step": 2}
    with pytest.raises(InputError, match="action 3 is not allowed there"):
        explained(agent, some, options=options)


class Picky(Jumper):
    """Prefers the action of the largest input, of those allowed."""

    def probabilities(self, observations):
        scores = np.exp(observations) * self.context.masks
        return scores / scores.sum(axis=1, keepdims=True)


def test_the_moment_asked_for_is_refused_where_no_change_of_it_is_found():
    episodes = remembering((1.0, -1.0, 1.0))
    blind = tuple(
        replace(e, observations=e.observations * [[0.0, 1.0, 1.0]]) for e in episodes.attempted
    )
    options = {"episode": 0, "step": 2}
    with pytest.raises(CapabilityError, match="no change of the state at step 2 of episode 0 was"):
        explained(Rememberer(), replace(episodes, attempted=blind), options=options)


# --- ways ---


def test_the_fewest_actions_that_lead_there_are_found():
    agent = moves_right()
    episodes = episodes_of(agent, n_episodes=2)
    given = task(agent, episodes)
    states = np.array([(0, 0)])
    two_later = episodes[0].observations[2]

    def is_there(number, observations):
        return (np.abs(observations - two_later) < 1e-9).all(axis=1)

    reached = fewest_actions(given, states, np.array([True]), is_there)
    assert reached.searched.tolist() == [True]
    assert 1 <= reached.steps[0] <= 2
    assert reached.why_not == ""
    never = fewest_actions(given, states, np.array([True]), lambda n, o: np.zeros(len(o), bool))
    assert (never.steps[0], never.searched[0]) == (-1, True)
    nothing = fewest_actions(given, states, np.array([False]), is_there)
    assert (nothing.steps[0], nothing.searched[0]) == (-1, False)


def test_without_environment_or_budget_ways_are_not_looked_for_and_it_says_so():
    logs = explained(LinearQ(WEIGHTS), logged(3, 2))
    assert not logs.content.searched.any()
    assert "need the environment" in logs.warnings[0]
    episodes = episodes_of(key_taker())
    poor = explained(key_taker(), episodes, env_steps=10)
    assert not poor.content.searched.any()
    assert "budget" in poor.warnings[0]


def test_sequences_hold_each_action_and_try_all_of_a_few():
    sequences = action_sequences(Discrete(4, start=1))
    assert [len(s) for s in sequences].count(20) == 4
    assert len(sequences) == 4 + 64
    assert min(s.min() for s in sequences) == 1
    assert len(action_sequences(Discrete(1))) == 2


def test_of_actions_with_parts_the_own_one_and_those_with_one_part_changed_are_held():
    box = Box(np.float32([-2.0, -np.inf]), np.float32([2.0, np.inf]))
    tried = held_variants(box, np.float32([0.5, 0.0]))
    assert [s[0].tolist() for s in tried] == [
        [0.5, 0.0], [-2.0, 0.0], [0.0, 0.0], [2.0, 0.0], [0.5, -1.0], [0.5, 1.0],
    ]  # fmt: skip
    assert {s.shape for s in tried} == {(20, 2)}
    many = held_variants(MultiDiscrete([50, 50]), np.array([0, 0]))
    assert sum(map(len, many)) == most_steps(MultiDiscrete([50, 50]))


# --- what cannot be done ---


def test_agents_with_one_choice_or_other_actions_are_refused():
    with pytest.raises(CapabilityError, match="the same choice in all of 90 visited states"):
        ChangedState().explain(
            task(LinearQ(np.array([[0.0, -1e9]] * 3) * 0 + [1e9, 0]), positive())
        )
    agent = LinearQ(np.array([[1.0, 0.0]] * 3))
    with pytest.raises(CapabilityError, match="does not choose 1 in any of 90"):
        ChangedState().explain(task(agent, positive(), options={"foil": 1}))
    text = LinearQ(WEIGHTS)
    text.action_space = Text(4)
    with pytest.raises(CapabilityError, match="actions of type Text have no preferences"):
        ChangedState().plan(task(text, logged(3, 2)))


def positive():
    episodes = logged(3, 2)
    return replace(
        episodes,
        attempted=tuple(
            replace(e, observations=np.abs(e.observations)) for e in episodes.attempted
        ),
    )


def test_missing_states_and_too_many_groups_are_refused():
    with pytest.raises(DataError, match="no visited states"):
        ChangedState().plan(task(LinearQ(WEIGHTS), logged(3, 2, lengths=())))
    with pytest.raises(InputError, match="foil must be a whole number"):
        ChangedState().explain(task(LinearQ(WEIGHTS), logged(3, 2), options={"foil": "left"}))
    fine = {"groups": "32x32"}
    images = logged_images(shape=(32, 32), lengths=(2, 2))
    with pytest.raises(CapabilityError, match="a few of 1024 groups of inputs is none that can"):
        ChangedState().plan(task(PixelQ(np.zeros((32, 32))), images, options=fine))


def test_small_budgets_change_fewer_states_and_smaller_ones_are_refused():
    many = logged(3, 2, lengths=(10,) * 12)
    finding = explained(LinearQ(WEIGHTS), many, queries=2_000)
    assert 5 <= len(finding.content.found) < 12
    assert "states are changed, in place of 12" in finding.left_out[0]
    with pytest.raises(BudgetError, match="changing 5 states needs"):
        ChangedState().plan(task(LinearQ(WEIGHTS), many, queries=500))


def test_the_meter_of_the_run_is_never_exceeded():
    meter = Meter(Cost(5_000, 200))
    assert meter.left.queries == 5_000
    agent = Rule("pellucid/Identity-v0", lambda s: s)
    episodes = episodes_of(agent)
    given = task(agent, episodes, queries=5_000, env_steps=200)
    ChangedState().explain(given)
    assert given.meter.used.fits(Cost(5_000, 200))
