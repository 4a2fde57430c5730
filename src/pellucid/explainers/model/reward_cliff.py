"""How far rewards may be off before a choice stops being the best one (leaf A2v)."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import choose_actions, preferences
from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explanation import Certificates, Finding, Sentences, Task, explainer, fact
from pellucid.tabular import FiniteMDP
from pellucid.tabular.cliff import certified_radii, estimated_radii
from pellucid.tabular.problems import problem_of
from pellucid.tabular.solving import Solution, value_iteration

DISCOUNT = 0.99
N_STATES, MIN_STATES = 200, 5
NORM = "largest change of a reward before the end"

_QUESTION = "How far may rewards be off before its choices stop being the best?"


@dataclass(frozen=True)
class _Visited:
    """The distinct states that are explained, the most visited first."""

    observations: Shaped[np.ndarray, "states *observation"]
    n_distinct: int


@explainer(
    "reward-cliff",
    leaf="A2v",
    kind=Certificates,
    decisive="certified_order",
    source="Xu 2025, prop. 2.1; the radii that follow from it are ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="{k} of {n_states} choices surely stay best while every reward is off by less "
        "than {x} {unit}; larger radii go with choices that are harder to change "
        "(rank correlation {d}, {lo} to {hi}; shuffled radii {r}).",
        weak="{k} of {n_states} choices may stay best while rewards are off by less than {x} "
        "{unit}; which ones are safest is not clear "
        "(rank correlation {d}, {lo} to {hi}; shuffled radii {r}).",
        thin="{k} of {n_states} choices may stay best while rewards are off by less than {x} "
        "{unit} (rank correlation {d}, {lo} to {hi}; shuffled radii {r}); but {reason}.",
        failed="We could not show which choices are safest: larger radii do not go with choices "
        "that are harder to change. Do not use them.",
        not_measured="Whether its choices survive errors of the rewards was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that it would learn the same choices again from changed rewards",
    ),
    options={
        "discount": "weight of the next step, from 0 to below 1",
        "q_error": "how far its Q-values may be off, where no table of outcomes is shown",
    },
)
class RewardCliff:
    """Certifies, per visited state, a radius of rewards within which its choice stays the best.

    The problem is solved exactly, so the environment must show its outcomes as a table. A choice
    that is not the only best one gets the radius 0. The radius is that of Xu's bound, half the
    lead over the second-best action times one minus the discount (option `discount`, 0.99), and
    sharper where rewards cannot be met any more: those after the end stay as they are.

    Without a table an agent with Q-values gets estimated radii if the option `q_error` says how
    far its Q-values may be off; those cannot be tested by solving again.
    """

    def plan(self, task: Task) -> Cost:
        """Return one query per state; solving costs neither queries nor steps."""
        return Cost(queries=len(_visited(task).observations))

    def explain(self, task: Task) -> Finding:
        """Certify the choices in the visited states."""
        visited = _visited(task)
        mdp = _problem(task)
        content = _estimated(task, visited) if mdp is None else _certified(task, visited, mdp)
        safe = content.radii > 0
        typical = float(np.median(content.radii[safe])) if safe.any() else 0.0
        n = len(content.radii)
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "k": fact(int((content.radii >= typical).sum()) if safe.any() else 0),
                "x": fact(typical),
                "n_states": fact(n),
            },
            left_out=()
            if n == visited.n_distinct
            else (f"{_QUESTION} {n} states are looked at, in place of {visited.n_distinct}.",),
        )


def _problem(task: Task) -> FiniteMDP | None:
    """Return the problem, None if estimates are asked for in its place."""
    if "q_error" in task.options:
        return None
    if task.episodes.spec is None:
        raise CapabilityError(
            "the problem must be solved again, and these are logs without an environment",
            hint="give the environment",
        )
    return problem_of(task.episodes.spec, discount=_discount(task))


def _discount(task: Task) -> float:
    discount = float(task.options.get("discount", DISCOUNT))
    if not 0 <= discount < 1:
        raise InputError(f"expected a discount from 0 to below 1, got {discount}")
    return discount


def _visited(task: Task) -> _Visited:
    if len(task.episodes) == 0 or len(task.episodes.visited) == 0:
        raise DataError("there are no visited states to explain", hint="collect episodes first")
    rows, counts = np.unique(task.episodes.visited, axis=0, return_counts=True)
    most = min(N_STATES, task.meter.left.queries)
    if most < min(MIN_STATES, len(rows)):
        raise BudgetError(
            f"certificates need at least {MIN_STATES} agent queries; {most} are left",
            hint=f"a larger budget: at least {MIN_STATES} queries for this method",
        )
    often = np.argsort(-counts, kind="stable")[:most]
    return _Visited(rows[np.sort(often)], len(rows))


def _certified(task: Task, visited: _Visited, mdp: FiniteMDP) -> Certificates:
    solution = value_iteration(mdp)
    live = np.broadcast_to(~mdp.terminal[:, None], mdp.rewards.shape)
    radii = certified_radii(solution, changeable=live)
    states = visited.observations.astype(np.int64)
    chosen = choose_actions(task.agent, visited.observations, "greedy", ()).astype(np.int64)
    best = solution.actions[states] == chosen
    return Certificates(
        observations=flat(visited.observations),
        radii=np.where(best, radii[states], 0.0),
        norm=NORM,
        about="rewards",
        actions=chosen,
        state_names=tuple(mdp.state_name(int(state)) for state in states),
        choices=tuple(mdp.action_name(int(action)) for action in chosen),
        rivals=tuple(mdp.action_name(int(a)) for a in _rivals(solution, states, chosen)),
        discount=mdp.discount,
    )


def _rivals(
    solution: Solution, states: Int[np.ndarray, " states"], chosen: Int[np.ndarray, " states"]
) -> Int[np.ndarray, " states"]:
    others = solution.q_values[states].copy()
    others[np.arange(len(states)), chosen] = -np.inf
    return np.asarray(others.argmax(axis=1))


def _estimated(task: Task, visited: _Visited) -> Certificates:
    if "q_values" not in task.agent.capabilities:
        raise CapabilityError(
            f"{task.agent.name} has no Q-values to estimate radii from",
            hint="an agent with Q-values, or an environment that shows its table of outcomes",
        )
    error = float(task.options["q_error"])
    if not (math.isfinite(error) and error >= 0):
        raise InputError(f"expected a q_error from 0 on, got {error}")
    discount = _discount(task)
    q_values: Float[np.ndarray, "states actions"] = preferences(task.agent, visited.observations)
    order = np.argsort(-q_values, axis=1, kind="stable")
    names = task.episodes.names.actions
    return Certificates(
        observations=flat(visited.observations),
        radii=estimated_radii(q_values, discount=discount, q_errors=error),
        norm=NORM,
        about="rewards",
        actions=order[:, 0],
        state_names=tuple(f"state {i + 1}" for i in range(len(q_values))),
        choices=tuple(names[a] for a in order[:, 0]),
        rivals=tuple(names[a] for a in order[:, min(1, order.shape[1] - 1)]),
        discount=discount,
    )
