"""The reward-policy cliff: how far rewards may be off before decisions change (Xu 2025).

- `cliff_map`, `cliff_index`: where decisions are fragile, and how often drawn errors change one
- `certified_radii`, `staged_certified_radii`, `attack_radii`: what surely keeps or changes one
- `estimated_radii`, `ensemble_radii`: the same from values that were learned
- `attack`, `flip_radius`, `decisions_under`: changed rewards, and what they change
- `tied_rewards`, `inverse_bellman`: rewards made for wanted values
- `soft_value_iteration`, `variation_bound`, `temperature_for`, `stability_curve`: smoothing it away
- `effective_rewards`, `mixture_sweep`: several rewards at once
"""

from pellucid.tabular.cliff.attacks import (
    Attack,
    attack,
    decisions_under,
    flip_radius,
    inverse_bellman,
    tied_rewards,
)
from pellucid.tabular.cliff.maps import CliffMap, cliff_index, cliff_map
from pellucid.tabular.cliff.mixtures import MixtureSweep, effective_rewards, mixture_sweep
from pellucid.tabular.cliff.radii import (
    attack_radii,
    certified_radii,
    ensemble_radii,
    estimated_radii,
    staged_certified_radii,
)
from pellucid.tabular.cliff.soft import (
    SoftSolution,
    StabilityCurve,
    soft_value_iteration,
    stability_curve,
    temperature_for,
    variation_bound,
)

__all__ = [
    "Attack",
    "CliffMap",
    "MixtureSweep",
    "SoftSolution",
    "StabilityCurve",
    "attack",
    "attack_radii",
    "certified_radii",
    "cliff_index",
    "cliff_map",
    "decisions_under",
    "effective_rewards",
    "ensemble_radii",
    "estimated_radii",
    "flip_radius",
    "inverse_bellman",
    "mixture_sweep",
    "soft_value_iteration",
    "stability_curve",
    "staged_certified_radii",
    "temperature_for",
    "tied_rewards",
    "variation_bound",
]
