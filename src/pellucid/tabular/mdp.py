"""Finite Markov decision processes: states, actions, probabilities and rewards as arrays."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse

from pellucid.errors import InputError
from pellucid.kernels.bellman import expected_values, pushed_forward

Transitions: TypeAlias = "Float[np.ndarray, 'states actions next_states'] | sparse.csr_array"
"""Dense, or a sparse row per pair of a state and an action: row `state * n_actions + action`."""

SUM_TOLERANCE = 1e-9
"""How far the probabilities of a row may sum from one: rounding, not a missing outcome."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FiniteMDP:
    """A Markov decision process with finitely many states and actions.

    Its probabilities do not change with time; `layered` turns ones that do into this form. A state
    that ends the episode is one from which every action leads back to itself and pays nothing.

    Args:
        transitions: Probability of the next state: shape (states, actions, states), or sparse with
            shape (states * actions, states). Which of the two is kept decides how it is computed
            with: dense for small problems, sparse for large ones.
        rewards: Shape (states, actions), the expected reward of an action.
        initial: Shape (states,), the distribution of the first state.
        discount: Weight of the next step, in [0, 1].
        horizon: Steps of an episode; None if it goes on for ever, which needs a discount below 1.
        state_names: One per state; empty if they have none.
        action_names: One per action; empty if they have none.

    Raises:
        InputError: A shape does not fit, a probability is negative, a row does not sum to one, a
            reward is not finite, or the discount and the horizon leave values infinite. The
            message names the first row at fault and by how much.
    """

    transitions: Transitions
    rewards: Float[np.ndarray, "states actions"]
    initial: Float[np.ndarray, " states"]
    discount: float = 1.0
    horizon: int | None = None
    state_names: tuple[str, ...] = field(default=(), repr=False)
    action_names: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for problem in (_shapes(self), _rewards(self), _rows(self), _initial(self), _time(self)):
            if problem:
                raise InputError(problem)

    # --- sizes ---

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.rewards.shape[0])

    @property
    def n_actions(self) -> int:
        """Number of actions."""
        return int(self.rewards.shape[1])

    @property
    def n_entries(self) -> int:
        """Stored probabilities: all of a dense array, the non-zero ones of a sparse one."""
        return int(self.transitions.size)

    # --- views ---

    @cached_property
    def dense(self) -> Float[np.ndarray, "states actions next_states"]:
        """The probabilities as one array, (states, actions, states)."""
        if isinstance(self.transitions, np.ndarray):
            return self.transitions
        array = self.transitions.toarray()
        return np.asarray(array).reshape(self.n_states, self.n_actions, self.n_states)

    @cached_property
    def csr(self) -> sparse.csr_array:
        """The probabilities as a sparse row per pair, (states * actions, states)."""
        if isinstance(self.transitions, np.ndarray):
            return sparse.csr_array(self.transitions.reshape(-1, self.n_states))
        if self.transitions.has_canonical_format and self.transitions.data.all():
            return self.transitions
        matrix = self.transitions.copy()
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix

    @cached_property
    def deterministic(self) -> bool:
        """Whether every action leads to one next state."""
        return self.csr.nnz == self.n_states * self.n_actions

    @cached_property
    def next_states(self) -> Int[np.ndarray, "states actions"]:
        """The next state of every pair.

        Raises:
            InputError: Some action has several next states.
        """
        if not self.deterministic:
            counts = np.diff(self.csr.indptr).reshape(self.n_states, self.n_actions)
            state, action = np.argwhere(counts != 1)[0]
            raise InputError(
                f"expected one next state per action, got {counts[state, action]} "
                f"for {self.pair_name(int(state), int(action))}",
                hint="this needs a deterministic problem",
            )
        return np.asarray(self.csr.indices).reshape(self.n_states, self.n_actions)

    @cached_property
    def terminal(self) -> Bool[np.ndarray, " states"]:
        """Which states end the episode: every action stays and pays nothing."""
        own = np.repeat(np.arange(self.n_states), self.n_actions)
        one_outcome = np.diff(self.csr.indptr) == 1
        stays = one_outcome & (self.csr.indices[self.csr.indptr[:-1]] == own)
        unpaid = stays.reshape(self.rewards.shape) & (self.rewards == 0)
        return np.asarray(unpaid.all(axis=1))

    @cached_property
    def reachable(self) -> Bool[np.ndarray, " states"]:
        """Which states some policy reaches, whatever the horizon."""
        anywhere = sparse.csr_array(
            (np.ones(self.csr.nnz), self.csr.indices, self.csr.indptr[:: self.n_actions]),
            shape=(self.n_states, self.n_states),
        )
        found: Bool[np.ndarray, " states"] = self.initial > 0
        edge = found
        while edge.any():
            edge = (anywhere.T @ edge.astype(np.float64) > 0) & ~found
            found = found | edge
        return found

    def state_name(self, state: int) -> str:
        """Return what a state is called."""
        return self.state_names[state] if self.state_names else f"state {state}"

    def action_name(self, action: int) -> str:
        """Return what an action is called."""
        return self.action_names[action] if self.action_names else f"action {action}"

    def pair_name(self, state: int, action: int) -> str:
        """Return what an action in a state is called."""
        return f"{self.state_name(state)}, {self.action_name(action)}"

    # --- one step ---

    def dense_row(self, state: int, action: int) -> Float[np.ndarray, " next_states"]:
        """Return the distribution of the next state."""
        if isinstance(self.transitions, np.ndarray):
            return np.asarray(self.transitions[state, action])
        row: Float[np.ndarray, " next_states"] = np.zeros(self.n_states)
        pair = state * self.n_actions + action
        entries = slice(self.csr.indptr[pair], self.csr.indptr[pair + 1])
        row[self.csr.indices[entries]] = self.csr.data[entries]
        return row

    def expected_next(
        self, values: Float[np.ndarray, " states"]
    ) -> Float[np.ndarray, "states actions"]:
        """Return the expected value of the next state, for every state and action."""
        if isinstance(self.transitions, np.ndarray):
            return np.asarray(self.transitions @ values)
        out = np.empty(self.n_states * self.n_actions)
        matrix = self.transitions
        expected_values(matrix.indptr, matrix.indices, matrix.data, values, out)
        return out.reshape(self.n_states, self.n_actions)

    def next_distribution(
        self, weights: Float[np.ndarray, "states actions"]
    ) -> Float[np.ndarray, " states"]:
        """Return how much weight on pairs of a state and an action arrives in each next state."""
        if isinstance(self.transitions, np.ndarray):
            return np.asarray(weights.reshape(-1) @ self.transitions.reshape(-1, self.n_states))
        out = np.zeros(self.n_states)
        matrix = self.transitions
        pushed_forward(matrix.indptr, matrix.indices, matrix.data, weights.reshape(-1), out)
        return out

    # --- other problems made from this one ---

    def with_rewards(self, rewards: Float[np.ndarray, "states actions"]) -> "FiniteMDP":
        """Return the same problem with other rewards."""
        return replace(self, rewards=rewards)

    def restricted(self) -> "FiniteMDP":
        """Return the problem without the states that no policy reaches; the others keep order."""
        keep = np.flatnonzero(self.reachable)
        pairs = (keep[:, None] * self.n_actions + np.arange(self.n_actions)).reshape(-1)
        if isinstance(self.transitions, np.ndarray):
            transitions: Transitions = np.ascontiguousarray(
                self.transitions[np.ix_(keep, np.arange(self.n_actions), keep)]
            )
        else:
            transitions = sparse.csr_array(self.transitions[pairs][:, keep])
        names = tuple(self.state_names[state] for state in keep) if self.state_names else ()
        return replace(
            self,
            transitions=transitions,
            rewards=self.rewards[keep],
            initial=self.initial[keep],
            state_names=names,
        )


def _shapes(mdp: FiniteMDP) -> str:
    if mdp.rewards.ndim != 2 or not mdp.rewards.size:
        return f"expected rewards of shape (states, actions), got {mdp.rewards.shape}"
    n_states, n_actions = mdp.rewards.shape
    dense = isinstance(mdp.transitions, np.ndarray)
    wanted = (n_states, n_actions, n_states) if dense else (n_states * n_actions, n_states)
    if mdp.transitions.shape != wanted:
        return f"expected transitions of shape {wanted}, got {mdp.transitions.shape}"
    if mdp.initial.shape != (n_states,):
        return f"expected an initial distribution of shape ({n_states},), got {mdp.initial.shape}"
    for names, n, what in (
        (mdp.state_names, n_states, "state"),
        (mdp.action_names, n_actions, "action"),
    ):
        if names and len(names) != n:
            return f"expected {n} {what} names, got {len(names)}"
    return ""


def _rewards(mdp: FiniteMDP) -> str:
    bad = np.argwhere(~np.isfinite(mdp.rewards))
    if not len(bad):
        return ""
    state, action = map(int, bad[0])
    return (
        f"expected finite rewards, got {mdp.rewards[state, action]} for "
        f"{mdp.pair_name(state, action)}" + (f", and {len(bad) - 1} others" if len(bad) > 1 else "")
    )


def _rows(mdp: FiniteMDP) -> str:
    if isinstance(mdp.transitions, np.ndarray):
        stored, sums = mdp.transitions.reshape(-1), mdp.transitions.sum(axis=2).reshape(-1)
    else:
        stored = np.asarray(mdp.transitions.data)
        sums = np.asarray(mdp.transitions.sum(axis=1)).reshape(-1)
    wrong = stored[~(np.isfinite(stored) & (stored >= 0))]
    if len(wrong):
        return f"expected probabilities from 0 to 1, got {wrong[0]}"
    off = np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE)
    if not len(off):
        return ""
    state, action = divmod(int(off[0]), mdp.n_actions)
    others = f", and {len(off) - 1} other rows" if len(off) > 1 else ""
    return (
        f"expected the probabilities of {mdp.pair_name(state, action)} to sum to 1, "
        f"got {sums[off[0]]:.12g} (off by {sums[off[0]] - 1:.3g}){others}"
    )


def _initial(mdp: FiniteMDP) -> str:
    total = float(mdp.initial.sum())
    if not np.isfinite(mdp.initial).all() or (mdp.initial < 0).any():
        return "expected an initial distribution of probabilities from 0 to 1"
    if abs(total - 1) > SUM_TOLERANCE:
        return f"expected the initial distribution to sum to 1, got {total:.12g}"
    return ""


def _time(mdp: FiniteMDP) -> str:
    if not 0 <= mdp.discount <= 1:
        return f"expected a discount from 0 to 1, got {mdp.discount}"
    if mdp.horizon is not None and mdp.horizon < 1:
        return f"expected a horizon of at least 1 step, got {mdp.horizon}"
    if mdp.horizon is None and mdp.discount >= 1:
        return "expected a discount below 1 without a horizon: values would be infinite"
    return ""
