"""Learning by lookahead in tables."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import CapabilityError, InputError
from pellucid.tabular.bridge import bridge_mdp
from pellucid.tabular.horizon import learn_by_lookahead, with_sticky_actions
from pellucid.tabular.horizon.table_learning import policy_value
from tests.tabular.horizon.problems import lock, trap


def test_a_lock_is_learned_and_its_steps_are_counted() -> None:
    learned = learn_by_lookahead(lock(3), k=1, m=200, seed=0)
    assert learned.value == 1.0
    assert learned.actions[0, 0] == learned.actions[1, 1] == learned.actions[2, 2] == 1
    assert learned.env_steps == 3 * 200 * 3


def test_lookahead_finds_what_is_behind_the_bait() -> None:
    assert learn_by_lookahead(trap(0.6), k=1, m=500, seed=0).value == 0.6
    assert learn_by_lookahead(trap(0.6), k=2, m=500, seed=0).value == 1.0


def test_states_that_were_never_seen_explore() -> None:
    learned = learn_by_lookahead(lock(3), k=1, m=5, seed=0)
    assert (learned.actions[0, 1:] == -1).all()
    undecided = np.full((3, 4), -1)
    assert policy_value(lock(3), undecided) == 0.5**3


def test_chance_is_learned_to_be_lived_with() -> None:
    mdp = with_sticky_actions(bridge_mdp("freeway_10_fs30"), 0.25)
    assert learn_by_lookahead(mdp, k=1, m=300, seed=0).value > 0.9
    assert learn_by_lookahead(mdp, k=1, m=300, seed=0, shuffle_returns=True).value < 0.3


def test_the_same_seed_gives_the_same_policy() -> None:
    first, again, other = (learn_by_lookahead(lock(6), k=1, m=8, seed=s) for s in (0, 0, 1))
    assert (first.actions == again.actions).all()
    assert (first.actions != other.actions).any()


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="got 3, 0 and 5"):
        learn_by_lookahead(lock(3), k=0, m=5, seed=0)
    with pytest.raises(CapabilityError, match="expected a discount of 1"):
        learn_by_lookahead(replace(lock(3), discount=0.5), k=1, m=5, seed=0)
    with pytest.raises(CapabilityError, match="too many"):
        learn_by_lookahead(lock(3), k=1, m=10**9, seed=0)
