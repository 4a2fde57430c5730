"""Laws over endless trajectories in exact arithmetic, of policies and of single trajectories.

A law is a finite chain whose steps emit transitions (s, a, s'). What it makes happen is computed
for one discount, for all discounts at once, in the long run, and as probabilities of beginnings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.exact import Span, rational, solved
from pellucid.tabular.objectives.lassos import Lasso, Transition
from pellucid.tabular.objectives.laws import recurrent_classes

Choice: TypeAlias = tuple[Fraction, ...]
"""A distribution over actions."""
Feature: TypeAlias = tuple[str, tuple[object, ...]]
"""`("transition", (s, a, s'))` or `("choice", distribution)`."""
Node: TypeAlias = tuple[int, int]
"""-1 and a state for policies; the number of a trajectory and a position otherwise."""
Word: TypeAlias = tuple[Transition, ...]
"""How a trajectory begins."""
Heads: TypeAlias = tuple[tuple[Node, Fraction] | None, ...]
"""Where each law is after a beginning, and how likely it is there; None if it cannot be."""


@dataclass(frozen=True)
class Edge:
    """A step that a law can take.

    Args:
        transition: What it emits.
        target: The node it leads to.
        chance: Its probability.
    """

    transition: Transition
    target: Node
    chance: Fraction


@dataclass(frozen=True, eq=False)
class ExactLaw:
    """A law over endless trajectories.

    Args:
        name: What the policy or trajectory is called.
        initial: Probability of each first node.
        edges: What can follow each node that is reached; the transitions of one node differ.
        choices: How actions are drawn in each node; empty for a single trajectory.
    """

    name: str
    initial: dict[Node, Fraction]
    edges: dict[Node, tuple[Edge, ...]]
    choices: dict[Node, Choice]

    @property
    def certain(self) -> bool:
        """Whether there is only one trajectory."""
        return len(self.initial) == 1 and all(len(onward) == 1 for onward in self.edges.values())

    def step(self, chances: dict[Node, Fraction]) -> dict[Node, Fraction]:
        """Return the probabilities of the nodes one step later."""
        following: dict[Node, Fraction] = {}
        for node, chance in chances.items():
            for edge in self.edges[node]:
                following[edge.target] = (
                    following.get(edge.target, Fraction(0)) + chance * edge.chance
                )
        return following

    def features(self, nodes: dict[Node, Fraction], *, choices: bool) -> dict[Feature, Fraction]:
        """Return how often weights on nodes make each transition and draw from each choice."""
        found: dict[Feature, Fraction] = {}
        for node, weight in nodes.items():
            for edge in self.edges[node]:
                key: Feature = ("transition", edge.transition)
                found[key] = found.get(key, Fraction(0)) + weight * edge.chance
            if choices:
                key = ("choice", self.choices[node])
                found[key] = found.get(key, Fraction(0)) + weight
        return found


def law_of_policy(
    mdp: FiniteMDP, policy: Float[np.ndarray, "states actions"], name: str
) -> ExactLaw:
    """Return the law of a policy; numbers stand for the nearest fractions.

    Raises:
        InputError: The fractions of a row do not sum to exactly one.
    """
    rows = [[rational(p) for p in policy[state]] for state in range(mdp.n_states)]
    initial = {(-1, int(s)): rational(mdp.initial[s]) for s in np.flatnonzero(mdp.initial)}
    _check_sum(initial.values(), "the initial distribution")
    edges: dict[Node, tuple[Edge, ...]] = {}
    waiting = list(initial)
    while waiting:
        node = waiting.pop()
        if node in edges:
            continue
        state = node[1]
        _check_sum(rows[state], f"{name} in {mdp.state_name(state)}")
        edges[node] = tuple(
            Edge((state, action, arrival), (-1, arrival), rows[state][action] * chance)
            for action in range(mdp.n_actions)
            if rows[state][action]
            for arrival, chance in _outcomes(mdp, state, action)
        )
        waiting += [edge.target for edge in edges[node]]
    choices = {node: tuple(rows[node[1]]) for node in edges}
    return ExactLaw(name, initial, edges, choices)


def law_of_trajectory(lasso: Lasso, number: int, name: str) -> ExactLaw:
    """Return the law of one trajectory, which happens for sure.

    Args:
        lasso: The trajectory.
        number: Tells its nodes apart from those of other trajectories.
        name: What it is called.
    """
    edges: dict[Node, tuple[Edge, ...]] = {
        (number, position): (Edge(step, (number, lasso.after(position)), Fraction(1)),)
        for position, step in enumerate(lasso.transitions)
    }
    return ExactLaw(name, {(number, 0): Fraction(1)}, edges, {})


# --- what laws make happen ---


def discounted(law: ExactLaw, discount: Fraction, *, choices: bool) -> dict[Feature, Fraction]:
    """Return the discounted number of times that a law makes each transition.

    Args:
        law: The law.
        discount: Weight of the next step.
        choices: Whether draws from each action distribution are counted too.
    """
    nodes = list(law.edges)
    place = {node: i for i, node in enumerate(nodes)}
    matrix = [[Fraction(int(i == j)) for j in range(len(nodes))] for i in range(len(nodes))]
    for node, onward in law.edges.items():
        for edge in onward:
            matrix[place[edge.target]][place[node]] -= discount * edge.chance
    right = [[law.initial.get(node, Fraction(0))] for node in nodes]
    visits = {n: row[0] for n, row in zip(nodes, solved(matrix, right), strict=True)}
    return law.features(visits, choices=choices)


def per_step(law: ExactLaw, n_steps: int, *, choices: bool) -> dict[Any, Fraction]:
    """Return the probability of each transition (and choice) at each of the first steps.

    Keys are pairs of the step and the feature. Weighted by powers of a discount they sum to
    `discounted`, so that what holds for them holds for every discount.
    """
    found: dict[Any, Fraction] = {}
    chances = law.initial
    for time in range(n_steps):
        for feature, chance in law.features(chances, choices=choices).items():
            found[time, feature] = chance
        chances = law.step(chances)
    return found


def long_run(law: ExactLaw) -> dict[Feature, Fraction]:
    """Return the share of all steps, in the long run, that a law makes each transition."""
    nodes = list(law.edges)
    place = {node: i for i, node in enumerate(nodes)}
    chances: dict[tuple[int, int], Fraction] = {}
    for node, onward in law.edges.items():
        for edge in onward:
            key = (place[node], place[edge.target])
            chances[key] = chances.get(key, Fraction(0)) + edge.chance
    possible = np.zeros((len(nodes), len(nodes)), dtype=np.bool_)
    for i, j in chances:
        possible[i, j] = True
    classes = [own.tolist() for own in recurrent_classes(possible)]
    arriving = _arriving(law, nodes, chances, {i for own in classes for i in own})
    shares: dict[Node, Fraction] = {}
    for own in classes:
        chance = sum((arriving[i] for i in own), Fraction(0))
        for i, share in zip(own, _stationary(own, chances), strict=True):
            if chance:
                shares[nodes[i]] = chance * share
    return law.features(shares, choices=False)


def beginnings(laws: Sequence[ExactLaw]) -> list[tuple[Word, tuple[Fraction, ...]]]:
    """Return beginnings of trajectories whose probabilities span those of all events.

    Each comes with its probability under every law. Whatever a bounded function of trajectories
    is expected to be under the laws is a weighted sum of these vectors, and every weighted sum is.

    Source: Tzeng 1992, who decides so whether two probabilistic automata are equal.
    """
    spans: dict[frozenset[Node], Span] = {}
    outputs, kept = Span(len(laws)), []
    queue = first_steps(laws)
    while queue and outputs.rank < len(laws):
        word, heads = queue.pop(0)
        vector = tuple(head[1] if head else Fraction(0) for head in heads)
        live = frozenset(head[0] for head in heads if head)
        if not spans.setdefault(live, Span(len(laws))).add(vector):
            continue
        if outputs.add(vector):
            kept.append((word, vector))
        queue += one_step_longer(laws, word, heads)
    return kept


def equal_laws(one: ExactLaw, other: ExactLaw) -> bool:
    """Return whether every event has the same probability under two laws."""
    return all(first == second for _, (first, second) in beginnings([one, other]))


def first_steps(laws: Sequence[ExactLaw]) -> list[tuple[Word, Heads]]:
    """Return the beginnings of one transition; the first state tells which first node it is."""
    found: list[tuple[Word, Heads]] = []
    starts: dict[int, dict[int, tuple[Node, Fraction]]] = {}
    for index, law in enumerate(laws):
        for node, chance in law.initial.items():
            state = law.edges[node][0].transition[0]
            starts.setdefault(state, {})[index] = (node, chance)
    for heads in starts.values():
        found += one_step_longer(laws, (), tuple(heads.get(i) for i in range(len(laws))))
    return found


def one_step_longer(laws: Sequence[ExactLaw], word: Word, heads: Heads) -> list[tuple[Word, Heads]]:
    """Return the beginnings that go on from one by a transition."""
    onward: dict[Transition, dict[int, tuple[Node, Fraction]]] = {}
    for index, head in enumerate(heads):
        for edge in laws[index].edges[head[0]] if head else ():
            assert head is not None
            onward.setdefault(edge.transition, {})[index] = (edge.target, head[1] * edge.chance)
    return [
        ((*word, step), tuple(by_law.get(i) for i in range(len(laws))))
        for step, by_law in sorted(onward.items())
    ]


# --- inside ---


def _outcomes(mdp: FiniteMDP, state: int, action: int) -> list[tuple[int, Fraction]]:
    row = mdp.dense[state, action]
    found = [(int(t), rational(row[t])) for t in np.flatnonzero(row)]
    _check_sum([chance for _, chance in found], mdp.pair_name(state, action))
    return found


def _check_sum(chances: object, what: str) -> None:
    total = sum(chances, Fraction(0))  # type: ignore[call-overload]
    if total != 1:
        raise InputError(
            f"expected the probabilities of {what} to sum to exactly 1 as fractions, got {total}",
            hint="write fractions such as 1/3, or decimals with up to six places",
        )


def _arriving(
    law: ExactLaw,
    nodes: Sequence[Node],
    chances: dict[tuple[int, int], Fraction],
    recurrent: set[int],
) -> dict[int, Fraction]:
    """Return the chance of entering the recurrent nodes at each of them."""
    transient = [i for i in range(len(nodes)) if i not in recurrent]
    first = [law.initial.get(node, Fraction(0)) for node in nodes]
    arriving = {i: first[i] for i in recurrent}
    if transient:
        matrix = [
            [Fraction(int(i == j)) - chances.get((j, i), Fraction(0)) for j in transient]
            for i in transient
        ]
        visits = solved(matrix, [[first[i]] for i in transient])
        for i, (count,) in zip(transient, visits, strict=True):
            for j in recurrent:
                arriving[j] += count * chances.get((i, j), Fraction(0))
    return arriving


def _stationary(own: Sequence[int], chances: dict[tuple[int, int], Fraction]) -> list[Fraction]:
    matrix = [
        [Fraction(int(i == j)) - chances.get((j, i), Fraction(0)) for j in own] for i in own[:-1]
    ]
    matrix.append([Fraction(1)] * len(own))
    right = [[Fraction(0)] for _ in own[:-1]] + [[Fraction(1)]]
    return [row[0] for row in solved(matrix, right)]
