"""What the tests of certificates about rewards share: the problem, and which states are tried."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.errors import CapabilityError
from pellucid.explanation import Certificates, Check
from pellucid.faithfulness.thresholds import CERTIFIED_STATES
from pellucid.tabular.problems import problem_of
from pellucid.tabular.solving import Solution, value_iteration


@dataclass(frozen=True, eq=False)
class Certified:
    """Certified decisions that can be tried by solving again.

    Args:
        solution: The solved problem.
        states: Shape (decisions,), those tried, spread over all certified ones.
        radii: Shape (decisions,), above 0.
        changeable: Shape (states, actions), rewards that may change: those before the end.
    """

    solution: Solution
    states: Int[np.ndarray, " decisions"]
    radii: Float[np.ndarray, " decisions"]
    changeable: Bool[np.ndarray, "states actions"]


def certified_rewards(check: Check) -> Certified:
    """Return the decisions to try.

    Raises:
        CapabilityError: The certificates are not about rewards, or the environment shows no table
            of outcomes.
    """
    content = check.finding.content
    assert isinstance(content, Certificates)
    if content.about != "rewards":
        raise CapabilityError(
            f"these certificates are about {content.about}", hint="a test of certificates of inputs"
        )
    if check.episodes.spec is None:
        raise CapabilityError("these are logs without an environment", hint="give the environment")
    mdp = problem_of(check.episodes.spec, discount=content.discount)
    claimed = np.flatnonzero((content.radii > 0) & np.isfinite(content.radii))
    picked = np.unique(
        np.linspace(0, len(claimed) - 1, min(len(claimed), CERTIFIED_STATES)).astype(int)
    )
    tried = claimed[picked]
    return Certified(
        solution=value_iteration(mdp),
        states=content.observations[tried, 0].astype(np.int64),
        radii=content.radii[tried],
        changeable=np.broadcast_to(~mdp.terminal[:, None], mdp.rewards.shape),
    )
