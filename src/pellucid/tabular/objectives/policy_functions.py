"""FPR and PO: any function of policies and any total preorder on them, reached states or not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.objectives.objective import Policies, check_policies
from pellucid.tabular.objectives.orderings import PolicyComparison


@dataclass(frozen=True, eq=False)
class PolicyFunction:
    """FPR, `f(pi)`: any function of the policy.

    Args:
        function: f: takes the problem and policies, shape (policies, states, actions).
    """

    function: Callable[[FiniteMDP, Policies], Float[np.ndarray, " policies"]]

    def values(self, mdp: FiniteMDP, policies: Policies) -> Float[np.ndarray, " policies"]:
        """Return the function of each policy."""
        check_policies(mdp, policies)
        return self.function(mdp, policies)


@dataclass(frozen=True, eq=False)
class PolicyOrdering:
    """PO: any total preorder on policies.

    Args:
        order: Compares two batches of policies of a problem row by row.
    """

    order: PolicyComparison

    def compare(
        self, mdp: FiniteMDP, first: Policies, second: Policies
    ) -> Int[np.ndarray, " policies"]:
        """Compare two batches of policies."""
        check_policies(mdp, first)
        check_policies(mdp, second)
        return self.order(mdp, first, second)
