"""Two families of correct answers, learned from a reward that hardly tells them apart.

A prompt can be answered by a derivation of several steps or by a shortcut of one; both can be
right. The reward is one for a right answer and a small bonus for derivations. The policy is a table
of softmax logits, trained by the policy gradient of groups of sampled answers, as language models
are. Source: Xu 2025 (The Policy Cliff), secs. 3 and 4; the task is ours, the paper has none.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.kernels.compiled import compiled
from pellucid.seeds import stream

N_STEPS = 3
"""Steps of a derivation; the shortcut has one."""
_MARGIN = 1e-6
"""Spread of rewards below which a group teaches nothing."""


@dataclass(frozen=True)
class TwoFamilies:
    """A setting of the task and of its training.

    Args:
        bonus: Added to the reward of a right derivation.
        entropy: Weight of the entropy of the choice of family.
        normalised: Whether advantages are divided by the spread of their group.
        skill: Chance that a step is right before training. The default leaves nothing to learn:
            the two families earn the same but for the bonus.
        grader_noise: Chance that the grader takes right for wrong, or wrong for right.
        n_updates: Gradient steps.
        group: Answers per step.
        learning_rate: Of plain gradient ascent.
    """

    bonus: float = 0.0
    entropy: float = 0.0
    normalised: bool = True
    skill: float = 1 - 1e-9
    grader_noise: float = 0.1
    n_updates: int = 4000
    group: int = 16
    learning_rate: float = 1.0


def derivation_share(setting: TwoFamilies, seed: int) -> float:
    """Train a policy; return how often it answers by derivation, from 0 to 1.

    Args:
        setting: The task and its training.
        seed: Of the sampled answers and of the grader.
    """
    rng = stream(seed, "policy-cliff", "two-families")
    draws = rng.random((setting.n_updates, setting.group, N_STEPS + 2))
    log_odds = np.full(N_STEPS + 2, np.log(setting.skill / (1 - setting.skill)))
    log_odds[0] = 0.0
    return float(
        _train(
            draws,
            log_odds,
            setting.bonus,
            setting.entropy,
            setting.normalised,
            setting.grader_noise,
            setting.learning_rate,
        )
    )


@compiled
def _chance(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


@compiled
def _answer(
    draws: Float[np.ndarray, " draws"],
    log_odds: Float[np.ndarray, " decisions"],
    bonus: float,
    grader_noise: float,
    gradient: Float[np.ndarray, " decisions"],
) -> float:
    """Draw an answer, write the gradient of its log-probability, and return its reward.

    Decisions are the family, the shortcut's step and the steps of a derivation.
    """
    n_steps = len(log_odds) - 2
    gradient[:] = 0.0
    derives = 1.0 if draws[0] < _chance(log_odds[0]) else 0.0
    gradient[0] = derives - _chance(log_odds[0])
    first, last = (2, 2 + n_steps) if derives > 0 else (1, 2)
    right = True
    for decision in range(first, last):
        chance = _chance(log_odds[decision])
        done = 1.0 if draws[1 + decision - first] < chance else 0.0
        gradient[decision] = done - chance
        right = right and done > 0
    if right == (draws[len(draws) - 1] < grader_noise):
        return 0.0
    return 1.0 + bonus * derives


@compiled
def _train(
    draws: Float[np.ndarray, "updates group draws"],
    log_odds: Float[np.ndarray, " decisions"],
    bonus: float,
    entropy: float,
    normalised: bool,
    grader_noise: float,
    learning_rate: float,
) -> float:
    """Train from given log-odds, which are changed; return the chance of a derivation."""
    n_updates, group, _ = draws.shape
    rewards = np.empty(group)
    gradients = np.empty((group, len(log_odds)))
    for update in range(n_updates):
        for one in range(group):
            rewards[one] = _answer(
                draws[update, one], log_odds, bonus, grader_noise, gradients[one]
            )
        advantages = rewards - rewards.mean()
        spread = rewards.std()
        if normalised:
            advantages = advantages / spread if spread > _MARGIN else np.zeros(group)
        share = _chance(log_odds[0])
        # the gradient of the entropy of a coin with these log-odds
        pull = entropy * log_odds[0] * share * (1 - share)
        for decision in range(len(log_odds)):
            total = (advantages * gradients[:, decision]).sum() / group
            log_odds[decision] += learning_rate * total
        log_odds[0] -= learning_rate * pull
    return _chance(log_odds[0])
