"""What policies make happen: chains, discounted visits, long-run frequencies; a batch at a time."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.objective import Policies, check_policies


def chains(mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, "policies states next_states"]:
    """Return the Markov chain over states that each policy makes of a problem."""
    return np.asarray(np.einsum("nsa,sat->nst", policies, mdp.dense))


def reached(mdp: FiniteMDP, policies: Policies) -> Bool[np.ndarray, "policies states"]:
    """Return which states each policy reaches with positive probability."""
    steps = chains(mdp, policies) > 0
    found = np.broadcast_to(mdp.initial > 0, steps.shape[:2])
    for _ in range(mdp.n_states - 1):
        found = found | (found[:, :, None] & steps).any(axis=1)
    return np.asarray(found)


def canonical(mdp: FiniteMDP, policies: Policies) -> Policies:
    """Return the policies with even chances where they never come.

    Two policies have the same law over trajectories if and only if these arrays are equal.
    """
    return np.where(reached(mdp, policies)[:, :, None], policies, 1 / mdp.n_actions)


def check_discount(discount: float) -> None:
    """Refuse a discount that is not strictly between 0 and 1.

    Raises:
        InputError: It is not.
    """
    if not 0 < discount < 1:
        raise InputError(f"expected a discount above 0 and below 1, got {discount}")


def state_visits(
    mdp: FiniteMDP, policies: Policies, discount: float
) -> Float[np.ndarray, "policies states"]:
    """Return the discounted number of visits of every state, one linear system per policy."""
    system = np.eye(mdp.n_states) - discount * chains(mdp, policies).transpose(0, 2, 1)
    start = np.broadcast_to(mdp.initial[:, None], (len(policies), mdp.n_states, 1))
    return np.asarray(np.linalg.solve(system, start)[..., 0])


def transition_visits(
    mdp: FiniteMDP, policies: Policies, discount: float
) -> Float[np.ndarray, "policies states actions next_states"]:
    """Return the discounted number of times that each policy makes each transition (s, a, s').

    All of one policy sum to 1 / (1 - discount).

    Raises:
        InputError: The policies do not fit, or the discount is not between 0 and 1.
    """
    check_policies(mdp, policies)
    check_discount(discount)
    pairs = state_visits(mdp, policies, discount)[:, :, None] * policies
    return np.asarray(pairs[..., None] * mdp.dense)


def limit_frequencies(
    mdp: FiniteMDP, policies: Policies
) -> Float[np.ndarray, "policies states actions next_states"]:
    """Return the share of all steps, in the long run, that each policy makes each transition.

    From the recurrent classes of the chain: the chance of ending in each, times the stationary
    distribution inside. Unlike a limit of powers this also exists for periodic chains.

    Raises:
        InputError: The policies do not fit.
    """
    check_policies(mdp, policies)
    states = np.empty((len(policies), mdp.n_states))
    steps = chains(mdp, policies)
    for rows in by_support(steps):
        states[rows] = _limit_states(steps[rows], mdp.initial)
    return np.asarray((states[:, :, None] * policies)[..., None] * mdp.dense)


def by_support(
    chances: Float[np.ndarray, "policies *axes"],
) -> Iterator[Int[np.ndarray, " rows"]]:
    """Yield the rows whose probabilities are positive in the same places, group by group."""
    patterns = (chances > 0).reshape(len(chances), -1)
    _, group = np.unique(patterns, axis=0, return_inverse=True)
    group = group.reshape(-1)
    for index in range(int(group.max(initial=-1)) + 1):
        yield np.flatnonzero(group == index)


def leaving(
    steps: Float[np.ndarray, "rows states next_states"], inner: Int[np.ndarray, " inner"]
) -> Float[np.ndarray, "rows inner next_inner"]:
    """Return the identity less the steps among some states.

    The diagonal is summed from what leaves each state, rather than one less what stays: a tiny
    chance of leaving would be rounded away and the matrix be singular.
    """
    others = steps[:, inner]
    others[:, np.arange(inner.size), inner] = 0.0
    system = -others[:, :, inner]
    system[:, np.arange(inner.size), np.arange(inner.size)] = others.sum(axis=2)
    return np.asarray(system)


def recurrent_classes(
    steps: Bool[np.ndarray, "states next_states"],
) -> list[Int[np.ndarray, " members"]]:
    """Return the sets of states that a chain with these possible steps never leaves again."""
    n_classes, labels = connected_components(csr_array(steps), connection="strong")
    members = [np.flatnonzero(labels == index) for index in range(n_classes)]
    return [own for own in members if not np.delete(steps[own], own, axis=1).any()]


def _limit_states(
    steps: Float[np.ndarray, "rows states next_states"], initial: Float[np.ndarray, " states"]
) -> Float[np.ndarray, "rows states"]:
    """Return the long-run share of each state for chains with one support."""
    classes = recurrent_classes(steps[0] > 0)
    recurrent = np.concatenate(classes)
    transient = np.setdiff1d(np.arange(len(initial)), recurrent)
    # expected visits of transient states, then where they leave to
    arriving = np.broadcast_to(initial, steps.shape[:2]).copy()
    if transient.size:
        system = leaving(steps, transient).transpose(0, 2, 1)
        start = np.broadcast_to(initial[transient, None], (len(steps), transient.size, 1))
        visits = np.linalg.solve(system, start)[..., 0]
        arriving += np.einsum("nt,ntr->nr", visits, steps[:, transient])
    shares = np.zeros(steps.shape[:2])
    for own in classes:
        chance = arriving[:, own].sum(axis=1, keepdims=True)
        shares[:, own] = chance * _stationary(steps[:, own[:, None], own])
    return shares


def _stationary(
    steps: Float[np.ndarray, "rows members next_members"],
) -> Float[np.ndarray, "rows members"]:
    n = steps.shape[1]
    system = np.eye(n) - steps.transpose(0, 2, 1)
    system[:, -1] = 1.0  # one balance equation is redundant; the shares sum to one instead
    right = np.broadcast_to(np.eye(n)[:, -1:], (len(steps), n, 1))
    return np.asarray(np.linalg.solve(system, right)[..., 0])
