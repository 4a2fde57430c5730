"""Choosing among policies that need not be optimal: agnostic policy learning (Li 2025).

A class of policies is the language of explanations: trees, rules, programs. These functions say how
many roll-outs an honest choice needs, and make it.

- `PolicyClass`, `from_policies`, `threshold_trees`, `linear_policies`, `singletons`, `l_tons`,
  `all_policies`: classes of policies as arrays
- `choose_policy`, `contrast_states`: the best of a class from one pool of roll-outs, with its
  interval, a bound on regret and the states where candidates differ
- `Pool`, `uniform_pool`, `core_pool`, `singleton_core`, `pool_values`, `weighted_returns`: one pool
  of roll-outs that values a million policies
- `spanning_capacity`: how large a class is for the purpose of being evaluated
- `trajectory_trees` (generative model), `walked_values` (deterministic problem), `popler` with
  `Sunflower` and `singleton_sunflower` (episodes alone), `psdp`, `psdp_exact` and `cpi` (start
  distributions), `emulated` (start distributions and resets): learners by what they may ask for
- `random_layers`, `deterministic_layers`, `rare_states`, `amplification_chain`, `block_lock`:
  problems; `staged`: one made from a `FiniteMDP`; `exact_values`: what policies are worth in one
"""

from pellucid.tabular.agnostic.capacity import Capacity, spanning_capacity
from pellucid.tabular.agnostic.choosing import (
    Choice,
    ContrastState,
    choose_policy,
    contrast_states,
)
from pellucid.tabular.agnostic.conservative import Mixture, cpi, reset_value
from pellucid.tabular.agnostic.deterministic import WalkedValues, walked_values
from pellucid.tabular.agnostic.dynamic_search import StagedChoice, psdp, psdp_exact
from pellucid.tabular.agnostic.emulator import Emulator, emulated
from pellucid.tabular.agnostic.generators import (
    amplification_chain,
    block_lock,
    deterministic_layers,
    random_layers,
    rare_states,
)
from pellucid.tabular.agnostic.growing import TreeValues, trajectory_trees
from pellucid.tabular.agnostic.policies import (
    PolicyClass,
    all_policies,
    from_policies,
    l_tons,
    linear_policies,
    singletons,
    threshold_trees,
)
from pellucid.tabular.agnostic.pools import (
    Pool,
    PoolValues,
    core_pool,
    follows,
    pool_values,
    singleton_core,
    uniform_pool,
    weighted_returns,
)
from pellucid.tabular.agnostic.simulating import exact_values, staged
from pellucid.tabular.agnostic.sunflowers import (
    Popled,
    Sunflower,
    popler,
    reachable_petals,
    singleton_sunflower,
)

__all__ = [
    "Capacity",
    "Choice",
    "ContrastState",
    "Emulator",
    "Mixture",
    "PolicyClass",
    "Pool",
    "PoolValues",
    "Popled",
    "StagedChoice",
    "Sunflower",
    "TreeValues",
    "WalkedValues",
    "all_policies",
    "amplification_chain",
    "block_lock",
    "choose_policy",
    "contrast_states",
    "core_pool",
    "cpi",
    "deterministic_layers",
    "emulated",
    "exact_values",
    "follows",
    "from_policies",
    "l_tons",
    "linear_policies",
    "pool_values",
    "popler",
    "psdp",
    "psdp_exact",
    "random_layers",
    "rare_states",
    "reachable_petals",
    "reset_value",
    "singleton_core",
    "singleton_sunflower",
    "singletons",
    "spanning_capacity",
    "staged",
    "threshold_trees",
    "trajectory_trees",
    "uniform_pool",
    "walked_values",
    "weighted_returns",
]
