"""Hidden inputs in futures: drawn from visited states, alike for every arm."""

import pickle

import numpy as np
import pytest

from pellucid.budget import Cost, Meter
from pellucid.errors import InputError
from pellucid.rollouts import Branch, run_branches
from pellucid.rollouts.hidden import HiddenInputs
from tests.explainers.three_states import INPUTS, Walker, walks
from tests.rollouts.agents import wide_meter

NOTHING = np.empty(0)


class Watched(Walker):
    """Keeps what it is shown."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def act(self, observations):
        self.seen.append(observations.copy())
        return super().act(observations)


def futures(agent, episodes, hidden, *, noise=0, **options):
    branches = [Branch(0, 0, NOTHING, noise, hidden=h) for h in hidden]
    options = {"meter": wide_meter(), "seed": 3, **options}
    return run_branches(agent, episodes, branches, **options)


def masks(*rows):
    return [None if row is None else np.array(row, dtype=bool) for row in rows]


def test_hidden_inputs_come_from_one_visited_state_and_the_others_stay():
    visited = np.arange(12.0).reshape(4, 3)
    hide = pickle.loads(pickle.dumps(HiddenInputs(visited, seed=1)))
    observations = np.full((50, 3), -1.0, dtype=np.float32)
    hidden = np.tile([True, False, True], (50, 1))
    keys = np.column_stack((np.zeros(50), np.arange(50))).astype(np.int64)
    seen = hide(observations, hidden, keys)
    assert seen.dtype == np.float32
    assert (seen[:, 1] == -1).all()
    assert (seen[:, 2] - seen[:, 0] == 2).all()  # of the same state
    assert set(seen[:, 0]) == {0.0, 3.0, 6.0, 9.0}
    assert (observations == -1).all()
    alone = hide(observations[7:8], hidden[7:8], keys[7:8])
    assert (alone[0] == seen[7]).all()
    # what is hidden does not change what is drawn
    other = hide(observations, ~hidden, keys)
    assert (other[:, 1] == seen[:, 0] + 1).all()


def test_an_agent_sees_what_is_not_hidden_and_visited_values_of_the_rest():
    episodes, agent = walks(), Watched()
    futures(agent, episodes, masks((1, 0, 0)))
    (seen,) = (np.concatenate(agent.seen),)
    for row in seen:
        fits = (INPUTS[:, 1:3] == row[1:]).all(axis=1)
        assert fits.any()
    assert set(seen[:, 0]) <= set(episodes.visited[:, 0])


def test_without_hidden_inputs_nothing_changes():
    episodes = walks()
    plain, seeing = futures(Walker(), episodes, masks(None, (0, 0, 0)))
    assert plain.rewards.tolist() == seeing.rewards.tolist()


def test_arms_share_their_draws_and_replicates_do_not():
    episodes = walks(n_episodes=12)
    agent = Watched()
    futures(agent, episodes, masks((1, 1, 1), (1, 1, 1)))
    # both lanes run side by side until both end: they see the same, and so end together
    assert all((rows == rows[0]).all() for rows in agent.seen)
    seen = []
    for noise in range(4):
        one = Watched()
        futures(one, episodes, masks((1, 1, 1)), noise=noise)
        seen.append(np.concatenate(one.seen)[:2].tolist())
    assert len({str(rows) for rows in seen}) > 1


def test_order_and_company_change_nothing():
    episodes = walks()
    hidden = masks((1, 0, 0), None, (0, 1, 1), (1, 1, 1))
    together = futures(Walker(), episodes, hidden)
    alone = [futures(Walker(), episodes, [mask])[0] for mask in hidden]
    backwards = futures(Walker(), episodes, hidden[::-1])[::-1]
    for one, two, three in zip(together, alone, backwards, strict=True):
        assert one.rewards.tolist() == two.rewards.tolist() == three.rewards.tolist()


def test_f36_hiding_costs_what_seeing_costs():
    episodes = walks()
    meter = Meter(Cost(10**5, 10**5))
    found = futures(Walker(), episodes, masks((1, 1, 0), (1, 1, 1)), meter=meter)
    assert meter.used.queries == sum(len(f) for f in found)


@pytest.mark.parametrize("hidden", [np.ones(2, dtype=bool), np.ones(3), np.ones((1, 3), bool)])
def test_masks_of_another_form_are_refused(hidden):
    with pytest.raises(InputError, match="expected hidden inputs as 3 booleans, got"):
        futures(Walker(), walks(), [hidden])
