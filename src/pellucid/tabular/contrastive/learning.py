"""Online learning with a contrastive model and an optimism bonus, and with a table of counts."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.bonus import (
    bonus_parts,
    directions_of,
    elliptical_bonus,
    feature_covariance,
)
from pellucid.tabular.contrastive.data import RollIns, TransitionCounts
from pellucid.tabular.contrastive.low_rank import LowRankMDP
from pellucid.tabular.contrastive.objective import expected_negatives
from pellucid.tabular.contrastive.representation import ContrastiveModel, FitOptions
from pellucid.tabular.contrastive.staged import (
    StagedMDP,
    best_value,
    check_at_least,
    check_shape,
    plan,
    policy_value,
)

Negatives = Literal["expected", "drawn"]
"""Whether the negatives of the loss are their expectation or one draw per positive."""


class Planner(Protocol):
    """Turns what was seen so far into the next policy."""

    def plan(self, counts: TransitionCounts) -> Int[np.ndarray, "steps states"]:
        """Return the action of every state at every step."""


@dataclass(eq=False)
class ContrastivePlanner:
    """Plans in a contrastive model with a bonus for features that were seen little.

    Args:
        mdp: The problem; only its known rewards and its sizes are read.
        model: The model, which every call of `plan` goes on fitting.
        factor: gamma of the bonus; 0 for none. The paper lets it and the ridge grow with the
            rounds by constants that it leaves open; here they stay.
        negatives: Which negatives the loss takes.
        ridge: lambda of the covariance.

    Source: Qiu 2022 (contrastive UCB for decision processes).
    """

    mdp: StagedMDP
    model: ContrastiveModel
    factor: float = 3.0
    negatives: Negatives = "expected"
    ridge: float = 1.0

    def plan(self, counts: TransitionCounts) -> Int[np.ndarray, "steps states"]:
        """Refit the model and return the policy that is best with the bonus."""
        self.refit(counts)
        return self.optimistic(self.bonus(self.parts(counts.visits)))

    def refit(self, counts: TransitionCounts) -> None:
        """Move the model towards what was seen.

        Raises:
            InputError: The counts are of a problem of another size.
        """
        _check_counts(self.mdp, counts)
        if self.negatives == "expected":
            negatives = expected_negatives(counts.positives, self.model.negative_law)
        else:
            negatives = counts.drawn
        self.model.fit(counts.positives, negatives)

    def parts(
        self, visits: Float[np.ndarray, "steps pairs"]
    ) -> Float[np.ndarray, "steps pairs rank"]:
        """Return what each direction adds to every pair's squared bonus, least seen first."""
        features = self.model.features
        covariance = feature_covariance(features, visits, ridge=self.ridge)
        return bonus_parts(features, directions_of(covariance, ridge=self.ridge))

    def bonus(
        self, parts: Float[np.ndarray, "steps pairs rank"]
    ) -> Float[np.ndarray, "steps pairs"]:
        """Return the bonus of every pair, at most twice the number of steps."""
        return elliptical_bonus(parts, factor=self.factor, most=2.0 * self.mdp.n_steps)

    def optimistic(
        self, bonus: Float[np.ndarray, "steps pairs"]
    ) -> Int[np.ndarray, "steps states"]:
        """Return the best policy in the learned model with a given bonus."""
        return _optimistic(self.mdp, self.model.transitions, bonus)


@dataclass(eq=False)
class CountPlanner:
    """Plans in a table of frequencies with a bonus for pairs that were seen little.

    A pair that was never seen leads anywhere alike.

    Args:
        mdp: The problem; only its known rewards and its sizes are read.
        factor: The bonus is `factor / sqrt(n + 1)` for a pair seen n times.
        with_one_step_back: Whether it learns from all positives, as the contrastive model does, or
            from those of the roll-ins that aim at the step alone.

    Source: Azar 2017 (UCB-VI, with a simple bonus).
    """

    mdp: StagedMDP
    factor: float = 1.0
    with_one_step_back: bool = True

    def plan(self, counts: TransitionCounts) -> Int[np.ndarray, "steps states"]:
        """Return the policy that is best with the bonus."""
        _check_counts(self.mdp, counts)
        seen = counts.positives if self.with_one_step_back else counts.aimed
        n = seen.sum(axis=-1)
        bonus = np.minimum(self.factor / np.sqrt(n + 1.0), 2.0 * self.mdp.n_steps)
        return _optimistic(self.mdp, frequencies(seen), bonus)


def frequencies(
    positives: Float[np.ndarray, "*axes pairs states"],
) -> Float[np.ndarray, "*axes pairs states"]:
    """Return how often each state followed, as shares; even where a pair was never seen."""
    n = positives.sum(axis=-1, keepdims=True)
    shares = positives / np.maximum(n, 1.0)
    return np.asarray(np.where(n > 0, shares, 1.0 / positives.shape[-1]))


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """What online learning did.

    Args:
        values: Shape (rounds,): exact value of the policy after every round.
        best: Value of the best policy.
        visits: Shape (steps, pairs): how often each pair was seen by the roll-ins that aim at its
            step, which is what the bonus counts.
        seen: Shape (steps, pairs): how often it was seen at all, which models are fitted to.
        actions: Shape (steps, states): the last policy.
    """

    values: Float[np.ndarray, " rounds"]
    best: float
    visits: Float[np.ndarray, "steps pairs"]
    seen: Float[np.ndarray, "steps pairs"]
    actions: Int[np.ndarray, "steps states"]

    @property
    def mean_regret(self) -> Float[np.ndarray, " rounds"]:
        """Mean shortfall of the policies up to each round, in units of return."""
        shortfall = self.best - self.values
        return np.cumsum(shortfall) / np.arange(1, len(shortfall) + 1)


def learn(
    mdp: StagedMDP,
    planner: Planner,
    *,
    n_rounds: int,
    seed: int,
    epsilon: float = 0.0,
    n_negatives: int = 1,
) -> LearningCurve:
    """Explore and plan in turns, and return how good every policy was.

    Args:
        mdp: The problem.
        planner: Makes a policy of what was seen.
        n_rounds: Rounds of one roll-in per step.
        seed: Of the roll-ins.
        epsilon: Chance with which a roll-in takes an even draw in place of the policy's action; the
            policies themselves are judged without.
        n_negatives: Negatives drawn per positive; they are not read where a planner takes their
            expectation.

    Raises:
        InputError: There is no round or no negative, epsilon is not in [0, 1], or the planner was
            made for a problem of another size.
    """
    check_at_least("rounds", n_rounds, 1)
    if not 0 <= epsilon <= 1:
        raise InputError(f"expected epsilon in [0, 1], got {epsilon}")
    n_pairs = mdp.n_states * mdp.n_actions
    counts = TransitionCounts.empty(mdp.n_steps, n_pairs, mdp.n_states)
    roll_ins = RollIns(
        mdp,
        stream(seed, "roll-ins"),
        stream(seed, "negatives"),
        even_law(mdp.n_states),
        n_negatives=n_negatives,
    )
    shape = (mdp.n_steps, mdp.n_states)
    actions = stream(seed, "first policy").integers(mdp.n_actions, size=shape)
    one_hot = np.eye(mdp.n_actions)
    values = np.empty(n_rounds)
    for k in range(n_rounds):
        roll_ins.collect((1 - epsilon) * one_hot[actions] + epsilon / mdp.n_actions, counts)
        actions = planner.plan(counts)
        values[k] = policy_value(mdp, one_hot[actions])
    return LearningCurve(values, best_value(mdp), counts.visits, counts.seen, actions)


def contrastive_planner(
    mdp: StagedMDP,
    *,
    rank: int,
    seed: int,
    factor: float = 3.0,
    negatives: Negatives = "expected",
    linear: bool = False,
    options: FitOptions | None = None,
) -> ContrastivePlanner:
    """Return a planner with fresh features and even negatives.

    Args:
        mdp: The problem.
        rank: Number of features.
        seed: Of the first features.
        factor: gamma of the bonus; 0 for none.
        negatives: Which negatives the loss takes.
        linear: Whether features are of what is seen of a state, with weights per action, in place
            of a table; needs a problem that has inputs.
        options: How to fit.

    Raises:
        InputError: The rank exceeds the number of states, or there are no inputs.
    """
    if linear and not isinstance(mdp, LowRankMDP):
        raise InputError("expected a problem with inputs for linear features, got one without")
    inputs = pair_inputs(mdp) if linear and isinstance(mdp, LowRankMDP) else None
    model = ContrastiveModel(
        n_steps=mdp.n_steps,
        n_pairs=mdp.n_states * mdp.n_actions,
        n_states=mdp.n_states,
        rank=rank,
        negative_law=even_law(mdp.n_states),
        rng=stream(seed, "features"),
        pair_inputs=inputs,
        options=options,
    )
    return ContrastivePlanner(mdp, model, factor, negatives)


def pair_inputs(mdp: LowRankMDP) -> Float[np.ndarray, "pairs inputs"]:
    """Return what is seen of every pair: the inputs of its state and a 1, in its action's block."""
    seen = np.hstack([mdp.inputs, np.ones((mdp.n_states, 1))])
    blocks = np.einsum("si,ab->sabi", seen, np.eye(mdp.n_actions))
    return np.asarray(blocks.reshape(mdp.n_states * mdp.n_actions, -1))


def even_law(n_states: int) -> Float[np.ndarray, " states"]:
    """Return the law of negatives that draws every state alike."""
    return np.full(n_states, 1.0 / n_states)


def _check_counts(mdp: StagedMDP, counts: TransitionCounts) -> None:
    expected = (mdp.n_steps, mdp.n_states * mdp.n_actions, mdp.n_states)
    check_shape("counts, as the planner's problem has them,", counts.positives, expected)


def _optimistic(
    mdp: StagedMDP, transitions: np.ndarray, bonus: np.ndarray
) -> Int[np.ndarray, "steps states"]:
    shape = (*mdp.rewards.shape, mdp.n_states)
    paid = mdp.rewards + bonus.reshape(mdp.rewards.shape)
    actions, _ = plan(transitions.reshape(shape), paid, most=2.0 * mdp.n_steps)
    return actions
