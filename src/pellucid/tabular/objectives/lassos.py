"""Endless trajectories that end in a cycle, and what formulas and rewards make of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.formulas import Formula, core
from pellucid.tabular.objectives.objective import Policies, check_policies
from pellucid.tabular.objectives.reward_machine import RewardMachine

Transition: TypeAlias = tuple[int, int, int]
"""State, action, next state."""

MAX_TRAJECTORIES = 100_000


@dataclass(frozen=True)
class Lasso:
    """A trajectory `prefix cycle cycle cycle ...`.

    Args:
        prefix: Transitions before the cycle.
        cycle: Transitions that repeat for ever; at least one.
    """

    prefix: tuple[Transition, ...]
    cycle: tuple[Transition, ...]

    def __post_init__(self) -> None:
        if not self.cycle:
            raise InputError("expected a cycle of at least one transition")

    @cached_property
    def transitions(self) -> tuple[Transition, ...]:
        """The prefix and one turn of the cycle."""
        return self.prefix + self.cycle

    def after(self, position: int) -> int:
        """Return the position that follows one in `transitions`."""
        return position + 1 if position + 1 < len(self.transitions) else len(self.prefix)


LassoFunction: TypeAlias = Callable[[Lasso], float]
"""A bounded function of endless trajectories."""


# --- what trajectories are worth ---


def satisfies(
    lasso: Lasso, formula: Formula, labels: Mapping[str, Bool[np.ndarray, "states actions next"]]
) -> bool:
    """Return whether an endless trajectory satisfies a formula, by fixed points over positions.

    Args:
        lasso: The trajectory.
        formula: Over infinite traces.
        labels: Which transitions each proposition holds on.
    """
    return _holds(lasso, core(formula), labels)[0]


def discounted_sum(lasso: Lasso, machine: RewardMachine) -> float:
    """Return what a reward machine pays for an endless trajectory."""
    seen: dict[tuple[int, int], int] = {}
    paid: list[float] = []
    position, memory = 0, 0
    while (position, memory) not in seen:
        seen[position, memory] = len(paid)
        where = (memory, *lasso.transitions[position])
        paid.append(float(machine.rewards[where]))
        memory, position = int(machine.next_memory[where]), lasso.after(position)
    start = seen[position, memory]
    weights = machine.discount ** np.arange(len(paid))
    turn = 1 - machine.discount ** (len(paid) - start)
    sums = weights * np.array(paid)
    return float(sums[:start].sum() + sums[start:].sum() / turn)


def limit_mean(lasso: Lasso, rewards: Float[np.ndarray, "states actions next"]) -> float:
    """Return the long-run average reward of an endless trajectory."""
    return float(np.mean([rewards[step] for step in lasso.cycle]))


# --- all trajectories of a batch of policies ---


def trajectories(
    mdp: FiniteMDP, policies: Policies
) -> tuple[list[Lasso], Float[np.ndarray, "trajectories policies"]]:
    """Return every trajectory that some policy can take, and how likely each policy takes it.

    Args:
        mdp: The problem. Every trajectory must come to states where nothing is left to chance.
        policies: Shape (policies, states, actions).

    Raises:
        InputError: A cycle can be left by chance, so that there are infinitely many, or there are
            more than 100 000.
    """
    check_policies(mdp, policies)
    taken = np.asarray((policies > 0).any(axis=0))
    possible = taken[:, :, None] & (mdp.dense > 0)
    onward = [np.argwhere(possible[state]).tolist() for state in range(mdp.n_states)]
    ends = {int(s): _only_way(int(s), onward) for s in np.flatnonzero(_settled(possible))}
    found: list[Lasso] = []
    chances: list[Float[np.ndarray, " policies"]] = []
    waiting: list[tuple[int, tuple[Transition, ...], Float[np.ndarray, " policies"]]] = [
        (int(state), (), np.full(len(policies), mdp.initial[state]))
        for state in np.flatnonzero(mdp.initial > 0)
    ]
    while waiting:
        state, before, chance = waiting.pop()
        if state in ends:
            if len(found) >= MAX_TRAJECTORIES:
                raise InputError(f"expected at most {MAX_TRAJECTORIES} trajectories, got more")
            found.append(Lasso((*before, *ends[state].prefix), ends[state].cycle))
            chances.append(chance)
            continue
        if any(earlier == state for earlier, _, _ in before):
            raise InputError(
                f"expected finitely many trajectories, but {mdp.state_name(state)} lies on a "
                "cycle that chance can leave",
                hint="a function of trajectories needs a problem whose episodes end",
            )
        for action, arrival in onward[state]:
            step = policies[:, state, action] * mdp.dense[state, action, arrival]
            waiting.append((arrival, (*before, (state, action, arrival)), chance * step))
    return found, np.array(chances)


def _only_way(state: int, onward: list[list[list[int]]]) -> Lasso:
    """Return the trajectory from a state after which nothing is left to chance."""
    visited: dict[int, int] = {}
    steps: list[Transition] = []
    while state not in visited:
        visited[state] = len(steps)
        action, arrival = onward[state][0]
        steps.append((state, action, arrival))
        state = arrival
    start = visited[state]
    return Lasso(tuple(steps[:start]), tuple(steps[start:]))


def _settled(possible: Bool[np.ndarray, "states actions next"]) -> Bool[np.ndarray, " states"]:
    """Return the states from which only one trajectory is possible."""
    settled = possible.reshape(len(possible), -1).sum(axis=1) == 1
    steps = possible.any(axis=1)
    for _ in range(len(possible)):
        settled = settled & ~(steps & ~settled[None, :]).any(axis=1)
    return np.asarray(settled)


def _holds(
    lasso: Lasso, formula: Formula, labels: Mapping[str, Bool[np.ndarray, "states actions next"]]
) -> list[bool]:
    """Return whether a core formula holds from each position on."""
    n = len(lasso.transitions)
    inner = [_holds(lasso, part, labels) for part in formula.parts]
    match formula.operator:
        case "true":
            return [True] * n
        case "atom":
            return [bool(labels[formula.name][step]) for step in lasso.transitions]
        case "!":
            return [not one for one in inner[0]]
        case "&":
            return [one and other for one, other in zip(*inner, strict=True)]
        case "X":
            return [inner[0][lasso.after(position)] for position in range(n)]
    return _until(lasso, inner[0], inner[1])


def _until(lasso: Lasso, before: Sequence[bool], goal: Sequence[bool]) -> list[bool]:
    held = list(goal)
    # a least fixed point; two turns backwards carry a goal in the cycle to every position
    for position in [*range(len(held))][::-1] * 2:
        held[position] = goal[position] or (before[position] and held[lasso.after(position)])
    return held
