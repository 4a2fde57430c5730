"""How alike two answers are, by answers whose likeness is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pellucid.explanation import KINDS, Graph, Rules, Segments, Summary, Surrogate
from pellucid.faithfulness.seed_stability import likeness_of
from tests.contracts.test_every_kind import SHOWN
from tests.explanation.test_content_charts import CHANGES, SHARES
from tests.faithfulness.cases import signs
from tests.faithfulness.trees import stump
from tests.report import lunar

COMPARED = sorted(kind for kind, cls in KINDS.items() if likeness_of(cls) is not None)


def likeness(shown, other, case=None):
    agent, episodes = case or (None, None)
    return likeness_of(type(shown)).measure(shown, other, agent, episodes)


@pytest.mark.parametrize("kind", [kind for kind in COMPARED if kind != Surrogate.kind])
def test_an_answer_is_like_itself(kind):
    assert likeness(SHOWN[kind], SHOWN[kind]) == pytest.approx(1.0)


def test_a_kind_without_a_scale_has_no_measure():
    assert likeness_of(Graph) is None


def test_rankings_are_compared_by_rank_and_may_be_opposite():
    shown = lunar.attribution(n_states=4)
    sizes = np.arange(1.0, 9.0)
    chosen = np.zeros(4, int)

    def of(importance):
        values = np.zeros_like(shown.values)
        values[:, :, 0] = importance
        return replace(shown, values=values, chosen=chosen)

    assert likeness(of(sizes), of(sizes**3)) == pytest.approx(1.0)
    assert likeness(of(sizes), of(sizes[::-1])) == pytest.approx(-1.0)
    # two neighbours change places: 1 - 6 * 2 / (8 * 63)
    swapped = sizes[[1, 0, 2, 3, 4, 5, 6, 7]]
    assert likeness(of(sizes), of(swapped)) == pytest.approx(1 - 12 / 504)


def test_groups_found_anew_in_each_state_cannot_be_compared():
    shown = replace(lunar.attribution(n_states=4), groups=np.zeros((4, 8), int))
    assert math.isnan(likeness(shown, shown))


def test_stretches_share_steps():
    shown = lunar.segments()
    first = replace(shown, starts=np.array([10]), stops=np.array([20]), chosen=0)
    second = replace(shown, starts=np.array([15]), stops=np.array([25]), chosen=0)
    assert likeness(first, second) == pytest.approx(5 / 15)
    assert likeness(first, replace(first, episode=first.episode + 1)) == 0.0
    assert likeness_of(Segments).lowest == 0.0


def test_moments_are_found_again_if_they_are_near_in_the_same_episode():
    first = Summary(np.array([[0, 10], [1, 10], [2, 10]]), np.ones(3), "gap")
    second = Summary(np.array([[0, 15], [1, 16], [3, 10]]), np.ones(3), "gap")
    assert likeness(first, second) == pytest.approx(1 / 3)


def test_stand_ins_are_compared_in_the_states_that_were_visited():
    case = signs(weights=(1.0, 0.0, 0.0, 0.0))
    states = case[1].visited
    assert likeness(stump(0), stump(0), case) == 1.0
    assert likeness(stump(0), stump(0, flipped=True), case) == 0.0
    moved = np.mean((states[:, 0] > 0.0) == (states[:, 0] > 0.7))
    assert likeness(stump(0), stump(0, 0.7), case) == pytest.approx(moved)


def test_futures_agree_if_the_same_action_does_better():
    shown = lunar.futures()
    assert likeness(shown, replace(shown, returns=shown.returns[::-1])) == 0.0


def test_changes_share_inputs():
    # state 0 touches both inputs, now only the first; states 1 and 2 as they were
    changed = CHANGES.changed.copy()
    changed[0, 1] = CHANGES.observations[0, 1]
    other = replace(CHANGES, changed=changed)
    assert likeness(CHANGES, other) == pytest.approx((1 / 2 + 1 + 1) / 3)
    none = replace(CHANGES, found=np.zeros(4, bool))
    assert math.isnan(likeness(none, none))


def test_shares_and_rules():
    assert likeness(SHARES, replace(SHARES, values=SHARES.values[::-1])) == pytest.approx(-1.0)
    assert math.isnan(likeness(SHARES, replace(SHARES, names=("c", "d"))))
    first = Rules(("a", "b", "c"), np.ones(3, int), np.ones(3))
    second = Rules(("b", "c", "d"), np.ones(3, int), np.ones(3))
    assert likeness(first, second) == pytest.approx(2 / 4)
