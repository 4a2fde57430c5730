"""What the claims of history bisimulation measure on the memory junction.

Source: Hong 2024. The paper has no code and no finite experiment; the junction is ours.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pellucid.seeds import stream
from pellucid.tabular.histories.bisimulation import partition_error
from pellucid.tabular.histories.evaluating import best_value, policy_value
from pellucid.tabular.histories.explaining import loss_return_correlation, swap_test
from pellucid.tabular.histories.network import (
    HistoryNetwork,
    RepresentationOptions,
    fit_representation,
    history_features,
    pair_loss,
    pair_loss_gradient,
    representation_loss,
)
from pellucid.tabular.histories.pessimism import history_policy, pessimistic_values
from pellucid.tabular.histories.pomdp import FinitePOMDP, memory_junction
from pellucid.tabular.histories.refinement import (
    TokenPartition,
    partition_policy,
    refine,
    token_partition,
)
from pellucid.tabular.histories.trajectories import Trajectories, index_histories

BONUS_SCALE = 0.1
"""Of the penalty: the theory's own constant of 1 leaves nothing above 0 at these sizes."""
REACHED = 0.65
"""The value, halfway from chance to the best, for which episodes are counted."""
N_FRESH, N_SWAPPED = 4000, 400
WATCHED_EVERY = 50
"""Updates between checkpoints."""

# --- counting ---


def junction_value(learner: str, n_steps: int, n_episodes: int, seed: int) -> float:
    """Return the exact value of what pessimistic value iteration learns at the junction.

    Args:
        learner: On `histories`, on the `cue`, on the `last observation`, or on a partition that is
            `refined` from the same episodes.
        n_steps: Steps of an episode.
        n_episodes: Logged episodes.
        seed: Of the episodes, which all learners share.
    """
    pomdp = memory_junction(n_steps)
    data = pomdp.sample(n_episodes, stream(seed, "history-bisimulation", "junction", n_steps))
    return _learned_value(pomdp, data, learner)


def episodes_needed(learner: str, n_steps: int, most: int, seed: int) -> float:
    """Return the binary logarithm of how many episodes a learner needs to be halfway to the best.

    Between powers of two from 8 on, interpolated by value; NaN if even the most are too few.

    Args:
        learner: As for `junction_value`.
        n_steps: Steps of an episode.
        most: Binary logarithm of the largest number that is tried.
        seed: Of the episodes; fewer are the first of more.
    """
    pomdp = memory_junction(n_steps)
    rng = stream(seed, "history-bisimulation", "needed", n_steps)
    data = pomdp.sample(2**most, rng)
    before = 0.5  # what no episode at all is worth
    for power in range(3, most + 1):
        value = _learned_value(pomdp, data.first(2**power), learner)
        if value >= REACHED:
            share = (REACHED - before) / (value - before) if value > before else 1.0
            return power - 1 + share
        before = value
    return math.nan


def _learned_value(pomdp: FinitePOMDP, data: Trajectories, learner: str) -> float:
    if learner == "histories":
        index = index_histories(data)
        values = pessimistic_values(index.numbers, data, bonus_scale=BONUS_SCALE)
        return policy_value(pomdp, history_policy(values, index))
    partition = _partition(pomdp, data, learner)
    values = pessimistic_values(partition.of(data), data, bonus_scale=BONUS_SCALE)
    return policy_value(pomdp, partition_policy(values, partition))


def _partition(pomdp: FinitePOMDP, data: Trajectories, learner: str) -> TokenPartition:
    if learner == "refined":
        return refine(data)
    asked = {
        "cue": [(0,) for _ in range(pomdp.n_steps)],
        "last observation": [(2 * step,) for step in range(pomdp.n_steps)],
    }[learner]
    sizes = {"n_observations": pomdp.n_observations, "n_actions": pomdp.n_actions}
    return token_partition(asked, **sizes)


# --- learning a representation ---


@dataclass(frozen=True)
class Learned:
    """What a learned representation is worth, on fresh histories.

    Args:
        value: Value of the last policy.
        best: Best value of any checkpoint.
        loss: J of the last representation.
        correlation: Rank correlation of J with the value over checkpoints.
        correlation_shuffled: The same with the checkpoints' values in any order.
        kept: Share of decisions that stay if histories are replaced by their nearest neighbours.
        kept_at_random: The same for neighbours drawn at random.
    """

    value: float
    best: float
    loss: float
    correlation: float
    correlation_shuffled: float
    kept: float
    kept_at_random: float


@lru_cache(maxsize=256)
def learned(
    n_steps: int, n_episodes: int, pair_weight: float, n_updates: int, seed: int
) -> Learned:
    """Return what a network learns of the junction's last step.

    Args:
        n_steps: Steps of an episode.
        n_episodes: Logged episodes.
        pair_weight: beta.
        n_updates: Updates.
        seed: Of episodes, weights and batches; all betas share them.
    """
    pomdp = memory_junction(n_steps)
    logged, new = (
        pomdp.sample(n, stream(seed, "history-bisimulation", name, n_steps))
        for name, n in (("logged", n_episodes), ("fresh", N_FRESH))
    )
    inputs, fresh = (_last_features(pomdp, data) for data in (logged, new))
    cues = new.observations[:, 0]
    values: list[float] = []
    losses: list[float] = []

    def watch(update: int, network: HistoryNetwork) -> None:
        if update % WATCHED_EVERY == 0:
            right = network.outputs(fresh).q_values.argmax(axis=1) == cues
            values.append(float(np.where(right, 0.8, 0.2).mean()))
            losses.append(representation_loss(network, fresh))

    network = fit_representation(
        inputs,
        logged.actions[:, -1],
        logged.rewards[:, -1],
        n_actions=2,
        rng=stream(seed, "history-bisimulation", "fit"),
        options=RepresentationOptions(pair_weight=pair_weight, n_updates=n_updates),
        watch=watch,
    )
    found = network.outputs(fresh[:N_SWAPPED])
    rng = stream(seed, "history-bisimulation", "swap")
    swapped = swap_test(found.representation, found.q_values, rng)
    return Learned(
        values[-1],
        max(values),
        losses[-1],
        loss_return_correlation(losses, values),
        loss_return_correlation(losses, list(rng.permutation(values))),
        1 - swapped.changed,
        1 - swapped.changed_at_random,
    )


def _last_features(pomdp: FinitePOMDP, data: Trajectories) -> np.ndarray:
    tokens = data.tokens(pomdp.n_steps - 1)
    sizes = {"n_observations": pomdp.n_observations, "n_actions": pomdp.n_actions}
    return 2 * history_features(tokens, **sizes)  # each token is -1 or 1


# --- known answers ---


def known_answers() -> Mapping[str, bool]:
    """Return whether values, losses and gradients are what they are by hand or by enumeration."""
    pomdp = memory_junction(4)
    sizes = {"n_observations": 2, "n_actions": 2}
    cue = token_partition([(0,)] * 4, **sizes)
    forgets = token_partition([(0,), (0,), (0,), (6,)], **sizes)
    data = pomdp.sample(5000, stream(0, "history-bisimulation", "answers"))
    refined = refine(data)
    exact, broken = partition_error(pomdp, cue), partition_error(pomdp, forgets)
    certificate = refined.certificate
    return {
        "the best value of the junction is .8": math.isclose(best_value(pomdp), 0.8),
        "following the cue is worth .8": math.isclose(
            policy_value(pomdp, lambda step, tokens: tokens[:, 0]), 0.8
        ),
        "one action whatever was seen is worth .5": math.isclose(
            policy_value(pomdp, lambda step, tokens: np.zeros(len(tokens), dtype=np.int64)), 0.5
        ),
        "J of the cue is 0": exact.loss < 1e-20 and exact.error < 1e-10,
        "J without the cue at the end is .3 squared over the steps": math.isclose(
            broken.loss, 0.09 / 4
        ),
        "refinement asks for the cue alone": all(refined.asked(t) == (0,) for t in range(4)),
        "the certificate covers the true error": certificate is not None
        and partition_error(pomdp, refined).error <= certificate.error,
        "the gradient of the pair loss is the finite difference": _gradient_error() < 1e-6,
    }


def _gradient_error() -> float:
    rng = stream(1, "history-bisimulation", "answers")
    first, second = rng.normal(size=(2, 5, 3))
    targets = rng.random(5)
    found, differences = pair_loss_gradient(first, second, targets), np.empty_like(first)
    for index in np.ndindex(first.shape):
        shift = np.zeros_like(first)
        shift[index] = 1e-6
        up, down = (pair_loss(first + way * shift, second, targets) for way in (1, -1))
        differences[index] = (up - down) / 2e-6
    return float(np.abs(found - differences).max())
