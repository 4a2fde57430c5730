"""Episodes of staged problems, many at once: what sampling algorithms may ask for."""

import numpy as np
from jaxtyping import Float, Int, UInt

from pellucid.errors import InputError
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.contrastive.staged import StagedMDP
from pellucid.tabular.mdp import FiniteMDP


def check_problem(mdp: StagedMDP, policies: PolicyClass | None = None) -> None:
    """Refuse problems whose rewards cannot be drawn, and policies that are for another problem.

    Raises:
        InputError: A reward lies outside [0, 1], or the sizes differ.
    """
    outside = np.argwhere((mdp.rewards < 0) | (mdp.rewards > 1))
    if len(outside):
        step, state, action = map(int, outside[0])
        raise InputError(
            f"expected rewards from 0 to 1, got {mdp.rewards[step, state, action]} "
            f"for step {step}, state {state}, action {action}",
            hint="a reward is drawn as 1 with this chance, else 0; scale rewards first",
        )
    if policies is None:
        return
    wanted = (mdp.n_steps, mdp.n_states, mdp.n_actions)
    got = (policies.n_steps, policies.n_states, policies.n_actions)
    if wanted != got:
        raise InputError(
            f"expected policies for {wanted} steps, states and actions, got policies for {got}"
        )


def staged(mdp: FiniteMDP) -> StagedMDP:
    """Return a problem with a horizon as one of steps, for the functions of this package.

    Args:
        mdp: With a horizon and a discount of 1, such as one from `from_toy_text`; small enough for
            dense transitions.

    Raises:
        InputError: It has no horizon, or a discount.
    """
    if mdp.horizon is None or mdp.discount != 1:
        raise InputError(
            f"expected a horizon and a discount of 1, got {mdp.horizon} and {mdp.discount}"
        )
    return StagedMDP(
        transitions=np.broadcast_to(mdp.dense, (mdp.horizon, *mdp.dense.shape)),
        rewards=np.broadcast_to(mdp.rewards, (mdp.horizon, *mdp.rewards.shape)),
        initial=mdp.initial,
    )


def check_resets(mdp: StagedMDP, resets: Float[np.ndarray, "steps states"]) -> None:
    """Refuse distributions to start steps from that are none.

    Raises:
        InputError: The shape does not fit, or a row is not a distribution.
    """
    wanted = (mdp.n_steps, mdp.n_states)
    if resets.shape != wanted:
        raise InputError(f"expected start distributions of shape {wanted}, got {resets.shape}")
    sums = resets.sum(axis=1)
    wrong = ~(np.isfinite(resets).all(axis=1) & (resets >= 0).all(axis=1) & (abs(sums - 1) < 1e-9))
    if wrong.any():
        step = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"expected start distributions that sum to 1, got {sums[step]:.12g} for step {step}"
        )


def first_states(mdp: StagedMDP, n: int, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    """Return first states of episodes."""
    return drawn(np.broadcast_to(mdp.initial, (n, mdp.n_states)), rng)


def drawn(
    chances: Float[np.ndarray, "rows outcomes"], rng: np.random.Generator
) -> Int[np.ndarray, " rows"]:
    """Return one outcome per row, drawn with the chances of the row."""
    ends = np.cumsum(chances, axis=1)
    found = (rng.random(len(chances))[:, None] >= ends).sum(axis=1)
    # rows sum to one up to rounding: the last outcome with a chance, never one without
    last = chances.shape[1] - 1 - (chances[:, ::-1] > 0).argmax(axis=1)
    return np.asarray(np.minimum(found, last))


def advanced(
    mdp: StagedMDP,
    step: int,
    states: Int[np.ndarray, " n"],
    actions: Int[np.ndarray, " n"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Return the drawn rewards, 0 or 1, and the drawn next states of actions.

    The transitions of the last step are not used: an episode is over after it.
    """
    rewards = (rng.random(len(states)) < mdp.rewards[step, states, actions]).astype(np.float64)
    if step == mdp.n_steps - 1:
        return rewards, states
    return rewards, drawn(mdp.transitions[step, states, actions], rng)


def returns_to_go(
    mdp: StagedMDP,
    step: int,
    states: Int[np.ndarray, " n"],
    policies: UInt[np.ndarray, "n steps states"],
    rng: np.random.Generator,
) -> Float[np.ndarray, " n"]:
    """Return the drawn return from a step on, each row following its own policy."""
    total = np.zeros(len(states))
    rows = np.arange(len(states))
    for later in range(step, mdp.n_steps):
        actions = policies[rows, later, states].astype(np.int64)
        rewards, states = advanced(mdp, later, states, actions, rng)
        total += rewards
    return total


def exact_values(mdp: StagedMDP, policies: PolicyClass) -> Float[np.ndarray, " policies"]:
    """Return the exact expected return of every policy from the initial distribution."""
    check_problem(mdp, policies)
    n_policies = len(policies)
    weights = np.broadcast_to(mdp.initial, (n_policies, mdp.n_states))
    values = np.zeros(n_policies)
    for step in range(mdp.n_steps):
        following = np.zeros((n_policies, mdp.n_states))
        for state in range(mdp.n_states):
            actions = policies.actions[:, step, state]
            values += weights[:, state] * mdp.rewards[step, state, actions]
            following += weights[:, state, None] * mdp.transitions[step, state, actions]
        weights = following
    return values
