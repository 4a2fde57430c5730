"""Learning near a cloned expert: how much demonstrations save, and when they hurt (Tiapkin 2024).

- `draw_demonstrations`, `clone_policy`, `cloning_error`: the clone and its distance from the expert
- `regularised_induction`, `best_strength`: the price of leaving it, exactly
- `regularised_best_policy`, `linear_best_policy`: learning online, with a certificate
- `draw_preferences`, `preferred_rewards`, `unit_rewards`: rewards from preferences
- `slippery_grid`, `random_linear_problem`: problems to try it on

With fewer demonstrations than pairs times steps the price is so small that the certificate comes
later than without demonstrations: below that threshold they hurt.
"""

from pellucid.tabular.demonstrations.best_policy import BestPolicy, regularised_best_policy
from pellucid.tabular.demonstrations.cloning import (
    CloningError,
    clone_policy,
    cloning_bound,
    cloning_error,
    draw_demonstrations,
)
from pellucid.tabular.demonstrations.grid import slippery_grid
from pellucid.tabular.demonstrations.linear import (
    LinearProblem,
    clone_linear_policy,
    linear_best_policy,
    random_linear_problem,
)
from pellucid.tabular.demonstrations.preferences import (
    Preferences,
    draw_preferences,
    preferred_rewards,
    unit_rewards,
)
from pellucid.tabular.demonstrations.regularised import (
    RegularisedSolution,
    best_strength,
    entropy_expert,
    regularised_induction,
)

__all__ = [
    "BestPolicy",
    "CloningError",
    "LinearProblem",
    "Preferences",
    "RegularisedSolution",
    "best_strength",
    "clone_linear_policy",
    "clone_policy",
    "cloning_bound",
    "cloning_error",
    "draw_demonstrations",
    "draw_preferences",
    "entropy_expert",
    "linear_best_policy",
    "preferred_rewards",
    "random_linear_problem",
    "regularised_best_policy",
    "regularised_induction",
    "slippery_grid",
    "unit_rewards",
]
