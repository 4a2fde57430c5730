"""Online learning of a Markov game with a contrastive model, optimistic for both players."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.data import RollIns, TransitionCounts
from pellucid.tabular.contrastive.learning import ContrastivePlanner, even_law
from pellucid.tabular.contrastive.markov_game import (
    MarkovGame,
    coarse_correlated_equilibria,
    duality_gap,
)
from pellucid.tabular.contrastive.staged import check_at_least


@dataclass(frozen=True, eq=False)
class GameCurve:
    """What online learning of a game did.

    Args:
        gaps: Shape (rounds,): exact duality gap of the policies after every round.
        first: Shape (steps, states, actions): the first player's last policy.
        second: The second player's.
    """

    gaps: Float[np.ndarray, " rounds"]
    first: Float[np.ndarray, "steps states first"]
    second: Float[np.ndarray, "steps states second"]

    @property
    def mean_gap(self) -> Float[np.ndarray, " rounds"]:
        """Mean gap of the policies up to each round: that of the even mixture is no larger."""
        return np.cumsum(self.gaps) / np.arange(1, len(self.gaps) + 1)


def equilibrium_policy(
    game: MarkovGame,
    transitions: Float[np.ndarray, "steps states joint_actions next_states"],
    bonus: Float[np.ndarray, "steps states joint_actions"],
) -> Float[np.ndarray, "steps states joint_actions"]:
    """Return, backwards from the last step, a coarse correlated equilibrium of every state.

    The first player's payoffs are an upper estimate, with the bonus added, and the second player's
    a lower one, with it taken away, each cut at twice the number of steps.

    Args:
        game: The game; only its known rewards and its sizes are read.
        transitions: Of a model.
        bonus: Of every state and joint action.

    Source: Qiu 2022 (contrastive UCB for Markov games).
    """
    joint = game.joint
    most = 2.0 * joint.n_steps
    policy = np.empty(joint.rewards.shape)
    above, below = np.zeros(joint.n_states), np.zeros(joint.n_states)
    for step in range(joint.n_steps - 1, -1, -1):
        upper = np.minimum(joint.rewards[step] + bonus[step] + transitions[step] @ above, most)
        lower = np.maximum(joint.rewards[step] - bonus[step] + transitions[step] @ below, -most)
        chances = coarse_correlated_equilibria(game.split(upper), -game.split(lower))
        policy[step] = chances.reshape(policy[step].shape)
        above = (policy[step] * upper).sum(axis=1)
        below = (policy[step] * lower).sum(axis=1)
    return policy


def learn_game(
    game: MarkovGame,
    planner: ContrastivePlanner,
    *,
    n_rounds: int,
    seed: int,
    epsilon: float = 0.0,
) -> GameCurve:
    """Explore and find equilibria in turns, and return the gap of every pair of policies.

    Both players are judged by the marginals of what they play together.

    Args:
        game: The game.
        planner: Made for `game.joint`; its model is fitted, its bonus goes both ways.
        n_rounds: Rounds of one roll-in per step.
        seed: Of the roll-ins.
        epsilon: Chance with which a roll-in takes an even draw of joint actions.

    Raises:
        InputError: There is no round, or epsilon is not in [0, 1].
    """
    check_at_least("rounds", n_rounds, 1)
    if not 0 <= epsilon <= 1:
        raise InputError(f"expected epsilon in [0, 1], got {epsilon}")
    joint = game.joint
    counts = TransitionCounts.empty(joint.n_steps, joint.n_states * joint.n_actions, joint.n_states)
    law = even_law(joint.n_states)
    roll_ins = RollIns(joint, stream(seed, "roll-ins"), stream(seed, "negatives"), law)
    policy = np.full(joint.rewards.shape, 1.0 / joint.n_actions)
    gaps = np.empty(n_rounds)
    first = second = game.split(policy).sum(axis=-1)
    for k in range(n_rounds):
        roll_ins.collect((1 - epsilon) * policy + epsilon / joint.n_actions, counts)
        planner.refit(counts)
        bonus = planner.bonus(planner.parts(counts.visits)).reshape(joint.rewards.shape)
        transitions = planner.model.transitions.reshape(joint.transitions.shape)
        policy = equilibrium_policy(game, transitions, bonus)
        split = game.split(policy)
        first, second = split.sum(axis=-1), split.sum(axis=-2)
        gaps[k] = duality_gap(game, first, second)
    return GameCurve(gaps, first, second)
