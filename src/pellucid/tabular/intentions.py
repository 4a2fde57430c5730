"""Belief maps of finite problems: which pairs of state and action follow a choice, and how often.

The map of a choice weighs every later pair by its discounted probability. Whatever the rewards are,
the value of the choice is their sum weighted by the map; so a map tells what a value is made of.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import splu

from pellucid.envs.resolve import make_env
from pellucid.envs.spec import EnvSpec
from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP


def belief_maps(
    mdp: FiniteMDP,
    policy: Float[np.ndarray, "states actions"],
    pairs: Int[np.ndarray, "pairs 2"],
) -> Float[np.ndarray, "pairs states actions"]:
    """Return the discounted expected visits of every pair after each of some choices.

    `H(s, a)[x, b] = 1[(x, b) = (s, a)] + discount * E[sum_k discount^k 1[(s_k, a_k) = (x, b)]]`
    over what follows under the policy; states that end the episode are not counted. So the sum of
    `H(s, a) * rewards` is Q(s, a), whatever the rewards are.

    Args:
        mdp: Without a horizon.
        policy: Shape (states, actions); rows sum to one.
        pairs: Shape (pairs, 2), state and action of each choice.

    Raises:
        InputError: The problem has a horizon, or a shape does not fit.

    Source: Yau 2020, equation 5, in closed form. There the map is learnt beside the Q-values of the
    agent; here it is that of a fixed policy, which need not be the best one.
    """
    if mdp.horizon is not None:
        raise InputError("expected a problem without a horizon", hint="maps are discounted sums")
    if policy.shape != mdp.rewards.shape:
        raise InputError(f"expected a policy of shape {mdp.rewards.shape}, got {policy.shape}")
    n_pairs = policy.size
    rows = np.arange(n_pairs + 1, step=mdp.n_actions)
    weights = sparse.csr_array((policy.reshape(-1), np.arange(n_pairs), rows))
    chain = sparse.csr_array(weights @ mdp.csr)
    # one factorisation for all choices: (I - discount * chain^T) visits = where a choice leads
    system = sparse.eye_array(mdp.n_states, format="csc") - mdp.discount * chain.T.tocsc()
    leads = mdp.csr[pairs[:, 0] * mdp.n_actions + pairs[:, 1]].toarray()
    visits = np.asarray(splu(system).solve(np.ascontiguousarray(leads.T))).T
    maps = mdp.discount * visits[:, :, None] * policy
    maps[np.arange(len(pairs)), pairs[:, 0], pairs[:, 1]] += 1.0
    maps[:, mdp.terminal] = 0.0
    return np.asarray(maps)


@dataclass(frozen=True)
class Arrivals:
    """Where every pair of state and action leads, ends of the episode included.

    Args:
        chances: Shape (states * actions, places), probability of arriving at each place.
        cells: Shape (places, 2), row and column of each place; empty if it is no map.
    """

    chances: sparse.csr_array
    cells: Int[np.ndarray, "places 2"]

    def expected(
        self, maps: Float[np.ndarray, "pairs states actions"]
    ) -> Float[np.ndarray, "pairs places"]:
        """Return the discounted expected arrivals at each place after each choice.

        The first step counts in full, the next one `discount`: as `sum_k discount^k 1[s_(k+1)]`.

        Args:
            maps: What `belief_maps` returned; a last state in which ended episodes stay is left
                out.
        """
        n_places = self.chances.shape[1]
        n_actions = self.chances.shape[0] // n_places
        flat = maps[:, :n_places].reshape(len(maps), n_places * n_actions)
        return np.asarray((self.chances.T @ flat.T).T)


def arrivals_of(spec: EnvSpec) -> Arrivals:
    """Return where the outcomes of a toy-text environment lead.

    `tabular.from_toy_text` leads every end to one state of its own; here an end is a place, such as
    the goal.

    Args:
        spec: Of FrozenLake, CliffWalking, Taxi, or another one with a table `P[state][action]`.
    """
    env = make_env(spec)
    try:
        base: Any = env.unwrapped
        n_states, n_actions = len(base.P), len(base.P[0])
        chances = sparse.lil_array((n_states * n_actions, n_states))
        for state, actions in base.P.items():
            for action, outcomes in actions.items():
                for probability, next_state, _, _ in outcomes:
                    chances[state * n_actions + action, int(next_state)] += probability
        cells = _cells(base, n_states)
    finally:
        env.close()
    return Arrivals(sparse.csr_array(chances), cells)


def _cells(base: Any, n_states: int) -> Int[np.ndarray, "places 2"]:
    """Return rows and columns of a map whose states are numbered row by row."""
    described = getattr(base, "desc", None)
    # Taxi has a map too, but its states are more than its places
    shape = getattr(base, "shape", None) if described is None else np.shape(described)
    if shape is None or len(shape) != 2 or int(np.prod(shape)) != n_states:
        return np.empty((0, 2), dtype=np.int64)
    return np.column_stack(np.unravel_index(np.arange(n_states), tuple(shape))).astype(np.int64)
