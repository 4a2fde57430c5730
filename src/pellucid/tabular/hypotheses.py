"""Finite problems whose reward is a sum of terms, solved with any of the terms absent."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.envs.resolve import load_callable, make_env
from pellucid.envs.spec import EnvSpec
from pellucid.errors import CapabilityError, InputError
from pellucid.kernels.divergences import soft_choice
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.problems import problem_of
from pellucid.tabular.solving import (
    best_actions,
    gaps,
    policy_values,
    uniform_policy,
    value_iteration,
)

MOST_TERMS = 6
"""Terms of which every subset is a hypothesis: 64 of them."""
TEMPERATURES = (0.01, 0.1, 1.0)
"""How random choices may be, in units of the typical lead of the best action."""
TIE = 1e-8
ADDS_UP = 1e-6
"""Share of the largest reward by which terms may miss their sum."""


@dataclass(frozen=True, eq=False)
class TermTables:
    """A finite problem and the terms that its reward is made of.

    Args:
        mdp: The problem, with the whole reward.
        names: Of the terms.
        rewards: Shape (terms, states, actions), the expected part of each; they add up to the
            problem's.
    """

    mdp: FiniteMDP
    names: tuple[str, ...]
    rewards: Float[np.ndarray, "terms states actions"]


def term_tables(spec: EnvSpec, *, discount: float) -> TermTables:
    """Return the problem of an environment and the terms of its reward.

    The terms are those of `spec.reward_terms`, asked for every outcome of the table. Without it,
    each value of reward that occurs in the table is a term, such as the -100 of a cliff.

    Args:
        spec: Of FrozenLake, CliffWalking, Taxi, or another one with a table `P[state][action]`.
        discount: Weight of the next step, below 1.

    Raises:
        CapabilityError: It shows no table of outcomes, or less than two terms or more than six.
        InputError: The terms do not add up to the reward, or could not be told of an outcome.
    """
    mdp = problem_of(spec, discount=discount)
    found = _by_function(spec) if spec.reward_terms is not None else _by_value(spec)
    if not 2 <= len(found) <= MOST_TERMS:
        raise CapabilityError(
            f"hypotheses are about the terms of a reward, and {spec.id} has {len(found)} of them; "
            f"2 to {MOST_TERMS} can be told apart",
            hint="name the terms with --reward-terms",
        )
    rewards = np.zeros((len(found), *mdp.rewards.shape))
    for term, table in enumerate(found.values()):
        rewards[term, : len(table)] = table
    missing = np.abs(rewards.sum(axis=0) - mdp.rewards).max()
    # `not <=` and not `>`: a term that is NaN adds up to nothing
    if not missing <= ADDS_UP * max(1.0, float(np.abs(mdp.rewards).max())):
        raise InputError(
            f"the reward terms do not add up to the reward: off by up to {missing:.3g}"
        )
    return TermTables(mdp, tuple(found), rewards)


def _outcomes(base: Any) -> list[tuple[int, int, float, int, float, bool]]:
    return [
        (state, action, float(chance), int(following), float(reward), bool(ends))
        for state, actions in base.P.items()
        for action, outcomes in actions.items()
        for chance, following, reward, ends in outcomes
    ]


def _by_function(spec: EnvSpec) -> dict[str, Float[np.ndarray, "states actions"]]:
    assert spec.reward_terms is not None
    terms = load_callable(spec.reward_terms, "reward terms")
    env = make_env(spec)
    try:
        base: Any = env.unwrapped
        shape = len(base.P), len(base.P[0])
        found: dict[str, Float[np.ndarray, "states actions"]] = {}
        for state, action, chance, following, _, ends in _outcomes(base):
            for name, value in _asked(spec.reward_terms, terms, state, action, following, ends):
                table = found.setdefault(name, np.zeros(shape))
                table[state, action] += chance * value
    finally:
        env.close()
    return found


def _asked(
    name: str, terms: Callable[..., Any], state: int, action: int, following: int, ends: bool
) -> list[tuple[str, float]]:
    try:
        found = terms(state, action, following, ends)
        return [(str(term), float(value)) for term, value in found.items()]
    except Exception as error:  # a user's function may raise anything; it becomes one line
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"{name} could not split the reward of state {state}, action {action}: {told:.200}",
            hint="it is asked for every outcome of the table, with the numbers of both states",
        ) from error


def _by_value(spec: EnvSpec) -> dict[str, Float[np.ndarray, "states actions"]]:
    env = make_env(spec)
    try:
        base: Any = env.unwrapped
        shape = len(base.P), len(base.P[0])
        found: dict[float, Float[np.ndarray, "states actions"]] = {}
        for state, action, chance, _, reward, _ in _outcomes(base):
            if reward != 0.0:
                found.setdefault(reward, np.zeros(shape))[state, action] += chance * reward
    finally:
        env.close()
    return {f"the reward of {value:g}": found[value] for value in sorted(found)}


# --- hypotheses ---


@dataclass(frozen=True, eq=False)
class Hypotheses:
    """Every way in which terms could be absent from what an agent acts for.

    Args:
        tables: The problem and the terms of its reward.
    """

    tables: TermTables

    @cached_property
    def absent(self) -> Bool[np.ndarray, "hypotheses terms"]:
        """Which terms each leaves out: none in the first one, all in the last."""
        n_terms = len(self.tables.names)
        rows = sorted(itertools.product((False, True), repeat=n_terms), key=lambda row: sum(row))
        return np.array(rows, dtype=bool)

    @cached_property
    def q_values(self) -> Float[np.ndarray, "hypotheses states actions"]:
        """What each action is worth if the best ones follow, by the terms that are left."""
        mdp = self.tables.mdp
        left = np.einsum("ht,tsa->hsa", ~self.absent, self.tables.rewards)
        solved = [value_iteration(mdp.with_rewards(rewards)).q_values for rewards in left[:-1]]
        return np.array([*solved, np.zeros_like(mdp.rewards)])

    @cached_property
    def choices(self) -> Float[np.ndarray, "hypotheses states actions"]:
        """The chance of each action, if one of the best is drawn."""
        size = float(np.abs(self.q_values).max()) or 1.0
        best = best_actions(self.q_values, tolerance=TIE * size)
        return np.asarray(best / best.sum(axis=2, keepdims=True))

    @cached_property
    def costs(self) -> Float[np.ndarray, " hypotheses"]:
        """Discounted return that acting so loses, by the whole reward."""
        mdp = self.tables.mdp
        earned = np.array([mdp.initial @ policy_values(mdp, policy) for policy in self.choices])
        return np.asarray(np.maximum(earned[0] - earned, 0.0))

    @cached_property
    def spread(self) -> float:
        """Discounted return of the best policy above one that draws every action alike."""
        mdp = self.tables.mdp
        best, drawn = (
            float(mdp.initial @ policy_values(mdp, policy))
            for policy in (self.choices[0], uniform_policy(mdp))
        )
        return best - drawn

    def log_chances(
        self, states: Int[np.ndarray, " choices"], actions: Int[np.ndarray, " choices"]
    ) -> Float[np.ndarray, "hypotheses temperatures choices"]:
        """Return how likely each observed choice is to an agent that is nearly the best.

        Its actions are drawn in proportion to `exp(Q / temperature)`.
        """
        q_values = self.q_values[:, states]
        leads = gaps(self.q_values[0])
        leads = leads[np.isfinite(leads) & (leads > TIE)]
        unit = float(leads.mean()) if len(leads) else 1.0
        even = np.full_like(q_values, 1.0 / q_values.shape[2])
        places = np.arange(len(states))
        drawn = [soft_choice(q_values, unit * t, even)[:, places, actions] for t in TEMPERATURES]
        return np.asarray(np.log(np.maximum(np.stack(drawn, axis=1), np.finfo(float).tiny)))


def beliefs(
    log_chances: Float[np.ndarray, "hypotheses temperatures choices"],
    weights: Float[np.ndarray, " choices"],
) -> Float[np.ndarray, " hypotheses"]:
    """Return the belief in each hypothesis after some choices; all are alike before.

    Args:
        log_chances: What `Hypotheses.log_chances` returned.
        weights: Shape (choices,), how often each counts.
    """
    totals = log_chances @ weights
    chances = np.exp(totals - totals.max()).mean(axis=1)
    return np.asarray(chances / chances.sum())


def absence(
    belief: Float[np.ndarray, " hypotheses"],
    absent: Bool[np.ndarray, "hypotheses terms"],
    costly: Bool[np.ndarray, " hypotheses"],
) -> Float[np.ndarray, " terms"]:
    """Return how likely each term is absent in a way that costs return."""
    return np.asarray((belief * costly) @ absent)
