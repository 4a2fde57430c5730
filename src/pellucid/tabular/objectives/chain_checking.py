"""The probability that a Markov chain satisfies a formula of linear temporal logic, exactly.

Temporal operators are eliminated from the inside out. To eliminate one, every state is split into
two, one whose future satisfies it and one whose future does not, with the chances of a step made
conditional on that; then it is an ordinary label. All of LTL over infinite traces is covered:
X, F, G, U, R, W and everything that is made of them, such as G F and F G.

Source: Courcoubetis & Yannakakis 1995, section 3.1. Chains with one support are treated together.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from pellucid.errors import InputError
from pellucid.tabular.objectives.formulas import Formula, core
from pellucid.tabular.objectives.laws import leaving

MAX_NODES = 4096
"""Each temporal operator can double the nodes."""


@dataclass(frozen=True, eq=False)
class LabelledChains:
    """Markov chains that differ in their probabilities and not in which are positive.

    Args:
        initial: Shape (chains, nodes).
        steps: Shape (chains, nodes, nodes).
        labels: Which nodes each proposition holds in.
    """

    initial: Float[np.ndarray, "chains nodes"]
    steps: Float[np.ndarray, "chains nodes next_nodes"]
    labels: Mapping[str, Bool[np.ndarray, " nodes"]]


def satisfaction(chains: LabelledChains, formula: Formula) -> Float[np.ndarray, " chains"]:
    """Return the probability that each chain's endless run satisfies a formula.

    Args:
        chains: With one support.
        formula: Over infinite traces; its propositions are labels of the chains.

    Raises:
        InputError: More than 4096 nodes are needed.
    """
    names = iter(range(10**9))
    formula = core(formula)
    while (inner := _innermost(formula)) is not None:
        name = f"{next(names)}"  # no proposition can be called a number
        chains = _split(chains, inner, name)
        formula = _replaced(formula, inner, Formula("atom", name=name))
    held = _propositional(formula, chains)
    return np.asarray(np.clip(chains.initial @ held, 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class _Truth:
    """Futures of each node that satisfy an operator (or, in a second one, that do not).

    Args:
        possible: Whether there are any. Decided on the graph: a probability that is almost one
            must not be taken for one.
        chance: How likely they are. Computed for both truths rather than as one less the other, so
            that a tiny one is not rounded to zero.
        legal: Which next nodes such a future can go to, if it satisfies the operator there and if
            it does not.
    """

    possible: Bool[np.ndarray, " nodes"]
    chance: Float[np.ndarray, "chains nodes"]
    legal: tuple[Bool[np.ndarray, "nodes next_nodes"], Bool[np.ndarray, "nodes next_nodes"]]


def _split(chains: LabelledChains, formula: Formula, name: str) -> LabelledChains:
    """Return the chains with a label for whether the future satisfies one temporal operator."""
    parts = [_propositional(part, chains) for part in formula.parts]
    n_nodes = chains.steps.shape[1]
    if formula.operator == "X":
        truths = tuple(_next(chains.steps, target) for target in (parts[0], ~parts[0]))
        return _conditioned(chains, name, truths, np.zeros(n_nodes, dtype=np.bool_))
    # where the operator is decided on the spot the next step is free
    free = ~parts[0] | parts[1]
    steps = chains.steps[0] > 0
    can_be_true = _reaching(steps, ~free, parts[1])
    can_be_false = _reaching(steps, ~free, ~can_be_true)
    both = can_be_true & can_be_false & ~free
    same, other = (
        np.ones((n_nodes, n_nodes), dtype=np.bool_),
        free[:, None] | np.zeros((1, n_nodes), dtype=np.bool_),
    )
    truths = (
        _Truth(can_be_true, _chances(chains.steps, both, ~can_be_false), (same, other)),
        _Truth(can_be_false, _chances(chains.steps, both, ~can_be_true), (other, same)),
    )
    return _conditioned(chains, name, truths, free)


def _next(
    steps: Float[np.ndarray, "chains nodes next_nodes"], target: Bool[np.ndarray, " nodes"]
) -> _Truth:
    legal = np.broadcast_to(target, steps.shape[1:])
    possible = ((steps[0] > 0) & legal).any(axis=1)
    return _Truth(np.asarray(possible), steps @ target.astype(np.float64), (legal, legal))


def _conditioned(
    chains: LabelledChains,
    name: str,
    truths: tuple[_Truth, ...],
    free: Bool[np.ndarray, " nodes"],
) -> LabelledChains:
    """Return the split chains: first the nodes where the operator holds, then the others."""
    old = [np.flatnonzero(truth.possible) for truth in truths]
    both = np.concatenate(old)
    if len(both) > MAX_NODES:
        raise InputError(
            f"expected a formula that splits the problem into at most {MAX_NODES} nodes, "
            f"got {len(both)}",
            hint="use fewer nested temporal operators, or a smaller problem",
        )
    rows = []
    for own, truth in zip(old, truths, strict=True):
        given = np.where(free[own], 1.0, truth.chance[:, own])
        row = []
        for following, next_truth, legal in zip(old, truths, truth.legal, strict=True):
            chances = (
                chains.steps[:, own[:, None], following] * next_truth.chance[:, None, following]
            )
            row.append(np.where(legal[own[:, None], following], chances, 0.0) / given[:, :, None])
        rows.append(np.concatenate(row, axis=2))
    labels = {key: held[both] for key, held in chains.labels.items()}
    labels[name] = np.arange(len(both)) < len(old[0])
    initial = [
        chains.initial[:, own] * t.chance[:, own] for own, t in zip(old, truths, strict=True)
    ]
    return LabelledChains(np.concatenate(initial, 1), np.concatenate(rows, axis=1), labels)


def _reaching(
    steps: Bool[np.ndarray, "nodes next_nodes"],
    through: Bool[np.ndarray, " nodes"],
    target: Bool[np.ndarray, " nodes"],
) -> Bool[np.ndarray, " nodes"]:
    found = target
    while True:
        more = found | (through & (steps & found[None, :]).any(axis=1))
        if (more == found).all():
            return np.asarray(found)
        found = more


def _chances(
    steps: Float[np.ndarray, "chains nodes next_nodes"],
    between: Bool[np.ndarray, " nodes"],
    target: Bool[np.ndarray, " nodes"],
) -> Float[np.ndarray, "chains nodes"]:
    """Return the probability of reaching target nodes, all steps before them being between."""
    chance = np.zeros(steps.shape[:2])
    chance[:, target] = 1.0
    inner = np.flatnonzero(between)
    if inner.size:
        system = leaving(steps, inner)
        right = steps[:, inner] @ target.astype(np.float64)
        chance[:, inner] = np.linalg.solve(system, right[..., None])[..., 0]
    return chance


def _innermost(formula: Formula) -> Formula | None:
    for part in formula.parts:
        found = _innermost(part)
        if found is not None:
            return found
    return formula if formula.operator in ("X", "U") else None


def _replaced(formula: Formula, old: Formula, new: Formula) -> Formula:
    if formula == old:
        return new
    parts = tuple(_replaced(part, old, new) for part in formula.parts)
    return Formula(formula.operator, parts, formula.name)


def _propositional(formula: Formula, chains: LabelledChains) -> Bool[np.ndarray, " nodes"]:
    parts = [_propositional(part, chains) for part in formula.parts]
    match formula.operator:
        case "true":
            return np.ones(chains.steps.shape[1], dtype=np.bool_)
        case "atom":
            return chains.labels[formula.name]
        case "!":
            return ~parts[0]
    return np.asarray(parts[0] & parts[1])
