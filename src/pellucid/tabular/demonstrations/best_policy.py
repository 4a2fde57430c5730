"""Finding a nearly best policy online, near a reference, with a certificate that says when to stop.

Source: Tiapkin et al. 2024 (Demonstration-Regularized RL), algs. 1 and 3 (UCBVI-Ent+). The widths
are a constant times those of the theory, whose own constants no run would ever meet: the
certificate is then a statement to check, as the claims do. A second
certificate, the policy's own lower value against the upper one, holds at any strength; the smaller
of the two counts.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.kernels.demonstrations import learn
from pellucid.tabular.mdp import FiniteMDP

BATCH = 512
"""Episodes whose draws are made at once."""


@dataclass(frozen=True, eq=False)
class BestPolicy:
    """What a run returned.

    Args:
        policy: Shape (steps, states, actions).
        n_episodes: Episodes that it took.
        certificates: Shape (n_episodes + 1,), the certified error before each episode; the last
            one meets the target unless the run was stopped.
        certified: Whether it does.
    """

    policy: Float[np.ndarray, "steps states actions"]
    n_episodes: int
    certificates: Float[np.ndarray, " plans"]
    certified: bool


def regularised_best_policy(
    mdp: FiniteMDP,
    reference: Float[np.ndarray, "steps states actions"],
    *,
    strength: float,
    target: float,
    rng: np.random.Generator,
    bonus: float = 0.023,
    failure: float = 0.1,
    max_episodes: int = 100_000,
) -> BestPolicy:
    """Learn a policy that is certified to be nearly the best of the regularised problem.

    Args:
        mdp: With a horizon and rewards in [0, 1], which are known; its probabilities are only
            sampled from.
        reference: Shape (horizon, states, actions), above 0, such as a cloned policy.
        strength: Price of divergence from the reference; 0 for plain optimistic learning.
        target: Certified error at which it stops, in units of return.
        rng: Draws the episodes.
        bonus: Factor of the confidence widths, above 0.
        failure: Probability that the theory would allow for a wrong certificate.
        max_episodes: Episodes after which it stops without one.

    Raises:
        InputError: The problem has no horizon, rewards leave [0, 1], or a number is out of range.
    """
    _check(mdp, reference, strength, target, bonus)
    horizon, n_states, n_actions = reference.shape
    cumulative = np.cumsum(mdp.dense, axis=2)
    counts = np.zeros((horizon, n_states, n_actions, n_states))
    policy = np.empty_like(reference)
    confidence = 3 * n_states * n_actions * horizon / failure
    done: list[Float[np.ndarray, " plans"]] = []
    n_episodes = 0
    while True:
        # one episode more than allowed: its plan is that of the last policy
        n = min(BATCH, max_episodes - n_episodes + 1)
        draws = rng.random((n, 2 + 2 * horizon))
        certificates = np.empty(n)
        run = learn(
            cumulative,
            np.cumsum(mdp.initial),
            mdp.rewards,
            reference,
            strength,
            bonus,
            confidence,
            target,
            draws,
            n_episodes,
            counts,
            policy,
            certificates,
        )
        certified = run < n
        done.append(certificates[: run + 1] if certified else certificates)
        n_episodes += run
        if certified or n_episodes > max_episodes:
            break
    plans = np.concatenate(done)
    return BestPolicy(policy, min(n_episodes, max_episodes), plans, certified)


def _check(
    mdp: FiniteMDP,
    reference: Float[np.ndarray, "steps states actions"],
    strength: float,
    target: float,
    bonus: float,
) -> None:
    if mdp.horizon is None or mdp.discount != 1.0:
        raise InputError("expected a problem with a horizon and without a discount")
    wanted = (mdp.horizon, *mdp.rewards.shape)
    if reference.shape != wanted or not (reference > 0).all():
        raise InputError(f"expected a reference of shape {wanted} that is above 0 everywhere")
    if (mdp.rewards < 0).any() or (mdp.rewards > 1).any():
        raise InputError(
            f"expected rewards from 0 to 1, got {mdp.rewards.min():g} to {mdp.rewards.max():g}",
            hint="scale them: widths are in units of the largest reward",
        )
    for name, value in (("target", target), ("bonus", bonus)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"expected a {name} above 0, got {value}")
    if not (np.isfinite(strength) and strength >= 0):
        raise InputError(f"expected a strength from 0 on, got {strength}")
