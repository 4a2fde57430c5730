"""What it costs to learn from a Markov reward where the goal is none (Subramani et al. 2024).

A goal is given to two learners of the same kind, with the same memory and the same experience. One
is paid by the goal's own automaton, the other by the Markov reward that is nearest to the goal over
a grid of policies of the problem as designed. Then actions may slip: another one is carried out
than was meant.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product as combinations

import numpy as np
from jaxtyping import Float, Int

from pellucid.seeds import stream
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.markov_reward import MarkovReward
from pellucid.tabular.objectives.nearest_reward import nearest_markov_reward
from pellucid.tabular.objectives.objective import Policies, value_of
from pellucid.tabular.objectives.temporal_logic import TemporalLogic
from pellucid.tabular.objectives.witness_tasks import match_machine, two_step_problem

DISCOUNT = 0.95
"""Of both learners. High, so that "for ever" is told from "long"; below one, as rewards need."""
MOST_SLIP = 0.5
"""Chances of a slip are drawn evenly from 0 to this, for each state on its own."""
GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Chances of the first action in each state that the nearest Markov reward is fitted on."""


@dataclass(frozen=True, eq=False)
class Goal:
    """A goal with an automaton that pays for it.

    Args:
        mdp: The problem as designed.
        free: States in which there is something to decide.
        next_memory: Shape (memory, states, actions, states): the automaton, from its state 0.
        pays: The same shape: what it pays, so that the best discounted sum is the goal.
        worth: How good reaching each transition of the automaton is, by the same shape: a goal is
            the expected sum of these, each paid once; see `value`.
        for_ever: States of the automaton that are worth 1 if it stays in them for ever.
        design_value: How good policies of the problem as designed are.
    """

    mdp: FiniteMDP
    free: tuple[int, ...]
    next_memory: Int[np.ndarray, "memory states actions next_states"]
    pays: Float[np.ndarray, "memory states actions next_states"]
    worth: Float[np.ndarray, "memory states actions next_states"]
    for_ever: tuple[int, ...]
    design_value: Callable[[Float[np.ndarray, "policies free"]], Float[np.ndarray, " policies"]]

    @property
    def n_memory(self) -> int:
        """Number of states of the automaton."""
        return len(self.pays)


# --- goals ---


@cache
def goal(name: str) -> Goal:
    """Return a goal: `match` (W5), `always-or-match` (W6) or `prizes` (W8).

    In W6 chance picks one of two tasks; here the agent does, by its first action, because with both
    forced on it every slip hurts both goals alike and there is nothing to choose.
    """
    return {"match": _match, "always-or-match": _always_or_match, "prizes": _prizes}[name]()


def _match() -> Goal:
    mdp, machine = two_step_problem(), match_machine()
    # paid at the second step: the machine of the witness is scaled for its own discount
    worth = machine.rewards * machine.discount

    def value(p: Float[np.ndarray, "policies free"]) -> Float[np.ndarray, " policies"]:
        return np.asarray(p[:, 0] * p[:, 1] + 0.5 * (1 - p[:, 0]) * (1 - p[:, 1]))

    return Goal(mdp, (0, 1), machine.next_memory, worth / DISCOUNT, worth, (), value)


def _always_or_match() -> Goal:
    """State 0 chooses: a for 1 -> 2 -> 4 (a twice; 4 is the end), b for the loop 3 (a for ever)."""
    onward = np.array([[1, 3], [2, 2], [4, 4], [3, 3], [4, 4]])
    mdp = _problem(onward)
    start, first, alive, lost = range(4)
    next_memory = np.full((4, 5, 2, 5), lost)
    next_memory[start, 0, 0] = start
    next_memory[start, 0, 1] = next_memory[alive, 3, 0] = alive
    next_memory[start, 1, 0] = first
    worth = np.zeros(next_memory.shape)
    worth[first, 2, 0] = 1.0
    pays = worth / DISCOUNT**2
    # staying alive for ever sums to one
    pays[alive, 3, 0] = (1 - DISCOUNT) / DISCOUNT

    def value(p: Float[np.ndarray, "policies free"]) -> Float[np.ndarray, " policies"]:
        return np.asarray(p[:, 0] * p[:, 1] * p[:, 2] + (1 - p[:, 0]) * (p[:, 3] == 1))

    return Goal(mdp, (0, 1, 2, 3), next_memory, pays, worth, (alive,), value)


def _prizes() -> Goal:
    mdp = _problem(np.array([[1, 1], [2, 2], [2, 2]]))
    worth = np.zeros((1, 3, 2, 3))
    worth[0, 0, 0], worth[0, 1, 0] = 0.4, 0.6

    def value(p: Float[np.ndarray, "policies free"]) -> Float[np.ndarray, " policies"]:
        return np.asarray(0.4 * p[:, 0] + 0.6 * p[:, 1])

    pays = worth / DISCOUNT ** np.arange(3)[None, :, None, None]
    return Goal(mdp, (0, 1), np.zeros(worth.shape, dtype=np.int64), pays, worth, (), value)


def nearest_reward(name: str) -> MarkovReward:
    """Return the Markov reward that is nearest to a goal over a grid of policies, as designed."""
    wanted = goal(name)
    points = np.array(list(combinations(GRID, repeat=len(wanted.free))))
    policies: Policies = np.zeros((len(points), *wanted.mdp.rewards.shape))
    policies[:, :, 0] = 1.0
    for column, state in enumerate(wanted.free):
        policies[:, state, 0] = points[:, column]
        policies[:, state, 1] = 1 - points[:, column]
    return nearest_markov_reward(wanted.mdp, policies, wanted.design_value(points), DISCOUNT)


# --- learning ---


def slips_of(name: str, seed: int) -> Float[np.ndarray, " states"]:
    """Return the chance of a slip in each state; none where there is nothing to decide or to do.

    The choice between the two tasks of `always-or-match` never slips: it is what is compared.
    """
    wanted = goal(name)
    rng = stream(seed, "objective-formalisms", name, "slips")
    slips = np.zeros(wanted.mdp.n_states)
    slips[list(wanted.free)] = rng.uniform(0.0, MOST_SLIP, size=len(wanted.free))
    if name == "always-or-match":
        slips[0] = 0.0
    return slips


def learned_value(
    name: str, *, by_goal: bool, slips: Float[np.ndarray, " states"], n_sweeps: int, seed: int
) -> float:
    """Return how good, by the goal, the policy is that a learner ends up with.

    Args:
        name: The goal.
        by_goal: Whether the goal's automaton pays, else the nearest Markov reward.
        slips: Chance of carrying out the other action, by state.
        n_sweeps: Updates of every value.
        seed: Draws the experience; the same for both rewards.
    """
    wanted = goal(name)
    rewards = wanted.pays
    if not by_goal:
        rewards = np.broadcast_to(nearest_reward(name).rewards, wanted.pays.shape)
    rng = stream(seed, "objective-formalisms", name, "experience")
    q_values = q_learning(wanted, rewards, slips, n_sweeps, rng)
    return value(wanted, q_values.argmax(axis=2), slips)


def q_learning(
    wanted: Goal,
    rewards: Float[np.ndarray, "memory states actions next_states"],
    slips: Float[np.ndarray, " states"],
    n_sweeps: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "states memory actions"]:
    """Return action values learned from drawn transitions, on pairs of state and memory.

    Every sweep draws one outcome of every action of every pair and updates all of them, with the
    step size 1 / (1 + (1 - discount) t).

    Source: Watkins 1989; the step size is that of Wainwright 2019, section 3.
    """
    n_states, n_memory = wanted.mdp.n_states, wanted.n_memory
    states, memory, meant = np.indices((n_states, n_memory, 2))
    arrivals = wanted.mdp.next_states
    q_values = np.zeros((n_states, n_memory, 2))
    for sweep in range(n_sweeps):
        slipped = rng.random(q_values.shape) < slips[states]
        done = np.where(slipped, 1 - meant, meant)
        following = arrivals[states, done]
        step = (memory, states, done, following)
        ahead = q_values[following, wanted.next_memory[step]].max(axis=-1)
        rate = 1 / (1 + (1 - DISCOUNT) * (sweep + 1))
        q_values += rate * (rewards[step] + DISCOUNT * ahead - q_values)
    return q_values


def value(
    wanted: Goal, choices: Int[np.ndarray, "states memory"], slips: Float[np.ndarray, " states"]
) -> float:
    """Return how good a policy with memory is, exactly.

    Args:
        wanted: The goal.
        choices: The action meant in each state, by the automaton's state.
        slips: Chance of carrying out the other action, by state.
    """
    paired = paired_problem(wanted, slips)
    policy = np.eye(2)[choices.reshape(-1)]
    held = np.isin(np.arange(paired.n_states) % wanted.n_memory, wanted.for_ever)
    kept = np.broadcast_to(held[:, None, None], paired.dense.shape)
    total = value_of(TemporalLogic("F G kept", {"kept": kept}), paired, policy)
    for amount in np.unique(wanted.worth[wanted.worth > 0]):
        total += amount * _chance(wanted, paired, policy, slips, float(amount))
    return float(total)


def paired_problem(wanted: Goal, slips: Float[np.ndarray, " states"]) -> FiniteMDP:
    """Return the problem on pairs of state and memory, with slips: state `s * memory + u`."""
    n_states, n_memory = wanted.mdp.n_states, wanted.n_memory
    transitions = np.zeros((n_states, n_memory, 2, n_states, n_memory))
    for state, memory, meant, done in np.ndindex(n_states, n_memory, 2, 2):
        following = int(wanted.mdp.next_states[state, done])
        arrival = int(wanted.next_memory[memory, state, done, following])
        chance = slips[state] if done != meant else 1 - slips[state]
        transitions[state, memory, meant, following, arrival] += chance
    initial = np.zeros((n_states, n_memory))
    initial[:, 0] = wanted.mdp.initial
    n_all = n_states * n_memory
    return FiniteMDP(
        transitions=transitions.reshape(n_all, 2, n_all),
        rewards=np.zeros((n_all, 2)),
        initial=initial.reshape(-1),
        discount=DISCOUNT,
    )


def _chance(
    wanted: Goal,
    paired: FiniteMDP,
    policy: Float[np.ndarray, "pairs actions"],
    slips: Float[np.ndarray, " states"],
    amount: float,
) -> float:
    """Return the expected number of transitions that are worth an amount.

    None of them can be made twice, so that visits can be summed without a discount.
    """
    n_memory = wanted.n_memory
    chain = np.einsum("sa,sat->st", policy, paired.dense)
    reach, visits = paired.initial, np.zeros(paired.n_states)
    for _ in range(paired.n_states):
        visits = visits + reach
        reach = reach @ chain
    total = 0.0
    for memory, state, done, following in np.argwhere(wanted.worth == amount):
        if following != wanted.mdp.next_states[state, done]:
            continue
        pair = state * n_memory + memory
        meant = policy[pair, done]
        total += visits[pair] * (meant * (1 - slips[state]) + (1 - meant) * slips[state])
    return float(total)


def _problem(onward: Int[np.ndarray, "states actions"]) -> FiniteMDP:
    n_states = len(onward)
    return FiniteMDP(
        transitions=np.eye(n_states)[onward],
        rewards=np.zeros(onward.shape),
        initial=np.eye(n_states)[0],
        discount=DISCOUNT,
    )


SWEEPS: Mapping[str, int] = {"smoke": 100, "cpu": 2_000, "full": 50_000}
"""Updates of every value, by scale."""
