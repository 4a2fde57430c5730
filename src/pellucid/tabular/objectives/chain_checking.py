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

from pellucid.tabular.objectives.formulas import Formula, core


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
    """
    names = iter(range(10**9))
    formula = core(formula)
    while (inner := _innermost(formula)) is not None:
        name = f"{next(names)}"  # no proposition can be called a number
        chains = _split(chains, inner, name)
        formula = _replaced(formula, inner, Formula("atom", name=name))
    held = _propositional(formula, chains)
    return np.asarray(np.clip(chains.initial @ held, 0.0, 1.0))


def _split(chains: LabelledChains, formula: Formula, name: str) -> LabelledChains:
    """Return the chains with a label for whether the future satisfies one temporal operator."""
    parts = [_propositional(part, chains) for part in formula.parts]
    if formula.operator == "X":
        kind = _Kinds(_possible(chains, parts[0]), _possible(chains, ~parts[0]))
        chance = chains.steps @ parts[0].astype(np.float64)
        settled = np.zeros(len(parts[0]), dtype=np.bool_)
        true_next, false_next = parts[0], ~parts[0]
    else:
        before, goal = parts[0] & ~parts[1], parts[1]
        kind = _until_kinds(chains.steps[0] > 0, before, goal)
        chance = _until_chances(chains.steps, before, goal, kind)
        # where the operator is decided on the spot the next step is free
        settled = ~before
        true_next = false_next = np.ones(len(goal), dtype=np.bool_)
    chance = np.where(kind.never_false, 1.0, np.where(~kind.can_be_true, 0.0, chance))
    return _conditioned(chains, name, kind, chance, settled, (true_next, false_next), formula)


@dataclass(frozen=True, eq=False)
class _Kinds:
    """Which nodes have futures that satisfy an operator, and which have ones that do not.

    Decided on the graph: a probability that is almost one must not be taken for one.
    """

    can_be_true: Bool[np.ndarray, " nodes"]
    can_be_false: Bool[np.ndarray, " nodes"]

    @property
    def never_false(self) -> Bool[np.ndarray, " nodes"]:
        return ~self.can_be_false


def _conditioned(
    chains: LabelledChains,
    name: str,
    kind: _Kinds,
    chance: Float[np.ndarray, "chains nodes"],
    settled: Bool[np.ndarray, " nodes"],
    allowed: tuple[Bool[np.ndarray, " nodes"], Bool[np.ndarray, " nodes"]],
    formula: Formula,
) -> LabelledChains:
    """Return the split chains: first the nodes where the operator holds, then the others."""
    old = (np.flatnonzero(kind.can_be_true), np.flatnonzero(kind.can_be_false))
    weights = (chance, 1 - chance)
    rows = []
    for truth in (0, 1):
        row = []
        for next_truth in (0, 1):
            block = chains.steps[:, old[truth][:, None], old[next_truth]]
            block = block * weights[next_truth][:, None, old[next_truth]]
            if formula.operator == "X":
                legal = np.broadcast_to(allowed[truth][old[next_truth]], block.shape[1:])
                scaled = np.ones(len(old[truth]), dtype=np.bool_)
            else:
                legal = settled[old[truth]][:, None] | np.full(
                    (1, len(old[next_truth])), truth == next_truth
                )
                scaled = ~settled[old[truth]]
            below = np.where(scaled, weights[truth][:, old[truth]], 1.0)
            row.append(np.where(legal, block, 0.0) / below[:, :, None])
        rows.append(np.concatenate(row, axis=2))
    both = np.concatenate(old)
    labels = {key: held[both] for key, held in chains.labels.items()}
    labels[name] = np.arange(len(both)) < len(old[0])
    initial = np.concatenate([chains.initial[:, old[t]] * weights[t][:, old[t]] for t in (0, 1)], 1)
    return LabelledChains(initial, np.concatenate(rows, axis=1), labels)


def _possible(
    chains: LabelledChains, target: Bool[np.ndarray, " nodes"]
) -> Bool[np.ndarray, " nodes"]:
    return np.asarray(((chains.steps[0] > 0) & target[None, :]).any(axis=1))


def _until_kinds(
    steps: Bool[np.ndarray, "nodes next_nodes"],
    before: Bool[np.ndarray, " nodes"],
    goal: Bool[np.ndarray, " nodes"],
) -> _Kinds:
    can_be_true = _reaching(steps, before, goal)
    return _Kinds(can_be_true, _reaching(steps, before, ~can_be_true))


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


def _until_chances(
    steps: Float[np.ndarray, "chains nodes next_nodes"],
    before: Bool[np.ndarray, " nodes"],
    goal: Bool[np.ndarray, " nodes"],
    kind: _Kinds,
) -> Float[np.ndarray, "chains nodes"]:
    open_nodes = np.flatnonzero(before & kind.can_be_true & kind.can_be_false)
    chance = np.zeros(steps.shape[:2])
    chance[:, kind.never_false & kind.can_be_true] = 1.0
    if open_nodes.size:
        inside = steps[:, open_nodes[:, None], open_nodes]
        right = steps[:, open_nodes] @ (kind.never_false & kind.can_be_true).astype(np.float64)
        system = np.eye(open_nodes.size) - inside
        chance[:, open_nodes] = np.linalg.solve(system, right[..., None])[..., 0]
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
