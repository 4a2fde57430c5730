"""Roll-ins: what one round adds, and that it is drawn from where it should be."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.data import RollIns, TransitionCounts
from pellucid.tabular.contrastive.learning import even_law
from pellucid.tabular.contrastive.low_rank import combination_lock, simplex_features


def collected(mdp, policy, n_rounds: int, **options) -> TransitionCounts:
    counts = TransitionCounts.empty(mdp.n_steps, mdp.n_states * mdp.n_actions, mdp.n_states)
    law = even_law(mdp.n_states)
    roll_ins = RollIns(mdp, stream(0, "a"), stream(0, "b"), law, **options)
    for _ in range(n_rounds):
        roll_ins.collect(policy, counts)
    return counts


def test_a_round_adds_one_visit_per_step_and_one_step_back_for_all_but_the_last() -> None:
    mdp = combination_lock(stream(0, "t"), n_steps=3, n_actions=2, n_emissions=2)
    counts = collected(mdp, np.full(mdp.rewards.shape, 0.5), 5)
    assert counts.visits.sum(axis=1).tolist() == [5, 5, 5]
    assert counts.positives.sum(axis=(1, 2)).tolist() == [10, 10, 5]
    assert counts.drawn.sum(axis=-1) == pytest.approx(counts.positives.sum(axis=-1))
    assert counts.seen.sum(axis=1).tolist() == [10, 10, 5]
    assert (counts.aimed <= counts.positives).all()


def test_transitions_are_drawn_from_the_problem() -> None:
    mdp = simplex_features(stream(0, "t"), n_steps=2, n_states=3, n_actions=2, rank=2)
    n_rounds = 1500
    counts = collected(mdp, np.full(mdp.rewards.shape, 0.5), n_rounds)
    seen = counts.positives.reshape(2, 3, 2, 3)
    n = seen.sum(axis=-1, keepdims=True)
    assert seen / n == pytest.approx(mdp.transitions, abs=5 * 0.5 / np.sqrt(n.min()))
    # the last two actions are drawn evenly, whatever the policy
    assert (n / n.sum(axis=2, keepdims=True)) == pytest.approx(0.5, abs=0.08)


def test_the_policy_decides_before_the_last_two_actions() -> None:
    mdp = combination_lock(stream(0, "t"), n_steps=3, n_actions=2, n_emissions=1)
    opens = (mdp.left[..., 2] == 0).astype(float)
    opens[mdp.latent == 2] = 0.0
    opens[:, mdp.latent == 2, 0] = 1.0
    visits = collected(mdp, opens, 400).visits.reshape(3, 3, 2).sum(axis=-1)
    # step 2: the first action opens, the second is drawn: half reach a good state
    assert visits[2, :2].sum() == pytest.approx(200, abs=50)


def test_impossible_transitions_are_never_drawn() -> None:
    mdp = combination_lock(stream(0, "t"), n_steps=4, n_actions=2, n_emissions=2)
    counts = collected(mdp, np.full(mdp.rewards.shape, 0.5), 200)
    assert counts.positives[mdp.transitions.reshape(counts.positives.shape) == 0].sum() == 0


def test_negatives_have_a_stream_of_their_own() -> None:
    mdp = combination_lock(stream(0, "t"), n_steps=3, n_actions=2, n_emissions=2)
    policy = np.full(mdp.rewards.shape, 0.5)
    one, many = (collected(mdp, policy, 5, n_negatives=n) for n in (1, 8))
    assert one.positives.tobytes() == many.positives.tobytes()
    assert one.drawn.tobytes() != many.drawn.tobytes()


def test_no_negatives_are_refused() -> None:
    mdp = combination_lock(stream(0, "t"), n_steps=2)
    with pytest.raises(InputError, match="at least 1 negatives per positive, got 0"):
        collected(mdp, np.full(mdp.rewards.shape, 0.25), 1, n_negatives=0)
