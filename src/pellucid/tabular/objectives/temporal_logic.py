"""LTL: the probability that the endless trajectory satisfies a formula."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from pellucid.errors import InputError
from pellucid.registry import unknown_name
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.chain_checking import LabelledChains, satisfaction
from pellucid.tabular.objectives.formulas import Formula, n_temporal, parse
from pellucid.tabular.objectives.laws import by_support
from pellucid.tabular.objectives.objective import Policies, check_policies

_CHUNK_ENTRIES = 4_000_000
"""Entries of the chains that are held at once."""


@dataclass(frozen=True, eq=False)
class TemporalLogic:
    """`P(trajectory satisfies formula)`, exact for every formula of LTL.

    Args:
        text: The formula, over infinite traces; its first position is the first transition.
        labels: Which transitions each proposition holds on, shape (states, actions, states).

    Raises:
        InputError: The formula cannot be read (the position is named).
        UnknownNameError: It has a proposition that has no label.
    """

    text: str
    labels: Mapping[str, Bool[np.ndarray, "states actions next_states"]]

    def __post_init__(self) -> None:
        for name in sorted(self.formula.atoms):
            if name not in self.labels:
                raise unknown_name("proposition", name, sorted(self.labels))

    @cached_property
    def formula(self) -> Formula:
        """The formula as a tree."""
        return parse(self.text)

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the probability under each policy.

        Raises:
            InputError: The policies or the labels do not fit the problem.
        """
        check_policies(mdp, policies)
        for name, held in self.labels.items():
            if held.shape != mdp.dense.shape:
                raise InputError(
                    f"expected the label {name!r} to have shape {mdp.dense.shape}, got {held.shape}"
                )
        values = np.empty(len(policies))
        moves = policies[..., None] * mdp.dense
        for rows in by_support(moves):
            n_nodes = int((moves[rows[0]] > 0).sum())
            # every temporal operator can double the nodes
            at_once = max(1, _CHUNK_ENTRIES // (n_nodes**2 * 4 ** n_temporal(self.formula)))
            for start in range(0, len(rows), at_once):
                some = rows[start : start + at_once]
                values[some] = satisfaction(self._chains(mdp, moves[some]), self.formula)
        return values

    def _chains(
        self, mdp: FiniteMDP, moves: Float[np.ndarray, "rows states actions next_states"]
    ) -> LabelledChains:
        """Return the chains whose nodes are the transitions that can happen."""
        states, actions, arrivals = np.nonzero(moves[0] > 0)
        chances = moves[:, states, actions, arrivals]
        steps = (arrivals[:, None] == states[None, :]) * chances[:, None, :]
        labels = {name: held[states, actions, arrivals] for name, held in self.labels.items()}
        return LabelledChains(mdp.initial[states] * chances, steps, labels)
