"""VIPER as it is usually written: one environment, one state at a time, scikit-learn's tree.

The peer of `pellucid bench trees`, so it shares no code with ours.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from pellucid.seeds import derived_seed, stream

LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class ViperSettings:
    """How much is done.

    Args:
        n_rounds: Trees that are grown, each on all states so far.
        n_rollouts: Episodes that are labelled after each.
        n_tests: Episodes by which each tree is judged.
        max_leaves: Of a tree.
    """

    n_rounds: int = 10
    n_rollouts: int = 10
    n_tests: int = 20
    max_leaves: int = 64


@dataclass(frozen=True)
class ViperResult:
    """The best tree.

    Args:
        tree: As scikit-learn fitted it.
        n_leaves: Its leaves.
        n_queries: States that the teacher was asked about.
    """

    tree: Any
    n_leaves: int
    n_queries: int


def sequential_viper(
    teacher: Any, make_env: Any, settings: ViperSettings, *, seed: int
) -> ViperResult:
    """Return the tree that earns most, of as many as there are rounds.

    Args:
        teacher: Has `distribution` for rows of observations, or only `act`.
        make_env: Makes the environment.
        settings: How much is done.
        seed: Of the environments, of the draws of states and of the trees.

    Source: Bastani 2018, algorithm 1: states drawn in proportion to what a wrong choice costs.
    """
    env, rng = make_env(), stream(seed, "sequential-viper")
    states: list[Any] = []
    labels: list[int] = []
    weights: list[float] = []
    best: tuple[float, Any] = (-np.inf, None)
    tree: Any = None
    for round_index in range(settings.n_rounds):
        for rollout in range(settings.n_rollouts):
            state, _ = env.reset(seed=derived_seed(seed, "roll-out", round_index, rollout))
            over = False
            while not over:
                action, weight = _asked(teacher, state)
                states.append(state)
                labels.append(action)
                weights.append(weight)
                taken = action if tree is None else int(tree.predict([state])[0])
                state, _, ended, cut, _ = env.step(taken)
                over = ended or cut
        chances = np.array(weights) / sum(weights)
        drawn = rng.choice(len(states), size=len(states), p=chances)
        tree = DecisionTreeClassifier(max_leaf_nodes=settings.max_leaves, random_state=seed)
        tree.fit(np.array(states)[drawn], np.array(labels)[drawn])
        earned = [
            _return_of(tree, env, derived_seed(seed, "test", test))
            for test in range(settings.n_tests)
        ]
        if np.mean(earned) > best[0]:
            best = (float(np.mean(earned)), tree)
    env.close()
    return ViperResult(best[1], int(best[1].get_n_leaves()), len(states))


def _asked(teacher: Any, state: Any) -> tuple[int, float]:
    """Return the teacher's action and what another one costs, for one state."""
    rows = np.asarray(state)[None]
    if "distribution" not in teacher.capabilities:
        return int(teacher.act(rows)[0]), 1.0
    probabilities = teacher.distribution(rows).probabilities[0]
    logs = np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    return int(probabilities.argmax()), float(logs.max() - logs.min()) + 1e-9


def _return_of(tree: Any, env: Any, seed: int) -> float:
    state, _ = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        state, reward, ended, cut, _ = env.step(int(tree.predict([state])[0]))
        total += float(reward)
        over = ended or cut
    return total
